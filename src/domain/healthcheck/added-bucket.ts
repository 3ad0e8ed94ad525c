/** `POST /integrations/{integrationId}/drivers/{driverId}/test`: each part of a driver that was added, looked at now. */
import type { Bound } from '../../deadline.ts';
import { ServiceError } from '../../errors.ts';
import type { DriverTest } from '../api/responses.ts';
import type { DesiredState } from '../model/desired-state.ts';
import { grantsOf, policyOf } from '../model/desired-state.ts';
import { asAddedBucket, asIntegration } from '../model/lookup.ts';
import { permissionPolicy } from '../model/permission-policy.ts';
import type { JournalRecord, RecordReader } from '../model/record.ts';
import {
  boundedReads,
  bucketChecks,
  bucketTags,
  type CheckReads,
  type Checks,
  driverTest,
  failed,
  makeChecks,
  ours,
  ownerTags,
  passed,
  policyAsWritten,
  type Verdict,
  type WantedPolicy,
} from './checks.ts';

const again = 'Send DELETE for this driver, then add the bucket again.';

/** A driver with the integration that it was added to. */
interface ReadyAddedBucket {
  readonly driver: JournalRecord;
  readonly integration: JournalRecord;
}

/** @throws ServiceError `DriverNotFoundError`, or `DriverNotReadyError` for one that is not `ready` */
export async function readyAddedBucket(
  integrationId: string,
  driverId: string,
  records: RecordReader,
): Promise<ReadyAddedBucket> {
  const driver = asAddedBucket(await records.read(driverId), integrationId);
  if (driver.status !== 'ready') {
    throw new ServiceError(
      'DriverNotReadyError',
      `The driver ${driverId} is "${driver.status}", and only one that is "ready" can be tested. ` +
        `GET /integrations/${integrationId}/drivers/${driverId} says how far it is.`,
    );
  }
  return { driver, integration: asIntegration(await records.read(integrationId), integrationId) };
}

/**
 * Its bucket, its access and its driver at Dataloop. The role and Dataloop's trust are the integration's, which has a
 * test of its own.
 * @param desiredStateOf the plan of a record
 */
export async function testAddedBucket(
  { driver, integration }: ReadyAddedBucket,
  desiredStateOf: (record: JournalRecord) => DesiredState,
  reads: CheckReads,
  bound: Bound,
): Promise<DriverTest> {
  const checks = driverChecks({ driver, integration }, desiredStateOf, boundedReads(reads, bound));
  return {
    driverId: driver.id,
    integrationId: integration.id,
    ...(await makeChecks(checks)),
  };
}

function driverChecks(
  { driver, integration }: ReadyAddedBucket,
  desiredStateOf: (record: JournalRecord) => DesiredState,
  reads: CheckReads,
): Checks {
  const desired = desiredStateOf(driver);
  const integrationPlan = desiredStateOf(integration);
  const policy = accessPolicy(driver, integration, integrationPlan);
  return {
    DriverTest: () => driverTest(driver, reads, again),
    PolicyAttached: async () => (policy ? attachment(policy, integrationPlan, reads) : nothingGranted),
    PermissionPolicy: async () =>
      policy
        ? policyAsWritten(await reads.getDefaultPolicyVersion(policy.arn), policy, again)
        : nothingGranted,
    ...bucketChecks(desired, reads),
    OwnerTags: async () => ownerTags(await bucketTags(desired, reads), desired),
  };
}

const nothingGranted = failed(`No policy of the role is known to grant access to the bucket. ${again}`);

/** The one of the role's policies that grants the driver's access, with all that it is to grant. */
function accessPolicy(
  { id: driverId }: JournalRecord,
  integration: JournalRecord,
  desired: DesiredState,
): WantedPolicy | undefined {
  const key = integration.addedBuckets?.[driverId]?.placedIn;
  return (
    key && { ...policyOf(desired, key), document: permissionPolicy(grantsOf(integration, desired, key)) }
  );
}

async function attachment(
  { arn }: WantedPolicy,
  desired: DesiredState,
  reads: Pick<CheckReads, 'getRole' | 'listAttachedRolePolicies'>,
): Promise<Verdict> {
  const { role, recordId: integrationId } = desired;
  const more = `POST /integrations/${integrationId}/test looks at all of it.`;
  const found = await ours(() => reads.getRole(role.name), desired);
  if (!found) return failed(`The role ${role.arn} is not to be seen. ${more}`);
  if ((await reads.listAttachedRolePolicies(role.name)).includes(arn)) {
    return passed(`The policy ${arn} is attached to the role ${role.arn}.`);
  }
  return failed(
    `The policy ${arn} is not attached to the role ${role.arn}, so Dataloop may not use the bucket. Attach it again. ${more}`,
  );
}

/** `POST /integrations/{integrationId}/drivers/{driverId}/test`: checks each part of an added bucket now. */
import type { Bound } from '../../deadline.ts';
import { ServiceError } from '../../errors.ts';
import type { DriverTest } from '../api/responses.ts';
import type { DesiredState } from '../model/desired-state.ts';
import { policyOf } from '../model/desired-state.ts';
import { asAddedBucket, asIntegration } from '../model/lookup.ts';
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
  wantedPolicy,
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
  addedBucketId: string,
  records: RecordReader,
): Promise<ReadyAddedBucket> {
  const driver = asAddedBucket(await records.read(addedBucketId), integrationId);
  if (driver.status !== 'ready') {
    throw new ServiceError(
      'DriverNotReadyError',
      `You can test only a ready driver; this one is ${driver.status}. ` +
        `See GET /integrations/${integrationId}/drivers/${addedBucketId}.`,
    );
  }
  return { driver, integration: asIntegration(await records.read(integrationId), integrationId) };
}

/**
 * Checks its bucket, its access and its driver at Dataloop. The role and Dataloop's trust belong to the integration,
 * which has its own test.
 * @param desiredStateOf the desired state of a record
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
  const key = integration.addedBuckets?.[driver.id]?.placedIn;
  const policy = key && policyOf(integrationPlan, key);
  return {
    DriverTest: () => driverTest(driver, reads, again),
    PolicyAttached: async () => (policy ? attachment(policy, integrationPlan, reads) : nothingGranted),
    PermissionPolicy: async () => {
      if (!policy) return nothingGranted;
      const wanted = await wantedPolicy(integration, integrationPlan, key, reads);
      return policyAsWritten(await reads.getDefaultPolicyVersion(policy.arn), wanted, again);
    },
    ...bucketChecks(desired, reads),
    OwnerTags: async () => ownerTags(await bucketTags(desired, reads), desired),
  };
}

const nothingGranted = failed(`The record names no policy that grants access to the bucket. ${again}`);

async function attachment(
  { arn }: Pick<WantedPolicy, 'arn'>,
  desired: DesiredState,
  reads: Pick<CheckReads, 'getRole' | 'listAttachedRolePolicies'>,
): Promise<Verdict> {
  const { role, recordId: integrationId } = desired;
  const more = `POST /integrations/${integrationId}/test checks the whole role.`;
  const found = await ours(() => reads.getRole(role.name), desired);
  if (!found) return failed(`The role ${role.arn} was not found. ${more}`);
  if ((await reads.listAttachedRolePolicies(role.name)).includes(arn)) {
    return passed(`The policy ${arn} is attached to the role ${role.arn}.`);
  }
  return failed(
    `The policy ${arn} is not attached to the role ${role.arn}, so Dataloop cannot use the bucket. Attach it again. ${more}`,
  );
}

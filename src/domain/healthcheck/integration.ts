/** `POST /integrations/{integrationId}/test`: checks each part of a live connection now. Nothing is written. */
import type { Bound } from '../../deadline.ts';
import { ServiceError } from '../../errors.ts';
import type { ConnectionTest } from '../api/responses.ts';
import { parseJson, sameJson } from '../model/canonical-json.ts';
import {
  attachablePolicies,
  type DesiredState,
  firstPolicy,
  policiesUnderPath,
  policyOf,
  trustPolicy,
  trustStatement,
} from '../model/desired-state.ts';
import { asIntegration } from '../model/lookup.ts';
import type { JournalRecord, RecordReader } from '../model/record.ts';
import type { PolicyKey } from '../model/resource-keys.ts';
import { once } from '../preflight/checks.ts';
import { type DataloopIntegration, trustEstablished } from '../resources/dataloop/api.ts';
import type { Role } from '../resources/role/iam.ts';
import { adoptedSid, parseTrustPolicy } from '../resources/role/trust-policy.ts';
import {
  boundedReads,
  bucketChecks,
  bucketTags,
  type CheckReads,
  type Checks,
  driverTest,
  failed,
  makeChecks,
  orUndefined,
  ours,
  ownerTags,
  passed,
  policyAsWritten,
  skipped,
  type Verdict,
  type WantedPolicy,
  wantedPolicy,
} from './checks.ts';

const again = 'Send DELETE for this integration, then connect the bucket again.';

/** @throws ServiceError `IntegrationNotFoundError`, or `IntegrationNotReadyError` for one that is not `ready` */
export async function readyRecord(integrationId: string, records: RecordReader): Promise<JournalRecord> {
  const record = asIntegration(await records.read(integrationId), integrationId);
  if (record.status !== 'ready') {
    throw new ServiceError(
      'IntegrationNotReadyError',
      `You can test only a ready integration; this one is ${record.status}. ` +
        `See GET /integrations/${integrationId}.`,
    );
  }
  return record;
}

/** Checks each part of a ready integration. Added buckets have their own test. */
export async function testConnection(
  record: JournalRecord,
  desired: DesiredState,
  reads: CheckReads,
  bound: Bound,
): Promise<ConnectionTest> {
  return {
    integrationId: record.id,
    ...(await makeChecks(connectionChecks(record, desired, boundedReads(reads, bound)))),
  };
}

function connectionChecks(record: JournalRecord, desired: DesiredState, reads: CheckReads): Checks {
  const atDataloop = once(async () => {
    const { dataloop, resources } = record;
    const id = resources.dataloopIntegration?.id;
    return dataloop && id ? reads.getIntegration(dataloop.organizationId, id) : undefined;
  });
  const role = once(async () => reads.getRole(desired.role.name));
  const policies = rolePolicies(record, desired).map((wanted) => ({
    ...wanted,
    find: once(async () => reads.getDefaultPolicyVersion(wanted.arn)),
  }));
  return {
    DataloopTrust: async () => dataloopTrust(await atDataloop(), record),
    DriverTest: () => driverTest(record, reads, again),
    Role: async () => roleExists(await role(), record, desired),
    TrustPolicy: async () => {
      const found = await ours(role, desired);
      if (!found) return noRole;
      const dataloop = await orUndefined(atDataloop);
      return desired.role.mode === 'adopt'
        ? adoptedTrust(found.trustPolicy, dataloop, desired)
        : trust(parseJson(found.trustPolicy), dataloop, desired.role.arn);
    },
    PermissionsBoundary: async () => {
      if (desired.role.mode === 'adopt')
        return skipped('The role is adopted: the service sets no permissions boundary.');
      const found = await ours(role, desired);
      return found ? boundary(found, desired) : noRole;
    },
    PolicyAttached: async () => {
      const found = await ours(role, desired);
      return found
        ? attachment(await reads.listAttachedRolePolicies(desired.role.name), policies, desired)
        : noRole;
    },
    ...Object.fromEntries(
      policies.map(({ checkName, key, find }) => [
        checkName,
        async () => {
          const wanted = await wantedPolicy(record, desired, key, reads);
          return policyAsWritten(await find(), wanted, again);
        },
      ]),
    ),
    ...bucketChecks(desired, reads),
    OwnerTags: async () => {
      const { role: theRole } = desired;
      // Adopted resources have no owner tag.
      const tagged = {
        ...(await bucketTags(desired, reads)),
        ...(theRole.mode === 'adopt' ? {} : { [`role ${theRole.name}`]: (await orUndefined(role))?.tags }),
        ...Object.fromEntries(
          await Promise.all(
            policies.map(async ({ name, find }) => [`policy ${name}`, (await orUndefined(find))?.tags]),
          ),
        ),
      };
      return ownerTags(tagged, desired);
    },
  };
}

const noRole = skipped('Not checked, because the role was not found. See the check "Role".');

function dataloopTrust(found: DataloopIntegration | undefined, { resources }: JournalRecord): Verdict {
  const id = resources.dataloopIntegration?.id;
  if (!found) return failed(`Somebody deleted the integration ${id} at Dataloop. ${again}`);
  if (found.trustStatus === trustEstablished)
    return passed(`Dataloop's integration ${id} says "${trustEstablished}".`);
  return failed(
    `Trust broke: Dataloop could assume the role when the integration became ready, and cannot now. Its integration ${id} says "${found.trustStatus ?? 'nothing'}" instead of ` +
      `"${trustEstablished}". See the checks "Role" and "TrustPolicy", and look for a resource control policy ` +
      '(RCP) of your organisation that keeps other accounts out.',
  );
}

function roleExists(found: Role | undefined, { resources }: JournalRecord, { role }: DesiredState): Verdict {
  if (!found) return failed(`Somebody deleted the role ${role.arn}. ${again}`);
  const madeAgain = resources.role?.uniqueId !== undefined && resources.role.uniqueId !== found.uniqueId;
  if (found.arn === role.arn && !madeAgain) return passed(`The role ${role.arn} exists.`);
  return failed(
    `Somebody replaced the role of this integration with another one (${found.arn}, ${found.uniqueId}). ${again}`,
  );
}

/** Values of `AWS` in the principals of a trust policy of any shape. */
function principalsOf(document: unknown): string[] {
  if (Array.isArray(document)) return document.flatMap(principalsOf);
  if (typeof document !== 'object' || document === null) return [];
  return Object.entries(document).flatMap(([key, value]) => {
    if (key === 'AWS') return [value].flat().filter((principal) => typeof principal === 'string');
    return principalsOf(value);
  });
}

const orphanId = /^A[A-Z]{3}[A-Z0-9]{12,}$/;

const orphaned = (orphan: string, roleArn: string): Verdict =>
  failed(
    `The trust policy of ${roleArn} names the id ${orphan} instead of an ARN: Dataloop deleted the IAM user that it ` +
      `trusted. A new user of the same name has another id and is not trusted. ${again}`,
  );

const unknownUser =
  'Not checked, because Dataloop does not name the IAM user. See the check "DataloopTrust".';

function trust(found: unknown, atDataloop: DataloopIntegration | undefined, roleArn: string): Verdict {
  // AWS shows the id of a deleted user, role or session in place of its ARN.
  const orphan = principalsOf(found).find((principal) => orphanId.test(principal));
  if (orphan) return orphaned(orphan, roleArn);
  if (!atDataloop) return skipped(unknownUser);
  const { userArn } = atDataloop;
  if (!userArn) return failed(`Dataloop no longer names an IAM user for this integration. ${again}`);
  if (sameJson(found, trustPolicy(userArn))) {
    return passed(`The role trusts only ${userArn}, the IAM user that Dataloop names.`);
  }
  const named = principalsOf(found).join(', ') || 'nobody';
  return failed(
    `Somebody changed the trust policy of ${roleArn}: it should trust only ${userArn}, but names ${named}. Find out who ` +
      `did in CloudTrail (UpdateAssumeRolePolicy), then restore it: ${JSON.stringify(trustPolicy(userArn))}`,
  );
}

/** In an adopted role only our statement counts: the others belong to the customer. */
function adoptedTrust(
  found: string,
  atDataloop: DataloopIntegration | undefined,
  desired: DesiredState,
): Verdict {
  const Sid = adoptedSid(desired);
  const statement = parseTrustPolicy(found)?.statements.find((each) => each['Sid'] === Sid);
  if (!statement) {
    return failed(
      `Somebody removed the statement ${Sid} from the trust policy of ${desired.role.arn}. ${again}`,
    );
  }
  const one = { Version: '2012-10-17', Statement: [statement] };
  const [orphan] = principalsOf(one).filter((principal) => orphanId.test(principal));
  if (orphan) return orphaned(orphan, desired.role.arn);
  if (!atDataloop) return skipped(unknownUser);
  const { userArn } = atDataloop;
  if (!userArn) return failed(`Dataloop no longer names an IAM user for this integration. ${again}`);
  if (sameJson(statement, { Sid, ...trustStatement(userArn) })) {
    return passed(`The statement ${Sid} trusts only ${userArn}, the IAM user that Dataloop names.`);
  }
  return failed(
    `Somebody changed the statement ${Sid} in the trust policy of ${desired.role.arn}: it should trust only ${userArn}. ` +
      'Find out who did in CloudTrail (UpdateAssumeRolePolicy), then restore it.',
  );
}

function boundary({ permissionsBoundaryArn }: Role, desired: DesiredState): Verdict {
  if (permissionsBoundaryArn === desired.permissionsBoundaryArn) {
    return passed(`The role has the permissions boundary ${desired.permissionsBoundaryArn}.`);
  }
  return failed(
    `The role ${desired.role.arn} has ${permissionsBoundaryArn ? `the permissions boundary ${permissionsBoundaryArn}` : 'no permissions boundary'}, ` +
      `so this service no longer limits its permissions. Restore the permissions boundary ${desired.permissionsBoundaryArn}, and ` +
      'find out in CloudTrail who changed it.',
  );
}

type RolePolicy = Pick<WantedPolicy, 'name' | 'arn'> & {
  readonly key: PolicyKey;
  readonly checkName: string;
};

const rolePolicies = (record: JournalRecord, desired: DesiredState): RolePolicy[] =>
  attachablePolicies(record).map((key) => ({
    ...policyOf(desired, key),
    key,
    checkName: `PermissionPolicy${key.slice(firstPolicy.length)}`,
  }));

function attachment(
  attached: readonly string[],
  policies: readonly Pick<WantedPolicy, 'arn'>[],
  desired: DesiredState,
): Verdict {
  const { role } = desired;
  const wanted = policies.map(({ arn }) => arn);
  const missing = wanted.filter((arn) => !attached.includes(arn));
  if (missing.length > 0) {
    return failed(
      `The policy ${missing.join(', ')} is not attached to the role ${role.arn}, so Dataloop lacks its permissions. ` +
        'Attach it again.',
    );
  }
  const others = attached.filter((arn) => !wanted.includes(arn));
  if (others.length === 0) return passed(`Only ${wanted.join(', ')} is attached.`);
  // An adopted role has policies of the customer.
  const strange =
    role.mode === 'adopt' ? others.filter((arn) => arn.startsWith(policiesUnderPath(desired))) : others;
  if (strange.length === 0)
    return passed(`The policy ${wanted.join(', ')} is attached, next to the role's own policies.`);
  return failed(
    `Somebody attached ${strange.join(', ')} to the role ${role.arn}. This may change Dataloop's permissions, and ` +
      `${role.mode === 'adopt' ? 'it stays when the integration is removed' : 'it prevents the removal of the role'}. Detach ` +
      'what nobody needs.',
  );
}

/** `POST /integrations/{integrationId}/test`: each part of a live connection, looked at now. Nothing is written. */
import type { Bound } from '../../deadline.ts';
import { ServiceError } from '../../errors.ts';
import type { ConnectionTest } from '../api/responses.ts';
import { parseJson, sameJson } from '../model/canonical-json.ts';
import {
  attachablePolicies,
  type DesiredState,
  firstPolicy,
  grantsOf,
  policyOf,
  trustPolicy,
  trustStatement,
} from '../model/desired-state.ts';
import { asIntegration } from '../model/lookup.ts';
import { permissionPolicy } from '../model/permission-policy.ts';
import type { JournalRecord, RecordReader } from '../model/record.ts';
import { once } from '../preflight/checks.ts';
import type { DataloopIntegration } from '../resources/dataloop/api.ts';
import { trustEstablished } from '../resources/dataloop/integration.ts';
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
} from './checks.ts';

const again = 'Send DELETE for this integration, then connect the bucket again.';

/** @throws ServiceError `IntegrationNotFoundError`, or `IntegrationNotReadyError` for one that is not `ready` */
export async function readyRecord(integrationId: string, records: RecordReader): Promise<JournalRecord> {
  const record = asIntegration(await records.read(integrationId), integrationId);
  if (record.status !== 'ready') {
    throw new ServiceError(
      'IntegrationNotReadyError',
      `The integration ${integrationId} is "${record.status}", and only one that is "ready" can be tested. ` +
        `GET /integrations/${integrationId} says how far it is.`,
    );
  }
  return record;
}

/** Each part of an integration that is ready. Drivers that were added have a test of their own. */
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
    Role: async () => roleStands(await role(), record, desired),
    TrustPolicy: async () => {
      const found = await ours(role, desired);
      if (!found) return noRole;
      const dataloop = await orUndefined(atDataloop);
      return desired.role.mode === 'adopt'
        ? adoptedTrust(found.trustPolicy, dataloop, desired)
        : trust(parseJson(found.trustPolicy), dataloop, desired.role.arn);
    },
    PermissionsBoundary: async () => {
      if (desired.role.mode === 'adopt') return skipped('The role was adopted: it has its own permissions.');
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
      policies.map(({ checkName, find, ...wanted }) => [
        checkName,
        async () => policyAsWritten(await find(), wanted, again),
      ]),
    ),
    ...bucketChecks(desired, reads),
    OwnerTags: async () => {
      const { role: theRole } = desired;
      // What was adopted carries none.
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

const noRole = skipped('There is no role of this integration to be seen: look at the check "Role".');

function dataloopTrust(found: DataloopIntegration | undefined, { resources }: JournalRecord): Verdict {
  const id = resources.dataloopIntegration?.id;
  if (!found)
    return failed(`Dataloop has no integration ${id} any more: somebody deleted it there. ${again}`);
  if (found.trustStatus === trustEstablished)
    return passed(`Dataloop's integration ${id} says "${trustEstablished}".`);
  return failed(
    `Dataloop's integration ${id} says "${found.trustStatus ?? 'nothing'}" instead of "${trustEstablished}": it cannot ` +
      'assume the role. Look at the checks of role and trust policy, and for a service control policy that keeps other ' +
      'accounts out.',
  );
}

function roleStands(found: Role | undefined, { resources }: JournalRecord, { role }: DesiredState): Verdict {
  if (!found) return failed(`There is no role ${role.arn} any more: somebody deleted it. ${again}`);
  const madeAgain = resources.role?.uniqueId !== undefined && resources.role.uniqueId !== found.uniqueId;
  if (found.arn === role.arn && !madeAgain) return passed(`The role ${role.arn} stands.`);
  return failed(
    `The role that was made for this integration is gone, and somebody made another one (${found.arn}, ` +
      `${found.uniqueId}). ${again}`,
  );
}

/** Values of `AWS` in the principals of a trust policy, whatever shape it is of. */
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
    `The trust policy of ${roleArn} names the id ${orphan} where an ARN should stand: the IAM user that it trusted was ` +
      'deleted at Dataloop. One that is made again under the same name has another id, and is not trusted. ' +
      again,
  );

const unknownUser =
  'Dataloop does not say which IAM user is to be trusted: look at the check "DataloopTrust".';

function trust(found: unknown, atDataloop: DataloopIntegration | undefined, roleArn: string): Verdict {
  // AWS keeps the id of a user, role or session whose ARN leads nowhere any more.
  const orphan = principalsOf(found).find((principal) => orphanId.test(principal));
  if (orphan) return orphaned(orphan, roleArn);
  if (!atDataloop) return skipped(unknownUser);
  const { userArn } = atDataloop;
  if (!userArn) return failed(`Dataloop names no IAM user for this integration any more. ${again}`);
  if (sameJson(found, trustPolicy(userArn))) {
    return passed(`The role trusts ${userArn}, whom Dataloop names, and nobody else.`);
  }
  const named = principalsOf(found).join(', ') || 'nobody';
  return failed(
    `The trust policy of ${roleArn} was changed: it should trust ${userArn} and nobody else, and it names ${named}. Find ` +
      `out who changed it in CloudTrail (UpdateAssumeRolePolicy), and write it back: ${JSON.stringify(trustPolicy(userArn))}`,
  );
}

/** Of an adopted role only our statement counts: the others are the customer's. */
function adoptedTrust(
  found: string,
  atDataloop: DataloopIntegration | undefined,
  desired: DesiredState,
): Verdict {
  const Sid = adoptedSid(desired);
  const statement = parseTrustPolicy(found)?.statements.find((each) => each['Sid'] === Sid);
  if (!statement) {
    return failed(
      `The trust policy of ${desired.role.arn} has no statement ${Sid} any more: somebody took it out. ${again}`,
    );
  }
  const one = { Version: '2012-10-17', Statement: [statement] };
  const [orphan] = principalsOf(one).filter((principal) => orphanId.test(principal));
  if (orphan) return orphaned(orphan, desired.role.arn);
  if (!atDataloop) return skipped(unknownUser);
  const { userArn } = atDataloop;
  if (!userArn) return failed(`Dataloop names no IAM user for this integration any more. ${again}`);
  if (sameJson(statement, { Sid, ...trustStatement(userArn) })) {
    return passed(`The statement ${Sid} trusts ${userArn}, whom Dataloop names, and nobody else.`);
  }
  return failed(
    `The statement ${Sid} of the trust policy of ${desired.role.arn} was changed: it should trust ${userArn} and nobody else. ` +
      'Find out who changed it in CloudTrail (UpdateAssumeRolePolicy).',
  );
}

function boundary({ permissionsBoundaryArn }: Role, desired: DesiredState): Verdict {
  if (permissionsBoundaryArn === desired.permissionsBoundaryArn) {
    return passed(`The role has the boundary ${desired.permissionsBoundaryArn}.`);
  }
  return failed(
    `The role ${desired.role.arn} has ${permissionsBoundaryArn ? `the boundary ${permissionsBoundaryArn}` : 'no permissions boundary'}, so ` +
      `nothing of this service bounds what it may do. Put ${desired.permissionsBoundaryArn} back as its permissions boundary, and ` +
      'find out who changed it in CloudTrail.',
  );
}

/** The role's policies, with what they are to grant: the first on its own bucket, too, all on buckets that were added. */
function rolePolicies(
  record: JournalRecord,
  desired: DesiredState,
): (WantedPolicy & { checkName: string })[] {
  return attachablePolicies(record).map((key) => ({
    ...policyOf(desired, key),
    document: permissionPolicy(grantsOf(record, desired, key)),
    checkName: `PermissionPolicy${key.slice(firstPolicy.length)}`,
  }));
}

function attachment(
  attached: readonly string[],
  policies: readonly WantedPolicy[],
  { role }: DesiredState,
): Verdict {
  const wanted = policies.map(({ arn }) => arn);
  const missing = wanted.filter((arn) => !attached.includes(arn));
  if (missing.length > 0) {
    return failed(
      `The policy ${missing.join(', ')} is not attached to the role ${role.arn}, so Dataloop may not do what it grants. ` +
        'Attach it again.',
    );
  }
  const others = attached.filter((arn) => !wanted.includes(arn));
  if (others.length === 0) return passed(`Just ${wanted.join(', ')} is attached.`);
  // It had others before, and they are the customer's.
  if (role.mode === 'adopt')
    return passed(`The policy ${wanted.join(', ')} is attached, beside the role's own.`);
  return failed(
    `Somebody attached also ${others.join(', ')} to the role ${role.arn}: it may change what Dataloop may do, and the role ` +
      'cannot be removed with it. Detach what nobody needs.',
  );
}

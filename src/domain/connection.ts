/** `POST /integrations/{integrationId}/test`: each part of a live connection, looked at now. Nothing is written. */
import { ServiceError } from '../errors.ts';
import type { FoundPolicy, PolicyDocumentReader } from './access.ts';
import { adoptedSid, trustStatements } from './adopted-role.ts';
import type { ConnectionCheck, ConnectionTest } from './answers.ts';
import { type BucketAddress, bucketAddress } from './bucket.ts';
import { sameJson } from './canonical-json.ts';
import { consoleMethods } from './cors.ts';
import type { DriverVerifier } from './driver.ts';
import { type Bound, once, saidOnce } from './findings.ts';
import type { DataloopIntegration, IntegrationReader } from './integration.ts';
import type { IntegrationRecord, RecordReader } from './journal.ts';
import { type KeyReader, unusableKey } from './kms-key.ts';
import { asIntegration } from './lifecycle.ts';
import type { Tags } from './ownership.ts';
import { type PolicyDocument, permissionPolicy } from './permission-policy.ts';
import { ownerTag, type Plan, trustPolicy, trustStatement } from './plan.ts';
import { matchesPattern } from './request.ts';
import type { FoundRole, RoleReader } from './role.ts';
import { attachablePolicies, firstPolicy, grantsOf, policyOf } from './role-policies.ts';
import { trustEstablished } from './trust-status.ts';

export interface ConnectionIam extends RoleReader, PolicyDocumentReader {
  /** ARNs of the managed policies that are attached to a role. */
  attachedPolicies(roleName: string): Promise<readonly string[]>;
}

export interface ConnectionBucket {
  tagsOf(bucket: BucketAddress): Promise<Tags>;
  /** `complete`: all four settings block; undefined: there is none. */
  publicAccessBlock(bucket: BucketAddress): Promise<'complete' | 'open' | undefined>;
  corsRules(
    bucket: BucketAddress,
  ): Promise<readonly { readonly origins: readonly string[]; readonly methods: readonly string[] }[]>;
  encryption(
    bucket: BucketAddress,
  ): Promise<{ readonly algorithm: string; readonly kmsKeyId: string | undefined } | undefined>;
}

export interface ConnectionReads
  extends ConnectionIam,
    ConnectionBucket,
    KeyReader,
    IntegrationReader,
    Pick<DriverVerifier, 'verifyDriver'> {}

type Verdict = Omit<ConnectionCheck, 'name'>;

const passed = (detail: string): Verdict => ({ status: 'passed', detail });
const failed = (detail: string): Verdict => ({ status: 'failed', detail });
const skipped = (detail: string): Verdict => ({ status: 'skipped', detail });

const again = 'Send DELETE for this integration, then connect the bucket again.';

/** @throws ServiceError `IntegrationNotFoundError`, or `IntegrationNotReadyError` for one that is not `ready` */
export async function readyRecord(integrationId: string, records: RecordReader): Promise<IntegrationRecord> {
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

/** Every read given up in time: what hangs on one is skipped then, and not given up as well. */
const boundedReads = (reads: ConnectionReads, bound: Bound): ConnectionReads => ({
  getIntegration: (...ids) => bound('the integration at Dataloop', reads.getIntegration(...ids)),
  verifyDriver: (id) => bound('the driver', reads.verifyDriver(id)),
  findRole: (name) => bound('the role', reads.findRole(name)),
  attachedPolicies: (roleName) => bound("the role's policies", reads.attachedPolicies(roleName)),
  findPolicyDocument: (arn) => bound('the policy', reads.findPolicyDocument(arn)),
  publicAccessBlock: (bucket) => bound('the public access block', reads.publicAccessBlock(bucket)),
  corsRules: (bucket) => bound('the CORS rules', reads.corsRules(bucket)),
  encryption: (bucket) => bound('the encryption', reads.encryption(bucket)),
  tagsOf: (bucket) => bound("the bucket's tags", reads.tagsOf(bucket)),
  describeKey: (arn) => bound('the KMS key', reads.describeKey(arn)),
});

/** Makes every check, each on its own: one that cannot be made has failed, and the others go on. */
export async function testConnection(
  record: IntegrationRecord,
  plan: Plan,
  reads: ConnectionReads,
  bound: Bound,
): Promise<ConnectionTest> {
  const checks = await Promise.all(
    Object.entries(connectionChecks(record, plan, boundedReads(reads, bound))).map(async ([name, check]) => {
      try {
        return { name, ...(await check()) };
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        return { name, ...failed(saidOnce(error)) };
      }
    }),
  );
  const isBroken = checks.some(({ status }) => status === 'failed');
  return { integrationId: record.integrationId, status: isBroken ? 'failed' : 'passed', checks };
}

function connectionChecks(
  record: IntegrationRecord,
  plan: Plan,
  reads: ConnectionReads,
): Readonly<Record<string, () => Promise<Verdict>>> {
  const atDataloop = once(async () => {
    const { dataloop, resources } = record;
    const id = resources.dataloopIntegration?.id;
    return dataloop && id ? reads.getIntegration(dataloop.organizationId, id) : undefined;
  });
  const role = once(async () => reads.findRole(plan.role.name));
  const policies = rolePolicies(record, plan).map((wanted) => ({
    ...wanted,
    find: once(async () => reads.findPolicyDocument(wanted.arn)),
  }));
  return {
    DataloopTrust: async () => dataloopTrust(await atDataloop(), record),
    DriverTest: () => driverTest(record, reads),
    Role: async () => roleStands(await role(), record, plan),
    TrustPolicy: async () => {
      const found = await ours(role, plan);
      if (!found) return noRole;
      const dataloop = await orUndefined(atDataloop);
      return plan.role.mode === 'adopt'
        ? adoptedTrust(found.trust, dataloop, plan)
        : trust(found.trust, dataloop, plan.role.arn);
    },
    PermissionsBoundary: async () => {
      if (plan.role.mode === 'adopt') return skipped('The role was adopted: it has its own permissions.');
      const found = await ours(role, plan);
      return found ? boundary(found, plan) : noRole;
    },
    PolicyAttached: async () => {
      const found = await ours(role, plan);
      return found ? attachment(await reads.attachedPolicies(plan.role.name), policies, plan) : noRole;
    },
    ...Object.fromEntries(
      policies.map(({ checkName, find, ...wanted }) => [
        checkName,
        async () => policyAsWritten(await find(), wanted),
      ]),
    ),
    ...bucketChecks(plan, reads),
    OwnerTags: async () => {
      const { bucket: theBucket, role: theRole } = plan;
      // What was adopted carries none.
      const tagged = {
        ...(theBucket.mode === 'adopt'
          ? {}
          : { [`bucket ${theBucket.name}`]: await reads.tagsOf(bucketAddress({ plan })) }),
        ...(theRole.mode === 'adopt' ? {} : { [`role ${theRole.name}`]: (await orUndefined(role))?.tags }),
        ...Object.fromEntries(
          await Promise.all(
            policies.map(async ({ name, find }) => [`policy ${name}`, (await orUndefined(find))?.tags]),
          ),
        ),
      };
      return ownerTags(tagged, plan);
    },
  };
}

const noRole = skipped('There is no role of this integration to be seen: look at the check "Role".');

/** What another check also reads, and reports on where it cannot be read. */
const orUndefined = <T>(read: () => Promise<T>): Promise<T | undefined> =>
  read().catch((error: unknown) => {
    if (error instanceof ServiceError) return undefined;
    throw error;
  });

/** The role that was made, if it is to be seen; one of its name under another path is not it. */
async function ours(role: () => Promise<FoundRole | undefined>, plan: Plan): Promise<FoundRole | undefined> {
  const found = await orUndefined(role);
  return found?.arn === plan.role.arn ? found : undefined;
}

function dataloopTrust(found: DataloopIntegration | undefined, { resources }: IntegrationRecord): Verdict {
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

async function driverTest(
  { resources }: IntegrationRecord,
  { verifyDriver }: Pick<DriverVerifier, 'verifyDriver'>,
): Promise<Verdict> {
  const id = resources.driver?.id;
  try {
    if (id) await verifyDriver(id);
  } catch (error) {
    if (!(error instanceof ServiceError) || error.name !== 'DataloopNotFoundError') throw error;
    return failed(`Dataloop has no driver ${id} any more: somebody deleted it there. ${again}`);
  }
  return id
    ? passed(`Dataloop used the bucket through driver ${id}.`)
    : failed(`No driver is known. ${again}`);
}

function roleStands(found: FoundRole | undefined, { resources }: IntegrationRecord, { role }: Plan): Verdict {
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
function adoptedTrust(found: unknown, atDataloop: DataloopIntegration | undefined, plan: Plan): Verdict {
  const Sid = adoptedSid(plan);
  const statement = trustStatements(found).find((each) => each['Sid'] === Sid);
  if (!statement) {
    return failed(
      `The trust policy of ${plan.role.arn} has no statement ${Sid} any more: somebody took it out. ${again}`,
    );
  }
  const one = { Version: '2012-10-17', Statement: [statement] };
  const [orphan] = principalsOf(one).filter((principal) => orphanId.test(principal));
  if (orphan) return orphaned(orphan, plan.role.arn);
  if (!atDataloop) return skipped(unknownUser);
  const { userArn } = atDataloop;
  if (!userArn) return failed(`Dataloop names no IAM user for this integration any more. ${again}`);
  if (sameJson(statement, { Sid, ...trustStatement(userArn) })) {
    return passed(`The statement ${Sid} trusts ${userArn}, whom Dataloop names, and nobody else.`);
  }
  return failed(
    `The statement ${Sid} of the trust policy of ${plan.role.arn} was changed: it should trust ${userArn} and nobody else. ` +
      'Find out who changed it in CloudTrail (UpdateAssumeRolePolicy).',
  );
}

function boundary({ permissionsBoundaryArn }: FoundRole, plan: Plan): Verdict {
  if (permissionsBoundaryArn === plan.permissionsBoundaryArn) {
    return passed(`The role has the boundary ${plan.permissionsBoundaryArn}.`);
  }
  return failed(
    `The role ${plan.role.arn} has ${permissionsBoundaryArn ? `the boundary ${permissionsBoundaryArn}` : 'no permissions boundary'}, so ` +
      `nothing of this service bounds what it may do. Put ${plan.permissionsBoundaryArn} back as its permissions boundary, and ` +
      'find out who changed it in CloudTrail.',
  );
}

interface WantedPolicy {
  readonly name: string;
  readonly arn: string;
  readonly document: PolicyDocument;
}

/** The role's policies, with what they are to grant: the first on its own bucket, too, all on buckets that were added. */
function rolePolicies(record: IntegrationRecord, plan: Plan): (WantedPolicy & { checkName: string })[] {
  return attachablePolicies(record).map((key) => ({
    ...policyOf(plan, key),
    document: permissionPolicy(grantsOf(record, plan, key)),
    checkName: `PermissionPolicy${key.slice(firstPolicy.length)}`,
  }));
}

function attachment(attached: readonly string[], policies: readonly WantedPolicy[], { role }: Plan): Verdict {
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

function policyAsWritten(found: FoundPolicy | undefined, { arn, document }: WantedPolicy): Verdict {
  if (!found) return failed(`There is no policy ${arn} any more: somebody deleted it. ${again}`);
  if (sameJson(found.document, document)) {
    return passed(`Version ${found.versionId} of ${arn}, the default, says what was asked for.`);
  }
  return failed(
    `Version ${found.versionId} of ${arn}, the default, says something else than what this version of the service writes. ` +
      `If nobody meant to change it, make a version of this the default: ${JSON.stringify(document)}`,
  );
}

function bucketChecks(plan: Plan, reads: ConnectionReads): Record<string, () => Promise<Verdict>> {
  const bucket = bucketAddress({ plan });
  const { kmsKeyArn } = plan.bucket;
  return {
    PublicAccessBlock: async () => {
      const block = await reads.publicAccessBlock(bucket);
      if (block === 'complete') return passed('All four settings block public access to the bucket.');
      return failed(
        `Public access to the bucket ${bucket.name} is ${block ? 'not blocked by all four settings' : 'not blocked'}. Switch ` +
          '"Block all public access" on again.',
      );
    },
    Cors: async () => {
      if (plan.corsOrigins.length === 0) return skipped('CORS was not asked for.');
      const rules = await reads.corsRules(bucket);
      const missing = plan.corsOrigins.filter(
        (origin) =>
          !consoleMethods.every((method) =>
            rules.some(
              ({ origins, methods }) =>
                origins.some((pattern) => matchesPattern(origin, pattern)) && methods.includes(method),
            ),
          ),
      );
      if (missing.length === 0)
        return passed(`Browsers may use the bucket from ${plan.corsOrigins.join(', ')}.`);
      return failed(
        `The CORS rules of the bucket ${bucket.name} do not allow ${consoleMethods.join(', ')} from ${missing.join(', ')}: ` +
          "Dataloop's console cannot show its items. Add such a rule.",
      );
    },
    Encryption: async () =>
      plan.bucket.mode === 'adopt' && !kmsKeyArn
        ? skipped('The bucket was adopted: its encryption is left as it is.')
        : encryption(await reads.encryption(bucket), plan),
    KmsKey: async () => {
      if (!kmsKeyArn) return skipped('The bucket has no KMS key of its own.');
      const error = unusableKey(kmsKeyArn, await reads.describeKey(kmsKeyArn));
      return error ? failed(error.message) : passed(`The KMS key ${kmsKeyArn} is enabled.`);
    },
  };
}

function encryption(
  found: Awaited<ReturnType<ConnectionBucket['encryption']>>,
  { bucket: { name, kmsKeyArn } }: Plan,
): Verdict {
  const wanted = kmsKeyArn ? `the KMS key ${kmsKeyArn}` : 'keys of S3 (SSE-S3)';
  const asWanted = kmsKeyArn
    ? found?.algorithm === 'aws:kms' && found.kmsKeyId === kmsKeyArn
    : found?.algorithm === 'AES256';
  if (asWanted) return passed(`The bucket encrypts with ${wanted}.`);
  const now = found ? `${found.algorithm}${found.kmsKeyId ? ` with ${found.kmsKeyId}` : ''}` : 'nothing';
  return failed(
    `The default encryption of the bucket ${name} is ${now}, and should be ${wanted}: with another key Dataloop may not be able ` +
      'to read what is written. Set it back.',
  );
}

/** Without the tag, nothing of it would be removed. What is gone is reported by other checks. */
function ownerTags(tagged: Readonly<Record<string, Tags | undefined>>, { integrationId }: Plan): Verdict {
  const without = Object.entries(tagged)
    .filter(([, tags]) => tags && tags[ownerTag] !== integrationId)
    .map(([what]) => what);
  if (without.length === 0) return passed(`What was created carries the tag ${ownerTag}.`);
  return failed(
    `These do not carry the tag ${ownerTag}=${integrationId} any more: ${without.join(', ')}. DELETE would leave them ` +
      'alone. Put the tag back.',
  );
}

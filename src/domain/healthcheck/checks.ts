/** Checks that the tests of an integration and of an added bucket share. Nothing is written. */
import type { Bound } from '../../deadline.ts';
import { ServiceError } from '../../errors.ts';
import type { ConnectionCheck } from '../api/responses.ts';
import { matchesPattern } from '../model/allowed.ts';
import { sameJson } from '../model/canonical-json.ts';
import { type DesiredState, ownerTag, policyOf } from '../model/desired-state.ts';
import {
  earlierPolicy,
  type PolicyDocument,
  permissionPolicy,
  widerPolicy,
} from '../model/permission-policy.ts';
import type { JournalRecord } from '../model/record.ts';
import type { PolicyKey } from '../model/resource-keys.ts';
import { bucketAddress } from '../resources/bucket/bucket.ts';
import { type Kms, keyOfBucket, unusableKey } from '../resources/bucket/kms-key.ts';
import { isClosed, isClosedInAccount } from '../resources/bucket/public-access.ts';
import type { BucketAddress, S3 } from '../resources/bucket/s3.ts';
import type { DataloopApi } from '../resources/dataloop/api.ts';
import { grantsOf, type ReadRecords } from '../resources/role/granted.ts';
import type { Iam, PolicyVersion, Role } from '../resources/role/iam.ts';
import { hash, writtenSoFar } from '../resources/role/shared-policies.ts';
import type { Tags } from '../saga/ownership.ts';

export interface CheckReads
  extends Pick<Iam, 'getRole' | 'listAttachedRolePolicies' | 'getDefaultPolicyVersion'>,
    Pick<S3, 'getBucketTagging' | 'getPublicAccessBlock' | 'getBucketCors' | 'getBucketEncryption'>,
    Pick<S3, 'getAccountPublicAccessBlock'>,
    Kms,
    Pick<DataloopApi, 'getIntegration' | 'verifyDriver'> {
  readonly readRecords: ReadRecords;
}

export type Verdict = Omit<ConnectionCheck, 'name'>;

export const passed = (detail: string): Verdict => ({ status: 'passed', detail });
export const failed = (detail: string): Verdict => ({ status: 'failed', detail });
export const skipped = (detail: string): Verdict => ({ status: 'skipped', detail });

export type Checks = Readonly<Record<string, () => Promise<Verdict>>>;

/** Limits the time of every read. Checks that depend on a read that timed out are skipped. */
export const boundedReads = (reads: CheckReads, bound: Bound): CheckReads => ({
  getIntegration: (...ids) => bound('the integration at Dataloop', reads.getIntegration(...ids)),
  verifyDriver: (id) => bound('the driver', reads.verifyDriver(id)),
  readRecords: (ids) => bound('the journal', reads.readRecords(ids)),
  getRole: (name) => bound('the role', reads.getRole(name)),
  listAttachedRolePolicies: (roleName) =>
    bound("the role's policies", reads.listAttachedRolePolicies(roleName)),
  getDefaultPolicyVersion: (arn) => bound('the policy', reads.getDefaultPolicyVersion(arn)),
  getPublicAccessBlock: (bucket) =>
    bound('the public access block', ofStanding(bucket, reads.getPublicAccessBlock(bucket))),
  getAccountPublicAccessBlock: (bucket) =>
    bound("the account's public access block", reads.getAccountPublicAccessBlock(bucket)),
  getBucketCors: (bucket) => bound('the CORS rules', ofStanding(bucket, reads.getBucketCors(bucket))),
  getBucketEncryption: (bucket) =>
    bound('the encryption', ofStanding(bucket, reads.getBucketEncryption(bucket))),
  getBucketTagging: (bucket) =>
    bound("the bucket's tags", ofStanding(bucket, reads.getBucketTagging(bucket))),
  describeKey: (arn) => bound('the KMS key', reads.describeKey(arn)),
});

/** Unlike a new bucket, a deleted one does not appear after a while. */
async function ofStanding<T>({ name }: BucketAddress, read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    if (!(error instanceof ServiceError) || error.name !== 'AwsNotYetConsistentError') throw error;
    throw new ServiceError(
      'AwsRequestRefusedError',
      `Somebody deleted the bucket ${name}. Send DELETE for this integration, then connect the bucket again.`,
      { cause: error },
    );
  }
}

/** Makes all checks independently. A check that cannot be made counts as failed, and the others go on. */
export async function makeChecks(
  checks: Checks,
): Promise<{ status: 'passed' | 'failed'; checks: ConnectionCheck[] }> {
  const made = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      try {
        return { name, ...(await check()) };
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        return { name, ...failed(error.messageOnce) };
      }
    }),
  );
  return { status: made.some(({ status }) => status === 'failed') ? 'failed' : 'passed', checks: made };
}

/** A read whose failure another check reports. */
export const orUndefined = <T>(read: () => Promise<T>): Promise<T | undefined> =>
  read().catch((error: unknown) => {
    if (error instanceof ServiceError) return undefined;
    throw error;
  });

/** The role of this integration, if it is found; a role of the same name under another path is not. */
export async function ours(
  role: () => Promise<Role | undefined>,
  desired: DesiredState,
): Promise<Role | undefined> {
  const found = await orUndefined(role);
  return found?.arn === desired.role.arn ? found : undefined;
}

/** @param again what to do if nothing can be repaired */
export async function driverTest(
  { resources }: JournalRecord,
  { verifyDriver }: Pick<CheckReads, 'verifyDriver'>,
  again: string,
): Promise<Verdict> {
  const id = resources.driver?.id;
  try {
    if (id) await verifyDriver(id);
  } catch (error) {
    if (!(error instanceof ServiceError) || error.name !== 'DataloopNotFoundError') throw error;
    return failed(`Somebody deleted the driver ${id} at Dataloop. ${again}`);
  }
  return id
    ? passed(`Dataloop used the bucket through driver ${id}.`)
    : failed(`The record names no driver. ${again}`);
}

export interface WantedPolicy {
  readonly name: string;
  readonly arn: string;
  readonly document: PolicyDocument;
  /** As an earlier version wrote it, where one did and nothing was written since, and what it does otherwise. */
  readonly earlier: { readonly document: PolicyDocument; readonly differs: string } | undefined;
  /** As it stands until the access of buckets that are being removed is taken. */
  readonly before: PolicyDocument;
}

/** One of the role's policies, with everything that it should grant. */
export async function wantedPolicy(
  integration: JournalRecord,
  desired: DesiredState,
  key: PolicyKey,
  { readRecords }: Pick<CheckReads, 'readRecords'>,
): Promise<WantedPolicy> {
  let records: ReturnType<ReadRecords> | undefined;
  const readOnce: ReadRecords = (ids) => {
    records ??= readRecords(ids);
    return records;
  };
  const grants = await grantsOf(integration, desired, key, readOnce);
  const before = await grantsOf(integration, desired, key, readOnce, { withUndone: true });
  const last = writtenSoFar(integration.resources[key], desired).at(-1);
  const earlier = [
    {
      document: widerPolicy(grants),
      differs: 'it also lists objects whose names only begin like the folder. To list the folder alone',
    },
    {
      document: earlierPolicy(grants),
      differs: 'it does not demand TLS and a bucket of this account. To demand both',
    },
  ];
  return {
    ...policyOf(desired, key),
    document: permissionPolicy(grants),
    before: permissionPolicy(before),
    earlier: earlier.find(({ document }) => hash(document) === last),
  };
}

/** @param again what to do if nothing can be repaired */
export function policyAsWritten(
  found: PolicyVersion | undefined,
  { arn, document, before, earlier }: WantedPolicy,
  again: string,
): Verdict {
  if (!found) return failed(`Somebody deleted the policy ${arn}. ${again}`);
  if (sameJson(found.document, document) || sameJson(found.document, before)) {
    return passed(`The default version ${found.versionId} of ${arn} grants what was requested.`);
  }
  if (earlier && sameJson(found.document, earlier.document)) {
    return passed(
      `The default version ${found.versionId} of ${arn} grants what was requested, as an earlier version of the service ` +
        `wrote it: ${earlier.differs}, create a default version with this document: ${JSON.stringify(document)}`,
    );
  }
  return failed(
    `The default version ${found.versionId} of ${arn} differs from what this version of the service writes. Unless the ` +
      `change was intended, create a default version with this document: ${JSON.stringify(document)}`,
  );
}

export function bucketChecks(desired: DesiredState, reads: CheckReads): Checks {
  const bucket = bucketAddress({ desired });
  const { kmsKeyArn } = desired.bucket;
  return {
    PublicAccessBlock: async () => {
      const block = await reads.getPublicAccessBlock(bucket);
      if (isClosed(block)) return passed('All four settings block public access to the bucket.');
      // What the service has made is closed by itself: the account's block may go for the sake of another bucket.
      if (desired.bucket.mode === 'adopt' && (await isClosedInAccount(bucket, block, reads)))
        return passed("The account's settings block public access to the bucket, with those of the bucket.");
      return failed(
        `Public access to the bucket ${bucket.name} is ${block ? 'not blocked by all four settings' : 'not blocked'}. Turn ` +
          '"Block all public access" on again.',
      );
    },
    Cors: async () => {
      if (desired.corsOrigins.length === 0) return skipped('CORS was not requested.');
      const rules = (await reads.getBucketCors(bucket)) ?? [];
      const missing = desired.corsOrigins.filter(
        (origin) =>
          !desired.corsMethods.every((method) =>
            rules.some(
              ({ AllowedOrigins, AllowedMethods }) =>
                AllowedOrigins.some((pattern) => matchesPattern(origin, pattern)) &&
                AllowedMethods.includes(method),
            ),
          ),
      );
      if (missing.length === 0)
        return passed(`Browsers may use the bucket from ${desired.corsOrigins.join(', ')}.`);
      return failed(
        `The CORS rules of the bucket ${bucket.name} do not allow ${desired.corsMethods.join(', ')} from ${missing.join(', ')}, ` +
          "so Dataloop's console cannot show its items. Add a rule that allows them.",
      );
    },
    Encryption: async () =>
      desired.bucket.mode === 'adopt' && !kmsKeyArn
        ? skipped('The bucket is adopted: the service does not set its encryption.')
        : encryption(await reads.getBucketEncryption(bucket), desired, reads),
    KmsKey: async () => {
      if (!kmsKeyArn) return skipped('The bucket has no KMS key of its own.');
      const error = unusableKey(kmsKeyArn, await reads.describeKey(kmsKeyArn));
      return error ? failed(error.message) : passed(`The KMS key ${kmsKeyArn} is enabled.`);
    },
  };
}

async function encryption(
  found: Awaited<ReturnType<S3['getBucketEncryption']>>,
  desired: DesiredState,
  kms: Kms,
): Promise<Verdict> {
  const { name, kmsKeyArn } = desired.bucket;
  const wanted = kmsKeyArn ? `the KMS key ${kmsKeyArn}` : 'keys of S3 (SSE-S3)';
  const asWanted = kmsKeyArn
    ? (await keyOfBucket(found, desired, kms)) === kmsKeyArn
    : found?.algorithm === 'AES256';
  if (asWanted) return passed(`The bucket encrypts with ${wanted}.`);
  const now = found ? `${found.algorithm}${found.kmsKeyId ? ` with ${found.kmsKeyId}` : ''}` : 'nothing';
  return failed(
    `The default encryption of the bucket ${name} is ${now}, but should be ${wanted}. With another key, Dataloop may not be ` +
      'able to read new objects. Restore the setting.',
  );
}

/** Tags of a created bucket; an adopted one has none of ours. */
export async function bucketTags(
  desired: DesiredState,
  { getBucketTagging }: Pick<S3, 'getBucketTagging'>,
): Promise<Readonly<Record<string, Tags>>> {
  const { name, mode } = desired.bucket;
  return mode === 'adopt' ? {} : { [`bucket ${name}`]: await getBucketTagging(bucketAddress({ desired })) };
}

/** Without the tag, the undo would not remove a resource. Other checks report missing resources. */
export function ownerTags(
  tagged: Readonly<Record<string, Tags | undefined>>,
  { recordId: integrationId }: DesiredState,
): Verdict {
  const without = Object.entries(tagged)
    .filter(([, tags]) => tags && tags[ownerTag] !== integrationId)
    .map(([what]) => what);
  if (without.length === 0) return passed(`All created resources carry the tag ${ownerTag}.`);
  return failed(
    `These no longer carry the tag ${ownerTag}=${integrationId}: ${without.join(', ')}. DELETE would leave them alone. ` +
      'Restore the tag.',
  );
}

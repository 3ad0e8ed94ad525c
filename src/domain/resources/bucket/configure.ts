/**
 * The settings of a created bucket. New buckets of AWS are closed, owner-enforced and encrypted, and organisations deny the
 * calls that say so again: what is as wanted is not written.
 */
import { ServiceError } from '../../../errors.ts';
import { parseJson, sameJson } from '../../model/canonical-json.ts';
import { notYetShown, type StepContext } from '../../saga/step.ts';
import { alreadyAllowed, corsRule } from './cors.ts';
import { closed, isClosed } from './public-access.ts';
import type { BucketAddress, S3 } from './s3.ts';

export type ConfigureCalls = Pick<
  S3,
  | 'getPublicAccessBlock'
  | 'putPublicAccessBlock'
  | 'getBucketOwnershipControls'
  | 'putBucketOwnershipControls'
  | 'getBucketEncryption'
  | 'putBucketEncryption'
  | 'getBucketPolicy'
  | 'putBucketPolicy'
  | 'getBucketCors'
  | 'putBucketCors'
>;

interface Setting<T> {
  readonly what: string;
  readonly read: () => Promise<T>;
  readonly isAsWanted: (found: T) => boolean;
  readonly write: () => Promise<void>;
  /** What to do without, where the write is denied. */
  readonly without?: string;
}

/** What to send instead where S3 denies the CORS rule. */
export const withoutCors = "Or send bucket.cors: false: then Dataloop's console cannot show the images.";

/**
 * A write that an organisation may deny.
 * @param without what to do without it
 * @throws ServiceError that says so
 */
export async function orWithout(write: () => Promise<void>, without: string): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!(error instanceof ServiceError) || error.name !== 'AwsAccessDeniedError') throw error;
    throw new ServiceError('AwsAccessDeniedError', `${error.message} ${without}`, { cause: error });
  }
}

/** Brings one setting to what is wanted, and reads it back. */
async function bring<T>(
  bucket: BucketAddress,
  refuseForeign: () => Promise<void>,
  setting: Setting<T>,
): Promise<void> {
  const { what, read, isAsWanted, write, without } = setting;
  if (isAsWanted(await read())) return;
  // Somebody may have put another bucket in its place, which is not ours to change.
  await refuseForeign();
  await (without ? orWithout(write, without) : write());
  if (!isAsWanted(await read())) throw notYetShown(`${what} of the bucket ${bucket.name}`);
}

/**
 * One after the other: S3 answers concurrent changes of one bucket with OperationAborted.
 * @param refuseForeign throws where the bucket does not carry our tag; called before each write
 */
export async function configureBucket(
  { desired }: StepContext,
  bucket: BucketAddress,
  s3: ConfigureCalls,
  refuseForeign: () => Promise<void>,
): Promise<void> {
  const { bucketPolicy, corsOrigins } = desired;
  const { kmsKeyArn } = desired.bucket;
  await bring(bucket, refuseForeign, {
    what: 'the public-access block',
    read: () => s3.getPublicAccessBlock(bucket),
    isAsWanted: isClosed,
    write: () => s3.putPublicAccessBlock(bucket, closed),
  });
  await bring(bucket, refuseForeign, {
    what: 'the object ownership',
    read: () => s3.getBucketOwnershipControls(bucket),
    isAsWanted: (ownership) => ownership === 'BucketOwnerEnforced',
    write: () => s3.putBucketOwnershipControls(bucket),
  });
  await bring(bucket, refuseForeign, {
    what: 'the encryption',
    read: () => s3.getBucketEncryption(bucket),
    isAsWanted: (found) =>
      kmsKeyArn
        ? found?.algorithm === 'aws:kms' && found.kmsKeyId === kmsKeyArn
        : found?.algorithm === 'AES256',
    write: () => s3.putBucketEncryption(bucket, kmsKeyArn),
    ...(kmsKeyArn ? { without: 'Or omit bucket.kmsKeyArn: then S3 encrypts with keys of its own.' } : {}),
  });
  if (bucketPolicy) {
    await bring(bucket, refuseForeign, {
      what: 'the policy',
      read: () => s3.getBucketPolicy(bucket),
      isAsWanted: (policy) => policy !== undefined && sameJson(parseJson(policy), bucketPolicy),
      write: () => s3.putBucketPolicy(bucket, bucketPolicy),
      without: 'Or deploy with denyPlainHttp=false: then created buckets get no policy.',
    });
  }
  if (corsOrigins.length > 0) {
    const rule = corsRule('dataloop-cross-account', desired);
    await bring(bucket, refuseForeign, {
      what: 'the CORS rules',
      read: () => s3.getBucketCors(bucket),
      isAsWanted: (rules) => alreadyAllowed(rules ?? [], rule),
      write: () => s3.putBucketCors(bucket, [rule]),
      without: withoutCors,
    });
  }
}

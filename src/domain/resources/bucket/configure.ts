/**
 * The settings of a created bucket. New buckets of AWS are closed, owner-enforced and encrypted, and organisations deny the
 * calls that say so again: what is as wanted is not written.
 */
import { ServiceError } from '../../../errors.ts';
import { parseJson, sameJson } from '../../model/canonical-json.ts';
import type { DesiredState } from '../../model/desired-state.ts';
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

interface Setting {
  readonly what: string;
  /** Reads it. */
  readonly isAsWanted: () => Promise<boolean>;
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

/** Writes one setting, and reads it back. */
async function bring(
  bucket: BucketAddress,
  refuseForeign: () => Promise<void>,
  { what, isAsWanted, write, without }: Setting,
): Promise<void> {
  // Somebody may have put another bucket in its place, which is not ours to change.
  await refuseForeign();
  await (without ? orWithout(write, without) : write());
  if (!(await isAsWanted())) throw notYetShown(`${what} of the bucket ${bucket.name}`);
}

/**
 * Writes what is not as wanted, one after the other: S3 answers concurrent changes of one bucket with OperationAborted.
 * @param refuseForeign throws where the bucket does not carry our tag; called before each write
 */
export async function configureBucket(
  { desired }: StepContext,
  bucket: BucketAddress,
  s3: ConfigureCalls,
  refuseForeign: () => Promise<void>,
): Promise<void> {
  const settings = settingsOf(desired, bucket, s3);
  const found = await Promise.all(settings.map(({ isAsWanted }) => isAsWanted()));
  for (const [index, setting] of settings.entries()) {
    if (!found[index]) await bring(bucket, refuseForeign, setting);
  }
}

function settingsOf(desired: DesiredState, bucket: BucketAddress, s3: ConfigureCalls): Setting[] {
  const { bucketPolicy, corsOrigins } = desired;
  const { kmsKeyArn } = desired.bucket;
  const rule = corsRule('dataloop-cross-account', desired);
  return [
    {
      what: 'the public-access block',
      isAsWanted: async () => isClosed(await s3.getPublicAccessBlock(bucket)),
      write: () => s3.putPublicAccessBlock(bucket, closed),
    },
    {
      what: 'the object ownership',
      isAsWanted: async () => (await s3.getBucketOwnershipControls(bucket)) === 'BucketOwnerEnforced',
      write: () => s3.putBucketOwnershipControls(bucket),
    },
    {
      what: 'the encryption',
      isAsWanted: async () => {
        const found = await s3.getBucketEncryption(bucket);
        return kmsKeyArn
          ? found?.algorithm === 'aws:kms' && found.kmsKeyId === kmsKeyArn
          : found?.algorithm === 'AES256';
      },
      write: () => s3.putBucketEncryption(bucket, kmsKeyArn),
      ...(kmsKeyArn ? { without: 'Or omit bucket.kmsKeyArn: then S3 encrypts with keys of its own.' } : {}),
    },
    ...(bucketPolicy
      ? [
          {
            what: 'the policy',
            isAsWanted: async () => {
              const policy = await s3.getBucketPolicy(bucket);
              return policy !== undefined && sameJson(parseJson(policy), bucketPolicy);
            },
            write: () => s3.putBucketPolicy(bucket, bucketPolicy),
            without: 'Or deploy with denyPlainHttp=false: then created buckets get no policy.',
          },
        ]
      : []),
    ...(corsOrigins.length > 0
      ? [
          {
            what: 'the CORS rules',
            isAsWanted: async () => alreadyAllowed((await s3.getBucketCors(bucket)) ?? [], rule),
            write: () => s3.putBucketCors(bucket, [rule]),
            without: withoutCors,
          },
        ]
      : []),
  ];
}

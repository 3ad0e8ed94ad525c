/** The bucket: CreateBucket and its undo, DeleteBucket. */
import { ServiceError } from '../../../errors.ts';
import type { PolicyDocument } from '../../model/permission-policy.ts';
import { isTaggedOurs, type RemovalOutcome, removeIfOurs, type UndoOutcome } from '../../saga/ownership.ts';
import type { StepContext } from '../../saga/step.ts';

/** Who holds a bucket name, as far as we can see: `account` is our own account. */
export type BucketHolder = 'nobody' | 'account' | 'another-account';

export interface BucketReader {
  /** HeadBucket. @throws ServiceError when S3 answers with anything but a holder. */
  holderOf(bucket: BucketAddress): Promise<BucketHolder>;
  tagsOf(bucket: BucketAddress): Promise<Readonly<Record<string, string>>>;
}

export interface BucketCreator extends BucketReader {
  /** CreateBucket with its tags, in one call: there is no moment at which it exists and is not known as ours. */
  create(
    bucket: BucketAddress,
    tags: Readonly<Record<string, string>>,
  ): Promise<'created' | 'exists-in-account' | 'exists-in-another-account'>;
  blockPublicAccess(bucket: BucketAddress): Promise<void>;
  enforceOwnership(bucket: BucketAddress): Promise<void>;
  /** Default encryption: with the KMS key, or S3's own where there is none. */
  encrypt(bucket: BucketAddress, kmsKeyArn: string | undefined): Promise<void>;
  setPolicy(bucket: BucketAddress, policy: PolicyDocument): Promise<void>;
  allowOrigins(bucket: BucketAddress, origins: readonly string[]): Promise<void>;
}

export interface BucketRemover extends BucketReader {
  /** DeleteBucket: never empties it. */
  delete(bucket: BucketAddress): Promise<'removed' | 'absent' | 'not-empty'>;
}

export interface BucketAddress {
  readonly name: string;
  readonly region: string;
  /** The account that must own the bucket: every call on it is refused by S3 otherwise. */
  readonly ownerAccountId: string;
}

export const bucketAddress = (step: Pick<StepContext, 'desired'>): BucketAddress => ({
  name: step.desired.bucket.name,
  region: step.desired.bucket.region,
  ownerAccountId: step.desired.accountId,
});

/** Looks at the bucket first: in us-east-1, creating a bucket that one already owns succeeds and resets it. */
export async function createBucket(step: StepContext, s3: BucketCreator): Promise<{ bucketArn: string }> {
  const bucket = bucketAddress(step);
  const { arn } = step.desired.bucket;

  const holder = await s3.holderOf(bucket);
  if (holder === 'another-account') throw nameTaken(bucket.name, 'another AWS account');
  if (holder === 'account' && !step.resource('bucket')) throw nameTaken(bucket.name, 'this AWS account');
  if (holder === 'nobody') {
    await step.intend('bucket', { arn, region: bucket.region });
    const outcome = await s3.create(bucket, step.desired.tags);
    if (outcome === 'exists-in-another-account') {
      await step.gone('bucket', 'It belongs to another AWS account.');
      throw nameTaken(bucket.name, 'another AWS account');
    }
  }
  if (!isTaggedOurs(step, await s3.tagsOf(bucket))) throw nameTaken(bucket.name, 'this AWS account');
  await step.created('bucket', { arn, region: bucket.region });

  // One after the other: S3 answers concurrent changes of one bucket with OperationAborted.
  await s3.blockPublicAccess(bucket);
  await s3.enforceOwnership(bucket);
  await s3.encrypt(bucket, step.desired.bucket.kmsKeyArn);
  await s3.setPolicy(bucket, step.desired.bucketPolicy);
  if (step.desired.corsOrigins.length > 0) await s3.allowOrigins(bucket, step.desired.corsOrigins);
  return { bucketArn: arn };
}

export function nameTaken(bucketName: string, holder: string): ServiceError {
  return new ServiceError(
    'BucketNameTakenError',
    `The bucket ${bucketName} already exists in ${holder} and was not made for this integration; it was left as it is. ` +
      'Choose another bucket name.',
  );
}

/** @param did what this integration did to the bucket */
export function bucketHidden(bucketName: string, did: string): ServiceError {
  return new ServiceError(
    'AwsAccessDeniedError',
    `S3 refuses to show the bucket ${bucketName}, which this integration ${did}. ` +
      'Look for a bucket policy or service control policy that is in the way.',
  );
}

/** Deletes the bucket when it is empty and carries our tag; anything else is left alone and reported. */
export function deleteBucket(step: StepContext, s3: BucketRemover): Promise<UndoOutcome> {
  const bucket = {
    ...bucketAddress(step),
    region: step.resource('bucket')?.region ?? step.desired.bucket.region,
  };
  return removeIfOurs(
    step,
    'bucket',
    async () => {
      const holder = await s3.holderOf(bucket);
      // S3 answers 403 for a foreign bucket and for a refusal alike, and the name was free when it was meant for ours:
      // what we made, or may have made, is not called gone on that.
      if (holder === 'another-account') throw bucketHidden(bucket.name, 'made or was about to make');
      return holder === 'account' ? { tags: await s3.tagsOf(bucket) } : undefined;
    },
    async (): Promise<RemovalOutcome> => {
      const outcome = await s3.delete(bucket);
      if (outcome !== 'not-empty') return outcome;
      return {
        reason: 'It is not empty, and objects are never deleted by this service.',
        advice: 'Keep it, or empty it yourself and send DELETE for this integration again.',
      };
    },
  );
}

/** The bucket: CreateBucket. delete.ts has its undo. */
import { ServiceError } from '../../../errors.ts';
import { parseJson, sameJson } from '../../model/canonical-json.ts';
import { type DesiredState, ownerTag } from '../../model/desired-state.ts';
import { type JournalRecord, thisOf } from '../../model/record.ts';
import { isTaggedOurs } from '../../saga/ownership.ts';
import type { StepContext } from '../../saga/step.ts';
import { type ConfigureCalls, configureBucket } from './configure.ts';
import type { BucketAddress, BucketHolder, S3 } from './s3.ts';

export const bucketAddress = (step: Pick<StepContext, 'desired'>): BucketAddress => ({
  name: step.desired.bucket.name,
  region: step.desired.bucket.region,
  ownerAccountId: step.desired.accountId,
});

/**
 * Who holds a bucket's name.
 * @throws ServiceError `BucketNameTakenError` where it lies in another region
 */
export async function holderOf(bucket: BucketAddress, s3: Pick<S3, 'headBucket'>): Promise<BucketHolder> {
  const { holder } = await s3.headBucket(bucket);
  if (holder !== 'another-region') return holder;
  throw new ServiceError(
    'BucketNameTakenError',
    `The bucket ${bucket.name} already exists in another region than ${bucket.region}. It was left unchanged. ` +
      'Choose another bucket name.',
  );
}

/** Checks for the bucket first: in us-east-1, creating a bucket that you already own succeeds and resets it. */
export async function createBucket(
  step: StepContext,
  s3: Pick<S3, 'headBucket' | 'createBucket' | 'getBucketTagging' | 'getBucketPolicy'> & ConfigureCalls,
): Promise<{ bucketArn: string }> {
  const bucket = bucketAddress(step);
  const { arn } = step.desired.bucket;

  const holder = await holderOf(bucket, s3);
  if (holder === 'another-account') throw nameTaken(bucket.name, 'another AWS account');
  if (holder === 'account' && !step.resource('bucket')) throw nameTaken(bucket.name, 'this AWS account');
  let isFound = holder === 'account';
  if (holder === 'nobody') {
    await step.intend('bucket', { arn, region: bucket.region });
    const outcome = await s3.createBucket(bucket, step.desired.tags);
    if (outcome === 'exists-in-another-account') {
      await step.gone('bucket', 'It belongs to another AWS account.');
      throw nameTaken(bucket.name, 'another AWS account');
    }
    isFound = outcome === 'exists-in-account';
  }
  const refuseForeign = async () => {
    if (!isTaggedOurs(step, await s3.getBucketTagging(bucket)))
      throw nameTaken(bucket.name, 'this AWS account');
  };
  await refuseForeign();
  const { bucketPolicy } = step.desired;
  // Whoever wrote another policy may have let in anybody.
  const policy = isFound ? await s3.getBucketPolicy(bucket) : undefined;
  if (policy !== undefined && !sameJson(parseJson(policy), bucketPolicy)) throw bucketChanged(bucket.name);
  await step.created('bucket', { arn, region: bucket.region });

  await configureBucket(step, bucket, s3, refuseForeign);
  return { bucketArn: arn };
}

export function nameTaken(bucketName: string, holder: string): ServiceError {
  return new ServiceError(
    'BucketNameTakenError',
    `The bucket ${bucketName} already exists in ${holder} and does not belong to this integration. It was left ` +
      'unchanged. Choose another bucket name.',
  );
}

/**
 * Refuses access to a bucket that AWS does not show as made for this record: what the journal says of it may be forged.
 * An adopted bucket has no tag of ours: the parameters of the deployment name it.
 * @throws ServiceError `BucketChangedError`
 */
export async function refuseForeignBucket(
  desired: DesiredState,
  getBucketTagging: S3['getBucketTagging'],
): Promise<void> {
  if (desired.bucket.mode === 'adopt') return;
  const tags = await getBucketTagging(bucketAddress({ desired }));
  if (tags[ownerTag] === desired.recordId) return;
  throw new ServiceError(
    'BucketChangedError',
    `The bucket ${desired.bucket.name} does not carry the tag ${ownerTag}=${desired.recordId}, so it may belong to somebody ` +
      'else. No access was granted. Find out in CloudTrail who changed its tags, then send the request again.',
  );
}

const bucketChanged = (bucketName: string): ServiceError =>
  new ServiceError(
    'BucketChangedError',
    `Somebody gave the bucket ${bucketName} a policy during setup, so the service does not use it. Find out who did in ` +
      'CloudTrail, then send the request again.',
  );

/** @param did what the integration or driver did to the bucket */
export function bucketHidden(record: JournalRecord, did: string): ServiceError {
  return new ServiceError(
    'AwsAccessDeniedError',
    `S3 denies access to the bucket ${record.request.bucket.name}, which ${thisOf(record)} ${did}. ` +
      'Look for a bucket policy or service control policy that denies it.',
  );
}

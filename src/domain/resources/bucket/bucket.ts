/** The bucket: CreateBucket and its undo, DeleteBucket. */
import { ServiceError } from '../../../errors.ts';
import { parseJson, sameJson } from '../../model/canonical-json.ts';
import { type DesiredState, ownerTag } from '../../model/desired-state.ts';
import { type JournalRecord, type PublicAccessBlock, standingResources, thisOf } from '../../model/record.ts';
import type { ResourceKey } from '../../model/resource-keys.ts';
import type { RecordKind } from '../../model/steps.ts';
import { isTaggedOurs, type RemovalOutcome, removeIfOurs, type UndoOutcome } from '../../saga/ownership.ts';
import { sendAgain } from '../../saga/residue.ts';
import type { StepContext } from '../../saga/step.ts';
import { corsRule } from './cors.ts';
import type { BucketAddress, BucketHolder, S3 } from './s3.ts';

export const bucketAddress = (step: Pick<StepContext, 'desired'>): BucketAddress => ({
  name: step.desired.bucket.name,
  region: step.desired.bucket.region,
  ownerAccountId: step.desired.accountId,
});

/** The public-access block of a bucket that is closed to the public. */
export const closed: PublicAccessBlock = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

export const isClosed = (block: PublicAccessBlock | undefined): boolean => sameJson(block, closed);

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
  s3: Pick<
    S3,
    | 'headBucket'
    | 'createBucket'
    | 'getBucketTagging'
    | 'putPublicAccessBlock'
    | 'putBucketOwnershipControls'
    | 'putBucketEncryption'
    | 'getBucketPolicy'
    | 'putBucketPolicy'
    | 'putBucketCors'
  >,
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
  if (!isTaggedOurs(step, await s3.getBucketTagging(bucket)))
    throw nameTaken(bucket.name, 'this AWS account');
  const { bucketPolicy, corsOrigins } = step.desired;
  // Whoever wrote another policy may have let in anybody.
  const policy = isFound ? await s3.getBucketPolicy(bucket) : undefined;
  if (policy !== undefined && !sameJson(parseJson(policy), bucketPolicy)) throw bucketChanged(bucket.name);
  await step.created('bucket', { arn, region: bucket.region });

  // One after the other: S3 answers concurrent changes of one bucket with OperationAborted.
  await s3.putPublicAccessBlock(bucket, closed);
  await s3.putBucketOwnershipControls(bucket);
  await s3.putBucketEncryption(bucket, step.desired.bucket.kmsKeyArn);
  if (bucketPolicy) await s3.putBucketPolicy(bucket, bucketPolicy);
  if (corsOrigins.length > 0) {
    await s3.putBucketCors(bucket, [corsRule('dataloop-cross-account', corsOrigins)]);
  }
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

/** What names the bucket of a record: the first policy and its role, or what another policy grants on an added bucket. */
const naming: Readonly<Record<RecordKind, readonly ResourceKey[]>> = {
  integration: ['role', 'policy'],
  'added bucket': ['access'],
};

/**
 * What keeps a bucket, because it could not be removed before. A bucket's name is free once it is deleted: whoever takes
 * it next would get what Dataloop still writes.
 */
function namedBy({ record }: StepContext): Exclude<RemovalOutcome, string> | undefined {
  const holders = standingResources(record).filter(([key]) => naming[record.kind].includes(key));
  if (holders.length === 0) return undefined;
  const arns = holders.map(([, { arn }]) => arn).join(' and ');
  return {
    reason:
      `Dataloop may still have access to it by ${arns}. Without the bucket, somebody else could take its name and receive ` +
      'what Dataloop writes.',
    advice: sendAgain(record, 'Do first what the other entries of residue say.'),
  };
}

/**
 * Deletes the bucket when it is empty, carries our tag, and nothing of ours names it any more; anything else is left alone
 * and reported.
 */
export function deleteBucket(
  step: StepContext,
  s3: Pick<S3, 'headBucket' | 'getBucketTagging' | 'deleteBucket'>,
): Promise<UndoOutcome> {
  const bucket = {
    ...bucketAddress(step),
    region: step.resource('bucket')?.region ?? step.desired.bucket.region,
  };
  return removeIfOurs(
    step,
    'bucket',
    async () => {
      const holder = await holderOf(bucket, s3);
      // S3 answers 403 for a foreign bucket and for a refusal alike, and the name was free when it was meant for ours:
      // what we made, or may have made, is not called gone on that.
      if (holder === 'another-account') throw bucketHidden(step.record, 'created or tried to create');
      return holder === 'account' ? { tags: await s3.getBucketTagging(bucket) } : undefined;
    },
    async (): Promise<RemovalOutcome> => {
      const kept = namedBy(step);
      if (kept) return kept;
      const outcome = await s3.deleteBucket(bucket);
      if (outcome !== 'not-empty') return outcome;
      return {
        reason: 'The bucket still holds objects, and this service never deletes objects.',
        advice: `To delete it, empty it, then send DELETE for ${thisOf(step.record)} again. To keep it, leave it as it is.`,
      };
    },
  );
}

/** DeleteBucket, the undo of CreateBucket: a created bucket is deleted where it is empty, or its owner keeps it. */
import { ServiceError } from '../../../errors.ts';
import { parseJson, sameJson } from '../../model/canonical-json.ts';
import { ownerTag } from '../../model/desired-state.ts';
import { type JournalRecord, type RecordReader, standingResources, thisOf } from '../../model/record.ts';
import type { ResourceKey } from '../../model/resource-keys.ts';
import type { RecordKind } from '../../model/steps.ts';
import {
  confirmAbsence,
  isTaggedOurs,
  type RemovalOutcome,
  removeIfOurs,
  type UndoOutcome,
} from '../../saga/ownership.ts';
import { sendAgain } from '../../saga/residue.ts';
import { notYetShown, type StepContext } from '../../saga/step.ts';
import { bucketAddress, bucketHidden, holderOf } from './bucket.ts';
import type { BucketAddress, S3 } from './s3.ts';

/** What names the bucket of a record: the first policy and its role, or what another policy grants on an added bucket. */
const naming: Readonly<Record<RecordKind, readonly ResourceKey[]>> = {
  integration: ['role', 'policy'],
  'added bucket': ['access'],
};

/**
 * What keeps a bucket, because it could not be removed before. A bucket's name is free once it is deleted: whoever takes
 * it next would get what Dataloop still writes. Nor is a bucket its owner's alone while Dataloop may use it.
 */
function namedBy({ record }: StepContext, why: string): Exclude<RemovalOutcome, string> | undefined {
  const holders = standingResources(record).filter(([key]) => naming[record.kind].includes(key));
  if (holders.length === 0) return undefined;
  const arns = holders.map(([, { arn }]) => arn).join(' and ');
  return {
    reason: `Dataloop may still have access to it by ${arns}. ${why}`,
    advice: sendAgain(record, 'Do first what the other entries of residue say.'),
  };
}

const addressOf = (step: StepContext): BucketAddress => ({
  ...bucketAddress(step),
  region: step.resource('bucket')?.region ?? step.desired.bucket.region,
});

/** Whether the bucket is there. S3 answers 403 for a foreign bucket and for a refusal alike: then it is not called gone. */
async function isThere(
  step: StepContext,
  bucket: BucketAddress,
  s3: Pick<S3, 'headBucket'>,
): Promise<boolean> {
  const holder = await holderOf(bucket, s3);
  if (holder === 'another-account') throw bucketHidden(step.record, 'created or tried to create');
  return holder === 'account';
}

/**
 * Whether its owner keeps the bucket: what `DELETE` said of it last or, of an added bucket, of its integration. Nothing else
 * of a record says so.
 */
export async function isKept(record: JournalRecord, { read }: RecordReader): Promise<boolean> {
  // Somebody may have said so while the step was waiting for its turn.
  const now = (await read(record.id)) ?? record;
  if (now.keepBucket !== undefined || !now.parent) return now.keepBucket ?? false;
  return (await read(now.parent.integrationId))?.keepBucket ?? false;
}

/**
 * Deletes the bucket when it is empty, carries our tag, and nothing of ours names it any more; anything else is left alone
 * and reported.
 */
export function deleteBucket(
  step: StepContext,
  s3: Pick<S3, 'headBucket' | 'getBucketTagging' | 'deleteBucket' | 'listObjectVersions'>,
): Promise<UndoOutcome> {
  const bucket = addressOf(step);
  return removeIfOurs(
    step,
    'bucket',
    async () => ((await isThere(step, bucket, s3)) ? { tags: await s3.getBucketTagging(bucket) } : undefined),
    async (): Promise<RemovalOutcome> => {
      const named = namedBy(
        step,
        'Without the bucket, somebody else could take its name and receive what Dataloop writes.',
      );
      if (named) return named;
      const outcome = await s3.deleteBucket(bucket);
      if (outcome !== 'not-empty') return outcome;
      return {
        reason: `${await whatIsIn(bucket, s3)} This service never deletes objects.`,
        advice:
          'The bucket still holds objects. To keep it, send DELETE with ?keepBucket=true. To delete it, empty it and ' +
          `send DELETE for ${thisOf(step.record)} again.`,
      };
    },
  );
}

/** Dataloop's folder for thumbnails and converted files; where it lies below a prefix is not known. */
const isHidden = ({ key }: { readonly key: string }): boolean => /(^|\/)\.dataloop\//.test(key);

const counted = (count: number, one: string, several = `${one}s`) =>
  `${count} ${count === 1 ? one : several}`;

/** What a bucket holds that looks empty, as far as the first page of a list tells. */
async function whatIsIn(bucket: BucketAddress, s3: Pick<S3, 'listObjectVersions'>): Promise<string> {
  const { versions, deleteMarkers } = await s3.listObjectVersions(bucket).catch((error: unknown) => {
    // Where it may not be listed, there is less to say.
    if (error instanceof ServiceError) return { versions: [], deleteMarkers: 0 };
    throw error;
  });
  const current = versions.filter(({ isLatest }) => isLatest);
  const hidden = current.filter(isHidden).length;
  const older = versions.length - current.length;
  const unseen = [
    ...(hidden > 0
      ? [
          counted(
            hidden,
            "object in Dataloop's hidden folder .dataloop/",
            "objects in Dataloop's hidden folder .dataloop/",
          ),
        ]
      : []),
    ...(older > 0 ? [counted(older, 'older version')] : []),
    ...(deleteMarkers > 0 ? [counted(deleteMarkers, 'delete marker')] : []),
  ];
  if (unseen.length === 0) return 'The bucket is not empty.';
  const others = current.length - hidden;
  const found = [...(others > 0 ? [counted(others, 'object')] : []), ...unseen];
  return `The bucket is not empty. Among the first 1,000 entries are ${listed(found)}.`;
}

const listed = (all: readonly string[]): string =>
  all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`;

/**
 * Gives the bucket to its owner, once Dataloop has no access any more: our policy goes, then our tag. Its objects and all
 * other settings stay, and nothing of it is ours from then on.
 */
export async function releaseCreatedBucket(
  step: StepContext,
  s3: Pick<
    S3,
    'headBucket' | 'getBucketTagging' | 'putBucketTagging' | 'getBucketPolicy' | 'deleteBucketPolicy'
  >,
): Promise<UndoOutcome> {
  const known = step.resource('bucket');
  if (!known || known.state === 'gone') return { outcome: 'nothing to release' };
  const bucket = addressOf(step);
  if (!(await isThere(step, bucket, s3))) return confirmAbsence(step, 'bucket');
  const tags = await s3.getBucketTagging(bucket);
  if (!isTaggedOurs(step, tags)) {
    if (known.state === 'intended') {
      await step.gone('bucket', `It does not belong to ${thisOf(step.record)}.`);
      return { outcome: 'not ours, left alone' };
    }
    await step.released('bucket', `You asked to keep it. It does not carry the tag ${ownerTag} any more.`);
    return { outcome: 'released' };
  }
  const named = namedBy(step, 'It is yours alone once that has ended.');
  if (named) {
    await step.residue('bucket', named);
    return { outcome: `left: ${named.reason}` };
  }
  // From here on a further attempt may find it without the tag.
  await step.created('bucket', known);
  await takePolicyAway(step, bucket, s3);
  const { [ownerTag]: _ours, ...others } = tags;
  await s3.putBucketTagging(bucket, others);
  if (isTaggedOurs(step, await s3.getBucketTagging(bucket))) {
    throw notYetShown(`the tags of the bucket ${bucket.name} without ours`);
  }
  await step.released(
    'bucket',
    `You asked to keep it. The tag ${ownerTag} was removed; objects and other settings are as they were.`,
  );
  return { outcome: 'released' };
}

/** A policy that says anything else than ours is its owner's. */
async function takePolicyAway(
  { desired }: StepContext,
  bucket: BucketAddress,
  { getBucketPolicy, deleteBucketPolicy }: Pick<S3, 'getBucketPolicy' | 'deleteBucketPolicy'>,
): Promise<void> {
  // Only where the deployment writes such policies may the function read them.
  if (!desired.bucketPolicy) return;
  const policy = await getBucketPolicy(bucket);
  if (policy === undefined || !sameJson(parseJson(policy), desired.bucketPolicy)) return;
  await deleteBucketPolicy(bucket);
}

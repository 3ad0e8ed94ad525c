/**
 * An existing bucket: CreateBucket adopts it, DeleteBucket restores its settings. It carries no tag of ours. A setting is
 * restored only if the record says that we wrote it and it is still as we wrote it; anything else is left alone.
 */
import { ServiceError } from '../../../errors.ts';
import { sameJson } from '../../model/canonical-json.ts';
import { type DesiredState, ownerTag } from '../../model/desired-state.ts';
import { recordDamaged } from '../../model/lookup.ts';
import { type Changes, type CorsRule, type PublicAccessBlock, thisOf } from '../../model/record.ts';
import { attributeOf } from '../../model/resource-keys.ts';
import { noEarlierCall } from '../../saga/in-flight-calls.ts';
import { confirmAbsence, journalChange, type UndoOutcome } from '../../saga/ownership.ts';
import { sendAgain } from '../../saga/residue.ts';
import { notYetShown, type StepContext } from '../../saga/step.ts';
import { bucketAddress, bucketHidden } from './bucket.ts';
import { orWithout, withoutCors } from './configure.ts';
import { alreadyAllowed, corsRule, maximumCorsRules } from './cors.ts';
import { closed, isClosed, isClosedInAccount } from './public-access.ts';
import type { BucketAddress, S3 } from './s3.ts';

/** The calls that look whether a bucket may be adopted. */
type AdoptionLook =
  | 'headBucket'
  | 'getBucketTagging'
  | 'getPublicAccessBlock'
  | 'getAccountPublicAccessBlock';

/**
 * Checks whether the bucket may be adopted, and changes nothing.
 * @returns its own public-access block, and whether that has to be closed
 * @throws ServiceError `BucketNotAdoptableError`
 */
export async function checkAdoptable(
  desired: DesiredState,
  s3: Pick<S3, AdoptionLook>,
): Promise<{ readonly block: PublicAccessBlock | undefined; readonly isToBeClosed: boolean }> {
  const bucket = bucketAddress({ desired });
  const { holder, region } = await s3.headBucket(bucket);
  if (holder === 'nobody') {
    throw notAdoptable(bucket, 'does not exist', 'Omit bucket.mode to create it.');
  }
  if (holder === 'another-region' || (region !== undefined && region !== bucket.region)) {
    throw notAdoptable(
      bucket,
      `is in ${region ?? `another region than ${bucket.region}`}`,
      `Send ${region ? `bucket.region "${region}"` : 'its region as bucket.region'}.`,
    );
  }
  if (holder === 'another-account') {
    throw notAdoptable(
      bucket,
      'belongs to another AWS account, or a policy hides it from the service',
      `Choose a bucket of account ${bucket.ownerAccountId}, and let its bucket policy give the service access.`,
    );
  }
  const maker = (await s3.getBucketTagging(bucket))[ownerTag];
  if (maker !== undefined) {
    throw notAdoptable(
      bucket,
      `belongs to the integration ${maker}, which deletes it when it is empty`,
      `Remove that integration first or, to keep the bucket, remove its tag ${ownerTag}.`,
    );
  }
  const block = await s3.getPublicAccessBlock(bucket);
  const mayClose = desired.bucket.blockPublicAccess;
  // On request it is closed anyway: no answer about the account is worth a wait.
  const isToBeClosed = !(await isClosedInAccount(bucket, block, s3, mayClose ? false : undefined));
  if (isToBeClosed && !mayClose) {
    throw notAdoptable(
      bucket,
      "may be open to the public: its public-access block and the account's do not have all four settings on",
      'Turn them on, or send bucket.blockPublicAccess: true. Then the service turns them on, and restores them on removal.',
    );
  }
  return { block, isToBeClosed };
}

function notAdoptable(bucket: BucketAddress, why: string, advice: string): ServiceError {
  return new ServiceError(
    'BucketNotAdoptableError',
    `The bucket ${bucket.name} ${why}. It was left unchanged. ${advice}`,
  );
}

/** The calls on what of a bucket may be changed. */
type SettingCall = 'getPublicAccessBlock' | 'putPublicAccessBlock' | 'getBucketCors' | 'putBucketCors';

/** Changes only what was requested: no encryption, no policy, no ownership, no tags, no objects. */
export async function adoptBucket(
  step: StepContext,
  s3: Pick<S3, AdoptionLook | SettingCall>,
): Promise<{ bucketArn: string }> {
  // What an earlier attempt changes meanwhile would be taken for the original.
  noEarlierCall(step);
  const bucket = bucketAddress(step);
  const { arn } = step.desired.bucket;
  const { block, isToBeClosed } = await checkAdoptable(step.desired, s3);
  const reference = { arn, region: bucket.region };
  await journalChange(step, 'bucket', reference, {});

  if (isToBeClosed) {
    const change = { before: block, after: closed };
    await journalChange(step, 'bucket', reference, { publicAccessBlock: change });
    await orWithout(
      () => s3.putPublicAccessBlock(bucket, closed),
      'Or close the bucket or the account yourself, and omit bucket.blockPublicAccess.',
    );
  }
  if (step.desired.corsOrigins.length > 0) {
    const rules = await s3.getBucketCors(bucket);
    const change = corsChange(step, rules);
    if (change) {
      await journalChange(step, 'bucket', reference, { cors: change });
      await orWithout(() => s3.putBucketCors(bucket, change.after), withoutCors);
    }
  }
  const { changes } = step.resource('bucket') ?? {};
  await step.created('bucket', { ...reference, origin: 'adopted', ...(changes ? { changes } : {}) });
  return { bucketArn: arn };
}

const ruleIdOf = (step: StepContext) => `dataloop-cross-account-${step.desired.recordId}`;

/** Our rule after the others, so that it does not change their effect; undefined if none is needed. */
function corsChange(
  step: StepContext,
  rules: readonly CorsRule[] | undefined,
): NonNullable<Changes['cors']> | undefined {
  const rule = corsRule(ruleIdOf(step), step.desired);
  if (alreadyAllowed(rules ?? [], rule)) return undefined;
  checkCorsRoom(step.desired, rules);
  return { before: rules && [...rules], after: [...(rules ?? []), rule] };
}

/** @throws ServiceError `BucketNotAdoptableError` where our rule is needed, and the bucket has no room for it */
export function checkCorsRoom(desired: DesiredState, rules: readonly CorsRule[] = []): void {
  const isNeeded = !alreadyAllowed(rules, corsRule('', desired));
  if (!isNeeded || rules.length < maximumCorsRules) return;
  throw notAdoptable(
    bucketAddress({ desired }),
    `has ${maximumCorsRules} CORS rules, the maximum in S3`,
    'Remove one, or send bucket.cors: false.',
  );
}

/** Restores our changes, unless somebody has changed the settings since. The bucket and its objects stay. */
export async function releaseBucket(
  step: StepContext,
  s3: Pick<S3, 'headBucket' | SettingCall>,
): Promise<UndoOutcome> {
  const known = step.resource('bucket');
  if (!known || known.state === 'gone') return { outcome: 'nothing to restore' };
  if (known.origin !== 'adopted') return releaseUnknown(step, s3);
  const { cors, publicAccessBlock } = known.changes ?? {};
  if (!cors && !publicAccessBlock) {
    await step.gone('bucket');
    return { outcome: 'nothing was changed' };
  }
  const bucket = { ...bucketAddress(step), region: known.region ?? step.desired.bucket.region };
  const { holder } = await s3.headBucket(bucket);
  if (holder === 'nobody') return confirmAbsence(step, 'bucket');
  if (holder !== 'account') throw bucketHidden(step.record, 'changed');

  if (publicAccessBlock) checkClosing(step, publicAccessBlock);
  const corsNow = await putBack(cors && withoutOurRule(step, cors), bucket, {
    read: () => s3.getBucketCors(bucket),
    write: (before) => s3.putBucketCors(bucket, before),
  });
  const blockNow = await putBack(publicAccessBlock, bucket, {
    read: () => s3.getPublicAccessBlock(bucket),
    write: (before) => s3.putPublicAccessBlock(bucket, before),
  });

  const left = [
    ...(corsNow === 'changed'
      ? [
          `Somebody changed its CORS rules after ${thisOf(step.record)} had added the rule ${ruleIdOf(step)}, so they were left ` +
            'unchanged. Remove that rule if nobody needs it.',
        ]
      : []),
    ...(blockNow === 'changed'
      ? [
          `Somebody changed its public-access block after ${thisOf(step.record)} had closed it, so it was left unchanged.`,
        ]
      : []),
  ].join(' ');
  // S3 may take a while to show what was written to a bucket's configuration.
  if (corsNow === 'as-before' || blockNow === 'as-before')
    return confirmAbsence(step, 'bucket', left || undefined);
  await step.gone('bucket', left || undefined);
  return { outcome: left ? 'restored, except changes by others' : 'restored' };
}

/**
 * Somebody has made what the record says of the bucket unreadable: nothing tells any more how its settings were before. A rule
 * that may be ours is left, and named; so is a block that may have been open.
 */
async function releaseUnknown(
  step: StepContext,
  s3: Pick<S3, 'headBucket' | 'getBucketCors'>,
): Promise<UndoOutcome> {
  const bucket = bucketAddress(step);
  const { holder } = await s3.headBucket(bucket);
  if (holder === 'nobody') return confirmAbsence(step, 'bucket');
  if (holder !== 'account') throw bucketHidden(step.record, 'changed');
  const said = `Somebody changed what the record says of it (${attributeOf('bucket')}), so the service does not change it`;
  const rules = (await s3.getBucketCors(bucket)) ?? [];
  if (rules.some(({ ID }) => ID === ruleIdOf(step))) {
    await step.residue('bucket', {
      reason: `${said}. It still has the CORS rule ${ruleIdOf(step)}.`,
      advice: sendAgain(step.record, 'Remove that rule yourself, and look at its public-access block.'),
    });
    return { outcome: 'left: the record does not say what was changed' };
  }
  const isClosedByUs = step.record.request.bucket.blockPublicAccess;
  return confirmAbsence(
    step,
    'bucket',
    isClosedByUs ? `${said}. If its public-access block was open before, open it yourself.` : undefined,
  );
}

/** What stands less our rule: what the journal calls the original is not believed where it says anything else. */
function withoutOurRule(
  step: StepContext,
  { after }: NonNullable<Changes['cors']>,
): NonNullable<Changes['cors']> {
  const others = after.filter(({ ID }) => ID !== ruleIdOf(step));
  return { after, ...(others.length > 0 ? { before: others } : {}) };
}

/**
 * The service opens a bucket to the public only where it has closed it, and it closes one only on request.
 * @throws ServiceError `RecordDamagedError`
 */
function checkClosing(
  { record }: StepContext,
  { before, after }: NonNullable<Changes['publicAccessBlock']>,
): void {
  if (record.request.bucket.blockPublicAccess && isClosed(after) && !isClosed(before)) return;
  throw recordDamaged(record.id, 'resource_bucket.changes.publicAccessBlock');
}

/**
 * Restores one setting, unless somebody has changed it since.
 * @returns how it was found; undefined where there was no change
 * @throws ServiceError `AwsNotYetConsistentError` while S3 still shows what we wrote
 */
async function putBack<T>(
  change: { readonly before?: T | undefined; readonly after: T } | undefined,
  bucket: BucketAddress,
  setting: {
    readonly read: () => Promise<unknown>;
    readonly write: (before: T | undefined) => Promise<void>;
  },
): Promise<ReturnType<typeof compare> | undefined> {
  if (!change) return undefined;
  const found = compare(await setting.read(), change);
  if (found === 'as-written') {
    await setting.write(change.before);
    // The next integration that adopts the bucket must not find our setting and keep it as the original.
    if (compare(await setting.read(), change) === 'as-written') {
      throw notYetShown(`the restored settings of the bucket ${bucket.name}`);
    }
  }
  return found;
}

function compare<T>(
  current: T,
  { before, after }: { before?: unknown; after: unknown },
): 'as-written' | 'as-before' | 'changed' {
  if (sameJson(current, after)) return 'as-written';
  return sameJson(current, before) ? 'as-before' : 'changed';
}

/** A resource is ours if the record's intent and the owner tag both say so; anything else is left alone. */
import { ServiceError } from '../../errors.ts';
import { ownerTag } from '../model/desired-state.ts';
import { type Changes, type ResourceRecord, thisOf } from '../model/record.ts';
import type { ResourceKey } from '../model/resource-keys.ts';
import { madeBy, type StepName } from '../model/steps.ts';
import { refusedDeletion } from './late-views.ts';
import type { StepContext } from './step.ts';

/** What an undo did, for people who read the execution. */
export interface UndoOutcome {
  readonly outcome: string;
}

export type Tags = Readonly<Record<string, string>>;

/** What stands under the name of a resource now. */
export interface Found {
  readonly tags: Tags;
  /** Id that AWS never gives again; undefined where the kind of resource has none. */
  readonly uniqueId?: string | undefined;
}

/** What became of a removal: `absent` where AWS said that there was nothing to remove. */
export type RemovalOutcome = 'removed' | 'absent' | { readonly reason: string; readonly advice: string };

/** True where the resource's tags name this integration as its owner. */
export function isTaggedOurs(step: StepContext, tags: Tags | undefined): boolean {
  return tags?.[ownerTag] === step.desired.recordId;
}

/**
 * Not-found reads required before a resource counts as gone. AWS shows a new resource after some seconds, rarely a
 * minute; with the back-off of the state machines five reads take a quarter of a minute on average, six take half a
 * minute.
 */
const looksFor = { created: 6, intended: 5 } as const;
/** From this age on, all of AWS certainly shows a created resource. */
const settledAfterMs = 3_600_000;

/** Of policies that are made for added buckets, no step of this record says when. */
const makers: Partial<Record<ResourceKey, StepName>> = madeBy;

/**
 * Whether a resource was made long ago, by the clock of Step Functions: its step is as old as it or older. The time of the
 * step may be forged, that of the registration not, and nothing is older than its record.
 */
function isOld({ call, record }: StepContext, key: ResourceKey): boolean {
  const maker = makers[key];
  const made = maker && record.steps[maker];
  const last = made?.endedAt ?? made?.startedAt;
  const isLongAgo = (time: string) => Date.parse(call.startedAt) - Date.parse(time) > settledAfterMs;
  return last !== undefined && isLongAgo(last) && isLongAgo(record.createdAt);
}

/**
 * @param leftAlone what was left, because it belongs to another owner
 * @throws ServiceError `AwsNotYetConsistentError` until absence is confirmed
 */
export async function confirmAbsence(
  step: StepContext,
  key: ResourceKey,
  leftAlone?: string,
): Promise<UndoOutcome> {
  const known = step.resource(key);
  const needed = known?.state === 'created' ? looksFor.created : looksFor.intended;
  const looks = isOld(step, key) ? needed : await step.notSeen(key);
  if (looks < needed) {
    const what = known?.origin === 'adopted' ? `The change of the ${key} by` : `The ${key} of`;
    throw new ServiceError(
      'AwsNotYetConsistentError',
      `${what} integration ${step.desired.recordId} was not found (read ${looks} of ${needed}), but AWS may not show it yet.`,
    );
  }
  await step.gone(key, leftAlone);
  return { outcome: 'does not exist' };
}

/** Journals that something adopted is about to be changed, beside what was changed before. */
export async function journalChange(
  step: StepContext,
  key: ResourceKey,
  reference: Pick<ResourceRecord, 'arn' | 'region' | 'uniqueId'>,
  change: Changes,
): Promise<void> {
  const known = step.resource(key);
  const resource = { ...reference, origin: 'adopted' as const, changes: { ...known?.changes, ...change } };
  await (known?.state === 'created' ? step.created(key, resource) : step.intend(key, resource));
}

/**
 * Undoes one tagged AWS resource: looks for it only if the journal knows it, removes it only if it carries our
 * tag, and journals what came of it.
 * @param look what stands under the resource's name now; undefined where nothing does
 * @param remove removes it, or says what keeps it
 */
export async function removeIfOurs(
  step: StepContext,
  key: ResourceKey,
  look: () => Promise<Found | undefined>,
  remove: () => Promise<RemovalOutcome>,
): Promise<UndoOutcome> {
  const known = step.resource(key);
  if (!known || known.state === 'gone') return { outcome: 'nothing to remove' };

  const found = await look();
  if (!found) return confirmAbsence(step, key);
  const isAnother =
    known.uniqueId !== undefined && found.uniqueId !== undefined && known.uniqueId !== found.uniqueId;
  if (isAnother) {
    await step.gone(key, 'Somebody deleted it and created another one of the same name, which stays.');
    return { outcome: 'replaced by somebody else, left alone' };
  }
  if (!isTaggedOurs(step, found.tags)) {
    if (known.state === 'intended') {
      await step.gone(key, `It does not belong to ${thisOf(step.record)}.`);
      return { outcome: 'not ours, left alone' };
    }
    await step.residue(key, {
      reason: `It no longer carries the tag ${ownerTag}=${step.desired.recordId}, so another owner may hold it now.`,
      advice: adviceFor(step, key),
    });
    return { outcome: 'left: not tagged as ours' };
  }

  const removal = await removeOrLookAgain(step, key, look, remove);
  if (removal === 'absent') return confirmAbsence(step, key);
  if (removal !== 'removed') {
    await step.residue(key, removal);
    return { outcome: `left: ${removal.reason}` };
  }
  await step.gone(key);
  return { outcome: 'removed' };
}

/** What to do about a resource that has lost our tag. */
function adviceFor({ record }: StepContext, key: ResourceKey): string {
  if (key === 'bucket') {
    return 'To have it deleted, restore the tag and send DELETE again. To keep it, send DELETE with ?keepBucket=true.';
  }
  return (
    `To have it deleted, restore the tag, or delete it yourself. ` +
    `${key === 'role' ? 'Until then Dataloop can still assume it. ' : ''}Then send DELETE for ${thisOf(record)} again.`
  );
}

/**
 * IAM authorises a call on what is gone without its path and its tags, and refuses it: after an answer that was lost, the
 * second attempt to delete meets that refusal, perhaps while IAM still shows what was deleted.
 */
async function removeOrLookAgain(
  step: StepContext,
  key: ResourceKey,
  look: () => Promise<Found | undefined>,
  remove: () => Promise<RemovalOutcome>,
): Promise<RemovalOutcome> {
  try {
    return await remove();
  } catch (error) {
    const refused = error instanceof ServiceError && error.name === 'AwsAccessDeniedError';
    if (refused && !(await look())) return 'absent';
    throw await refusedDeletion(step, key, error);
  }
}

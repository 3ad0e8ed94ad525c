/** Ours is what the journal's intent and the owner tag both say; anything else is left alone. */
import type { ResourceKey } from './journal.ts';
import { ownerTag } from './plan.ts';
import type { StepContext } from './step.ts';

/** What an undo did, for people who read the execution. */
export interface UndoOutcome {
  readonly outcome: string;
}

/** True where a resource's tags name this integration as its owner. */
export function isTaggedOurs(step: StepContext, tags: Readonly<Record<string, string>> | undefined): boolean {
  return tags?.[ownerTag] === step.plan.integrationId;
}

/**
 * Undoes one tagged AWS resource: looks for it only if the journal knows it, removes it only if it carries our
 * tag, and journals what came of it.
 * @param readTags the tags of what stands under the resource's name now; undefined where nothing does
 * @param remove removes it; returns what keeps it, or undefined once it is gone
 */
export async function removeIfOurs(
  step: StepContext,
  key: ResourceKey,
  readTags: () => Promise<Readonly<Record<string, string>> | undefined>,
  remove: () => Promise<{ reason: string; advice: string } | undefined>,
): Promise<UndoOutcome> {
  const known = step.resource(key);
  if (!known || known.state === 'gone') return { outcome: 'nothing to remove' };

  const tags = await readTags();
  if (!tags) {
    await step.gone(key);
    return { outcome: 'does not exist' };
  }
  if (!isTaggedOurs(step, tags)) {
    if (known.state === 'intended') {
      await step.gone(key);
      return { outcome: 'not ours, left alone' };
    }
    await step.residue(key, {
      reason: `It no longer carries the tag ${ownerTag}=${step.plan.integrationId}, so it may be somebody else's now.`,
      advice: 'If it is not needed, delete it yourself. Then send DELETE for this integration again.',
    });
    return { outcome: 'left: not tagged as ours' };
  }
  const kept = await remove();
  if (kept) {
    await step.residue(key, kept);
    return { outcome: `left: ${kept.reason}` };
  }
  await step.gone(key);
  return { outcome: 'removed' };
}

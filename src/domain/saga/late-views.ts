/**
 * A refusal that passes. AWS authorises a call on what it does not show yet, or no longer, without its path, tags and
 * boundary: a permission that hangs on one of these refuses. That is so for some seconds, rarely for a minute.
 */
import { ServiceError } from '../../errors.ts';
import type { ResourceKey } from '../model/resource-keys.ts';
import type { StepContext } from './step.ts';

/** For so long after a resource was made, or may have been deleted, a refusal may come from a late view. */
const lateForMs = 60_000;
/** With the back-off of the state machines, so many attempts take longer than that. */
const mostRefusals = 12;

const isRefusal = (error: unknown): error is ServiceError =>
  error instanceof ServiceError && error.name === 'AwsAccessDeniedError';

/** Whether a call was sent more than once: the first may have taken effect although its answer was lost. */
const wasSentAgain = (error: unknown): boolean =>
  error instanceof ServiceError && (error.sentAgain || wasSentAgain(error.cause));

/**
 * Makes a step wait where AWS refuses a call on what was just made.
 * @param key where the refusals are counted
 * @param madeAt when the youngest of what the calls are about was made, ms since the epoch; undefined: long ago
 * @throws ServiceError `AwsNotYetConsistentError` in place of a refusal that may pass
 */
export async function unlessSeenLate<T>(
  step: StepContext,
  key: ResourceKey,
  madeAt: () => number | undefined,
  calls: () => Promise<T>,
): Promise<T> {
  try {
    return await calls();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const made = madeAt();
    if (made === undefined || step.call.begunAt - made >= lateForMs) throw error;
    throw await counted(step, key, error);
  }
}

/**
 * What a refused deletion comes to while AWS still shows the resource: it may have been made a moment ago, or an earlier
 * deletion may have taken effect without an answer.
 * @returns the refusal itself where it lasts
 */
export async function refusedDeletion(step: StepContext, key: ResourceKey, error: unknown): Promise<unknown> {
  if (!isRefusal(error)) return error;
  const { refusals, writtenAt } = step.resource(key) ?? {};
  const isYoung = writtenAt !== undefined && step.call.begunAt - writtenAt < lateForMs;
  const mayBeDeleted = step.call.attempt > 1 || wasSentAgain(error);
  if (!isYoung && !mayBeDeleted) return error;
  // From the first refusal on: when the deletion was sent, nobody wrote down.
  const isOfThisStep = refusals !== undefined && refusals.since >= Date.parse(step.call.startedAt);
  if (isOfThisStep && step.call.begunAt - refusals.since >= lateForMs) return error;
  return counted(step, key, error);
}

async function counted(step: StepContext, key: ResourceKey, error: ServiceError): Promise<ServiceError> {
  if ((await step.refused(key)) > mostRefusals) return error;
  return new ServiceError(
    'AwsNotYetConsistentError',
    `AWS refused a call on the ${key} of ${step.record.id}: it may not show yet what was just created or deleted. ` +
      error.message,
    { cause: error },
  );
}

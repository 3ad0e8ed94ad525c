/** How long the state machines wait before they try a step again. Step Functions draws each delay between zero and that. */
import type { ErrorName } from '../../errors.ts';

/** Before the second attempt, in seconds; from then on, twice as long each time. */
export const firstDelaySeconds = 2;

/** Longest delay in seconds: of each error that has one of its own, and of all others. */
const longestDelays = new Map<string, number>([
  ['TrustNotEstablishedError', 60],
  ['OperatorAwaitedError', 60],
  ['DriverTestFailedError', 15],
  ['DatasetSyncingError', 15],
  ['AwsUnavailableError', 20],
  ['DataloopRateLimitError', 20],
  ['Lambda.TooManyRequestsException', 20],
] satisfies [ErrorName | `Lambda.${string}`, number][]);
const longestDelay = 30;

/** Longest delay of Preflight, at which a crowd waits for its turns: the shorter it is, the less of a limit is left unused. */
export const longestDelayOfCrowd = 10;

/** @param error ours, or one of the States Language */
export const longestDelaySeconds = (error: string): number => longestDelays.get(error) ?? longestDelay;

/**
 * When the attempt after a failed one begins at the latest.
 * @param attempt the number of the one that failed, from 1
 * @param failedAt ms since the epoch
 */
export function nextAttemptBy(error: ErrorName, attempt: number, failedAt: number): string {
  const delaySeconds = Math.min(firstDelaySeconds * 2 ** (attempt - 1), longestDelaySeconds(error));
  return new Date(failedAt + delaySeconds * 1000).toISOString();
}

/** Limits the wait for each part of a request, so that the answer comes in time and names what is missing. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { ServiceError } from './errors.ts';

/** When the function ends whose work this is, in ms since the epoch. */
const ends = new AsyncLocalStorage<number>();

/** Does the work of a function. Calls to Dataloop end before the function does, so that what they say is heard. */
export const withinLifetime = <T>(remainingMs: number, work: () => Promise<T>): Promise<T> =>
  ends.run(Date.now() + remainingMs, work);

/** How long the function may still run; without an end where the work is not that of a function. */
export const lifetimeLeftMs = (): number => (ends.getStore() ?? Number.POSITIVE_INFINITY) - Date.now();

const impatient = new AsyncLocalStorage<true>();

/** Does work whose calls wait for no rate limit: what is throttled fails at once, and is tried again later. */
export const withoutPatience = <T>(work: () => Promise<T>): Promise<T> => impatient.run(true, work);

/** Where the work is not that of a function, and so has no end. */
const mostRetries = 2;

/**
 * Whether a call that a rate limit refused may be sent again after so long, and still leave the function so much time.
 * @param retries how often it was already
 */
export const mayWait = (retries: number, waitMs: number, keptMs: number): boolean =>
  !impatient.getStore() &&
  waitMs + keptMs <= lifetimeLeftMs() &&
  (ends.getStore() !== undefined || retries < mostRetries);

/** Time of a function that is kept for its answer. */
const answerMs = 2_000;

/**
 * @param remainingMs how long the function may still run. What is given up ends with it or in a later call: so it must
 *   be something that only reads.
 */
export function boundedBy(remainingMs: number): Bound {
  const limitMs = Math.max(remainingMs - answerMs, 0);
  const expired = Date.now() + limitMs;
  return async (what, work) => {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => {
          reject(
            new ServiceError('TryAgainError', `Timed out while reading ${what}. Send the request again.`),
          );
        },
        Math.max(expired - Date.now(), 0),
      );
    });
    try {
      return await Promise.race([work, tooLate]);
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Gives up waiting for a check in time. @throws ServiceError that may pass */
export type Bound = <T>(what: string, work: Promise<T>) => Promise<T>;

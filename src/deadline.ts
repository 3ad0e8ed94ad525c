/** Limits the wait for each part of a request, so that the answer comes in time and names what is missing. */
import { ServiceError } from './errors.ts';

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

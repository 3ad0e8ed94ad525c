/** The one wait of the tests: for a condition, never for a time. */
import { setTimeout as delay } from 'node:timers/promises';

/** No measure of speed: only what hangs meets it, on a machine that is busy with other things, too. */
export const hangSeconds = 300;

interface Wait {
  /** Time between the first two looks, in ms. It becomes longer, up to four times: looks take the time of what is waited for. */
  readonly everyMs?: number;
  /** Longest wait, where what is waited for may itself last for minutes. */
  readonly limitSeconds?: number;
}

/**
 * Looks until there is something to be seen.
 * @param what is waited for, or a function that says so with what was seen last
 * @param look `undefined` and `false` where it is not there yet
 * @throws Error that says what was waited for, after {@link hangSeconds}
 */
export async function until<T>(
  what: string | (() => string),
  look: () => T | undefined | false | Promise<T | undefined | false>,
  { everyMs = 250, limitSeconds = hangSeconds }: Wait = {},
): Promise<T> {
  const started = performance.now();
  for (let pause = everyMs; ; pause = Math.min(pause * 1.2, everyMs * 4)) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() - started > limitSeconds * 1000) {
      const text = typeof what === 'string' ? what : what();
      throw new Error(`Waited in vain for ${limitSeconds} s: ${text}`);
    }
    await delay(pause);
  }
}

/** How long calls take, and how many a second AWS IAM and Dataloop take. */
import type { Clock } from './clock.ts';
import type { Worker } from './worker.ts';

/** A bucket of tokens, one a call: how many it holds, and how many come a second. */
export interface Limit {
  readonly burst: number;
  readonly perSecond: number;
}

export interface Load {
  milliseconds(service: string): number;
  /** Whether the service takes a call now; otherwise it throttles. */
  takes(service: string, what: string, by: Worker): boolean;
}

/** How many calls each service took, when the first and the last of them (ms since the beginning), and how many it throttled. */
export type Calls = Record<string, { taken: number; throttled: number; first: number; last: number }>;

/** As `npm run bench` has it: ms of a call. */
const usualMs: Readonly<Record<string, number>> = { journal: 10, dataloop: 300 };
const awsMs = 100;

/** @param random what each call takes: a tenth more or less */
export function load(
  clock: Clock,
  limits: Readonly<Record<string, Limit>>,
  random: () => number,
  calls: Calls,
): Load {
  const tokens = new Map(Object.entries(limits).map(([service, { burst }]) => [service, burst]));
  /** Each runs in an environment of its own on AWS, and keeps the version of a policy there, which it reads once. */
  const knowVersion = new WeakSet<Worker>();
  const begun = clock.now();
  let filledAt = begun;

  function fill(): void {
    const seconds = (clock.now() - filledAt) / 1000;
    filledAt = clock.now();
    for (const [service, { burst, perSecond }] of Object.entries(limits)) {
      tokens.set(service, Math.min(burst, (tokens.get(service) ?? 0) + seconds * perSecond));
    }
  }

  return {
    milliseconds: (service) => (usualMs[service] ?? awsMs) * (0.9 + random() * 0.2),
    takes: (service, what, by) => {
      if (what === 'GetPolicyVersionCommand' && knowVersion.has(by)) return true;
      fill();
      const left = tokens.get(service) ?? Number.POSITIVE_INFINITY;
      const isTaken = left >= 1;
      if (isTaken) tokens.set(service, left - 1);
      if (isTaken && what === 'GetPolicyVersionCommand') knowVersion.add(by);
      const at = clock.now() - begun;
      const counted = calls[service] ?? { taken: 0, throttled: 0, first: at, last: at };
      counted[isTaken ? 'taken' : 'throttled'] += 1;
      counted.last = at;
      calls[service] = counted;
      return isTaken;
    },
  };
}

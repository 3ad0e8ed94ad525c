/** Virtual time: what is due happens one after the other, each to its end before the next begins. */
import { setImmediate as macrotask } from 'node:timers/promises';
import { jest } from '@jest/globals';

interface Due {
  readonly at: number;
  readonly run: () => void;
}

export interface Clock {
  /** ms since the epoch. */
  now(): number;
  after(ms: number, run: () => void): void;
  sleep(ms: number): Promise<void>;
  /** Lets time pass for so long, or until it is enough. */
  pass(ms: number, isEnough?: () => boolean): Promise<void>;
  /** Whether nothing is due. */
  idle(): boolean;
}

/** Only the date is virtual: what functions wait for otherwise, they wait for in the simulation. */
const realTimers = [
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
  'setTimeout',
  'clearTimeout',
] as const;

export function virtualClock(): Clock {
  let now = Date.UTC(2026, 10, 23);
  const queue: Due[] = [];
  jest.useFakeTimers({ now, doNotFake: [...realTimers] });

  const after = (ms: number, run: () => void) => {
    const due = { at: now + Math.max(0, Math.round(ms)), run };
    // What is due at the same time happens in the order in which it was asked for.
    let index = queue.length;
    while (index > 0 && (queue[index - 1]?.at ?? 0) > due.at) index -= 1;
    queue.splice(index, 0, due);
  };
  return {
    now: () => now,
    after,
    sleep: (ms) => new Promise((resolve) => after(ms, resolve)),
    pass: async (ms, isEnough = () => false) => {
      const end = now + ms;
      await macrotask();
      for (let due = queue[0]; due && due.at <= end; due = queue[0]) {
        queue.shift();
        now = due.at;
        jest.setSystemTime(now);
        due.run();
        // After a macrotask every function waits for the simulation again.
        await macrotask();
        if (isEnough()) return;
      }
      now = end;
      jest.setSystemTime(now);
    },
    idle: () => queue.length === 0,
  };
}

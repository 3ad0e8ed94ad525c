/** The functions as deployed, by the names of serverless.yml. */
import { readdirSync } from 'node:fs';
import { jest } from '@jest/globals';
import * as z from 'zod';
import '../environment.ts';
import type { Handler } from './worker.ts';

const root = new URL('../../../functions/', import.meta.url);
const moduleSchema = z.looseObject({
  handler: z.custom<Handler>((value) => typeof value === 'function'),
});

const camelCase = (file: string) =>
  file.replace(/\.ts$/, '').replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

/** What functions wait with, apart from calls: the early end of middy, and the pauses of Dataloop's client. */
export interface Timers {
  /** @returns false where no function runs just then */
  start(ms: number, run: () => void): boolean;
}

/** Loads every function once. Their timers are those of the simulation that runs just then. */
export async function loadFunctions(timers: () => Timers): Promise<Record<string, Handler>> {
  const setTimeout = (run: () => void, ms = 0) => {
    const timer = { isCleared: false };
    timers().start(ms, () => {
      if (!timer.isCleared) run();
    });
    return timer;
  };
  const clearTimeout = (timer: { isCleared: boolean } | undefined) => {
    if (timer) timer.isCleared = true;
  };
  const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  Object.assign(globalThis, {
    setTimeout: (run: (...more: unknown[]) => void, ms = 0, ...more: unknown[]) => {
      const timer = { isCleared: false };
      const isVirtual = timers().start(ms, () => {
        if (!timer.isCleared) run(...more);
      });
      return isVirtual ? timer : real.setTimeout(() => run(...more), ms);
    },
    clearTimeout: (timer: NodeJS.Timeout | { isCleared: boolean } | undefined) =>
      timer && 'isCleared' in timer ? clearTimeout(timer) : real.clearTimeout(timer),
  });
  jest.unstable_mockModule('node:timers', () => ({ setTimeout, clearTimeout }));
  jest.unstable_mockModule('node:timers/promises', () => ({
    setTimeout: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
  }));
  let ids = 0;
  // In the order in which they are given, each time: what is due at once must not depend on chance.
  jest.unstable_mockModule('ulid', () => ({ ulid: () => `${ids++}`.padStart(26, '0') }));
  const handlers: Record<string, Handler> = {};
  for (const folder of readdirSync(root)) {
    for (const file of readdirSync(new URL(`${folder}/`, root))) {
      const loaded: unknown = await import(new URL(`${folder}/${file}`, root).pathname);
      handlers[camelCase(file)] = moduleSchema.parse(loaded).handler;
    }
  }
  return handlers;
}

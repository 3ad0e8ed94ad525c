/** The functions, loaded once and connected to the simulation that runs just then. */
import { afterAll } from '@jest/globals';
import { loadFunctions } from './functions.ts';
import { connectSdk } from './sdk.ts';
import type { Simulation } from './simulation.ts';

let current: Simulation | undefined;

export function simulation(): Simulation {
  if (!current) throw new Error('No simulation runs.');
  return current;
}

/** From here on this is the simulation that runs. */
export function enter(begun: Simulation): void {
  current = begun;
}

export const handlers = await loadFunctions(() => ({
  start: (ms, run) => current?.lambda.timer(ms, run) ?? false,
}));
connectSdk(
  () => simulation().lambda,
  () => simulation().services,
);
Object.defineProperty(globalThis, 'fetch', {
  value: (url: string, init: { method: string; body?: string }) => simulation().fetch(url, init),
});
// All test files of one process share this one: what comes after them must have its time-outs.
const realTimeout = AbortSignal.timeout;
AbortSignal.timeout = () => new AbortController().signal;
afterAll(() => {
  AbortSignal.timeout = realTimeout;
});
Math.random = () => 0.5;

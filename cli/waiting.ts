/** Flags of the commands that start a workflow, or wait for one. */
import * as z from 'zod';

export const startingFlags = [
  ['-y, --yes', 'do not ask'],
  ['--idempotency-key <key>', 'key of an earlier call whose answer was lost; default: a new one'],
] as const;

export const waitFlags = [
  ['--no-wait', 'do not wait for the end of the workflow'],
  ['--timeout <seconds>', 'stop waiting after this time; the workflow goes on'],
] as const;

export const secondsSchema = z
  .string()
  .regex(/^\d{1,6}$/, '--timeout must be a whole number of seconds.')
  .transform(Number);

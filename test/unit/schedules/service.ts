/** A service of AWS as the simulation has it: what takes its commands, and how it fails. */
import type { Worker } from './worker.ts';

/** What takes the commands of one service. @throws what the SDK throws */
export type Service = (command: unknown, by: Worker) => unknown;

/** An error as the SDK throws it. */
export function awsError(name: string, status: number | undefined, more: object = {}): Error {
  const $metadata = status === undefined ? {} : { httpStatusCode: status };
  return Object.assign(new Error(`${name}.`), { name, $metadata, ...more });
}

/** What `npm run bench` can be told. */
import { parseArgs } from 'node:util';
import type { Latencies } from './bound.ts';

export interface Options {
  /** How often each is measured. */
  readonly runs: number;
  readonly seed: number;
  readonly latencies: Latencies;
  readonly isJson: boolean;
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} is a whole number, not "${text}".`);
  return value;
}

export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '20' },
      seed: { type: 'string', default: '20261128' },
      aws: { type: 'string', default: '100' },
      journal: { type: 'string', default: '10' },
      dataloop: { type: 'string', default: '300' },
      principal: { type: 'string', default: '4000' },
      json: { type: 'boolean', default: false },
    },
  });
  return {
    runs: Math.max(1, wholeNumber('runs', values.runs)),
    seed: wholeNumber('seed', values.seed),
    latencies: {
      aws: wholeNumber('aws', values.aws),
      journal: wholeNumber('journal', values.journal),
      dataloop: wholeNumber('dataloop', values.dataloop),
      principal: wholeNumber('principal', values.principal),
    },
    isJson: values.json,
  };
}

/** The result of a bench as people read it, at 80 columns, and as programs do. */
import { connecting, type Latencies, longestPath } from './bound.ts';
import { figuresOf } from './statistics.ts';
import type { Part } from './world.ts';

export interface Run {
  readonly milliseconds: number;
  readonly parts: Readonly<Record<Part, number>>;
  /** Calls of AWS and Dataloop, without the journal's. */
  readonly calls: number;
}

export type Runs = ReadonlyMap<string, readonly Run[]>;

const seconds = (milliseconds: number): string => (milliseconds / 1_000).toFixed(2);
const partNames: readonly Part[] = ['Dataloop', 'AWS', 'Journal', 'Waiting', 'Own work'];

const partsOf = (runs: readonly Run[]) =>
  Object.fromEntries(partNames.map((part) => [part, figuresOf(runs.map(({ parts }) => parts[part])).median]));

export function resultOf(runs: Runs, latencies: Latencies) {
  const bound = longestPath(connecting, latencies);
  return {
    latencies,
    bound: {
      ...bound,
      leastCalls: Object.values(connecting).filter(({ takes }) => takes !== 'principal').length,
    },
    measured: Object.fromEntries(
      [...runs].map(([name, each]) => [
        name,
        {
          runs: each.length,
          ...figuresOf(each.map(({ milliseconds }) => milliseconds)),
          calls: figuresOf(each.map(({ calls }) => calls)).median,
          parts: partsOf(each),
        },
      ]),
    ),
  };
}

/** Lines of at most 80 columns. */
export function tableOf(runs: Runs, latencies: Latencies): string {
  const { bound, measured } = resultOf(runs, latencies);
  const line = (name: string, cells: readonly string[]) =>
    `${name.padEnd(26)}${cells.map((cell) => cell.padStart(9)).join('')}`;
  const names = Object.entries(measured);
  return [
    line('seconds', ['median', 'p95', 'least', 'most', 'x bound', 'calls']),
    ...names.map(([name, { median, p95, spread, calls }]) =>
      line(name, [
        ...[median, p95, ...spread].map(seconds),
        (median / bound.milliseconds).toFixed(2),
        String(calls),
      ]),
    ),
    line('bound', [seconds(bound.milliseconds), '', '', '', '1.00', String(bound.leastCalls)]),
    '',
    line('where the time went', ['Dataloop', 'AWS', 'Journal', 'Waiting', 'Own work']),
    ...names.map(([name, { parts }]) =>
      line(
        name,
        partNames.map((part) => seconds(parts[part] ?? Number.NaN)),
      ),
    ),
    '',
    'The bound is the longest path of calls:',
    ...bound.calls.map((call) => `  ${call}`),
  ].join('\n');
}

/**
 * Many integrations at once: all become ready, however few calls a second IAM and Dataloop take. `npm run bench -- many`
 * prints the table of docs/performance.md.
 */
import { afterAll, expect, test } from '@jest/globals';
import type { Limit } from './load.ts';
import { type Many, setUpMany } from './many.ts';

/** Neither AWS nor Dataloop says how many: docs/aws-behaviour.md, docs/dataloop.md. */
const iam: Limit = { burst: 20, perSecond: 20 };
const dataloop: Limit = { burst: 20, perSecond: 20 };
const worlds: readonly (readonly [string, Readonly<Record<string, Limit>>])[] = [
  ['IAM', { iam }],
  ['Dataloop', { dataloop }],
  ['both', { iam, dataloop }],
];
const counts = process.env['THOROUGH'] ? [1, 10, 50, 200] : [1, 10];
/** Of what the tightest limit permits: less than is measured, as chance moves it. */
const leastShare = 0.5;

const seeds = [20_261_128, 20_261_129, 20_261_130];

/** Of three draws, the one in the middle: one attempt more or less makes much of a short time. */
async function inTheMiddle(count: number, limits: Readonly<Record<string, Limit>>): Promise<Many> {
  const draws: Many[] = [];
  for (const seed of seeds) {
    const draw = await setUpMany(count, limits, seed);
    expect([draw.statuses.length, new Set(draw.statuses)]).toEqual([count, new Set(['ready'])]);
    expect(draw.violations).toEqual([]);
    draws.push(draw);
  }
  const [, middle] = draws.toSorted((one, other) => one.seconds - other.seconds);
  if (!middle) throw new Error('There are no three draws.');
  return middle;
}

const alone = await inTheMiddle(1, {});
const rows: string[] = [];

/**
 * Seconds that so many need at least: as long as one alone; and by each limit, what comes before the first call of the
 * service, all calls at its rate but for the burst, and what comes after the last.
 */
function permitted(count: number, limits: Readonly<Record<string, Limit>>): number {
  const byLimit = Object.entries(limits).map(([service, { burst, perSecond }]) => {
    const { taken = 0, first = 0, last = 0 } = alone.calls[service] ?? {};
    return alone.seconds - (last - first) / 1000 + Math.max(0, taken * count - burst) / perSecond;
  });
  return Math.max(alone.seconds, ...byLimit);
}

const hour = 3_600_000;

test.each(counts.flatMap((count) => worlds.map(([name, limits]) => [count, name, limits] as const)))(
  '%i at once all become ready within the limit of %s',
  async (count, name, limits) => {
    const { seconds, calls } = await inTheMiddle(count, limits);
    const least = permitted(count, limits);
    const share = least / seconds;
    const told = ['iam', 'dataloop'].map((service) => {
      const { taken = 0, throttled = 0 } = calls[service] ?? {};
      return `${taken} / ${throttled}`;
    });
    rows.push(
      `| ${[count, name, seconds.toFixed(1), least.toFixed(1), `${Math.round(share * 100)}%`, ...told].join(' | ')} |`,
    );
    expect(share).toBeGreaterThan(leastShare);
  },
  hour,
);

afterAll(() => {
  const head = ['At once', 'Limit of', 'Seconds', 'At least', 'Share', 'IAM: taken / throttled', 'Dataloop'];
  const table = [`| ${head.join(' | ')} |`, `|${'---|'.repeat(head.length)}`, ...rows].join('\n');
  if (process.env['TABLE']) process.stderr.write(`${table}\n`);
});

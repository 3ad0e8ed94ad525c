/**
 * Random schedules: people, strangers, faults and time against the functions as deployed, on a simulated world.
 * `SCHEDULES` says how many, `SCHEDULE_SEED` and `SCHEDULE_PATH` repeat a failing one; `npm test` runs 1,000, and the
 * thorough part of `npm run faults` 10,000.
 */
import { test } from '@jest/globals';
import fc from 'fast-check';
import { scheduleArbitrary } from './arbitraries.ts';
import { enter, handlers } from './loaded.ts';
import { runSchedule } from './run.ts';
import { mustBecomeReady, type Schedule } from './schedule.ts';

const half = Math.ceil(Number(process.env['SCHEDULES'] ?? (process.env['THOROUGH'] ? 10_000 : 150)) / 2);
const seed = Number(process.env['SCHEDULE_SEED'] ?? 20261123);
const path = process.env['SCHEDULE_PATH'] || undefined;

/** How integrations have ended so far. */
export const ends = new Set<string>();
/** Fewer may not meet every ending. */
export const meetEveryEnd = half >= 75;

/** @throws Error that names each violation, with what happened before it */
export async function keepsThePromise(schedule: Schedule): Promise<void> {
  const { violations: found, trace, ends: ended, unready } = await runSchedule(handlers, schedule, enter);
  for (const end of ended) ends.add(schedule.adoption ? `adopting, ${end}` : end);
  const violations = [
    ...found,
    ...(mustBecomeReady(schedule)
      ? unready.map((which) => `${which}, although only what passes befell it`)
      : []),
  ];
  if (violations.length > 0) throw new Error([...violations, '', ...trace].join('\n'));
}

/** @param part of the two halves */
export function testSchedules(part: 1 | 2): void {
  test('whatever fails, whenever, an integration ends ready, clean or with its residue named', async () => {
    const details = await fc.check(fc.asyncProperty(scheduleArbitrary, keepsThePromise), {
      numRuns: half,
      seed: seed + part - 1,
      ...(path === undefined ? {} : { path }),
    });
    if (!details.failed) return;
    const [schedule] = details.counterexample ?? [];
    const reason = details.errorInstance instanceof Error ? details.errorInstance.message : '';
    throw new Error(
      [
        `Schedule ${details.numRuns} of ${half} breaks the promise; shrunk ${details.numShrinks} times. Repeat it with:`,
        `SCHEDULE_SEED=${details.seed} SCHEDULE_PATH=${details.counterexamplePath} npm run test:unit -- --testPathPatterns schedules/schedules`,
        JSON.stringify(schedule, undefined, 1),
        reason,
      ].join('\n'),
    );
  }, 3_600_000);
}

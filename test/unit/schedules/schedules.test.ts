/**
 * Random schedules: people, strangers, faults and time against the functions as deployed, on a simulated world.
 * `SCHEDULES` says how many, `SCHEDULE_SEED` and `SCHEDULE_PATH` repeat a failing one; `npm run faults` runs 1,000.
 */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { addDriverSteps, deprovisionSteps, provisionSteps } from '../../../src/domain/model/steps.ts';
import { filledBut } from '../earlier-item.ts';
import { scheduleArbitrary } from './arbitraries.ts';
import { type Definition, readMachine } from './asl.ts';
import { brokenChain, examples, post, undisturbed, undisturbedAdds } from './examples.ts';
import { maximumItemSize, sizeOf } from './expressions.ts';
import { enter, handlers, simulation } from './loaded.ts';
import { runSchedule } from './run.ts';
import { mustBecomeReady, type Schedule } from './schedule.ts';
import type { Simulation } from './simulation.ts';

const schedules = Number(process.env['SCHEDULES'] ?? (process.env['THOROUGH'] ? 1_000 : 250));
const seed = Number(process.env['SCHEDULE_SEED'] ?? 20261123);
const path = process.env['SCHEDULE_PATH'] || undefined;

const ends = new Set<string>();

async function keepsThePromise(schedule: Schedule): Promise<void> {
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

test('whatever fails, whenever, an integration ends ready, clean or with its residue named', async () => {
  const details = await fc.check(fc.asyncProperty(scheduleArbitrary, keepsThePromise), {
    numRuns: schedules,
    seed,
    ...(path === undefined ? {} : { path }),
    examples: examples.map((schedule): [Schedule] => [schedule]),
  });
  if (!details.failed) {
    // Fewer may not meet every ending.
    if (schedules >= 200) {
      const every = ['failed', 'ready', 'removed', 'residue'];
      expect([...ends].sort()).toEqual([...every.map((end) => `adopting, ${end}`), ...every]);
    }
    return;
  }
  const [schedule] = details.counterexample ?? [];
  const reason = details.errorInstance instanceof Error ? details.errorInstance.message : '';
  throw new Error(
    [
      `Schedule ${details.numRuns} of ${schedules} breaks the promise; shrunk ${details.numShrinks} times. Repeat it with:`,
      `SCHEDULE_SEED=${details.seed} SCHEDULE_PATH=${details.counterexamplePath} npm run test:unit -- --testPathPatterns unit/schedules`,
      JSON.stringify(schedule, undefined, 1),
      reason,
    ].join('\n'),
  );
}, 3_600_000);

test('where nothing fails, every bucket that is asked for becomes ready, also where one policy is full', async () => {
  const { violations, ends: ended } = await runSchedule(handlers, undisturbedAdds, enter);
  expect([violations, ended]).toEqual([[], Array(6).fill('ready')]);
});

test('where the chain of looks at Dataloop has broken, the sweep looks, and the integration becomes ready', async () => {
  const { violations, ends: ended } = await runSchedule(handlers, brokenChain, enter);
  expect([violations, ended]).toEqual([[], ['ready']]);
});

describe('a Dataloop that gives its integration a name of any length', () => {
  const adoptsWaiting: Schedule = {
    ...undisturbed,
    adoption: {
      bucket: 'adopt',
      cors: true,
      role: 'adopt',
      integration: 'waiting',
      publicAccess: 'closed',
      rules: 'theirs',
      statement: 'one',
      operatorSays: 'right',
      operatorDelayMs: undefined,
    },
    commands: [post],
  };
  const largestWithoutReserve = () =>
    Math.max(...[...simulation().journal.items.values()].map(({ reserve: _kept, ...item }) => sizeOf(item)));
  const largestItem = () => Math.max(...[...simulation().journal.items.values()].map(sizeOf));

  test('fills no record with it: the integration becomes ready, and all of it can be removed', async () => {
    const { violations, ends: ended } = await runSchedule(handlers, adoptsWaiting, (begun) => {
      enter(begun);
      Object.assign(begun.adopting?.waiting ?? {}, { name: `theirs\r\n${'n'.repeat(1_000_000)}` });
    });
    expect([violations, ended]).toEqual([[], ['ready']]);
    expect(largestWithoutReserve()).toBeLessThan(10_000);
  });

  /** Makes each record one of an earlier version, with such a name in it. */
  function fill({ journal: { items } }: Simulation, left: number): void {
    for (const [pk, item] of items) {
      if ('resource_dataloopIntegration' in item) items.set(pk, filledBut(left, item));
    }
  }

  test.each([
    ['ready', 0],
    ['ready', 100],
    ['ready', 700],
    ['ready', 3_000],
    ['on its way', 0],
    ['on its way', 300],
  ])(
    'is undone, also when an earlier version let it fill a record that is %s: %i bytes left',
    async (when, left) => {
      let filled = 0;
      const { violations, ends: ended } = await runSchedule(handlers, adoptsWaiting, (begun) => {
        enter(begun);
        const look = () => {
          fill(begun, left);
          filled = largestItem();
          if (filled < maximumItemSize - left) begun.clock.after(1, look);
        };
        begun.clock.after(when === 'ready' ? 200_000 : 1, look);
      });
      expect([filled, violations]).toEqual([maximumItemSize - left, []]);
      // A step on the way has no room to say that it began, and is rolled back.
      expect(ended).toEqual([when === 'ready' ? 'ready' : 'failed']);
      expect(largestWithoutReserve()).toBeLessThan(10_000);
    },
  );
});

/** Names of the Task states, in the order in which they are written. */
const tasksOf = ({ States }: Definition): string[] =>
  Object.entries(States).flatMap(([name, { Type, Branches = [] }]) =>
    Type === 'Task' ? [name] : Branches.flatMap(tasksOf),
  );

test('the simulated state machines have the steps of the domain, in their order', () => {
  expect(tasksOf(readMachine('provision'))).toEqual(provisionSteps);
  expect(tasksOf(readMachine('addDriver'))).toEqual(addDriverSteps);
  expect(tasksOf(readMachine('deprovision'))).toEqual(deprovisionSteps);
});

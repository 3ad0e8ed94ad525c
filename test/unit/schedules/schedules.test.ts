/** Random schedules, the first half of them, and single ones. */
import { describe, expect, test } from '@jest/globals';
import { addDriverSteps, deprovisionSteps, provisionSteps } from '../../../src/domain/model/steps.ts';
import { filledBut } from '../earlier-item.ts';
import { type Definition, readMachine } from './asl.ts';
import { brokenChain, examples, post, undisturbed, undisturbedAdds } from './examples.ts';
import { maximumItemSize, sizeOf } from './expressions.ts';
import { enter, handlers, simulation } from './loaded.ts';
import { ends, keepsThePromise, meetEveryEnd, testSchedules } from './random.ts';
import { runSchedule } from './run.ts';
import type { Schedule } from './schedule.ts';
import type { Simulation } from './simulation.ts';

testSchedules(1);

test.each(examples.map((schedule, index) => [index + 1, schedule] as const))(
  'a schedule that once broke the promise, or nearly did, keeps it: number %i',
  async (_number, schedule) => {
    expect(await keepsThePromise(schedule)).toBeUndefined();
  },
);

test('together they meet every end', () => {
  const every = ['failed', 'ready', 'removed', 'residue'];
  const all = [...every.map((end) => `adopting, ${end}`), ...every];
  expect([...ends].sort()).toEqual(meetEveryEnd ? all : expect.arrayContaining(['ready']));
});

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

/** What the pages say of costs comes from the resources, from a run that was counted, and from prices with a date. */
import { expect, test } from '@jest/globals';
import { costPages, countedRuns, resourcesAtRest, worstCase } from '../../../scripts/cost-pages.ts';
import { costAtRest, costOf, sumOf } from '../../../scripts/costs.ts';
import type { Branch } from '../../../statemachines/asl.ts';
import { stateMachines } from '../../../statemachines/machines.ts';
import { projectFile } from '../../bundle.ts';

/** States that an execution enters in which all goes well and no choice is special, and its start and end. */
function transitionsOf({ StartAt, States }: Branch): number {
  const way = (name: string | undefined): number => {
    const state = name === undefined ? undefined : States[name];
    if (!state) return 0;
    const inside =
      state.Type === 'Parallel'
        ? state.Branches.map(
            ({ StartAt: first, States: branch }) => transitionsOf({ StartAt: first, States: branch }) - 2,
          )
        : [];
    const next = state.Type === 'Choice' ? state.Default : 'Next' in state ? state.Next : undefined;
    return inside.reduce((sum, count) => sum + count, 1 + way(next));
  };
  return 2 + way(StartAt);
}

const { provisioning, removal } = countedRuns();
const atRest = resourcesAtRest();

test('the pages say what `npm run costs` has counted', () => {
  for (const [path, page] of Object.entries(costPages())) expect(page).toBe(projectFile(path));
});

test('at rest it costs at most 1 USD a month', () => {
  expect(atRest).toMatchObject({ alarms: 2, polledQueues: 1, schedules: [60, 5, 5] });
  expect(sumOf(costAtRest(atRest))).toBeLessThanOrEqual(1);
});

test('a provisioning costs at most 0.001 USD, each function started anew', () => {
  expect(sumOf(costOf(provisioning, atRest.memoryMegabytes))).toBeLessThanOrEqual(0.001);
  expect(sumOf(costOf(removal, atRest.memoryMegabytes))).toBeLessThanOrEqual(0.001);
});

test('what costs nothing where nothing happens is what is used', () => {
  const nothing = Object.fromEntries(Object.keys(provisioning).map((name) => [name, 0])) as never;
  expect(sumOf(costOf(nothing, atRest.memoryMegabytes))).toBe(0);
  for (const part of Object.values(costOf(provisioning, atRest.memoryMegabytes)))
    expect(part).toBeGreaterThan(0);
});

test('a provisioning has at most 120 events, and never as many as Step Functions allows', () => {
  expect(provisioning.historyEvents).toBeLessThanOrEqual(120);
  expect(provisioning.transitions).toBe(
    transitionsOf(stateMachines({ iamUserTimeoutSeconds: 3_600 }).provision.Definition),
  );
  expect(worstCase()).toBeLessThan(25_000);
});

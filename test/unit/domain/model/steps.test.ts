/** The table of the saga, against the state machines: the same steps, in the order in which the machines take them. */
import { expect, test } from '@jest/globals';
import { resourceKeys } from '../../../../src/domain/model/resource-keys.ts';
import {
  addDriverSteps,
  deprovisionSteps,
  forwardSteps,
  isMadeFor,
  madeBy,
  provisionSteps,
  saga,
  stepNames,
  undoneBy,
} from '../../../../src/domain/model/steps.ts';
import { stateMachines, stepsOf } from '../../../../statemachines/machines.ts';

const machines = stateMachines({ iamUserTimeoutSeconds: 3600 });

test.each([
  ['provision', provisionSteps],
  ['addDriver', addDriverSteps],
  ['deprovision', deprovisionSteps],
] as const)('%s has these steps as tasks, written in this order', (machine, steps) => {
  expect(stepsOf(machines[machine].Definition.States)).toEqual([...steps]);
});

test('no step is of the way there and of the way back: the journal knows each by its name alone', () => {
  const forward = new Set<string>([...provisionSteps, ...addDriverSteps]);
  expect(deprovisionSteps.filter((step) => forward.has(step))).toEqual([]);
  expect([...forwardSteps].sort()).toEqual([...forward].sort());
  expect([...stepNames]).toEqual([...forwardSteps, ...deprovisionSteps]);
});

test('what a step makes is a resource of the journal, made by that step alone, and undone by a step of its own', () => {
  const made = Object.values(saga).flatMap((row) => ('makes' in row ? [row.makes] : []));
  // The other policies are made for added buckets, by what grants access to them.
  const keys = resourceKeys.filter((key) => !/^policy\d/.test(key));
  expect(made.toSorted()).toEqual(keys.toSorted());
  expect(Object.keys(madeBy)).toEqual(made);
  expect(Object.values(undoneBy)).toEqual([...new Set(Object.values(undoneBy))]);
});

test('every resource has an undo in the state machine', () => {
  const tasks = stepsOf(machines.deprovision.Definition.States);
  expect(Object.values(undoneBy).filter((step) => !tasks.includes(step))).toEqual([]);
});

test('what is made for a record depends on its kind', () => {
  const keys = ['bucket', 'access', 'role'] as const;
  expect(keys.map((key) => isMadeFor('added bucket', key))).toEqual([true, true, false]);
  expect(keys.map((key) => isMadeFor('integration', key))).toEqual([true, false, true]);
});

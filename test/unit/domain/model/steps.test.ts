/** The order in which people read the steps is the one in which the machines take them. */
import { expect, test } from '@jest/globals';
import {
  addDriverSteps,
  deprovisionSteps,
  forwardSteps,
  provisionSteps,
  stepNames,
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

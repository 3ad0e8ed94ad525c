/** The order in which people read the steps is the one in which the machines take them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { projectRoot } from '../../../../local/environment/paths.ts';
import {
  addDriverSteps,
  deprovisionSteps,
  forwardSteps,
  provisionSteps,
  stepNames,
} from '../../../../src/domain/model/steps.ts';

interface State {
  readonly Type: string;
  readonly Branches?: readonly { readonly States: Readonly<Record<string, State>> }[] | undefined;
}
const stateSchema: z.ZodType<State> = z.lazy(() =>
  z.looseObject({
    Type: z.string(),
    Branches: z.array(z.object({ States: z.record(z.string(), stateSchema) })).optional(),
  }),
);
const machineSchema = z.object({ States: z.record(z.string(), stateSchema) });

const tasksOf = (states: Readonly<Record<string, State>>): string[] =>
  Object.entries(states).flatMap(([name, { Type, Branches = [] }]) => [
    ...(Type === 'Task' ? [name] : []),
    ...Branches.flatMap((branch) => tasksOf(branch.States)),
  ]);

test.each([
  ['provision', provisionSteps],
  ['add-driver', addDriverSteps],
  ['deprovision', deprovisionSteps],
] as const)('%s has these steps as tasks, written in this order', (machine, steps) => {
  const definition = readFileSync(join(projectRoot, 'statemachines', `${machine}.asl.json`), 'utf8');
  // A parameter of the deployment stands where the language wants a number.
  const { States } = machineSchema.parse(JSON.parse(definition.replace(/"\$\{self:[^"]*\}"/g, '1')));
  expect(tasksOf(States)).toEqual([...steps]);
});

test('no step is of the way there and of the way back: the journal knows each by its name alone', () => {
  const forward = new Set<string>([...provisionSteps, ...addDriverSteps]);
  expect(deprovisionSteps.filter((step) => forward.has(step))).toEqual([]);
  expect([...forwardSteps].sort()).toEqual([...forward].sort());
  expect([...stepNames]).toEqual([...forwardSteps, ...deprovisionSteps]);
});

import { deployedRemoval } from '../../src/deployed/undo.ts';
import { removeAddedBuckets } from '../../src/domain/lifecycle/added-buckets.ts';
import { waitSchema } from '../../src/runtime/await-calls.ts';
import { parseInput } from '../../src/runtime/input.ts';
import { deprovisionStep } from '../../src/runtime/step.ts';

const removal = deployedRemoval();

/** RemoveDrivers: what was added to an integration goes before the integration at Dataloop does. */
export const handler = deprovisionStep('RemoveDrivers', (step, input) => {
  const { since, enteredAt } = parseInput(waitSchema, input, 'The input of RemoveDrivers');
  return removeAddedBuckets(step, since, enteredAt, removal);
});

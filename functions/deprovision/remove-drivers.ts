import { removeDrivers } from '../../src/domain/added-drivers.ts';
import { waitSchema } from '../../src/handlers/await-calls.ts';
import { parseInput } from '../../src/handlers/input.ts';
import { deployedRemoval } from '../../src/handlers/removal.ts';
import { deprovisionStep, table } from '../../src/handlers/step.ts';

const removal = deployedRemoval(table);

/** RemoveDrivers: what was added to an integration goes before it does. */
export const handler = deprovisionStep('RemoveDrivers', (step, input) => {
  const { since, enteredAt } = parseInput(waitSchema, input, 'The input of RemoveDrivers');
  return removeDrivers(step, since, enteredAt, removal);
});

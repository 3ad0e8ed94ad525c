import * as z from 'zod';
import { removeDrivers } from '../../src/domain/added-drivers.ts';
import { parseInput } from '../../src/handlers/input.ts';
import { deployedRemoval } from '../../src/handlers/removal.ts';
import { deprovisionStep, table } from '../../src/handlers/step.ts';

const removal = deployedRemoval(table);

const inputSchema = z.looseObject({ since: z.coerce.date(), enteredAt: z.coerce.date() });

/** RemoveDrivers: what was added to an integration goes before it does. */
export const handler = deprovisionStep('RemoveDrivers', (step, input) => {
  const { since, enteredAt } = parseInput(inputSchema, input, 'The input of RemoveDrivers');
  return removeDrivers(step, since, enteredAt, removal);
});

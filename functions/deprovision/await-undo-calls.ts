import * as z from 'zod';
import { openCallsSettled } from '../../src/domain/open-calls.ts';
import { deprovisionStep } from '../../src/handlers/step.ts';

const inputSchema = z.looseObject({ since: z.coerce.date(), enteredAt: z.coerce.date() });

/**
 * AwaitUndoCalls: says whether a function of the undo itself may still be at work. Once the names are free, a
 * deletion that comes late would meet what somebody else has made under them.
 */
export const handler = deprovisionStep('AwaitUndoCalls', async (step, input) => {
  const { since, enteredAt } = inputSchema.parse(input);
  return openCallsSettled(step, since, enteredAt);
});

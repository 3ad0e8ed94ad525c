import * as z from 'zod';
import { openCallsSettled } from '../../src/domain/open-calls.ts';
import { deprovisionStep } from '../../src/handlers/step.ts';

const inputSchema = z.looseObject({ since: z.coerce.date(), enteredAt: z.coerce.date() });

/** AwaitOpenCalls: says whether a function of the provisioning may still be at work behind the undo's back. */
export const handler = deprovisionStep('AwaitOpenCalls', async (step, input) => {
  const { since, enteredAt } = inputSchema.parse(input);
  return openCallsSettled(step, since, enteredAt);
});

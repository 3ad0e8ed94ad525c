import * as z from 'zod';
import { deployedDeprovision } from '../../src/deployed/undo.ts';
import { rollBackAfter } from '../../src/domain/lifecycle/undo.ts';
import { errorOutputSchema } from '../../src/domain/saga/failure.ts';
import { parseInput } from '../../src/runtime/input.ts';
import { stepHandler } from '../../src/runtime/step.ts';

const deprovision = deployedDeprovision();

const inputSchema = z.looseObject({
  /** Name of a state: a step's, or the one around several. */
  failedStep: z.string().regex(/^[A-Za-z]{1,30}$/),
  error: errorOutputSchema,
});

/** RollBack: journals what went wrong and starts the deprovision state machine. */
export const handler = stepHandler(
  'RollBack',
  { during: ['provisioning', 'rolling-back'] },
  async (step, input) => {
    const { failedStep, error } = parseInput(inputSchema, input, 'The input of RollBack');
    const record = await rollBackAfter(failedStep, error, step.desired.recordId, deprovision);
    return { status: record?.status };
  },
);

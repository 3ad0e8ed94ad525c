import * as z from 'zod';
import { deprovisionJournal } from '../../src/clients/aws/journal/record.ts';
import { deprovisionStarter, stepFunctionsClient } from '../../src/clients/aws/step-functions.ts';
import { deprovisionStateMachineArn } from '../../src/config.ts';
import { rollBackAfter } from '../../src/domain/lifecycle/undo.ts';
import { errorOutputSchema } from '../../src/domain/saga/failure.ts';
import { parseInput } from '../../src/runtime/input.ts';
import { stepHandler, table } from '../../src/runtime/step.ts';

const parts = {
  journal: deprovisionJournal(table),
  machine: deprovisionStarter(stepFunctionsClient(), deprovisionStateMachineArn()),
};

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
    const record = await rollBackAfter(failedStep, error, step.plan.integrationId, parts);
    return { status: record?.status };
  },
);

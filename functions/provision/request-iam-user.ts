import * as z from 'zod';
import { saveTaskToken } from '../../src/clients/aws/journal/task-tokens.ts';
import { pollScheduler, queueClient } from '../../src/clients/aws/queue.ts';
import { callsOf } from '../../src/clients/calls.ts';
import * as dataloop from '../../src/clients/dataloop/client.ts';
import { dataloopSettings, pollQueueUrl } from '../../src/config.ts';
import { announceIamUser } from '../../src/deployed/bus.ts';
import { deployedDataloop } from '../../src/deployed/dataloop.ts';
import { table } from '../../src/deployed/journal.ts';
import type { StepCall } from '../../src/domain/model/record.ts';
import { requestIamUser } from '../../src/domain/resources/dataloop/integration.ts';
import { foundByPreflight, parseInput } from '../../src/runtime/input.ts';
import { provisionStep } from '../../src/runtime/step.ts';

const calls = callsOf(deployedDataloop(), {
  getProject: dataloop.getProject,
  getIntegration: dataloop.getIntegration,
  listIntegrations: dataloop.listIntegrations,
  createIntegration: dataloop.createIntegration,
  countDrivers: dataloop.countDrivers,
});
const callback = {
  saveTaskToken: (call: StepCall, taskToken: string) => saveTaskToken(table, call, taskToken),
  schedulePoll: pollScheduler(queueClient(), pollQueueUrl()),
  announceIamUser,
};

const inputSchema = z.looseObject({
  taskToken: z.string().min(1).max(2_048),
  ...foundByPreflight,
});

/** RequestIamUser: creates the integration at Dataloop; the workflow waits with the task token for its answer. */
export const handler = provisionStep(
  'RequestIamUser',
  (step, input) => {
    const { taskToken, organizationId: found } = parseInput(
      inputSchema,
      input,
      'The input of RequestIamUser',
    );
    const { organizationId } = dataloopSettings();
    const dataloop = { ...calls, organizationId, foundByPreflight: found };
    return requestIamUser(step, dataloop, callback, taskToken);
  },
  { endsAs: 'waiting' },
);

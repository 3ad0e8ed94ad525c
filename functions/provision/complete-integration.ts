import * as z from 'zod';
import { callsOf } from '../../src/clients/calls.ts';
import * as dataloop from '../../src/clients/dataloop/client.ts';
import { iamUserTimeoutSeconds } from '../../src/config.ts';
import { deployedDataloop } from '../../src/deployed/dataloop.ts';
import { seenIntegrationSchema } from '../../src/domain/resources/dataloop/integration.ts';
import { organizationOf } from '../../src/domain/resources/dataloop/organization.ts';
import { completeIntegration } from '../../src/domain/resources/dataloop/trust.ts';
import { takeGivenIntegration } from '../../src/domain/waiting/operator-steps.ts';
import { parseInput } from '../../src/runtime/input.ts';
import { provisionStep } from '../../src/runtime/step.ts';

const calls = callsOf(deployedDataloop(), {
  getIntegration: dataloop.getIntegration,
  listIntegrations: dataloop.listIntegrations,
  setRoleArn: dataloop.setRoleArn,
  deleteIntegration: dataloop.deleteIntegration,
  listDrivers: dataloop.listDrivers,
});
const timeoutSeconds = iamUserTimeoutSeconds();
/** An operator's role, and an execution that an earlier version started, come without it. */
const inputSchema = z.looseObject({ dataloopIntegration: seenIntegrationSchema.nullish() });

/** CompleteIntegration: gives the role ARN to Dataloop, until it could assume the role; or waits until an operator has. */
export const handler = provisionStep('CompleteIntegration', async (step, input) => {
  const { dataloopIntegration } = parseInput(inputSchema, input, 'The input of CompleteIntegration');
  return step.desired.isMadeByOperator
    ? takeGivenIntegration(step, organizationOf(step), calls, timeoutSeconds)
    : completeIntegration(step, calls, dataloopIntegration ?? undefined);
});

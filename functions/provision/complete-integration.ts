import { driverFinder, integrationCompleter } from '../../src/clients/dataloop/client.ts';
import { iamUserTimeoutSeconds } from '../../src/config.ts';
import { completeIntegration, organizationOf } from '../../src/domain/integration.ts';
import { takeGivenIntegration } from '../../src/domain/operator.ts';
import { deployedDataloop } from '../../src/handlers/dataloop.ts';
import { provisionStep } from '../../src/handlers/step.ts';

const client = deployedDataloop();
const dataloop = { ...integrationCompleter(client), ...driverFinder(client) };
const timeoutSeconds = iamUserTimeoutSeconds();

/** CompleteIntegration: gives the role ARN to Dataloop, until it could assume the role; or waits until an operator has. */
export const handler = provisionStep('CompleteIntegration', (step) =>
  step.plan.isMadeByOperator
    ? takeGivenIntegration(step, organizationOf(step), dataloop, timeoutSeconds)
    : completeIntegration(step, dataloop),
);

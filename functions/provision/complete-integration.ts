import { integrationCompleter } from '../../src/clients/dataloop/client.ts';
import { completeIntegration } from '../../src/domain/integration.ts';
import { deployedDataloop } from '../../src/handlers/dataloop.ts';
import { provisionStep } from '../../src/handlers/step.ts';

const dataloop = integrationCompleter(deployedDataloop());

/** CompleteIntegration: gives the role ARN to Dataloop, until it could assume the role. */
export const handler = provisionStep('CompleteIntegration', (step) => completeIntegration(step, dataloop));

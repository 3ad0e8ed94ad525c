import { integrationRemover } from '../../src/clients/dataloop/client.ts';
import { deleteIntegration } from '../../src/domain/integration.ts';
import { deployedDataloop } from '../../src/handlers/dataloop.ts';
import { deprovisionStep } from '../../src/handlers/step.ts';

const dataloop = integrationRemover(deployedDataloop());

/** DeleteIntegration: undoes RequestIamUser. */
export const handler = deprovisionStep('DeleteIntegration', (step) => deleteIntegration(step, dataloop));

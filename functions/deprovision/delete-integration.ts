import { integrationRemover } from '../../src/clients/dataloop/client.ts';
import { deployedDataloop } from '../../src/deployed/dataloop.ts';
import { deleteIntegration } from '../../src/domain/resources/dataloop/integration.ts';
import { deprovisionStep } from '../../src/runtime/step.ts';

const dataloop = integrationRemover(deployedDataloop());

/** DeleteIntegration: undoes RequestIamUser. */
export const handler = deprovisionStep('DeleteIntegration', (step) => deleteIntegration(step, dataloop));

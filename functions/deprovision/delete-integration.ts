import { callsOf } from '../../src/clients/calls.ts';
import * as dataloop from '../../src/clients/dataloop/client.ts';
import { dataloopSettings } from '../../src/config.ts';
import { deployedDataloop } from '../../src/deployed/dataloop.ts';
import { deleteIntegration } from '../../src/domain/resources/dataloop/integration.ts';
import { deprovisionStep } from '../../src/runtime/step.ts';

const calls = callsOf(deployedDataloop(), {
  getProject: dataloop.getProject,
  listIntegrations: dataloop.listIntegrations,
  deleteIntegration: dataloop.deleteIntegration,
});

/** DeleteIntegration: undoes RequestIamUser. */
export const handler = deprovisionStep('DeleteIntegration', (step) =>
  deleteIntegration(step, { ...calls, organizationId: dataloopSettings().organizationId }),
);

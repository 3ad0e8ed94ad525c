import { callsOf } from '../../src/clients/calls.ts';
import * as dataloop from '../../src/clients/dataloop/client.ts';
import { iamUserTimeoutSeconds } from '../../src/config.ts';
import { deployedDataloop } from '../../src/deployed/dataloop.ts';
import { organizationOf } from '../../src/domain/resources/dataloop/organization.ts';
import { completeIntegration } from '../../src/domain/resources/dataloop/trust.ts';
import { takeGivenIntegration } from '../../src/domain/waiting/operator-steps.ts';
import { provisionStep } from '../../src/runtime/step.ts';

const calls = callsOf(deployedDataloop(), {
  getIntegration: dataloop.getIntegration,
  listIntegrations: dataloop.listIntegrations,
  setRoleArn: dataloop.setRoleArn,
  deleteIntegration: dataloop.deleteIntegration,
  listDrivers: dataloop.listDrivers,
});
const timeoutSeconds = iamUserTimeoutSeconds();

/** CompleteIntegration: gives the role ARN to Dataloop, until it could assume the role; or waits until an operator has. */
export const handler = provisionStep('CompleteIntegration', (step) =>
  step.desired.isMadeByOperator
    ? takeGivenIntegration(step, organizationOf(step), calls, timeoutSeconds)
    : completeIntegration(step, calls),
);

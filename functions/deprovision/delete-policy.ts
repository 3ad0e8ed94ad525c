import * as iam from '../../src/clients/aws/iam.ts';
import { iamClient } from '../../src/clients/aws/iam-client.ts';
import { callsOf } from '../../src/clients/calls.ts';
import { deletePolicy } from '../../src/domain/resources/role/policy.ts';
import { deprovisionStep } from '../../src/runtime/step.ts';

const calls = callsOf(iamClient(), {
  getPolicy: iam.getPolicy,
  deletePolicy: iam.deletePolicy,
  listEntitiesForPolicy: iam.listEntitiesForPolicy,
});

/** DeletePolicy: undoes CreatePolicy. */
export const handler = deprovisionStep('DeletePolicy', (step) => deletePolicy(step, calls));

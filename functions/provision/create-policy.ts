import * as iam from '../../src/clients/aws/iam.ts';
import { iamClient } from '../../src/clients/aws/iam-client.ts';
import { callsOf } from '../../src/clients/calls.ts';
import { createPolicy } from '../../src/domain/resources/role/policy.ts';
import { provisionStep } from '../../src/runtime/step.ts';

const calls = callsOf(iamClient(), {
  getDefaultPolicyVersion: iam.getDefaultPolicyVersion,
  createPolicy: iam.createPolicy,
});

/** CreatePolicy: what Dataloop may do in the bucket. */
export const handler = provisionStep('CreatePolicy', (step) => createPolicy(step, calls));

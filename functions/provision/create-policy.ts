import { iamClient, policyCreator } from '../../src/clients/aws/iam.ts';
import { createPolicy } from '../../src/domain/resources/role/policy.ts';
import { provisionStep } from '../../src/runtime/step.ts';

const iam = policyCreator(iamClient());

/** CreatePolicy: what Dataloop may do in the bucket. */
export const handler = provisionStep('CreatePolicy', (step) => createPolicy(step, iam));

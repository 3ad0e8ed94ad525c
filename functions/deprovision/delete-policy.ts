import { iamClient, policyRemover } from '../../src/clients/aws/iam.ts';
import { deletePolicy } from '../../src/domain/resources/role/policy.ts';
import { deprovisionStep } from '../../src/runtime/step.ts';

const iam = policyRemover(iamClient());

/** DeletePolicy: undoes CreatePolicy. */
export const handler = deprovisionStep('DeletePolicy', (step) => deletePolicy(step, iam));

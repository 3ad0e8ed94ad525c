import { iamClient, policyRemover } from '../../src/clients/aws/iam.ts';
import { deletePolicy } from '../../src/domain/policy.ts';
import { deprovisionStep } from '../../src/handlers/step.ts';

const iam = policyRemover(iamClient());

/** DeletePolicy: undoes CreatePolicy. */
export const handler = deprovisionStep('DeletePolicy', (step) => deletePolicy(step, iam));

import { accessRevoker, iamClient } from '../../src/clients/aws/iam.ts';
import { deployedAccess } from '../../src/deployed/shared-policies.ts';
import { revokeAccess } from '../../src/domain/resources/role/shared-policies.ts';
import { deprovisionStep } from '../../src/runtime/step.ts';

const access = deployedAccess(accessRevoker(iamClient()));

/** RevokeAccess: undoes GrantAccess. */
export const handler = deprovisionStep('RevokeAccess', (step) => revokeAccess(step, access));

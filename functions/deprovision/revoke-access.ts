import { accessRevoker, iamClient } from '../../src/clients/aws/iam.ts';
import { revokeAccess } from '../../src/domain/access.ts';
import { deployedAccess } from '../../src/handlers/access.ts';
import { deprovisionStep } from '../../src/handlers/step.ts';

const access = deployedAccess(accessRevoker(iamClient()));

/** RevokeAccess: undoes GrantAccess. */
export const handler = deprovisionStep('RevokeAccess', (step) => revokeAccess(step, access));

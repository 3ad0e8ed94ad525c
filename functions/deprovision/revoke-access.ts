import * as iam from '../../src/clients/aws/iam.ts';
import { iamClient } from '../../src/clients/aws/iam-client.ts';
import { callsOf } from '../../src/clients/calls.ts';
import { accountSettings } from '../../src/config.ts';
import { deployedAccess } from '../../src/deployed/shared-policies.ts';
import { revokeAccess } from '../../src/domain/resources/role/revoke-access.ts';
import { accessStep } from '../../src/runtime/await-calls.ts';

const access = deployedAccess(
  callsOf(iamClient(), {
    getRole: iam.getRole,
    listAttachedRolePolicies: iam.listAttachedRolePolicies,
    getDefaultPolicyVersion: iam.getDefaultPolicyVersion,
    createPolicyVersion: iam.createPolicyVersion,
    detachRolePolicy: iam.detachRolePolicy,
    deletePolicy: iam.deletePolicy,
  }),
);

/** RevokeAccess: undoes GrantAccess; with it, Dataloop's access to an added bucket ends. */
export const handler = accessStep('RevokeAccess', (step) => revokeAccess(step, access, accountSettings()));

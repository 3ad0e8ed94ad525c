import * as iam from '../../src/clients/aws/iam.ts';
import { callsOf } from '../../src/clients/calls.ts';
import { accountSettings } from '../../src/config.ts';
import { deployedAccess } from '../../src/deployed/shared-policies.ts';
import { grantAccess } from '../../src/domain/resources/role/grant-access.ts';
import { provisionStep } from '../../src/runtime/step.ts';

const access = deployedAccess(
  callsOf(iam.iamClient(), {
    getRole: iam.getRole,
    getDefaultPolicyVersion: iam.getDefaultPolicyVersion,
    createPolicy: iam.createPolicy,
    createPolicyVersion: iam.createPolicyVersion,
    attachRolePolicy: iam.attachRolePolicy,
  }),
);

/** GrantAccess: lets the role of the integration use the added bucket. */
export const handler = provisionStep('GrantAccess', (step) => grantAccess(step, access, accountSettings()));

import { accessGranter, iamClient } from '../../src/clients/aws/iam.ts';
import { accountSettings } from '../../src/config.ts';
import { deployedAccess } from '../../src/deployed/shared-policies.ts';
import { grantAccess } from '../../src/domain/resources/role/shared-policies.ts';
import { provisionStep } from '../../src/runtime/step.ts';

const access = deployedAccess(accessGranter(iamClient()));

/** GrantAccess: the role of the integration may use the bucket of the driver that is added to it. */
export const handler = provisionStep('GrantAccess', (step) =>
  grantAccess(step, access, accountSettings().policyNamePattern),
);

import * as iam from '../../src/clients/aws/iam.ts';
import { iamClient } from '../../src/clients/aws/iam-client.ts';
import * as s3 from '../../src/clients/aws/s3.ts';
import { callsOf } from '../../src/clients/calls.ts';
import { accountSettings } from '../../src/config.ts';
import { deployedAccess } from '../../src/deployed/shared-policies.ts';
import type { DesiredState } from '../../src/domain/model/desired-state.ts';
import { refuseForeignBucket } from '../../src/domain/resources/bucket/bucket.ts';
import { grantAccess } from '../../src/domain/resources/role/grant-access.ts';
import { provisionStep } from '../../src/runtime/step.ts';

const calls = callsOf(iamClient(), {
  getRole: iam.getRole,
  getDefaultPolicyVersion: iam.getDefaultPolicyVersion,
  createPolicy: iam.createPolicy,
  createPolicyVersion: iam.createPolicyVersion,
  attachRolePolicy: iam.attachRolePolicy,
});
const { getBucketTagging } = callsOf(s3.s3Clients(), { getBucketTagging: s3.getBucketTagging });
const access = {
  ...deployedAccess(calls),
  refuseForeignBucket: (desired: DesiredState) => refuseForeignBucket(desired, getBucketTagging),
};

/** GrantAccess: lets the role of the integration use the added bucket. */
export const handler = provisionStep('GrantAccess', (step) => grantAccess(step, access, accountSettings()));

import * as iam from '../../src/clients/aws/iam.ts';
import { iamClient } from '../../src/clients/aws/iam-client.ts';
import { callsOf } from '../../src/clients/calls.ts';
import { noAccessBoundaryArn } from '../../src/config.ts';
import { releaseRole } from '../../src/domain/resources/role/adopt.ts';
import { deleteRole } from '../../src/domain/resources/role/role.ts';
import { accessStep } from '../../src/runtime/await-calls.ts';

const calls = callsOf(iamClient(), {
  getRole: iam.getRole,
  updateAssumeRolePolicy: iam.updateAssumeRolePolicy,
  detachRolePolicy: iam.detachRolePolicy,
  listAttachedRolePolicies: iam.listAttachedRolePolicies,
  listRolePolicies: iam.listRolePolicies,
  listInstanceProfilesForRole: iam.listInstanceProfilesForRole,
  deleteRole: iam.deleteRole,
  putRolePermissionsBoundary: iam.putRolePermissionsBoundary,
});

/** DeleteRole: undoes CreateRole; with it, Dataloop's access ends. An adopted role is restored. */
export const handler = accessStep('DeleteRole', (step) =>
  step.desired.role.mode === 'adopt'
    ? releaseRole(step, calls)
    : deleteRole(step, calls, noAccessBoundaryArn()),
);

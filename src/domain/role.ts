/** The role that Dataloop's IAM user assumes: CreateRole and its undo, DeleteRole. */
import { ServiceError } from '../errors.ts';
import { trustedUserArn } from './iam-user.ts';
import { isTaggedOurs, removeIfOurs, type UndoOutcome } from './ownership.ts';
import { type PolicyDocument, trustPolicy } from './plan.ts';
import type { StepContext } from './step.ts';

export interface RoleReader {
  findRole(
    name: string,
  ): Promise<{ readonly arn: string; readonly tags: Readonly<Record<string, string>> } | undefined>;
}

export interface RoleCreator extends RoleReader {
  createRole(role: {
    name: string;
    path: string;
    description: string;
    trust: PolicyDocument;
    permissionsBoundaryArn: string;
    tags: Readonly<Record<string, string>>;
  }): Promise<'created' | 'exists'>;
  attachPolicy(roleName: string, policyArn: string): Promise<void>;
}

export interface RoleRemover extends RoleReader {
  /** Detaches a policy; one that is not attached counts as detached. */
  detachPolicy(roleName: string, policyArn: string): Promise<void>;
  /** Deletes a role; one that is gone already counts as deleted. */
  deleteRole(roleName: string): Promise<void>;
}

/**
 * Creates the role with the guide's trust policy. The IAM user is read from Dataloop here and now: neither the
 * event that woke the workflow nor a task's output decides whom the role trusts.
 */
export async function createRole(
  step: StepContext,
  iam: RoleCreator,
  readUserArn: () => Promise<string>,
  trust: { partition: string; dataloopAccountId: string | undefined },
): Promise<{ roleArn: string; userArn: string }> {
  const { role, policy, iamPath, description, permissionsBoundaryArn, tags } = step.plan;
  const userArn = trustedUserArn(await readUserArn(), trust.partition, trust.dataloopAccountId);

  await step.intend('role', { arn: role.arn });
  const outcome = await iam.createRole({
    name: role.name,
    path: iamPath,
    description,
    trust: trustPolicy(userArn),
    permissionsBoundaryArn,
    tags,
  });
  if (outcome === 'exists') {
    const found = await iam.findRole(role.name);
    if (found?.arn !== role.arn || !isTaggedOurs(step, found.tags)) {
      throw roleNameTaken(role.name);
    }
  }
  await step.created('role', { arn: role.arn });
  await iam.attachPolicy(role.name, policy.arn);
  return { roleArn: role.arn, userArn };
}

/** Takes the permissions away first, then the role: whatever sticks, access ends as early as it can. */
export function deleteRole(step: StepContext, iam: RoleRemover): Promise<UndoOutcome> {
  const { role, policy } = step.plan;
  return removeIfOurs(
    step,
    'role',
    async () => {
      const found = await iam.findRole(role.name);
      return found?.arn === role.arn ? found.tags : undefined;
    },
    async () => {
      await iam.detachPolicy(role.name, policy.arn);
      await iam.deleteRole(role.name);
      return undefined;
    },
  );
}

export function roleNameTaken(roleName: string): ServiceError {
  return new ServiceError(
    'RoleNameTakenError',
    `A role named ${roleName} already exists and was not made for this integration; it was left as it is. ` +
      'Choose another name for the integration, or give role.name.',
  );
}

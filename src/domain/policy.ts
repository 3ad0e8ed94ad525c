/** The permission policy: CreatePolicy and its undo, DeletePolicy. */
import { ServiceError } from '../errors.ts';
import { isTaggedOurs, removeIfOurs, type UndoOutcome } from './ownership.ts';
import type { PolicyDocument } from './plan.ts';
import type { StepContext } from './step.ts';

export interface PolicyReader {
  /** Tags of a customer managed policy, or undefined where there is none. */
  policyTags(arn: string): Promise<Readonly<Record<string, string>> | undefined>;
}

export interface PolicyCreator extends PolicyReader {
  createPolicy(policy: {
    name: string;
    path: string;
    description: string;
    document: PolicyDocument;
    tags: Readonly<Record<string, string>>;
  }): Promise<'created' | 'exists'>;
}

export interface PolicyRemover extends PolicyReader {
  /** Deletes a policy; one that is gone already counts as deleted. */
  deletePolicy(arn: string): Promise<void>;
}

export async function createPolicy(step: StepContext, iam: PolicyCreator): Promise<{ policyArn: string }> {
  const { policy, tags, iamPath, description, permissionPolicy } = step.plan;
  await step.intend('policy', { arn: policy.arn });
  const outcome = await iam.createPolicy({
    name: policy.name,
    path: iamPath,
    description,
    document: permissionPolicy,
    tags,
  });
  if (outcome === 'exists' && !isTaggedOurs(step, await iam.policyTags(policy.arn))) {
    throw policyNameTaken(policy.name);
  }
  await step.created('policy', { arn: policy.arn });
  return { policyArn: policy.arn };
}

export function deletePolicy(step: StepContext, iam: PolicyRemover): Promise<UndoOutcome> {
  const { arn } = step.plan.policy;
  return removeIfOurs(
    step,
    'policy',
    () => iam.policyTags(arn),
    async () => {
      await iam.deletePolicy(arn);
      return undefined;
    },
  );
}

export function policyNameTaken(policyName: string): ServiceError {
  return new ServiceError(
    'PolicyNameTakenError',
    `A policy named ${policyName} already exists and was not made for this integration; it was left as it is. ` +
      'Choose another name for the integration, or give role.name.',
  );
}

/** The permission policy: CreatePolicy and its undo, DeletePolicy. */
import { ServiceError } from '../../../errors.ts';
import { sameJson } from '../../model/canonical-json.ts';
import { policyOf, standingPolicies } from '../../model/desired-state.ts';
import { widerPolicy } from '../../model/permission-policy.ts';
import {
  type Found,
  isTaggedOurs,
  type RemovalOutcome,
  removeIfOurs,
  type UndoOutcome,
} from '../../saga/ownership.ts';
import { sendAgain } from '../../saga/residue.ts';
import { notYetShown, type StepContext } from '../../saga/step.ts';
import type { Iam, PolicyVersion } from './iam.ts';
import { hash, looksForOwn } from './shared-policies.ts';

export async function createPolicy(
  step: StepContext,
  iam: Pick<Iam, 'getDefaultPolicyVersion' | 'createPolicy'>,
): Promise<{ policyArn: string }> {
  const { policy, tags, iamPath, description, permissionPolicy } = step.desired;
  const written = [hash(permissionPolicy)];
  const writtenAt = step.resource('policy')?.writtenAt ?? step.call.begunAt;
  await step.intend('policy', { arn: policy.arn, written, writtenAt });
  const outcome = await iam.createPolicy({
    name: policy.name,
    path: iamPath,
    description,
    document: permissionPolicy,
    tags,
  });
  const { uniqueId } = outcome === 'exists' ? await ownPolicy(step, iam) : outcome;
  await step.created('policy', { arn: policy.arn, uniqueId, written, writtenAt });
  return { policyArn: policy.arn };
}

/** Whether a policy carries our tag and says what CreatePolicy writes, or wrote before a deployment that came between. */
const isAsWritten = (step: StepContext, { tags, document }: PolicyVersion): boolean =>
  isTaggedOurs(step, tags) &&
  [step.desired.permissionPolicy, widerPolicy([step.desired.grant])].some((each) => sameJson(document, each));

/** The policy that an earlier attempt made: it must say what that attempt wrote, whoever tagged it. */
async function ownPolicy(step: StepContext, iam: Pick<Iam, 'getDefaultPolicyVersion'>): Promise<Found> {
  const { policy } = step.desired;
  const found = await iam.getDefaultPolicyVersion(policy.arn);
  if (!found) {
    // Names are unique in an account, whatever their path: then it stands under another one.
    throw step.call.attempt < looksForOwn
      ? notYetShown(`the policy ${policy.arn}`)
      : policyNameTaken(policy.name);
  }
  if (!isAsWritten(step, found)) throw policyNameTaken(policy.name);
  return found;
}

/**
 * The policy as it stands, before it is attached and once it is: from then on nobody can delete it and make another one of
 * its name.
 * @throws ServiceError `PolicyChangedError`
 */
export async function refuseChanged(
  step: StepContext,
  iam: Pick<Iam, 'getDefaultPolicyVersion'>,
): Promise<void> {
  const { policy } = step.desired;
  const found = await iam.getDefaultPolicyVersion(policy.arn);
  if (!found) throw notYetShown(`the policy ${policy.arn}`);
  if (isAsWritten(step, found)) return;
  throw new ServiceError(
    'PolicyChangedError',
    `Somebody changed the policy ${policy.arn} during setup, so the service undoes the setup. Find out who did in ` +
      'CloudTrail, then send the request again.',
  );
}

/** Deletes the role's policies, each whatever became of the others. */
export async function deletePolicy(
  step: StepContext,
  iam: Pick<Iam, 'getPolicy' | 'deletePolicy' | 'listEntitiesForPolicy'>,
): Promise<UndoOutcome> {
  const outcomes: string[] = [];
  const failures: unknown[] = [];
  for (const key of standingPolicies(step.record)) {
    const { arn } = policyOf(step.desired, key);
    const removal = removeIfOurs(
      step,
      key,
      () => iam.getPolicy(arn),
      () => deleteUnused(step, arn, iam),
    );
    await removal.then(
      ({ outcome }) => outcomes.push(outcome),
      (error: unknown) => failures.push(error),
    );
  }
  if (failures.length > 0) throw failures[0];
  return { outcome: [...new Set(outcomes)].join('; ') || 'nothing to remove' };
}

/** AWS is still busy with a resource, or keeps it because somebody uses it. */
export const isConflict = (error: unknown): boolean =>
  error instanceof ServiceError && error.name === 'AwsConflictError';

/** IAM keeps a policy that is in use: by our own role it was a moment ago, and that passes; others have to let go of it. */
async function deleteUnused(
  step: StepContext,
  arn: string,
  iam: Pick<Iam, 'deletePolicy' | 'listEntitiesForPolicy'>,
): Promise<RemovalOutcome> {
  try {
    return await iam.deletePolicy(arn);
  } catch (error) {
    if (!isConflict(error)) throw error;
    const ours = `role ${step.desired.role.name}`;
    const others = (await iam.listEntitiesForPolicy(arn)).filter((each) => each !== ours);
    if (others.length === 0) throw error;
    return {
      reason: `IAM deletes no policy that somebody else uses: it is attached to ${others.join(', ')}.`,
      advice: sendAgain(step.record, `Detach the policy ${arn} from ${others.join(', ')}.`),
    };
  }
}

export function policyNameTaken(policyName: string): ServiceError {
  return new ServiceError(
    'PolicyNameTakenError',
    `A policy named ${policyName} already exists and does not belong to this integration. It was left unchanged. IAM tells ` +
      'names apart neither by path nor by capitals. Choose another name for the integration, or set role.name.',
  );
}

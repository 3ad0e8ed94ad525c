/** The permission policy: CreatePolicy and its undo, DeletePolicy. */
import { ServiceError } from '../../../errors.ts';
import { sameJson } from '../../model/canonical-json.ts';
import { policyOf, standingPolicies } from '../../model/desired-state.ts';
import { widerPolicy } from '../../model/permission-policy.ts';
import { type Found, isTaggedOurs, removeIfOurs, type UndoOutcome } from '../../saga/ownership.ts';
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
  iam: Pick<Iam, 'getPolicy' | 'deletePolicy'>,
): Promise<UndoOutcome> {
  const outcomes: string[] = [];
  const failures: unknown[] = [];
  for (const key of standingPolicies(step.record)) {
    const { arn } = policyOf(step.desired, key);
    const removal = removeIfOurs(
      step,
      key,
      () => iam.getPolicy(arn),
      () => iam.deletePolicy(arn),
    );
    await removal.then(
      ({ outcome }) => outcomes.push(outcome),
      (error: unknown) => failures.push(error),
    );
  }
  if (failures.length > 0) throw failures[0];
  return { outcome: [...new Set(outcomes)].join('; ') || 'nothing to remove' };
}

export function policyNameTaken(policyName: string): ServiceError {
  return new ServiceError(
    'PolicyNameTakenError',
    `A policy named ${policyName} already exists and does not belong to this integration. It was left unchanged. ` +
      'Choose another name for the integration, or set role.name.',
  );
}

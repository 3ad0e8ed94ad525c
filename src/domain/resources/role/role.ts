/** The role that Dataloop's IAM user assumes: CreateRole and its undo, DeleteRole. */
import { ServiceError } from '../../../errors.ts';
import { parseJson, sameJson } from '../../model/canonical-json.ts';
import { attachablePolicies, policyOf, trustPolicy } from '../../model/desired-state.ts';
import type { PolicyDocument } from '../../model/permission-policy.ts';
import { type PolicyKey, policyKeys } from '../../model/resource-keys.ts';
import { unlessSeenLate } from '../../saga/late-views.ts';
import { isTaggedOurs, removeIfOurs, type UndoOutcome } from '../../saga/ownership.ts';
import { sendAgain } from '../../saga/residue.ts';
import { notYetShown, type StepContext } from '../../saga/step.ts';
import type { Iam, Role } from './iam.ts';
import { isConflict, refuseChanged } from './policy.ts';
import { looksForOwn } from './shared-policies.ts';
import { trustedUserArn } from './trusted-user.ts';

/**
 * Creates the role with the guide's trust policy. The IAM user is read from Dataloop here and now: neither the
 * event that woke the workflow nor a task's output decides whom the role trusts.
 */
export async function createRole(
  step: StepContext,
  iam: Pick<
    Iam,
    | 'getRole'
    | 'createRole'
    | 'attachRolePolicy'
    | 'listAttachedRolePolicies'
    | 'listRolePolicies'
    | 'getDefaultPolicyVersion'
  >,
  readUserArn: () => Promise<string>,
  trust: { partition: string; dataloopAccountId: string | undefined },
): Promise<{ roleArn: string; userArn: string }> {
  const { role, policy, iamPath, description, permissionsBoundaryArn, roleTags } = step.desired;
  const userArn = trustedUserArn(await readUserArn(), trust.partition, trust.dataloopAccountId);

  const wanted = {
    name: role.name,
    path: iamPath,
    description,
    trustPolicy: trustPolicy(userArn),
    permissionsBoundaryArn,
    // No tags of the caller's: those of a role are attributes by which other policies of the account may let it in.
    tags: roleTags,
  };
  await step.intend('role', { arn: role.arn, writtenAt: step.call.begunAt });
  // While IAM may not see the user yet: what is read of the policy now need not be read again where it stays the same.
  const [made, looked] = await Promise.allSettled([
    iam.createRole(wanted),
    iam.getDefaultPolicyVersion(policy.arn),
  ]);
  if (made.status === 'rejected') throw made.reason;
  const outcome = made.value;
  const { uniqueId } = outcome === 'exists' ? await ownRole(step, iam, wanted) : outcome;
  const writtenAt = outcome === 'exists' ? step.resource('role')?.writtenAt : step.call.begunAt;
  await step.created('role', { arn: role.arn, uniqueId, ...(writtenAt === undefined ? {} : { writtenAt }) });
  if (looked.status === 'rejected') throw looked.reason;
  await refuseChanged(step, iam);
  await onYoungRole(step, () => iam.attachRolePolicy(role.name, policy.arn));
  await refuseChanged(step, iam);
  return { roleArn: role.arn, userArn };
}

/** A call that IAM allows only on roles under our path, or with our boundary: it may not see either yet. */
const onYoungRole = <T>(step: StepContext, call: () => Promise<T>): Promise<T> =>
  unlessSeenLate(step, 'role', () => step.resource('role')?.writtenAt, call);

/**
 * The role that an earlier attempt created. It is used only if unchanged: trust policy, boundary and policies decide who
 * may do what. Of policies it may have the one that an attempt attaches.
 */
async function ownRole(
  step: StepContext,
  iam: Pick<Iam, 'getRole' | 'listAttachedRolePolicies' | 'listRolePolicies'>,
  wanted: { trustPolicy: PolicyDocument; permissionsBoundaryArn: string },
): Promise<Role> {
  const { role, policy } = step.desired;
  const found = await iam.getRole(role.name);
  if (!found) {
    // Names are unique in an account whatever their case, and a look needs the exact one.
    if ((await step.refused('role')) < looksForOwn) throw notYetShown(`the role ${role.arn}`);
    throw roleNameTaken(
      role.name,
      'A role whose name differs in capitals only may have it: IAM tells no such names apart.',
    );
  }
  if (found.arn !== role.arn || !isTaggedOurs(step, found.tags)) throw roleNameTaken(role.name);
  const isAsWritten =
    sameJson(parseJson(found.trustPolicy), wanted.trustPolicy) &&
    found.permissionsBoundaryArn === wanted.permissionsBoundaryArn;
  if (!isAsWritten) throw roleChanged(role.name);
  const attached = await onYoungRole(step, () => iam.listAttachedRolePolicies(role.name));
  const inline = await onYoungRole(step, () => iam.listRolePolicies(role.name));
  if (inline.length > 0 || attached.some((arn) => arn !== policy.arn)) throw roleChanged(role.name);
  return found;
}

/**
 * Takes our policies from the role, each whatever became of the others: those that the record knows, and those of our
 * names that IAM shows. A forged record may hide one.
 */
export async function detachPolicies(
  { desired, record }: StepContext,
  iam: Pick<Iam, 'detachRolePolicy' | 'listAttachedRolePolicies'>,
): Promise<void> {
  const { name } = desired.role;
  const failures: unknown[] = [];
  const failed = (error: unknown) => void failures.push(error);
  const arnsOf = (keys: readonly PolicyKey[]) => keys.map((key) => policyOf(desired, key).arn);
  for (const arn of arnsOf(attachablePolicies(record))) await iam.detachRolePolicy(name, arn).catch(failed);
  const attached = new Set(await iam.listAttachedRolePolicies(name).catch(failed));
  for (const arn of arnsOf(policyKeys)) {
    if (attached.has(arn)) await iam.detachRolePolicy(name, arn).catch(failed);
  }
  if (failures.length > 0) throw failures[0];
}

/**
 * Removes the permissions first, then the role: whatever fails, access ends as early as possible. A role that stays
 * gets a boundary that denies everything: policies that others attached to it, and those of buckets, give nothing.
 */
export function deleteRole(
  step: StepContext,
  iam: Pick<
    Iam,
    | 'getRole'
    | 'detachRolePolicy'
    | 'listAttachedRolePolicies'
    | 'deleteRole'
    | 'putRolePermissionsBoundary'
    | keyof RoleUses
  >,
  noAccessBoundaryArn: string,
): Promise<UndoOutcome> {
  const { role } = step.desired;
  const known = step.resource('role')?.uniqueId;
  const denyAll = () => iam.putRolePermissionsBoundary(role.name, noAccessBoundaryArn);
  return removeIfOurs(
    step,
    'role',
    async () => {
      const found = await iam.getRole(role.name);
      if (found?.arn !== role.arn) return undefined;
      // By its id it is ours: the access ends, also where somebody took the tag away, so that the role stays.
      if (known !== undefined && found.uniqueId === known && !isTaggedOurs(step, found.tags)) {
        await detachPolicies(step, iam).finally(denyAll);
      }
      return found;
    },
    async () => {
      try {
        await detachPolicies(step, iam);
        return await iam.deleteRole(role.name);
      } catch (error) {
        const closed = await denyAll().then(
          () => 'The permissions boundary of the role now denies everything.',
          (denial) => `The role keeps its permissions boundary: ${messageOf(denial)}`,
        );
        const uses = isConflict(error) ? await usesByOthers(step, iam) : [];
        if (uses.length === 0) throw prefixed(closed, error);
        return {
          reason: `${closed} IAM deletes no role that somebody else uses: ${uses.map(({ what }) => what).join(', ')}.`,
          advice: sendAgain(step.record, uses.map(({ advice }) => advice).join(' ')),
        };
      }
    },
  );
}

interface Use {
  readonly what: string;
  readonly advice: string;
}
type RoleUses = Pick<Iam, 'listAttachedRolePolicies' | 'listRolePolicies' | 'listInstanceProfilesForRole'>;

/** What keeps a role by the doing of others. Our own policies were detached a moment ago, which IAM may not show yet. */
async function usesByOthers({ desired }: StepContext, iam: RoleUses): Promise<readonly Use[]> {
  const { name } = desired.role;
  const ours = new Set(policyKeys.map((key) => policyOf(desired, key).arn));
  const attached = (await iam.listAttachedRolePolicies(name)).filter((arn) => !ours.has(arn));
  const inline = await iam.listRolePolicies(name);
  const profiles = await iam.listInstanceProfilesForRole(name);
  return [
    ...attached.map((arn) => ({
      what: `the attached policy ${arn}`,
      advice: `Detach the policy ${arn} from the role ${name}.`,
    })),
    ...inline.map((policy) => ({
      what: `the inline policy ${policy}`,
      advice: `Delete the inline policy ${policy} of the role.`,
    })),
    ...profiles.map((profile) => ({
      what: `the instance profile ${profile}`,
      advice: `Remove the role from the instance profile ${profile}.`,
    })),
  ];
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The error with a sentence before it. */
const prefixed = (sentence: string, error: unknown): unknown =>
  error instanceof ServiceError
    ? new ServiceError(error.name, `${sentence} ${error.message}`, { cause: error })
    : error;

export function roleNameTaken(roleName: string, more?: string): ServiceError {
  return new ServiceError(
    'RoleNameTakenError',
    `A role named ${roleName} already exists and does not belong to this integration. It was left unchanged. ` +
      `${more ? `${more} ` : ''}Choose another name for the integration, or set role.name.`,
  );
}

function roleChanged(roleName: string): ServiceError {
  return new ServiceError(
    'RoleChangedError',
    `Somebody changed the trust policy, the permissions boundary or the policies of the role ${roleName} during setup, so ` +
      'the service does not use it. Find out who did in CloudTrail, then send the request again.',
  );
}

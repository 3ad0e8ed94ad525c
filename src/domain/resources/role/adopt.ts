/**
 * An existing role: CreateRole adopts it, DeleteRole restores it. Ours are one statement of its trust policy, known by its
 * Sid and its content, and our permission policy; the rest is not touched.
 */
import { ServiceError } from '../../../errors.ts';
import { sameJson, saysOnlyWhatIsRead } from '../../model/canonical-json.ts';
import { type DesiredState, trustStatement } from '../../model/desired-state.ts';
import type { ResourceRecord } from '../../model/record.ts';
import { attributeOf } from '../../model/resource-keys.ts';
import { noEarlierCall } from '../../saga/in-flight-calls.ts';
import { confirmAbsence, journalChange, type UndoOutcome } from '../../saga/ownership.ts';
import { sendAgain } from '../../saga/residue.ts';
import { notYetShown, type StepContext } from '../../saga/step.ts';
import type { Iam, Role } from './iam.ts';
import { refuseChanged } from './policy.ts';
import { detachPolicies } from './role.ts';
import {
  adoptedSid,
  isAsWritten,
  namesDeleted,
  parseTrustPolicy,
  type TrustPolicy,
  withStatements,
} from './trust-policy.ts';
import { trustedUserArn } from './trusted-user.ts';

const sidOf = (step: StepContext) => adoptedSid(step.desired);

/**
 * Characters of a trust policy, and the most that an account may be given; white space, of which we write none, does not count
 * (IAM User Guide, "IAM and AWS STS quotas"). Between the two, IAM decides.
 */
export const trustPolicyQuota = { usual: 2_048, most: 4_096 };

/**
 * Checks whether the role may be adopted, and changes nothing.
 * @throws ServiceError `RoleNotAdoptableError`
 */
export async function checkAdoptableRole(
  desired: DesiredState,
  iam: Pick<Iam, 'getRole'>,
): Promise<{ found: Role; policy: TrustPolicy }> {
  const { name, arn } = desired.role;
  const found = await iam.getRole(name);
  if (found?.arn !== arn) {
    const instead = found ? ` (the role of this name is ${found.arn})` : '';
    throw roleNotAdoptable(arn, `does not exist${instead}`, 'Choose an existing role, or omit role.mode.');
  }
  refuseUnbounded(found, desired);
  const policy = parseTrustPolicy(found.trustPolicy);
  if (!policy) throw roleNotAdoptable(arn, 'has an unreadable trust policy', 'Rewrite it.');
  const deleted = policy.statements.map(namesDeleted).find((each) => each !== undefined);
  if (deleted) {
    throw roleNotAdoptable(
      arn,
      `trusts ${deleted}, the id of a deleted IAM user or role`,
      'IAM accepts no trust policy with such an id. Remove that statement.',
    );
  }
  return { found, policy };
}

/**
 * Without a boundary, whoever writes our policies would give the role any permission. IAM refuses to attach one, too.
 * @throws ServiceError `RoleNotAdoptableError`
 */
export function refuseUnbounded({ arn, permissionsBoundaryArn }: Role, desired: DesiredState): void {
  if (permissionsBoundaryArn) return;
  throw roleNotAdoptable(
    arn,
    'has no permissions boundary',
    'Give it one that allows what Dataloop and its other users need. If only Dataloop uses the role: ' +
      `aws iam put-role-permissions-boundary --role-name ${desired.role.name} ` +
      `--permissions-boundary ${desired.permissionsBoundaryArn}`,
  );
}

export function roleNotAdoptable(arn: string, why: string, advice: string): ServiceError {
  return new ServiceError(
    'RoleNotAdoptableError',
    `The role ${arn} ${why}. It was left unchanged. ${advice}`,
  );
}

/**
 * Adds one statement for the IAM user that Dataloop names here and now, and attaches the permission policy. Neither
 * the event that woke the workflow nor a task's output decides whom the role trusts.
 */
export async function adoptRole(
  step: StepContext,
  iam: Pick<Iam, 'getRole' | 'updateAssumeRolePolicy' | 'attachRolePolicy' | 'getDefaultPolicyVersion'>,
  readUserArn: () => Promise<string>,
  trust: { partition: string; dataloopAccountId: string | undefined },
): Promise<{ roleArn: string; userArn: string }> {
  // What an earlier attempt changes meanwhile would be taken for the original.
  noEarlierCall(step);
  const { role, policy } = step.desired;
  const userArn = trustedUserArn(await readUserArn(), trust.partition, trust.dataloopAccountId);
  const { found, policy: now } = await checkAdoptableRole(step.desired, iam);
  const reference = { arn: role.arn, uniqueId: found.uniqueId };
  const ours = { Sid: sidOf(step), ...trustStatement(userArn) };

  const standing = now.statements.find(({ Sid }) => Sid === ours.Sid);
  if (standing && !sameJson(standing, ours)) {
    throw new ServiceError(
      'RoleChangedError',
      `Somebody changed the statement ${ours.Sid} in the trust policy of the role ${role.arn} during its adoption. ` +
        'Find out who did in CloudTrail, remove the statement, then send the request again.',
    );
  }
  if (!standing) {
    const change = { before: found.trustPolicy, after: withStatements(now, [...now.statements, ours]) };
    if (change.after.length > trustPolicyQuota.most) {
      throw roleNotAdoptable(
        role.arn,
        `has no room in its trust policy for one more statement (IAM allows ${trustPolicyQuota.most} characters at most)`,
        'Remove statements that nobody needs, or adopt another role.',
      );
    }
    await journalChange(step, 'role', reference, { trustPolicy: change });
    await iam.updateAssumeRolePolicy(role.name, change.after);
  }
  const { changes } = step.resource('role') ?? {};
  await step.created('role', { ...reference, origin: 'adopted', ...(changes ? { changes } : {}) });
  await refuseChanged(step, iam);
  await iam.attachRolePolicy(role.name, policy.arn);
  await refuseChanged(step, iam);
  return { roleArn: role.arn, userArn };
}

/** Removes the permissions first, then the trust: whatever fails, access ends as early as possible. */
export async function releaseRole(
  step: StepContext,
  iam: Pick<Iam, 'getRole' | 'updateAssumeRolePolicy' | 'detachRolePolicy' | 'listAttachedRolePolicies'>,
): Promise<UndoOutcome> {
  const known = step.resource('role');
  if (!known || known.state === 'gone') return { outcome: 'nothing to restore' };
  const { name } = step.desired.role;
  const found = await iam.getRole(name);
  if (found?.arn === step.desired.role.arn && known.origin !== 'adopted') {
    return releaseUnknown(step, found, iam);
  }
  if (!found || found.arn !== known.arn) return confirmAbsence(step, 'role');
  if (found.uniqueId !== known.uniqueId) {
    await step.gone('role', 'Somebody deleted it and created another role of the same name, which stays.');
    return { outcome: 'replaced by somebody else, left alone' };
  }

  await detachPolicies(step, iam);
  const end = withoutOurs(step, found.trustPolicy, known);
  switch (end.is) {
    case 'not-there':
      // IAM may take a while to show what was written.
      return confirmAbsence(step, 'role');
    case 'changed':
      await step.gone(
        'role',
        `Somebody changed the statement ${sidOf(step)} in its trust policy, so it was left unchanged. Remove it, or the ` +
          'principal that it names can still assume the role.',
      );
      return { outcome: 'restored, except a statement that others changed' };
    case 'last':
      await step.residue('role', {
        reason: `The statement ${sidOf(step)} is the only one in its trust policy, and IAM accepts no trust policy without a statement.`,
        advice: sendAgain(
          step.record,
          'Add another statement to the trust policy, or delete the role. Until then Dataloop can still assume it.',
        ),
      });
      return { outcome: 'left: IAM accepts no trust policy without a statement' };
    case 'blocked':
      await step.residue('role', {
        reason: `${end.named} of its trust policy trusts ${end.deleted}, the id of a deleted IAM user or role, and IAM accepts no change of such a policy.`,
        advice: sendAgain(
          step.record,
          `Take ${end.named.replace('The', 'the')} out of the trust policy, together with the statement ${sidOf(step)}. Until then ` +
            'Dataloop can still assume the role.',
        ),
      });
      return { outcome: 'left: IAM accepts no change of its trust policy' };
    case 'removable':
      await iam.updateAssumeRolePolicy(name, end.document);
      await confirmTakenOut(step, iam);
      await step.gone('role');
      return { outcome: 'restored' };
  }
}

/**
 * Somebody has made what the record says of the role unreadable: nothing tells any more what the service wrote. Its policies
 * go. A statement that may be ours is left, and named.
 */
async function releaseUnknown(
  step: StepContext,
  { arn, trustPolicy: text }: Role,
  iam: Pick<Iam, 'detachRolePolicy' | 'listAttachedRolePolicies'>,
): Promise<UndoOutcome> {
  await detachPolicies(step, iam);
  const isThere = parseTrustPolicy(text)?.statements.some((each) => each['Sid'] === sidOf(step));
  if (!isThere) return confirmAbsence(step, 'role');
  await step.residue('role', {
    reason:
      `Somebody changed what the record says of the role ${arn} (${attributeOf('role')}), so the service does not rewrite its ` +
      'trust policy. The policies of this service were detached: Dataloop cannot use the bucket any more.',
    advice: sendAgain(
      step.record,
      `Remove the statement ${sidOf(step)} from the trust policy of the role yourself. Until then Dataloop can still assume it.`,
    ),
  });
  return { outcome: 'left: the record does not say what was changed' };
}

/**
 * The next integration that adopts the role must not find our statement and keep it as the original.
 * @throws ServiceError `AwsNotYetConsistentError` while IAM still shows it
 */
async function confirmTakenOut(step: StepContext, iam: Pick<Iam, 'getRole'>): Promise<void> {
  const { name } = step.desired.role;
  const found = await iam.getRole(name);
  const statements = (found && parseTrustPolicy(found.trustPolicy)?.statements) ?? [];
  if (statements.some(({ Sid }) => Sid === sidOf(step))) {
    throw notYetShown(`the removal of a statement from the trust policy of the role ${name}`);
  }
}

type WithoutOurs =
  | { readonly is: 'not-there' | 'changed' | 'last' }
  | { readonly is: 'blocked'; readonly deleted: string; readonly named: string }
  | { readonly is: 'removable'; readonly document: string };

/**
 * The trust policy without our statement: to the byte as it was if nobody has changed it since. What the journal calls
 * the original is believed only where it says the same.
 */
function withoutOurs(step: StepContext, text: string, { changes }: ResourceRecord): WithoutOurs {
  const Sid = sidOf(step);
  const now = parseTrustPolicy(text);
  if (!now) return { is: 'changed' };
  const standing = now.statements.find((each) => each['Sid'] === Sid);
  if (!standing) return { is: 'not-there' };
  const change = changes?.trustPolicy;
  const written = change && parseTrustPolicy(change.after);
  const ours = written?.statements.find((each) => each['Sid'] === Sid);
  if (!ours || !isAsWritten(standing, ours)) return { is: 'changed' };

  const others = now.statements.filter((each) => each !== standing);
  if (others.length === 0) return { is: 'last' };
  for (const [index, each] of now.statements.entries()) {
    const deleted = each === standing ? undefined : namesDeleted(each);
    const sid = each['Sid'];
    // AWS's own console writes an empty one.
    const named =
      typeof sid === 'string' && sid ? `The statement ${sid}` : `The statement number ${index + 1}`;
    if (deleted) return { is: 'blocked', deleted, named };
  }
  const document = withStatements(now, others);
  const { before: original = '' } = change ?? {};
  const before = saysOnlyWhatIsRead(original) ? parseTrustPolicy(original) : undefined;
  const isOriginal = before && withStatements(before, before.statements) === document;
  return { is: 'removable', document: (isOriginal && change?.before) || document };
}

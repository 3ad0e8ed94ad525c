/**
 * A role that somebody made in advance: CreateRole adopts it, DeleteRole gives it back. Ours is one statement of its
 * trust policy, known by its Sid and by what it says, and our permission policy; the rest is not touched.
 */
import { ServiceError } from '../../../errors.ts';
import { sameJson } from '../../model/canonical-json.ts';
import { type DesiredState, trustStatement } from '../../model/desired-state.ts';
import type { ResourceRecord } from '../../model/record.ts';
import { noEarlierCall } from '../../saga/in-flight-calls.ts';
import { confirmAbsence, journalChange, type UndoOutcome } from '../../saga/ownership.ts';
import { sendAgain } from '../../saga/residue.ts';
import { notYetShown, type StepContext } from '../../saga/step.ts';
import type { Iam, Role } from './iam.ts';
import { attachable } from './role.ts';
import {
  adoptedSid,
  isAsWritten,
  namesDeletedUser,
  parseTrustPolicy,
  type TrustPolicy,
  withStatements,
} from './trust-policy.ts';
import { trustedUserArn } from './trusted-user.ts';

const sidOf = (step: StepContext) => adoptedSid(step.desired);

/** Characters of a trust policy; white space, of which we write none, does not count (IAM User Guide, "IAM and AWS STS quotas"). */
const maximumTrustPolicySize = 2_048;

/**
 * Looks whether the role may be adopted, and changes nothing.
 * @throws ServiceError `RoleNotAdoptableError`
 */
export async function checkAdoptableRole(
  desired: DesiredState,
  iam: Pick<Iam, 'getRole'>,
): Promise<{ found: Role; policy: TrustPolicy }> {
  const { name, arn } = desired.role;
  const found = await iam.getRole(name);
  if (found?.arn !== arn) {
    const instead = found ? `; the role of that name is ${found.arn}` : '';
    throw notAdoptable(arn, `does not exist${instead}`, 'Name one that does, or leave role.mode out.');
  }
  const policy = parseTrustPolicy(found.trustPolicy);
  if (!policy) throw notAdoptable(arn, 'has a trust policy that is not understood', 'Write it anew.');
  const deleted = policy.statements.map(namesDeletedUser).find((each) => each !== undefined);
  if (deleted) {
    throw notAdoptable(
      arn,
      `trusts ${deleted}, the id of an IAM user that was deleted`,
      'IAM takes no trust policy with such an id: take that statement out.',
    );
  }
  return { found, policy };
}

function notAdoptable(arn: string, why: string, advice: string): ServiceError {
  return new ServiceError('RoleNotAdoptableError', `The role ${arn} ${why}; it was left as it is. ${advice}`);
}

/**
 * Adds one statement for the IAM user that Dataloop names here and now, and attaches the permission policy. Neither
 * the event that woke the workflow nor a task's output decides whom the role trusts.
 */
export async function adoptRole(
  step: StepContext,
  iam: Pick<Iam, 'getRole' | 'updateAssumeRolePolicy' | 'attachRolePolicy'>,
  readUserArn: () => Promise<string>,
  trust: { partition: string; dataloopAccountId: string | undefined },
): Promise<{ roleArn: string; userArn: string }> {
  const { role, policy } = step.desired;
  const userArn = trustedUserArn(await readUserArn(), trust.partition, trust.dataloopAccountId);
  const { found, policy: now } = await checkAdoptableRole(step.desired, iam);
  const reference = { arn: role.arn, uniqueId: found.uniqueId };
  const ours = { Sid: sidOf(step), ...trustStatement(userArn) };

  const standing = now.statements.find(({ Sid }) => Sid === ours.Sid);
  if (standing && !sameJson(standing, ours)) {
    throw new ServiceError(
      'RoleChangedError',
      `Somebody changed the statement ${ours.Sid} of the trust policy of the role ${role.arn} while it was being adopted. ` +
        'Find out who in CloudTrail, take the statement out, then send the request again.',
    );
  }
  if (!standing) {
    const change = { before: found.trustPolicy, after: withStatements(now, [...now.statements, ours]) };
    if (change.after.length > maximumTrustPolicySize) {
      throw notAdoptable(
        role.arn,
        `has a trust policy that leaves no room for one more statement (IAM takes ${maximumTrustPolicySize} characters)`,
        'Take out of it what nobody needs, or adopt another role.',
      );
    }
    const known = step.resource('role')?.changes?.trustPolicy;
    // What an earlier attempt sent may still come; where it was something else, it must not come after this one's.
    if (known && known.after !== change.after) noEarlierCall(step);
    await journalChange(step, 'role', reference, { trustPolicy: change });
    await iam.updateAssumeRolePolicy(role.name, change.after);
  }
  const { changes } = step.resource('role') ?? {};
  await step.created('role', { ...reference, origin: 'adopted', ...(changes ? { changes } : {}) });
  await iam.attachRolePolicy(role.name, policy.arn);
  return { roleArn: role.arn, userArn };
}

/** Takes the permissions away first, then the trust: whatever sticks, access ends as early as it can. */
export async function releaseRole(
  step: StepContext,
  iam: Pick<Iam, 'getRole' | 'updateAssumeRolePolicy' | 'detachRolePolicy'>,
): Promise<UndoOutcome> {
  const known = step.resource('role');
  if (!known || known.state === 'gone') return { outcome: 'nothing to give back' };
  const { name } = step.desired.role;
  const found = await iam.getRole(name);
  if (!found || found.arn !== known.arn) return confirmAbsence(step, 'role');
  if (found.uniqueId !== known.uniqueId) {
    await step.gone(
      'role',
      'It was deleted, and somebody made another one of the same name; that one stays.',
    );
    return { outcome: 'replaced by somebody, left alone' };
  }

  for (const { arn } of attachable(step)) await iam.detachRolePolicy(name, arn);
  const end = withoutOurs(step, found.trustPolicy, known);
  switch (end.is) {
    case 'not-there':
      // IAM may take a while to show what was written.
      return confirmAbsence(step, 'role');
    case 'changed':
      await step.gone(
        'role',
        `Somebody changed the statement ${sidOf(step)} of its trust policy: it was left as it is. Take it out, or whom it ` +
          'names can go on assuming the role.',
      );
      return { outcome: 'given back, but for a statement that others changed' };
    case 'last':
      await step.residue('role', {
        reason: `The statement ${sidOf(step)} is the only one that its trust policy has by now, and IAM takes none without.`,
        advice: sendAgain(
          step.record,
          'Give the role another statement, or delete it: until then Dataloop can still assume it.',
        ),
      });
      return { outcome: 'left: IAM takes no trust policy without a statement' };
    case 'removable':
      await iam.updateAssumeRolePolicy(name, end.document);
      await confirmTakenOut(step, iam);
      await step.gone('role');
      return { outcome: 'given back' };
  }
}

/**
 * Whoever adopts the role next must not be shown our statement, and take it for what was there.
 * @throws ServiceError `AwsNotYetConsistentError` while IAM still shows it
 */
async function confirmTakenOut(step: StepContext, iam: Pick<Iam, 'getRole'>): Promise<void> {
  const { name } = step.desired.role;
  const found = await iam.getRole(name);
  const statements = (found && parseTrustPolicy(found.trustPolicy)?.statements) ?? [];
  if (statements.some(({ Sid }) => Sid === sidOf(step))) {
    throw notYetShown(`that a statement was taken out of the trust policy of the role ${name}`);
  }
}

type WithoutOurs =
  | { readonly is: 'not-there' | 'changed' | 'last' }
  | { readonly is: 'removable'; readonly document: string };

/** The trust policy without our statement: to the byte as it was where nobody changed it since. */
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
  const asWritten = now.statements.map((each) => (each === standing ? ours : each));
  const isUntouched = sameJson(JSON.parse(withStatements(now, asWritten)), JSON.parse(change?.after ?? ''));
  return {
    is: 'removable',
    document: isUntouched && change?.before ? change.before : withStatements(now, others),
  };
}

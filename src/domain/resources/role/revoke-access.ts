/** RevokeAccess, the undo of GrantAccess: takes the bucket of an added driver out of the policy that grants it. */
import { type Allowed, matchesPattern } from '../../model/allowed.ts';
import { sameJson } from '../../model/canonical-json.ts';
import { type DesiredState, ownerTag, policiesUnderPath, policyOf } from '../../model/desired-state.ts';
import {
  fittingPolicy,
  type Grant,
  grantOf,
  stillGrants,
  withoutGrant,
} from '../../model/permission-policy.ts';
import { type JournalRecord, statuses } from '../../model/record.ts';
import { type PolicyKey, policyKeys } from '../../model/resource-keys.ts';
import { unlessSeenLate } from '../../saga/late-views.ts';
import { confirmAbsence, type UndoOutcome } from '../../saga/ownership.ts';
import { type Leftover, sendAgain } from '../../saga/residue.ts';
import { notYetShown, type StepContext } from '../../saga/step.ts';
import { grantsOf } from './granted.ts';
import type { Iam, PolicyVersion, Role } from './iam.ts';
import {
  type Access,
  hash,
  holding,
  isByUs,
  isRoleOf,
  isSettled,
  withNext,
  writtenSoFar,
  youngestOf,
} from './shared-policies.ts';

type RevokeCalls =
  | 'getRole'
  | 'listAttachedRolePolicies'
  | 'getDefaultPolicyVersion'
  | 'createPolicyVersion'
  | 'detachRolePolicy'
  | 'deletePolicy';

/** Makes calls that IAM may refuse as long as it does not show what they are about. */
type OnYoung = <T>(calls: () => Promise<T>) => Promise<T>;

/**
 * Takes the driver's bucket out of the policy that grants it; a policy that grants nothing any more goes. The integration
 * may be going, too: where its policies are gone, the access is; where one could not be deleted, the bucket is taken out.
 * Which bucket it is says the driver's own record, and whether it is out say the policies that the role has.
 */
export async function revokeAccess(
  step: StepContext,
  { iam, journal, readRecords, desiredStateOf }: Access<RevokeCalls>,
  allowed: Allowed,
): Promise<UndoOutcome> {
  const known = step.resource('access');
  if (!known || known.state === 'gone') return { outcome: 'nothing to remove' };
  const addedBucketId = step.record.id;
  return holding(step, statuses, journal, async (record) => {
    const desired = desiredStateOf(record);
    const grant = grantOf(step.record.request, desired);
    const grantsLeft = (key: PolicyKey) =>
      grantsOf(record, desired, key, readRecords, { but: addedBucketId, allowed });
    let latest = record;
    const young: OnYoung = (calls) => unlessSeenLate(step, 'access', () => youngestOf(latest), calls);
    const noting: typeof journal = {
      ...journal,
      writePolicy: async (...policy) => {
        latest = await journal.writePolicy(...policy);
        return latest;
      },
    };
    const { attached, others: strange } = await young(() => attachedPolicies(record, desired, iam, allowed));
    const granting: PolicyKey[] = [];
    for (const [key, policy] of attached) {
      if (stillGrants(policy?.document, grant, await grantsLeft(key))) granting.push(key);
    }
    const notOurs = [...strange].filter(([, policy]) => stillGrants(policy?.document, grant, []));
    const placedIn = record.addedBuckets?.[addedBucketId]?.placedIn;
    // The integration's record may hide where the bucket is granted.
    const isPlaced = granting.length === 0 || (placedIn !== undefined && granting.includes(placedIn));
    const key = isPlaced ? placedIn : granting[0];
    const unplace = async () => {
      if (placedIn) await journal.place(desired.recordId, step.call, addedBucketId, undefined);
    };
    const end = async (outcome: string, still: readonly PolicyKey[]): Promise<UndoOutcome> => {
      const arns = [...still.map((each) => policyOf(desired, each).arn), ...notOurs.map(([other]) => other)];
      if (arns.length > 0) {
        await step.residue('access', stillGranted(step, arns));
        return { outcome: 'left: a policy still allows it' };
      }
      await step.gone('access');
      return { outcome };
    };
    if (!key) return end('nothing was granted', granting);
    const ours = record.resources[key];
    if (ours?.state === 'gone' && !granting.includes(key)) {
      await unplace();
      return end('gone with its policy', granting);
    }
    const { arn } = policyOf(desired, key);
    const found = attached.has(key) ? attached.get(key) : await iam.getDefaultPolicyVersion(arn);
    const remaining = await grantsLeft(key);
    const isSame = ours?.uniqueId === undefined || ours.uniqueId === found?.uniqueId;
    const isTagged = found?.tags[ownerTag] === desired.recordId;
    const isOurs = isSame && isTagged;
    if (found && ours?.uniqueId === found.uniqueId && !isTagged) {
      const rest = withoutGrant(found.document, grant, remaining);
      if (!sameJson(rest, found.document)) {
        await step.residue('access', untagged(step, arn, desired.recordId));
        return { outcome: 'left: its policy is not tagged as ours' };
      }
    }
    if (!found || !isOurs) {
      if (granting.length + notOurs.length > 0) return end('', granting);
      // Without the policy there is no access; another one of its name is not ours to change.
      const outcome = await confirmAbsence(
        step,
        'access',
        found && `The policy ${arn} was not created by this service, so it was left unchanged.`,
      );
      // While calls are in flight, it may appear yet.
      if (step.resource('access')?.state !== 'gone') return outcome;
      if (ours && remaining.length === 0) {
        // The next bucket that finds room here makes it again.
        await journal.writePolicy(desired.recordId, step.call, key, { ...ours, state: 'gone' });
      }
      await unplace();
      return outcome;
    }
    const parts = { step, record, desired, key, grant, remaining, iam, journal: noting };
    const written = await young(() => writeWithout(found, parts));
    await unplace();
    const others = granting.filter((each) => each !== key);
    return end('removed', stillGrants(written, grant, remaining) ? [key, ...others] : others);
  });
}

/**
 * Whether somebody else has made a role under the name since ours went. Neither the id alone tells, which a forged record may
 * have otherwise, nor the tag alone, which somebody may have taken from ours.
 */
const isAnother = (role: Role, record: JournalRecord, desired: DesiredState): boolean =>
  desired.role.mode === 'create' &&
  role.uniqueId !== record.resources.role?.uniqueId &&
  role.tags[ownerTag] !== desired.recordId;

interface AttachedPolicies {
  /** Those of our names. */
  readonly attached: ReadonlyMap<PolicyKey, PolicyVersion | undefined>;
  /** Others that a function may attach, by their ARNs: whoever stole its session may have done so. */
  readonly others: ReadonlyMap<string, PolicyVersion | undefined>;
}

/** Policies of this service that the role has, with their default versions as IAM shows them. */
async function attachedPolicies(
  record: JournalRecord,
  desired: DesiredState,
  iam: Pick<Iam, 'getRole' | 'listAttachedRolePolicies' | 'getDefaultPolicyVersion'>,
  { policyNamePattern }: Allowed,
): Promise<AttachedPolicies> {
  const { name, arn } = desired.role;
  const role = await iam.getRole(name);
  const isRole = role?.arn === arn && !isAnother(role, record, desired);
  const attached = isRole ? await iam.listAttachedRolePolicies(name) : [];
  const found = new Map<PolicyKey, PolicyVersion | undefined>();
  for (const key of policyKeys) {
    const policy = policyOf(desired, key);
    if (attached.includes(policy.arn)) found.set(key, await iam.getDefaultPolicyVersion(policy.arn));
  }
  const attachable = `${policiesUnderPath(desired)}${policyNamePattern}`;
  const ours = new Set(policyKeys.map((key) => policyOf(desired, key).arn));
  const others = new Map<string, PolicyVersion | undefined>();
  for (const other of attached) {
    if (ours.has(other) || !matchesPattern(other, attachable)) continue;
    others.set(other, await iam.getDefaultPolicyVersion(other));
  }
  return { attached: found, others };
}

const stillGranted = ({ record }: StepContext, arns: readonly string[]): Leftover => ({
  reason:
    `Somebody changed what Dataloop may do: the bucket ${record.request.bucket.name} may still be used by ` +
    `${arns.join(', ')}.`,
  advice: sendAgain(record, 'Remove the bucket from it, also where a pattern with * matches the bucket.'),
});

/** The access lasts as long as the policy grants it, whoever owns the policy now. */
const untagged = ({ record }: StepContext, arn: string, integrationId: string): Leftover => ({
  reason:
    `The policy ${arn} still grants the access, but no longer carries the tag ${ownerTag}=${integrationId}, so another ` +
    'owner may hold it now.',
  advice: sendAgain(record, 'Restore the tag, or remove the bucket from the policy yourself.'),
});

/** @returns what the policy then says; undefined: it is gone */
async function writeWithout(
  found: PolicyVersion,
  parts: {
    readonly step: StepContext;
    readonly record: JournalRecord;
    readonly desired: DesiredState;
    readonly key: PolicyKey;
    readonly grant: Grant;
    /** What else the policy is to grant. */
    readonly remaining: readonly Grant[];
  } & Omit<Access<RevokeCalls>, 'desiredStateOf' | 'readRecords'>,
): Promise<unknown> {
  const { step, record, desired, key, grant, remaining, iam, journal } = parts;
  const { arn } = policyOf(desired, key);
  const known = record.resources[key];
  const isEdited = !isByUs(found, record, key, desired);
  // What IAM shows may be old; on it alone nothing is written that others would miss.
  // Unless it is what we wrote last, since when nobody of us has written.
  const isRewritten = known?.rewritten !== undefined && known.rewritten === hash(found.document);
  if (isEdited && !isRewritten && !isSettled(step.call, known))
    throw notYetShown(`the last change of policy ${arn}`);

  const document = isEdited
    ? withoutGrant(found.document, grant, remaining)
    : remaining.length > 0
      ? // One of an earlier version may hold more than now fits. Another one is only narrowed.
        (fittingPolicy(remaining, found.document) ?? withoutGrant(found.document, grant, remaining))
      : undefined;
  // Nobody's version makes room for one that says the same.
  if (isEdited && document && sameJson(document, found.document)) return document;
  if (document) {
    const written = isEdited ? known?.written : withNext(writtenSoFar(known, desired), hash(document));
    await journal.writePolicy(desired.recordId, step.call, key, {
      ...(known ?? { arn }),
      state: 'created',
      ...(written ? { written } : {}),
      rewritten: isEdited ? hash(document) : undefined,
      writtenAt: step.call.begunAt,
    });
    await iam.createPolicyVersion(arn, document);
    return document;
  }
  // Whoever is cut off from here on leaves a policy that the next bucket makes again, not one that it misses.
  // The first attempt to delete it counts: a later one may be refused, because that one took effect.
  const since = known?.state === 'intended' ? known.writtenAt : undefined;
  await journal.writePolicy(desired.recordId, step.call, key, {
    ...(known ?? { arn }),
    state: 'intended',
    writtenAt: since ?? step.call.begunAt,
  });
  const role = await iam.getRole(desired.role.name);
  // From another role of that name only who attached it may take it.
  if (role && isRoleOf(record, role)) await iam.detachRolePolicy(desired.role.name, arn);
  await iam.deletePolicy(arn);
  await journal.writePolicy(desired.recordId, step.call, key, { ...(known ?? { arn }), state: 'gone' });
  return undefined;
}

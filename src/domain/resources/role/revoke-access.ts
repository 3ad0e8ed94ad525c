/** RevokeAccess, the undo of GrantAccess: takes the bucket of an added driver out of the policy that grants it. */
import { sameJson } from '../../model/canonical-json.ts';
import { type DesiredState, ownerTag, policyOf } from '../../model/desired-state.ts';
import { fittingPolicy, type Grant, grantOf, withoutGrant } from '../../model/permission-policy.ts';
import { type AddedBucket, type JournalRecord, statuses } from '../../model/record.ts';
import type { PolicyKey } from '../../model/resource-keys.ts';
import { confirmAbsence, type UndoOutcome } from '../../saga/ownership.ts';
import { type Leftover, sendAgain } from '../../saga/residue.ts';
import { notYetShown, type StepContext } from '../../saga/step.ts';
import { grantsOf } from './granted.ts';
import type { PolicyVersion } from './iam.ts';
import {
  type Access,
  hash,
  holding,
  isByUs,
  isRoleOf,
  isSettled,
  withNext,
  writtenSoFar,
} from './shared-policies.ts';

type RevokeCalls =
  | 'getRole'
  | 'getDefaultPolicyVersion'
  | 'createPolicyVersion'
  | 'detachRolePolicy'
  | 'deletePolicy';

/**
 * Takes the driver's bucket out of the policy that grants it; a policy that grants nothing any more goes. The integration
 * may be going, too: where its policies are gone, the access is; where one could not be deleted, the bucket is taken out.
 */
export async function revokeAccess(
  step: StepContext,
  { iam, journal, readRecords, desiredStateOf }: Access<RevokeCalls>,
): Promise<UndoOutcome> {
  const known = step.resource('access');
  if (!known || known.state === 'gone') return { outcome: 'nothing to remove' };
  const addedBucketId = step.record.id;
  return holding(step, statuses, journal, async (record) => {
    const driver = record.addedBuckets?.[addedBucketId];
    const key = driver?.placedIn;
    if (!driver || !key) {
      await step.gone('access');
      return { outcome: 'nothing was granted' };
    }
    const desired = desiredStateOf(record);
    const ours = record.resources[key];
    if (ours?.state === 'gone') {
      await journal.place(desired.recordId, step.call, addedBucketId, undefined);
      await step.gone('access');
      return { outcome: 'gone with its policy' };
    }
    const { arn } = policyOf(desired, key);
    const found = await iam.getDefaultPolicyVersion(arn);
    const remaining = await grantsOf(record, desired, key, readRecords, addedBucketId);
    const isSame = ours?.uniqueId === undefined || ours.uniqueId === found?.uniqueId;
    const isTagged = found?.tags[ownerTag] === desired.recordId;
    const isOurs = isSame && isTagged;
    if (found && ours?.uniqueId === found.uniqueId && !isTagged) {
      const rest = withoutGrant(found.document, grantOf(driver, desired), remaining);
      if (!sameJson(rest, found.document)) {
        await step.residue('access', untagged(step, arn, desired.recordId));
        return { outcome: 'left: its policy is not tagged as ours' };
      }
    }
    if (!found || !isOurs) {
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
      await journal.place(desired.recordId, step.call, addedBucketId, undefined);
      return outcome;
    }
    await writeWithout(found, { step, record, desired, key, driver, remaining, iam, journal });
    await journal.place(desired.recordId, step.call, addedBucketId, undefined);
    await step.gone('access');
    return { outcome: 'removed' };
  });
}

/** The access lasts as long as the policy grants it, whoever owns the policy now. */
const untagged = ({ record }: StepContext, arn: string, integrationId: string): Leftover => ({
  reason:
    `The policy ${arn} still grants the access, but no longer carries the tag ${ownerTag}=${integrationId}, so another ` +
    'owner may hold it now.',
  advice: sendAgain(record, 'Restore the tag, or remove the bucket from the policy yourself.'),
});

async function writeWithout(
  found: PolicyVersion,
  parts: {
    readonly step: StepContext;
    readonly record: JournalRecord;
    readonly desired: DesiredState;
    readonly key: PolicyKey;
    readonly driver: AddedBucket;
    /** What else the policy is to grant. */
    readonly remaining: readonly Grant[];
  } & Omit<Access<RevokeCalls>, 'desiredStateOf' | 'readRecords'>,
): Promise<void> {
  const { step, record, desired, key, driver, remaining, iam, journal } = parts;
  const { arn } = policyOf(desired, key);
  const known = record.resources[key];
  const isEdited = !isByUs(found, record, key, desired);
  // What IAM shows may be old; on it alone nothing is written that others would miss.
  if (isEdited && !isSettled(step.call, known)) throw notYetShown(`the last change of policy ${arn}`);

  const document = isEdited
    ? withoutGrant(found.document, grantOf(driver, desired), remaining)
    : remaining.length > 0
      ? fittingPolicy(remaining)
      : undefined;
  // Nobody's version makes room for one that says the same.
  if (isEdited && document && sameJson(document, found.document)) return;
  if (document) {
    const written = isEdited ? known?.written : withNext(writtenSoFar(known, desired), hash(document));
    await journal.writePolicy(desired.recordId, step.call, key, {
      ...(known ?? { arn }),
      state: 'created',
      ...(written ? { written } : {}),
      writtenAt: step.call.begunAt,
    });
    await iam.createPolicyVersion(arn, document);
    return;
  }
  // Whoever is cut off from here on leaves a policy that the next bucket makes again, not one that it misses.
  await journal.writePolicy(desired.recordId, step.call, key, { ...(known ?? { arn }), state: 'intended' });
  const role = await iam.getRole(desired.role.name);
  // From another role of that name only who attached it may take it.
  if (role && isRoleOf(record, role)) await iam.detachRolePolicy(desired.role.name, arn);
  await iam.deletePolicy(arn);
  await journal.writePolicy(desired.recordId, step.call, key, { ...(known ?? { arn }), state: 'gone' });
}

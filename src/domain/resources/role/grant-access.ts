/**
 * GrantAccess: the role of an integration may use the bucket of a driver that was added to it, within one of the role's
 * policies. Its undo is RevokeAccess.
 */
import { ServiceError } from '../../../errors.ts';
import type { Allowed } from '../../model/allowed.ts';
import { type DesiredState, firstPolicy, ownerTag, policyOf } from '../../model/desired-state.ts';
import { grantOf, type PolicyDocument, permissionPolicy } from '../../model/permission-policy.ts';
import type { JournalRecord, ResourceRecord } from '../../model/record.ts';
import type { PolicyKey } from '../../model/resource-keys.ts';
import { unlessSeenLate } from '../../saga/late-views.ts';
import { notYetShown, type StepContext } from '../../saga/step.ts';
import { refuseUnbounded } from './adopt.ts';
import { grantable } from './granted.ts';
import type { Iam, PolicyVersion } from './iam.ts';
import { policyNameTaken } from './policy.ts';
import {
  type Access,
  hash,
  holding,
  isByUs,
  isRoleOf,
  isSettled,
  looksForOwn,
  roomFor,
  withNext,
  writtenSoFar,
  youngestOf,
} from './shared-policies.ts';

/** Makes a call that IAM may refuse as long as it does not show what the call is about. */
type OnYoung = (call: () => Promise<void>) => Promise<void>;

/** Lets the role use the driver's bucket, within a policy that has room for it. */
export async function grantAccess(
  step: StepContext,
  {
    iam,
    journal,
    readRecords,
    desiredStateOf,
    refuseForeignBucket,
  }: Access<
    'getRole' | 'getDefaultPolicyVersion' | 'createPolicy' | 'createPolicyVersion' | 'attachRolePolicy'
  > & {
    /** @throws ServiceError where AWS does not show the bucket as made for that record */
    refuseForeignBucket(desired: DesiredState): Promise<void>;
  },
  allowed: Allowed,
): Promise<{ policyArn: string }> {
  const addedBucketId = step.record.id;
  return holding(step, ['ready'], journal, async (found) => {
    const desired = desiredStateOf(found);
    const driver = found.addedBuckets?.[addedBucketId];
    if (!driver) {
      throw new ServiceError(
        'IntegrationMovedOnError',
        `The driver ${addedBucketId} no longer belongs to integration ${desired.recordId}.`,
      );
    }
    const key = driver.placedIn ?? roomFor(found, desired, driver, allowed.policyNamePattern);
    const { name, arn } = policyOf(desired, key);
    // The undo looks for what may be granted from here on.
    await step.intend('access', { arn, origin: 'adopted' });
    const record = await journal.place(desired.recordId, step.call, addedBucketId, key);
    const granted = await grantable(record, desired, key, readRecords, allowed);
    const document = permissionPolicy(granted.map(({ request }) => grantOf(request, desired)));
    // Whoever lost a tag later on does not keep others from being added.
    const refuseForeign = async (standing?: unknown) => {
      const already = JSON.stringify(standing ?? {});
      for (const each of granted.map(desiredStateOf)) {
        if (!already.includes(`"${each.bucket.arn}"`)) await refuseForeignBucket(each);
      }
    };
    const known = record.resources[key];
    let { writtenAt } = known ?? {};
    let latest = record;
    const write = async (policy: ResourceRecord) => {
      writtenAt = step.call.begunAt;
      latest = await journal.writePolicy(desired.recordId, step.call, key, { ...policy, writtenAt });
    };
    const onYoung: OnYoung = (calls) => unlessSeenLate(step, 'access', () => youngestOf(latest), calls);

    if (key === firstPolicy || known?.state === 'created') {
      const standing = await asWritten(step, arn, found, key, { iam, desired });
      const written = writtenSoFar(known, desired);
      // What IAM shows may be older than what was written last.
      if (hash(standing.document) !== hash(document) || written.at(-1) !== hash(document)) {
        await refuseForeign(standing.document);
        await write({ ...(known ?? { arn }), state: 'created', written: withNext(written, hash(document)) });
        await onYoung(() => iam.createPolicyVersion(arn, document));
      }
    } else {
      await refuseForeign();
      const mayStand = withNext(known?.state === 'intended' ? (known.written ?? []) : [], hash(document));
      await write({ arn, state: 'intended', written: mayStand });
      const isWritten = (content: unknown) => mayStand.includes(hash(content));
      const uniqueId = await makePolicy(step, { name, arn, document }, desired, { iam, isWritten, onYoung });
      await write({ arn, uniqueId, state: 'created', written: [hash(document)] });
    }
    if (key !== firstPolicy) {
      const role = await iam.getRole(desired.role.name);
      if (!role) throw notYetShown(`the role ${desired.role.arn}`);
      if (!isRoleOf(record, role)) throw roleReplaced(desired.role.arn);
      if (desired.role.mode === 'adopt') refuseUnbounded(role, desired);
      const attach = () => iam.attachRolePolicy(desired.role.name, arn);
      await unlessSeenLate(step, 'access', () => record.resources.role?.writtenAt, attach);
      await refuseSwapped(step, { arn, document, writtenAt }, iam);
    }
    await step.created('access', { arn, origin: 'adopted' });
    return { policyArn: arn };
  });
}

/**
 * The policy once it is attached: from then on nobody can delete it and make another one of its name.
 * @throws ServiceError `PolicyChangedError`
 */
async function refuseSwapped(
  step: StepContext,
  { arn, document, writtenAt }: { arn: string; document: PolicyDocument; writtenAt: number | undefined },
  iam: Pick<Iam, 'getDefaultPolicyVersion'>,
): Promise<void> {
  const found = await iam.getDefaultPolicyVersion(arn);
  if (found && hash(found.document) === hash(document)) return;
  if (!isSettled(step.call, { writtenAt })) throw notYetShown(`the last change of policy ${arn}`);
  throw policyChanged(arn, found);
}

const roleReplaced = (arn: string): ServiceError =>
  new ServiceError(
    'RoleChangedError',
    `Somebody replaced the role ${arn} with another one of the same name. It was left unchanged, and no bucket can be ` +
      'added. Remove the integration, then connect its buckets again.',
  );

/**
 * The policy, where what it says is by our doing: somebody who narrowed it by hand did not mean it to be widened again.
 * @throws ServiceError `PolicyChangedError`
 */
async function asWritten(
  step: StepContext,
  arn: string,
  record: JournalRecord,
  key: PolicyKey,
  { iam, desired }: { iam: Pick<Iam, 'getDefaultPolicyVersion'>; desired: DesiredState },
): Promise<PolicyVersion> {
  const found = await iam.getDefaultPolicyVersion(arn);
  if (found && isByUs(found, record, key, desired)) return found;
  if (!isSettled(step.call, record.resources[key])) throw notYetShown(`the last change of policy ${arn}`);
  throw policyChanged(arn, found);
}

const policyChanged = (arn: string, found: PolicyVersion | undefined): ServiceError =>
  new ServiceError(
    'PolicyChangedError',
    `Somebody ${found ? 'changed' : 'deleted'} the policy ${arn}, so no bucket can be added. POST …/test shows the expected ` +
      'document. Restore it, or connect the bucket with POST /integrations.',
  );

/**
 * Creates one more policy for the role; one that an earlier attempt made is brought up to date.
 * @returns its unique id
 * @throws ServiceError `PolicyChangedError` where somebody has written to that one since
 */
async function makePolicy(
  step: StepContext,
  policy: { name: string; arn: string; document: PolicyDocument },
  desired: DesiredState,
  {
    iam,
    isWritten,
    onYoung,
  }: {
    readonly iam: Pick<Iam, 'getDefaultPolicyVersion' | 'createPolicy' | 'createPolicyVersion'>;
    readonly isWritten: (content: unknown) => boolean;
    readonly onYoung: OnYoung;
  },
): Promise<string | undefined> {
  const made = await iam.createPolicy({
    name: policy.name,
    path: desired.iamPath,
    description: desired.description,
    document: policy.document,
    tags: desired.tags,
  });
  if (made !== 'exists') return made.uniqueId;
  const found = await iam.getDefaultPolicyVersion(policy.arn);
  if (!found && step.call.attempt < looksForOwn) throw notYetShown(`the policy ${policy.arn}`);
  if (found?.tags[ownerTag] !== desired.recordId) throw policyNameTaken(policy.name);
  if (!isWritten(found.document)) {
    if (step.call.attempt < looksForOwn) throw notYetShown(`the last change of policy ${policy.arn}`);
    throw policyChanged(policy.arn, found);
  }
  await onYoung(() => iam.createPolicyVersion(policy.arn, policy.document));
  return found.uniqueId;
}

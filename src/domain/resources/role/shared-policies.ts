/**
 * What the role of an integration may do with the bucket of a driver that was added to it: GrantAccess and its undo,
 * RevokeAccess. Buckets share policies, as many as fit into one; who writes them holds the integration's lock, and
 * what is written follows from the journal alone.
 */
import { ServiceError } from '../../../errors.ts';
import { canonicalJson, sameJson } from '../../model/canonical-json.ts';
import {
  type DesiredState,
  firstPolicy as first,
  grantsOf,
  ownerTag,
  partitionOf,
  policyOf,
} from '../../model/desired-state.ts';
import {
  type Grant,
  grantOf,
  maximumPolicySize,
  type PolicyDocument,
  permissionPolicy,
  sizeOf,
  withoutGrant,
} from '../../model/permission-policy.ts';
import {
  type AddedBucket,
  type JournalRecord,
  type PolicyKey,
  policyKeys,
  type ResourceRecord,
  type Status,
  type StepCall,
  statuses,
} from '../../model/record.ts';
import { matchesPattern } from '../../model/request.ts';
import { confirmAbsence, type Found, type UndoOutcome } from '../../saga/ownership.ts';
import { type Leftover, sendAgain } from '../../saga/residue.ts';
import { createdNotYetSeen, type StepContext } from '../../saga/step.ts';
import { type PolicyCreator, policyNameTaken } from './policy.ts';
import type { FoundRole, RoleReader } from './role.ts';

export interface FoundPolicy extends Found {
  /** Default version and its document, parsed. */
  readonly versionId: string;
  readonly document: unknown;
}

export interface PolicyDocumentReader {
  findPolicyDocument(arn: string): Promise<FoundPolicy | undefined>;
}

interface PolicyWriter extends PolicyDocumentReader, Pick<RoleReader, 'findRole'> {
  /** Writes a new default version; the oldest goes where there are as many as IAM takes. */
  setDocument(arn: string, document: unknown): Promise<void>;
}

export interface AccessGranter extends PolicyWriter, Pick<PolicyCreator, 'createPolicy'> {
  attachPolicy(roleName: string, policyArn: string): Promise<void>;
}

export interface AccessRevoker extends PolicyWriter {
  /** Detaches a policy; one that is not attached counts as detached. */
  detachPolicy(roleName: string, policyArn: string): Promise<void>;
  /** Deletes a policy with all its versions; one that is gone counts as deleted. */
  deletePolicy(arn: string): Promise<unknown>;
}

/** The integration's side of the journal. All but `lock` are refused to whoever does not hold the lock. */
export interface AccessJournal {
  /**
   * Takes the lock of an integration's policies.
   * @returns the integration as it then is
   * @throws ServiceError `EarlierCallOpenError` while another call holds it; `IntegrationMovedOnError` where the
   *   integration is in none of `during`
   */
  lock(integrationId: string, call: StepCall, during: readonly Status[]): Promise<JournalRecord>;
  unlock(integrationId: string, call: StepCall): Promise<void>;
  /** Notes which policy grants a driver's access; undefined: none any more. */
  place(
    integrationId: string,
    call: StepCall,
    driverId: string,
    policy: PolicyKey | undefined,
  ): Promise<JournalRecord>;
  writePolicy(
    integrationId: string,
    call: StepCall,
    key: PolicyKey,
    policy: ResourceRecord,
  ): Promise<JournalRecord>;
}

export interface Access<Iam> {
  readonly iam: Iam;
  readonly journal: AccessJournal;
  readonly desiredStateOf: (record: JournalRecord) => DesiredState;
  readonly sha256: (text: string) => string;
}

/**
 * The policy that has room for one more bucket: one that is there, else a new one.
 * @throws ServiceError `AccessFullError` where there is none
 */
export function roomFor(
  record: Pick<JournalRecord, 'addedBuckets'>,
  desired: DesiredState,
  driver: AddedBucket,
  policyNamePattern: string,
): PolicyKey {
  const grant = grantOf(driver, partitionOf(desired));
  const found = policyKeys.find(
    (key) => sizeOf(permissionPolicy([...grantsOf(record, desired, key), grant])) <= maximumPolicySize,
  );
  if (!found) {
    throw new ServiceError(
      'AccessFullError',
      `The ${policyKeys.length} policies that IAM attaches to a role are full for integration ${desired.recordId}. ` +
        'Take away a driver that nobody needs, or connect the bucket with POST /integrations.',
    );
  }
  const { name } = policyOf(desired, found);
  if (found !== first && !matchesPattern(name, policyNamePattern)) {
    throw new ServiceError(
      'AccessFullError',
      `One more policy is needed for integration ${desired.recordId}, and this deployment may only create policies named ` +
        `like "${policyNamePattern}", not "${name}". Deploy with another policyNamePattern, or connect the bucket with ` +
        'POST /integrations.',
    );
  }
  return found;
}

/** The integration that a driver was added to. */
export function parentOf({ record }: Pick<StepContext, 'record'>): NonNullable<JournalRecord['parent']> {
  if (!record.parent) {
    throw new ServiceError('InternalError', `${record.id} was not added to an integration.`);
  }
  return record.parent;
}

/** Holds the lock while `work` writes policies. A lock that cannot be given back ends with its holder's function. */
async function holding<T>(
  step: StepContext,
  during: readonly Status[],
  journal: AccessJournal,
  work: (integration: JournalRecord) => Promise<T>,
): Promise<T> {
  const { integrationId } = parentOf(step);
  const result = await work(await journal.lock(integrationId, step.call, during)).catch(
    async (error: unknown) => {
      // What went wrong is what people must hear of.
      await journal.unlock(integrationId, step.call).catch(() => undefined);
      throw error;
    },
  );
  await journal.unlock(integrationId, step.call);
  return result;
}

/** Lets the role use the driver's bucket, within a policy that has room for it. */
export async function grantAccess(
  step: StepContext,
  { iam, journal, desiredStateOf, sha256 }: Access<AccessGranter>,
  policyNamePattern: string,
): Promise<{ policyArn: string }> {
  const driverId = step.record.id;
  return holding(step, ['ready'], journal, async (found) => {
    const desired = desiredStateOf(found);
    const driver = found.addedBuckets?.[driverId];
    if (!driver) {
      throw new ServiceError(
        'IntegrationMovedOnError',
        `The driver ${driverId} is none of integration ${desired.recordId} any more.`,
      );
    }
    const key = driver.placedIn ?? roomFor(found, desired, driver, policyNamePattern);
    const { name, arn } = policyOf(desired, key);
    // The undo looks for what may be granted from here on.
    await step.intend('access', { arn, origin: 'adopted' });
    const record = await journal.place(desired.recordId, step.call, driverId, key);
    const document = permissionPolicy(grantsOf(record, desired, key));
    const hash = (content: unknown) => sha256(canonicalJson(content));
    const known = record.resources[key];
    const write = (policy: ResourceRecord) =>
      journal.writePolicy(desired.recordId, step.call, key, { ...policy, writtenAt: step.call.begunAt });

    if (key === first || known?.state === 'created') {
      const standing = await asWritten(step, arn, found, key, { iam, hash, desired });
      const written = writtenSoFar(known, desired, hash);
      // What IAM shows may be older than what was written last.
      if (hash(standing.document) !== hash(document) || written.at(-1) !== hash(document)) {
        await write({ ...(known ?? { arn }), state: 'created', written: withNext(written, hash(document)) });
        await iam.setDocument(arn, document);
      }
    } else {
      const mayStand = withNext(known?.state === 'intended' ? (known.written ?? []) : [], hash(document));
      await write({ arn, state: 'intended', written: mayStand });
      const isWritten = (content: unknown) => mayStand.includes(hash(content));
      const uniqueId = await makePolicy(step, { name, arn, document }, desired, { iam, isWritten });
      await write({ arn, uniqueId, state: 'created', written: [hash(document)] });
    }
    if (key !== first) {
      const role = await iam.findRole(desired.role.name);
      if (!role) throw createdNotYetSeen(`role ${desired.role.arn}`);
      if (!isRoleOf(record, role)) throw roleReplaced(desired.role.arn);
      await iam.attachPolicy(desired.role.name, arn);
    }
    await step.created('access', { arn, origin: 'adopted' });
    return { policyArn: arn };
  });
}

/** Whether it is the role that the integration made or adopted, and not a later one of its name. */
const isRoleOf = ({ resources: { role } }: JournalRecord, found: FoundRole): boolean =>
  found.arn === role?.arn && found.uniqueId === role.uniqueId;

const roleReplaced = (arn: string): ServiceError =>
  new ServiceError(
    'RoleChangedError',
    `The role ${arn} is not the one that the integration was given: somebody deleted that and made another one of its ` +
      'name. It was left as it is, and no bucket can be added. Remove the integration, and connect its buckets anew.',
  );

type Hash = (content: unknown) => string;

/** Hashes of the documents that may stand in a policy by our doing, the last that was written last. */
const writtenSoFar = (known: ResourceRecord | undefined, desired: DesiredState, hash: Hash): string[] =>
  known?.written ?? [hash(permissionPolicy([desired.grant]))];

/**
 * With one that is about to be written: until it is, an earlier one stands, and what IAM shows does not tell surely
 * which.
 */
const withNext = (written: readonly string[], next: string): string[] =>
  [...written.filter((each) => each !== next), next].slice(-3);

/** After so many attempts, about half a minute, IAM shows what was written before. */
const looksForOwn = 6;
/** For so long after a write IAM may show what stood before, whoever of us wrote. */
const settledAfterMs = 60_000;

/**
 * Whether IAM shows what stands. Attempts alone do not tell: those that waited for the lock did not look, and who held
 * it has just written.
 */
const isSettled = ({ attempt, begunAt }: StepCall, { writtenAt }: Partial<ResourceRecord> = {}): boolean =>
  attempt >= looksForOwn && (writtenAt === undefined || begunAt - writtenAt >= settledAfterMs);

/**
 * The policy, where what it says is by our doing: somebody who narrowed it by hand did not mean it to be widened again.
 * @throws ServiceError `PolicyChangedError`
 */
async function asWritten(
  step: StepContext,
  arn: string,
  record: JournalRecord,
  key: PolicyKey,
  { iam, hash, desired }: { iam: PolicyDocumentReader; hash: Hash; desired: DesiredState },
): Promise<FoundPolicy> {
  const found = await iam.findPolicyDocument(arn);
  if (found && isByUs(found, record, key, desired, hash)) return found;
  if (!isSettled(step.call, record.resources[key])) throw createdNotYetSeen(`last change of policy ${arn}`);
  throw policyChanged(arn, found);
}

const policyChanged = (arn: string, found: FoundPolicy | undefined): ServiceError =>
  new ServiceError(
    'PolicyChangedError',
    `The policy ${arn} ${found ? 'says something else than the service wrote' : 'is gone'}; it was left as it is, and no ` +
      'bucket can be added. POST …/test shows how it should be: put it so, or connect the bucket with POST /integrations.',
  );

/** Whether a policy is ours and says what we wrote last, or were about to write when we were cut off. */
function isByUs(
  found: FoundPolicy,
  record: JournalRecord,
  key: PolicyKey,
  desired: DesiredState,
  hash: Hash,
): boolean {
  const known = record.resources[key];
  return (
    found.tags[ownerTag] === desired.recordId &&
    (known?.uniqueId === undefined || known.uniqueId === found.uniqueId) &&
    writtenSoFar(known, desired, hash).includes(hash(found.document))
  );
}

/**
 * Creates one more policy for the role; one that an earlier attempt made is brought up to date.
 * @returns its unique id
 * @throws ServiceError `PolicyChangedError` where somebody has written to that one since
 */
async function makePolicy(
  step: StepContext,
  policy: { name: string; arn: string; document: PolicyDocument },
  desired: DesiredState,
  { iam, isWritten }: { readonly iam: AccessGranter; readonly isWritten: (content: unknown) => boolean },
): Promise<string | undefined> {
  const made = await iam.createPolicy({
    name: policy.name,
    path: desired.iamPath,
    description: desired.description,
    document: policy.document,
    tags: desired.tags,
  });
  if (made !== 'exists') return made.uniqueId;
  const found = await iam.findPolicyDocument(policy.arn);
  if (!found && step.call.attempt < looksForOwn) throw createdNotYetSeen(`policy ${policy.arn}`);
  if (found?.tags[ownerTag] !== desired.recordId) throw policyNameTaken(policy.name);
  if (!isWritten(found.document)) {
    if (step.call.attempt < looksForOwn) throw createdNotYetSeen(`last change of policy ${policy.arn}`);
    throw policyChanged(policy.arn, found);
  }
  await iam.setDocument(policy.arn, policy.document);
  return found.uniqueId;
}

/** In these the policies go as they are, and the role with them. */
const goesAnyway: readonly Status[] = ['rolling-back', 'removing', 'failed', 'removed'];

/** Takes the driver's bucket out of the policy that grants it; a policy that grants nothing any more goes. */
export async function revokeAccess(
  step: StepContext,
  { iam, journal, desiredStateOf, sha256 }: Access<AccessRevoker>,
): Promise<UndoOutcome> {
  const known = step.resource('access');
  if (!known || known.state === 'gone') return { outcome: 'nothing to remove' };
  const driverId = step.record.id;
  return holding(step, statuses, journal, async (record) => {
    const driver = record.addedBuckets?.[driverId];
    const key = driver?.placedIn;
    if (!driver || !key) {
      await step.gone('access');
      return { outcome: 'nothing was granted' };
    }
    if (goesAnyway.includes(record.status)) {
      await step.gone('access');
      return { outcome: 'goes with the integration' };
    }
    const desired = desiredStateOf(record);
    const { arn } = policyOf(desired, key);
    const found = await iam.findPolicyDocument(arn);
    const ours = record.resources[key];
    const remaining = grantsOf(record, desired, key, driverId);
    const isSame = ours?.uniqueId === undefined || ours.uniqueId === found?.uniqueId;
    const isTagged = found?.tags[ownerTag] === desired.recordId;
    const isOurs = isSame && isTagged;
    if (found && ours?.uniqueId === found.uniqueId && !isTagged) {
      const rest = withoutGrant(found.document, grantOf(driver, partitionOf(desired)), remaining);
      if (!sameJson(rest, found.document)) {
        await step.residue('access', untagged(arn, desired.recordId));
        return { outcome: 'left: its policy is not tagged as ours' };
      }
    }
    if (!found || !isOurs) {
      // Without the policy there is no access; another one of its name is not ours to change.
      const outcome = await confirmAbsence(
        step,
        'access',
        found && `The policy ${arn} is not the one that this service made; it was left as it is.`,
      );
      if (ours && remaining.length === 0) {
        // The next bucket that finds room here makes it again.
        await journal.writePolicy(desired.recordId, step.call, key, { ...ours, state: 'gone' });
      }
      await journal.place(desired.recordId, step.call, driverId, undefined);
      return outcome;
    }
    await writeWithout(found, { step, record, desired, key, driver, remaining, iam, journal, sha256 });
    await journal.place(desired.recordId, step.call, driverId, undefined);
    await step.gone('access');
    return { outcome: 'removed' };
  });
}

/** The access stands as long as the policy says so, whoever's it is by now. */
const untagged = (arn: string, integrationId: string): Leftover => ({
  reason:
    `The policy ${arn} still grants it, but no longer carries the tag ${ownerTag}=${integrationId}, so it may be ` +
    "somebody else's by now.",
  advice: sendAgain('Put the tag back, or take the bucket out of the policy yourself.'),
});

async function writeWithout(
  found: FoundPolicy,
  parts: {
    readonly step: StepContext;
    readonly record: JournalRecord;
    readonly desired: DesiredState;
    readonly key: PolicyKey;
    readonly driver: AddedBucket;
    /** What else the policy is to grant. */
    readonly remaining: readonly Grant[];
  } & Omit<Access<AccessRevoker>, 'desiredStateOf'>,
): Promise<void> {
  const { step, record, desired, key, driver, remaining, iam, journal, sha256 } = parts;
  const { arn } = policyOf(desired, key);
  const known = record.resources[key];
  const hash = (content: unknown) => sha256(canonicalJson(content));
  const isEdited = !isByUs(found, record, key, desired, hash);
  // What IAM shows may be old; on it alone nothing is written that others would miss.
  if (isEdited && !isSettled(step.call, known)) throw createdNotYetSeen(`last change of policy ${arn}`);

  const document = isEdited
    ? withoutGrant(found.document, grantOf(driver, partitionOf(desired)), remaining)
    : remaining.length > 0
      ? permissionPolicy(remaining)
      : undefined;
  // Nobody's version makes room for one that says the same.
  if (isEdited && document && sameJson(document, found.document)) return;
  if (document) {
    const written = isEdited ? known?.written : withNext(writtenSoFar(known, desired, hash), hash(document));
    await journal.writePolicy(desired.recordId, step.call, key, {
      ...(known ?? { arn }),
      state: 'created',
      ...(written ? { written } : {}),
      writtenAt: step.call.begunAt,
    });
    await iam.setDocument(arn, document);
    return;
  }
  // Whoever is cut off from here on leaves a policy that the next bucket makes again, not one that it misses.
  await journal.writePolicy(desired.recordId, step.call, key, { ...(known ?? { arn }), state: 'intended' });
  const role = await iam.findRole(desired.role.name);
  // From another role of that name only who attached it may take it.
  if (role && isRoleOf(record, role)) await iam.detachPolicy(desired.role.name, arn);
  await iam.deletePolicy(arn);
  await journal.writePolicy(desired.recordId, step.call, key, { ...(known ?? { arn }), state: 'gone' });
}

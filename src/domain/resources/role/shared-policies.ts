/**
 * The policies of a role that several buckets share: those of its integration and of the drivers that were added to it.
 * Who writes them holds the integration's lock, and what may stand in them by our doing follows from the journal alone.
 */
import { ServiceError } from '../../../errors.ts';
import { matchesPattern } from '../../model/allowed.ts';
import { canonicalJson, sha256 } from '../../model/canonical-json.ts';
import {
  type DesiredState,
  firstPolicy,
  ownerTag,
  policyOf,
  roughGrantsOf,
} from '../../model/desired-state.ts';
import {
  earlierPolicy,
  grantOf,
  maximumPolicySize,
  permissionPolicy,
  sizeOf,
} from '../../model/permission-policy.ts';
import type { AddedBucket, JournalRecord, ResourceRecord, Status, StepCall } from '../../model/record.ts';
import { type PolicyKey, policyKeys } from '../../model/resource-keys.ts';
import type { StepContext } from '../../saga/step.ts';
import type { ReadRecords } from './granted.ts';
import type { Iam, PolicyVersion, Role } from './iam.ts';

/** The integration's side of the journal. All but `lock` are refused to whoever does not hold the lock. */
export interface AccessJournal {
  /**
   * Takes the lock of an integration's policies.
   * @returns the integration as it then is
   * @throws ServiceError `AccessLockedError` while another call holds it; `IntegrationMovedOnError` where the
   *   integration is in none of `during`
   */
  lock(integrationId: string, call: StepCall, during: readonly Status[]): Promise<JournalRecord>;
  unlock(integrationId: string, call: StepCall): Promise<void>;
  /** Notes which policy grants a driver's access; undefined: none any more. */
  place(
    integrationId: string,
    call: StepCall,
    addedBucketId: string,
    policy: PolicyKey | undefined,
  ): Promise<JournalRecord>;
  writePolicy(
    integrationId: string,
    call: StepCall,
    key: PolicyKey,
    policy: ResourceRecord,
  ): Promise<JournalRecord>;
}

/** What GrantAccess and RevokeAccess work with: the calls of IAM that the one or the other makes, and the journal. */
export interface Access<Call extends keyof Iam> {
  readonly iam: Pick<Iam, Call>;
  readonly journal: AccessJournal;
  readonly readRecords: ReadRecords;
  readonly desiredStateOf: (record: JournalRecord) => DesiredState;
}

/**
 * Most bytes that added buckets take of their integration's record: it is one item, which DynamoDB refuses from 400 KB on,
 * and the rest of it and the writes of its undo need room, too.
 */
const maximumAddedBytes = 200_000;

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
  const added = JSON.stringify([...Object.entries(record.addedBuckets ?? {}), driver]);
  if (Buffer.byteLength(added) > maximumAddedBytes) {
    throw new ServiceError(
      'AccessFullError',
      `The record of integration ${desired.recordId} has no room for another bucket. Remove a driver that nobody needs, or ` +
        'connect the bucket with POST /integrations.',
    );
  }
  const grant = grantOf(driver, desired);
  const found = policyKeys.find(
    (key) => sizeOf(permissionPolicy([...roughGrantsOf(record, desired, key), grant])) <= maximumPolicySize,
  );
  if (!found) {
    throw new ServiceError(
      'AccessFullError',
      `All ${policyKeys.length} policies that IAM attaches to a role are full for integration ${desired.recordId}. ` +
        'Remove a driver that nobody needs, or connect the bucket with POST /integrations.',
    );
  }
  const { name } = policyOf(desired, found);
  if (found !== firstPolicy && !matchesPattern(name, policyNamePattern)) {
    throw new ServiceError(
      'AccessFullError',
      `Integration ${desired.recordId} needs one more policy, "${name}", but policy names in this deployment must match ` +
        `"${policyNamePattern}". Deploy with another policyNamePattern, or connect the bucket with POST /integrations.`,
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
export async function holding<T>(
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

/** Whether it is the role that the integration made or adopted, and not a later one of its name. */
export const isRoleOf = ({ resources: { role } }: JournalRecord, found: Role): boolean =>
  found.arn === role?.arn && found.uniqueId === role.uniqueId;

/** What the journal keeps of a document. */
export const hash = (content: unknown): string => sha256(canonicalJson(content));

/**
 * Hashes of the documents that may stand in a policy by our doing, the last that was written last. An earlier version
 * journalled none of a policy that no bucket was added to.
 */
export const writtenSoFar = (known: ResourceRecord | undefined, desired: DesiredState): string[] =>
  known?.written ?? [hash(earlierPolicy([desired.grant]))];

/**
 * With one that is about to be written: until it is, an earlier one stands, and what IAM shows does not tell surely
 * which.
 */
export const withNext = (written: readonly string[], next: string): string[] =>
  [...written.filter((each) => each !== next), next].slice(-3);

/** After so many attempts, about half a minute, IAM shows what was written before. */
export const looksForOwn = 6;
/** For so long after a write IAM may show what stood before, whoever of us wrote. */
const settledAfterMs = 60_000;

/**
 * Whether IAM shows what stands. Attempts alone do not tell: those that waited for the lock did not look, and who held
 * it has just written.
 */
export const isSettled = (
  { attempt, begunAt }: StepCall,
  { writtenAt }: Partial<ResourceRecord> = {},
): boolean => attempt >= looksForOwn && (writtenAt === undefined || begunAt - writtenAt >= settledAfterMs);

/**
 * Whether a policy is ours and says what we wrote last, or were about to write when we were cut off; or what it is to
 * say, whoever wrote that.
 */
export function isByUs(
  found: PolicyVersion,
  record: JournalRecord,
  key: PolicyKey,
  desired: DesiredState,
): boolean {
  const known = record.resources[key];
  return (
    found.tags[ownerTag] === desired.recordId &&
    (known?.uniqueId === undefined || known.uniqueId === found.uniqueId) &&
    [...writtenSoFar(known, desired), hash(permissionPolicy(roughGrantsOf(record, desired, key)))].includes(
      hash(found.document),
    )
  );
}

/**
 * When the youngest was created, or its deletion was begun, of the role and the policies of an integration, ms since the
 * epoch. What was only rewritten since is older, and IAM shows its path and its tags.
 */
export function youngestOf({ resources }: Pick<JournalRecord, 'resources'>): number | undefined {
  const made = policyKeys
    .map((key) => resources[key])
    .filter((policy) => policy?.state === 'intended' || (policy?.written?.length ?? 0) <= 1);
  const times = [resources.role, ...made].flatMap((each) => each?.writtenAt ?? []);
  return times.length > 0 ? Math.max(...times) : undefined;
}

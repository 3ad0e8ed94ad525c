/**
 * What a policy of an integration's role is to grant. The integration's record only says which bucket has its place in
 * which policy; what may be done with a bucket says the record of its own, as long as it is the bucket that was made for it.
 */
import { type Allowed, isOutside, refuseOutside } from '../../model/allowed.ts';
import { sameJson } from '../../model/canonical-json.ts';
import { type DesiredState, firstPolicy } from '../../model/desired-state.ts';
import { recordDamaged } from '../../model/lookup.ts';
import { type Grant, grantOf } from '../../model/permission-policy.ts';
import { asAdded, type JournalRecord } from '../../model/record.ts';
import type { PolicyKey } from '../../model/resource-keys.ts';

/** Reads the records of ours that can be read. */
export type ReadRecords = (ids: readonly string[]) => Promise<readonly JournalRecord[]>;

/** Ids of the buckets that have their place in a policy, in an order that does not change. */
const placedIn = ({ addedBuckets = {} }: Pick<JournalRecord, 'addedBuckets'>, key: PolicyKey): string[] =>
  Object.keys(addedBuckets)
    .filter((id) => addedBuckets[id]?.placedIn === key)
    .sort();

const byId = (one: JournalRecord, other: JournalRecord): number => (one.id < other.id ? -1 : 1);

/**
 * Whether the bucket that a record asks for is the one that was made for it, or adopted: who registers a record can put
 * another request in its place, and cannot write what CreateBucket did.
 */
const isItsBucket = ({ resources: { bucket }, request }: JournalRecord, desired: DesiredState): boolean =>
  bucket?.state === 'created' && bucket.arn === grantOf(request, desired).bucketArn;

/** The records of added buckets that name this integration. */
async function addedTo(
  integration: JournalRecord,
  ids: readonly string[],
  readRecords: ReadRecords,
): Promise<Map<string, JournalRecord>> {
  const own = (await readRecords(ids)).filter(({ parent }) => parent?.integrationId === integration.id);
  return new Map(own.map((record) => [record.id, record]));
}

/**
 * Whether the access of a bucket has been taken away, or is to be: whatever its undo could not do, nobody grants it again. An
 * undo ends no bucket's record as ready.
 */
const isUndone = ({ resources: { access }, deprovision }: JournalRecord): boolean =>
  access?.state === 'gone' || deprovision !== undefined;

/** Whether the workflow of a bucket has come as far as its access, and not back. */
const hasAccess = (record: JournalRecord, desired: DesiredState): boolean => {
  const { access } = record.resources;
  return isItsBucket(record, desired) && access !== undefined && access.state !== 'gone';
};

/**
 * Every bucket is left out whose own record does not say that it has access, and each that is being removed.
 * @param but a bucket that is left out, too
 * @param allowed what this deployment may connect: others are left out
 * @param withUndone those that are being removed, too, for as long as their access has not been taken
 */
export async function grantsOf(
  integration: JournalRecord,
  desired: DesiredState,
  key: PolicyKey,
  readRecords: ReadRecords,
  {
    but,
    allowed,
    withUndone = false,
  }: { readonly but?: string; readonly allowed?: Allowed; readonly withUndone?: boolean } = {},
): Promise<Grant[]> {
  const ids = placedIn(integration, key).filter((id) => id !== but);
  const added = await addedTo(integration, ids, readRecords);
  const standing = [...added.values()]
    .filter((record) => hasAccess(record, desired) && (withUndone || !isUndone(record)))
    .toSorted(byId);
  const own = key === firstPolicy && isItsBucket(integration, desired) ? [integration] : [];
  return [...own, ...standing]
    .filter((record) => allowed === undefined || !isOutside(record, allowed))
    .map(({ request }) => grantOf(request, desired));
}

/**
 * The records of the buckets, before they are granted.
 * @throws ServiceError `RecordDamagedError` where the integration's record says otherwise than those of its buckets;
 *   `OutsideDeploymentError` for a bucket that this deployment may not connect
 */
export async function grantable(
  integration: JournalRecord,
  desired: DesiredState,
  key: PolicyKey,
  readRecords: ReadRecords,
  allowed: Allowed,
): Promise<JournalRecord[]> {
  if (!isItsBucket(integration, desired)) throw recordDamaged(integration.id, 'request.bucket');
  const ids = placedIn(integration, key);
  const own = await addedTo(integration, ids, readRecords);
  const added = ids.flatMap((id) => {
    const record = own.get(id);
    if (record && isUndone(record)) return [];
    const { placedIn: _place, ...said } = integration.addedBuckets?.[id] ?? {};
    if (record && hasAccess(record, desired) && sameJson(said, asAdded(record.request))) return [record];
    throw recordDamaged(integration.id, `drivers.${id}`);
  });
  for (const record of [integration, ...added]) refuseOutside(record, allowed);
  return [...(key === firstPolicy ? [integration] : []), ...added];
}

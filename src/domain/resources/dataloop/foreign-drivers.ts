/** Drivers that somebody created by hand on an integration: removing it takes their storage away. */
import type { Bound } from '../../../deadline.ts';
import { ServiceError } from '../../../errors.ts';
import type { JournalRecord } from '../../model/record.ts';
import type { DataloopApi, Driver } from './api.ts';
import { isOursByName } from './driver.ts';

/** How is found out who uses a connection at Dataloop: drivers of others, and datasets. */
export interface UsageReads
  extends Pick<
    DataloopApi,
    'listDrivers' | 'listDriversOf' | 'countDrivers' | 'listDatasets' | 'countItems'
  > {
  /** The records of ours that can be read. */
  readRecords(ids: readonly string[]): Promise<readonly JournalRecord[]>;
}

type NamingReads = Pick<UsageReads, 'readRecords' | 'listDrivers' | 'listDriversOf'>;

interface Named {
  /** All on the integration that Dataloop names. */
  readonly seen: number;
  /** Those of them that are not ours. */
  readonly foreign: readonly Driver[];
}

interface ForeignDrivers {
  readonly foreign: Named['foreign'];
  /** In projects that no driver of ours is in, where Dataloop tells their number only. */
  readonly elsewhere: number;
}

/** Drivers on the integration at Dataloop, as far as Dataloop names them. */
async function namedDrivers(
  record: JournalRecord,
  dataloopIntegrationId: string,
  reads: NamingReads,
): Promise<Named> {
  const added = await reads.readRecords(Object.keys(record.addedBuckets ?? {}));
  const all = [record, ...added];
  const ids = new Set(all.flatMap(({ resources }) => resources.driver?.id ?? []));
  const isOurs = (driver: Driver) =>
    ids.has(driver.id) ||
    all.some(
      ({ request: { dataloop, bucket }, resources: { driver: known } }) =>
        known !== undefined &&
        known.state !== 'gone' &&
        dataloop.projectId === driver.projectId &&
        isOursByName(known, { name: known.name, bucketName: bucket.name }, driver),
    );
  const projects = new Set(all.map(({ request }) => request.dataloop.projectId));
  const lists = await Promise.all([
    ...[...projects].map(async (projectId) =>
      (await reads.listDrivers(projectId, { dataloopIntegrationId })).map((driver) => ({
        ...driver,
        projectId,
      })),
    ),
    listedByIntegration(dataloopIntegrationId, reads),
  ]);
  // Of a project it is known in which one a driver is. Dataloop need not tell it of an integration's.
  const seen = new Map<string, Driver>();
  for (const driver of lists.flat()) {
    // Dataloop need not say on which integration a driver is. Ours is on this one.
    const on = driver.dataloopIntegrationId ?? (ids.has(driver.id) ? dataloopIntegrationId : undefined);
    if (on === dataloopIntegrationId && !seen.has(driver.id)) seen.set(driver.id, driver);
  }
  return { seen: seen.size, foreign: [...seen.values()].filter((driver) => !isOurs(driver)) };
}

/** Also those in other projects, if Dataloop tells them. If it does not, the number of drivers is known all the same. */
async function listedByIntegration(
  dataloopIntegrationId: string,
  { listDriversOf }: Pick<DataloopApi, 'listDriversOf'>,
): Promise<readonly Driver[]> {
  try {
    return await listDriversOf(dataloopIntegrationId);
  } catch (error) {
    if (error instanceof ServiceError && !error.retryable) return [];
    throw error;
  }
}

/** Everything on the integration at Dataloop but our own drivers. */
export async function foreignDriversOf(
  record: JournalRecord,
  dataloopIntegrationId: string,
  reads: NamingReads & Pick<UsageReads, 'countDrivers'>,
): Promise<ForeignDrivers> {
  const { seen, foreign } = await namedDrivers(record, dataloopIntegrationId, reads);
  const count = await reads.countDrivers(dataloopIntegrationId);
  return { foreign, elsewhere: Math.max(0, count - seen) };
}

/**
 * Drivers of others that use the same bucket as one of ours. What Dataloop only counts is not known to do so.
 * @param integration the one that the driver was added to
 */
export async function foreignDriversOfBucket(
  driver: JournalRecord,
  integration: JournalRecord,
  dataloopIntegrationId: string,
  reads: NamingReads,
): Promise<ForeignDrivers> {
  const { foreign } = await namedDrivers(integration, dataloopIntegrationId, reads);
  const { name } = driver.request.bucket;
  return { foreign: foreign.filter((each) => each.bucketName === name), elsewhere: 0 };
}

/** How many drivers a message names. */
const mostNamed = 10;

function listed(drivers: ForeignDrivers['foreign']): string {
  const named = drivers
    .slice(0, mostNamed)
    .map(
      ({ id, name, projectId }) =>
        `"${name}" (${id}${projectId === undefined ? '' : `, project ${projectId}`})`,
    );
  const more = drivers.length - named.length;
  return [...named, ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

/** @param record what is to be removed: for an added bucket, its bucket is what they lose */
export function foreignDriversError(
  record: JournalRecord,
  dataloopIntegrationId: string,
  { foreign, elsewhere }: ForeignDrivers,
): ServiceError {
  const isAdded = record.kind === 'added bucket';
  const what = isAdded
    ? `the bucket ${record.request.bucket.name}`
    : `the integration ${dataloopIntegrationId}`;
  const consequence = isAdded ? 'They would lose access to it.' : 'They would lose their storage.';
  const others = elsewhere > 0 ? [`${elsewhere} in other projects`] : [];
  const all = [...(foreign.length > 0 ? [listed(foreign)] : []), ...others].join(', and ');
  return new ServiceError(
    'ForeignDriversError',
    `Drivers that this service did not create use ${what} at Dataloop: ${all}. ${consequence} Delete them in Dataloop's ` +
      'console first, or send DELETE with ?force=true. Nothing was removed.',
  );
}

/** @throws ServiceError `DriversUnknownError` where Dataloop does not tell */
async function asked<T>(look: () => Promise<T>, bound: Bound): Promise<T> {
  try {
    return await bound('the drivers at Dataloop', look());
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw new ServiceError(
      'DriversUnknownError',
      `The service could not check whether other drivers would lose their storage: ${error.messageOnce} To remove without ` +
        'this check, send DELETE with ?force=true. Nothing was removed.',
      { cause: error },
    );
  }
}

/**
 * Before an integration is removed.
 * @throws ServiceError `ForeignDriversError` that names them
 */
export async function refuseForeignDrivers(
  record: JournalRecord,
  reads: NamingReads & Pick<UsageReads, 'countDrivers'>,
  bound: Bound,
): Promise<void> {
  const { id, state } = record.resources.dataloopIntegration ?? {};
  // What is gone has no drivers that work.
  if (!id || state === 'gone') return;
  const found = await asked(() => foreignDriversOf(record, id, reads), bound);
  if (found.foreign.length + found.elsewhere > 0) throw foreignDriversError(record, id, found);
}

/**
 * Before a driver is removed: those that use the same bucket would lose it, too.
 * @param integration the one that the driver was added to
 * @throws ServiceError `ForeignDriversError` that names them
 */
export async function refuseForeignDriversOfBucket(
  driver: JournalRecord,
  integration: JournalRecord,
  reads: NamingReads,
  bound: Bound,
): Promise<void> {
  const id = integration.resources.dataloopIntegration?.id;
  if (!id) return;
  const found = await asked(() => foreignDriversOfBucket(driver, integration, id, reads), bound);
  if (found.foreign.length > 0) throw foreignDriversError(driver, id, found);
}

/** Drivers that somebody created by hand on an integration: removing it takes their storage away. */
import type { Bound } from '../../../deadline.ts';
import { ServiceError } from '../../../errors.ts';
import type { JournalRecord } from '../../model/record.ts';
import type { DataloopApi, Driver } from './api.ts';
import { isOursByName } from './driver.ts';

export interface ForeignDriverReads extends Pick<DataloopApi, 'listDrivers' | 'countDrivers'> {
  /** The records of ours that can be read. */
  readRecords(ids: readonly string[]): Promise<readonly JournalRecord[]>;
}

interface Named {
  /** All on the integration in the projects that drivers of ours are in. */
  readonly seen: number;
  /** Those of them that are not ours. */
  readonly foreign: readonly (Driver & { readonly projectId: string })[];
}

interface Found {
  readonly foreign: Named['foreign'];
  /** In projects that no driver of ours is in; Dataloop tells their number only. */
  readonly elsewhere: number;
}

/** Drivers on the integration at Dataloop, as far as Dataloop names them. */
async function namedDrivers(
  record: JournalRecord,
  dataloopIntegrationId: string,
  reads: Omit<ForeignDriverReads, 'countDrivers'>,
): Promise<Named> {
  const added = await reads.readRecords(Object.keys(record.addedBuckets ?? {}));
  const all = [record, ...added];
  const ids = new Set(all.flatMap(({ resources }) => resources.driver?.id ?? []));
  const isOurs = (driver: Driver & { readonly projectId: string }) =>
    ids.has(driver.id) ||
    all.some(
      ({ request: { dataloop, bucket }, resources: { driver: known } }) =>
        known !== undefined &&
        known.state !== 'gone' &&
        dataloop.projectId === driver.projectId &&
        isOursByName(known, { name: known.name, bucketName: bucket.name }, driver),
    );
  const projects = new Set(all.map(({ request }) => request.dataloop.projectId));
  const lists = await Promise.all(
    [...projects].map(async (projectId) =>
      (await reads.listDrivers(projectId, { dataloopIntegrationId })).map((driver) => ({
        ...driver,
        projectId,
      })),
    ),
  );
  const seen = lists.flat().filter((driver) => driver.dataloopIntegrationId === dataloopIntegrationId);
  return {
    seen: seen.length,
    foreign: seen.filter((driver) => !isOurs(driver)),
  };
}

/** Everything on the integration at Dataloop but our own drivers. */
async function foreignDrivers(
  record: JournalRecord,
  dataloopIntegrationId: string,
  reads: ForeignDriverReads,
): Promise<Found> {
  const { seen, foreign } = await namedDrivers(record, dataloopIntegrationId, reads);
  const count = await reads.countDrivers(dataloopIntegrationId);
  return { foreign, elsewhere: Math.max(0, count - seen) };
}

/** How many drivers a message names. */
const mostNamed = 10;

function listed(drivers: Found['foreign']): string {
  const named = drivers
    .slice(0, mostNamed)
    .map(({ id, name, projectId }) => `"${name}" (${id}, project ${projectId})`);
  const more = drivers.length - named.length;
  return [...named, ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

function foreignDriversError(found: Found, what: string, consequence: string): ServiceError {
  const { foreign, elsewhere } = found;
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
  reads: ForeignDriverReads,
  bound: Bound,
): Promise<void> {
  const { id, state } = record.resources.dataloopIntegration ?? {};
  // What is gone has no drivers that work.
  if (!id || state === 'gone') return;
  const found = await asked(() => foreignDrivers(record, id, reads), bound);
  if (found.foreign.length + found.elsewhere > 0) {
    throw foreignDriversError(found, `the integration ${id}`, 'They would lose their storage.');
  }
}

/**
 * Before a driver is removed: those that use the same bucket would lose it, too. What Dataloop only counts is not known
 * to do so.
 * @param integration the one that the driver was added to
 * @throws ServiceError `ForeignDriversError` that names them
 */
export async function refuseForeignDriversOfBucket(
  driver: JournalRecord,
  integration: JournalRecord,
  reads: Omit<ForeignDriverReads, 'countDrivers'>,
  bound: Bound,
): Promise<void> {
  const id = integration.resources.dataloopIntegration?.id;
  if (!id) return;
  const bucketName = driver.request.bucket.name;
  const { foreign } = await asked(() => namedDrivers(integration, id, reads), bound);
  const found = foreign.filter((each) => each.bucketName === bucketName);
  if (found.length > 0) {
    throw foreignDriversError(
      { foreign: found, elsewhere: 0 },
      `the bucket ${bucketName}`,
      'They would lose access to it.',
    );
  }
}

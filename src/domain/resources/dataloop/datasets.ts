/** Datasets on our drivers: a removal takes their storage away, and Dataloop deletes no driver that one uses. */
import type { Bound } from '../../../deadline.ts';
import { ServiceError } from '../../../errors.ts';
import type { JournalRecord } from '../../model/record.ts';
import type { DataloopApi, Dataset } from './api.ts';
import { hasAnyId } from './driver.ts';
import type { UsageReads } from './foreign-drivers.ts';

/** A dataset, and the driver and project that it is in. */
interface UsingDataset extends Omit<Dataset, 'driverId'> {
  readonly projectId: string;
  readonly driverId: string;
}

/**
 * Whether Dataloop may still have access through a record. Where it has ended nothing more is cut off, and who wants the rest
 * removed is not held up.
 */
export function mayHaveAccess({ kind, status, resources }: JournalRecord): boolean {
  const access = kind === 'added bucket' ? resources.access : resources.role;
  return status === 'ready' || (access !== undefined && access.state !== 'gone');
}

/** The datasets on the drivers of these records, in their projects. */
async function datasetsOn(
  records: readonly JournalRecord[],
  { listDatasets }: Pick<DataloopApi, 'listDatasets'>,
): Promise<readonly UsingDataset[]> {
  const drivers = new Set<string>();
  const projects = new Set<string>();
  for (const { request, resources } of records) {
    const { id, state } = resources.driver ?? {};
    // One whose id was never learned was never told to anybody.
    if (!id || state === 'gone') continue;
    drivers.add(id);
    projects.add(request.dataloop.projectId);
  }
  const lists = await Promise.all(
    [...projects].map(async (projectId) =>
      (await listDatasets(projectId)).flatMap(({ driverId, ...dataset }) =>
        driverId !== undefined && drivers.has(driverId) ? [{ ...dataset, driverId, projectId }] : [],
      ),
    ),
  );
  return lists.flat();
}

/** Whether a record created a dataset, by the name that its request gave. */
const isMadeBy = ({ request, resources }: JournalRecord, { id, name, driverId }: UsingDataset): boolean => {
  const { driver, dataset } = resources;
  if (!dataset || dataset.state === 'gone' || driver?.id !== driverId) return false;
  return name === request.dataset?.name && (hasAnyId(dataset) || dataset.id === id);
};

/** The datasets that a removal would cut off: all but those of our own that are empty, because these go with it. */
export async function datasetsCutOff(
  records: readonly JournalRecord[],
  reads: Pick<DataloopApi, 'listDatasets' | 'countItems'>,
): Promise<readonly UsingDataset[]> {
  const found = await datasetsOn(records, reads);
  const going = await Promise.all(
    found.map(
      async (dataset) =>
        records.some((record) => isMadeBy(record, dataset)) && (await reads.countItems(dataset.id)) === 0,
    ),
  );
  return found.filter((_dataset, index) => !going[index]);
}

/** How many datasets a message names. */
const mostNamed = 10;

export function datasetsInUse(datasets: readonly UsingDataset[]): ServiceError {
  const named = datasets
    .slice(0, mostNamed)
    .map(({ id, name, projectId }) => `"${name}" (${id}, project ${projectId})`);
  const more = datasets.length - named.length;
  return new ServiceError(
    'DatasetsInUseError',
    `Datasets at Dataloop use this storage: ${[...named, ...(more > 0 ? [`${more} more`] : [])].join(', ')}. They would lose ` +
      "access to their items. Delete them in Dataloop's console first, or send DELETE with ?force=true. Nothing was removed.",
  );
}

/**
 * Before a connection is removed.
 * @param records the record to be removed, and those that go with it
 * @throws ServiceError `DatasetsInUseError` that names them; `DatasetsUnknownError` where Dataloop does not tell
 */
async function refuseDatasets(
  records: readonly JournalRecord[],
  reads: Pick<DataloopApi, 'listDatasets' | 'countItems'>,
  bound: Bound,
): Promise<void> {
  const found = await askedForDatasets(() => datasetsCutOff(records, reads), bound);
  if (found.length > 0) throw datasetsInUse(found);
}

async function askedForDatasets<T>(look: () => Promise<T>, bound: Bound): Promise<T> {
  try {
    return await bound('the datasets at Dataloop', look());
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw new ServiceError(
      'DatasetsUnknownError',
      `The service could not check whether datasets would lose their storage: ${error.messageOnce} To remove without this ` +
        'check, send DELETE with ?force=true. Nothing was removed.',
      { cause: error },
    );
  }
}

/** Before an integration is removed, and with it all added buckets. */
export async function refuseDatasetsOfIntegration(
  record: JournalRecord,
  reads: Pick<UsageReads, 'readRecords' | 'listDatasets' | 'countItems'>,
  bound: Bound,
): Promise<void> {
  if (!mayHaveAccess(record)) return;
  const added = await askedForDatasets(
    () => reads.readRecords(Object.keys(record.addedBuckets ?? {})),
    bound,
  );
  await refuseDatasets([record, ...added], reads, bound);
}

/** Before an added bucket is removed. */
export async function refuseDatasetsOfBucket(
  added: JournalRecord,
  reads: Pick<DataloopApi, 'listDatasets' | 'countItems'>,
  bound: Bound,
): Promise<void> {
  if (mayHaveAccess(added)) await refuseDatasets([added], reads, bound);
}

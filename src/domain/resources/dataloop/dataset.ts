/** The dataset of a request: CreateDataset, SyncDataset and the undo, DeleteDataset. */
import { ServiceError } from '../../../errors.ts';
import type { ResourceRecord } from '../../model/record.ts';
import { beforeMaking, madeAgainIf } from '../../saga/in-flight-calls.ts';
import { confirmAbsence, type UndoOutcome } from '../../saga/ownership.ts';
import { sendAgain } from '../../saga/residue.ts';
import type { StepContext } from '../../saga/step.ts';
import type { DataloopApi, Dataset, SyncCommand } from './api.ts';
import { findDrivers, hasAnyId } from './driver.ts';

type FindDataset = 'listDrivers' | 'listDatasets';
type Syncs = Pick<
  DataloopApi,
  FindDataset | 'syncDataset' | 'getSyncCommand' | 'countItems' | 'deleteDataset'
>;

/** How long SyncDataset waits for the sync. It goes on at Dataloop after that. */
const longestSyncSeconds = 600;

/** @throws ServiceError `DatasetNameTakenError` where the project has a dataset of this name */
export async function checkNoDataset(
  name: string,
  projectId: string,
  dataloop: Pick<DataloopApi, 'listDatasets'>,
): Promise<void> {
  const taken = (await dataloop.listDatasets(projectId)).find((dataset) => dataset.name === name);
  if (!taken) return;
  throw new ServiceError(
    'DatasetNameTakenError',
    `The Dataloop project ${projectId} already has a dataset "${name}" (${taken.id}), which does not belong to this request. It was ` +
      'left unchanged. Choose another dataset.name, or delete that dataset.',
  );
}

function nameOf(step: StepContext): string {
  const { dataset, recordId } = step.desired;
  if (dataset) return dataset.name;
  throw new ServiceError('InternalError', `The request of integration ${recordId} names no dataset.`);
}

/**
 * Ours: by its name, on our driver, which is ours by its own name, bucket and integration; and where the journal knows it, by
 * the id that Dataloop gave.
 */
async function findDatasets(
  step: StepContext,
  name: string,
  dataloop: Pick<DataloopApi, FindDataset>,
): Promise<{ driverIds: readonly string[]; own: Dataset[]; other: Dataset | undefined }> {
  const known = step.resource('dataset');
  const driverIds = (await findDrivers(step, dataloop)).own.map(({ id }) => id);
  const isAsCreated = (dataset: Dataset) =>
    dataset.name === name && dataset.driverId !== undefined && driverIds.includes(dataset.driverId);
  const all = await dataloop.listDatasets(step.desired.driver.projectId);
  return {
    driverIds,
    own: all.filter((dataset) => isAsCreated(dataset) && (hasAnyId(known) || dataset.id === known?.id)),
    other: all.find((dataset) => dataset.id === known?.id && !isAsCreated(dataset)),
  };
}

/** Creation is not idempotent at Dataloop: after an unknown outcome the dataset is looked for first. */
export async function createDataset(
  step: StepContext,
  dataloop: Pick<DataloopApi, FindDataset | 'createDataset'>,
): Promise<{ datasetId: string }> {
  const name = nameOf(step);
  const known = step.resource('dataset');
  const { driverIds, own, other } = await findDatasets(step, name, dataloop);
  const driverId = step.resource('driver')?.id;
  if (driverId === undefined || !driverIds.includes(driverId)) {
    throw new ServiceError(
      'EarlierCallOpenError',
      `Dataloop does not list the driver ${driverId ?? ''} of integration ${step.desired.recordId} yet.`,
    );
  }
  if (other) throw notAsCreated(other);
  // A list of Dataloop's may be a moment older than what it has made.
  if (known?.id) return { datasetId: known.id };
  const [found, ...others] = known ? own : [];
  if (found) {
    const again = madeAgainIf(known?.madeAgain || others.length > 0);
    await step.created('dataset', { id: found.id, name, ...again });
    return { datasetId: found.id };
  }
  // Names may repeat at Dataloop.
  const again = madeAgainIf(beforeMaking(step, 'dataset'));
  await step.intend('dataset', { name, ...again });
  const wanted = { name, driverId, projectId: step.desired.driver.projectId };
  const made = await dataloop.createDataset(wanted).catch(async (error: unknown) => {
    if (!(error instanceof ServiceError) || error.name !== 'DatasetNameTakenError') throw error;
    const [standing] = (await findDatasets(step, name, dataloop)).own;
    if (standing) return standing;
    throw error;
  });
  await step.created('dataset', { id: made.id, name, ...again });
  if (made.driverId !== undefined && made.driverId !== driverId) throw notAsCreated(made);
  return { datasetId: made.id };
}

const notAsCreated = ({ id, name }: Dataset): ServiceError =>
  new ServiceError(
    'DataloopNotOursError',
    `The dataset "${name}" (${id}) at Dataloop is not as this integration created it. It was not used. Find out who changed it, ` +
      'then send the request again.',
  );

/**
 * Starts the sync, and looks at its command in each attempt.
 * @throws ServiceError `DatasetSyncingError` until it has ended; `DatasetNotSyncedError` where it failed or takes too long
 */
export async function syncDataset(step: StepContext, dataloop: Syncs): Promise<{ items: number }> {
  const known = step.resource('dataset');
  const id = known?.id;
  if (!known || id === undefined)
    throw new ServiceError('InternalError', `Integration ${step.desired.recordId} has no dataset to sync.`);
  const write = (sync: NonNullable<ResourceRecord['sync']>) => {
    const { state: _state, sync: before, ...resource } = step.resource('dataset') ?? known;
    return step.created('dataset', { ...resource, sync: { ...before, ...sync } });
  };
  const notSynced = async (status: 'failed' | 'unfinished', reason: string): Promise<ServiceError> => {
    await write({ status, reason });
    return new ServiceError('DatasetNotSyncedError', reason);
  };
  const asked = await asking(() =>
    proceed(step, id, dataloop, (commandId) => write({ status: 'running', commandId })),
  );
  if (asked.items !== undefined) {
    await write({ status: 'succeeded', items: asked.items });
    return { items: asked.items };
  }
  if (asked.isOver) throw await notSynced('failed', asked.reason);
  const waitedSeconds = (step.call.begunAt - Date.parse(step.call.startedAt)) / 1_000;
  if (waitedSeconds >= longestSyncSeconds) {
    throw await notSynced(
      'unfinished',
      `The sync did not end within ${longestSyncSeconds / 60} minutes. It may go on at Dataloop: see the dataset in its console. ` +
        asked.reason,
    );
  }
  throw new ServiceError('DatasetSyncingError', asked.reason);
}

interface Asked {
  /** Once it has succeeded. */
  readonly items?: number;
  /** Whether it will not succeed any more. */
  readonly isOver: boolean;
  readonly reason: string;
}

/** A sync does not fail because Dataloop did not answer once: its command goes on. */
async function asking(ask: () => Promise<Asked>): Promise<Asked> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof ServiceError) || error.name === 'IntegrationMovedOnError') throw error;
    return { isOver: !error.retryable, reason: error.message };
  }
}

async function proceed(
  step: StepContext,
  id: string,
  dataloop: Syncs,
  begun: (commandId: string | undefined) => Promise<void>,
): Promise<Asked> {
  const commandId = step.resource('dataset')?.sync?.commandId;
  const command =
    commandId === undefined ? await start(step, id, dataloop) : await dataloop.getSyncCommand(commandId);
  if (commandId === undefined && command.id !== undefined) await begun(command.id);
  if (command.status === 'succeeded') {
    return { items: await dataloop.countItems(id), isOver: true, reason: '' };
  }
  if (command.status === 'failed') {
    return {
      isOver: true,
      reason: `Dataloop could not sync the dataset ${id} (${command.reason}). Fix the cause, then sync it in Dataloop's console.`,
    };
  }
  if (command.id === undefined) {
    return {
      isOver: true,
      reason: `Dataloop began to sync the dataset ${id}, but does not say by which command. See the dataset in its console.`,
    };
  }
  return { isOver: false, reason: `Dataloop is still syncing the dataset ${id} (command ${command.id}).` };
}

/** What the journal says of the dataset is not enough. */
async function start(step: StepContext, id: string, dataloop: Syncs): Promise<SyncCommand> {
  const { own, other } = await findDatasets(step, nameOf(step), dataloop);
  if (other) throw notAsCreated(other);
  if (step.resource('dataset')?.madeAgain) {
    // The first one was created after all.
    for (const each of own) {
      if (each.id !== id && (await dataloop.countItems(each.id)) === 0) await dataloop.deleteDataset(each.id);
    }
  }
  if (own.some((dataset) => dataset.id === id)) return dataloop.syncDataset(id);
  throw new ServiceError('DatasetSyncingError', `Dataloop does not list the dataset ${id} yet.`);
}

/** Deletes the dataset if Dataloop says now that it has no items. */
export async function deleteDataset(
  step: StepContext,
  dataloop: Pick<DataloopApi, FindDataset | 'countItems' | 'deleteDataset'>,
): Promise<UndoOutcome> {
  const known = step.resource('dataset');
  if (!known || known.state === 'gone') return { outcome: 'nothing to remove' };
  const { own, other } = await findDatasets(step, nameOf(step), dataloop);
  const full: string[] = [];
  for (const { id, name } of own) {
    const items = await dataloop.countItems(id);
    if (items === 0) await dataloop.deleteDataset(id);
    else full.push(`"${name}" (${id}) at Dataloop has ${items} item${items === 1 ? '' : 's'}`);
  }
  const left = async (why: string, reason: string): Promise<UndoOutcome> => {
    const advice = sendAgain(step.record, "If nobody needs it, delete it in Dataloop's console.");
    await step.residue('dataset', { reason, advice });
    return { outcome: `left: ${why}` };
  };
  if (other) {
    const named = `the dataset "${other.name}" (${other.id})`;
    return left(
      'it is not as it was created',
      `At Dataloop, ${named} is not as it was created, so it may belong to somebody else.`,
    );
  }
  if (full.length > 0) return left('it has items', `The dataset ${full.join(', ')}, so it stays.`);
  if (own.length === 0) return confirmAbsence(step, 'dataset');
  await step.gone('dataset');
  return { outcome: 'removed' };
}

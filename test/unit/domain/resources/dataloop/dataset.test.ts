import { describe, expect, test } from '@jest/globals';
import type { JournalRecord, ResourceRecord } from '../../../../../src/domain/model/record.ts';
import type {
  DataloopApi,
  Dataset,
  Driver,
  SyncCommand,
} from '../../../../../src/domain/resources/dataloop/api.ts';
import {
  checkNoDataset,
  createDataset,
  deleteDataset,
  syncDataset,
} from '../../../../../src/domain/resources/dataloop/dataset.ts';
import { ServiceError } from '../../../../../src/errors.ts';
import {
  everyInterruption,
  fencedStepOf,
  journalOf,
  knowing,
  type Passage,
  requestOf,
  retried,
  thrownBy,
} from '../../fakes.ts';

const driver: Driver = { id: 'driver-1', name: 'acme', dataloopIntegrationId: 'integration-1' };
const own: Dataset = { id: 'own', name: 'Images', driverId: 'driver-1' };
const elsewhere: Dataset = { id: 'elsewhere', name: 'Images', driverId: 'driver-of-others' };
const internal: Dataset = { id: 'internal', name: 'Images', driverId: undefined };

const knowingDataset = (dataset?: ResourceRecord, more: Partial<JournalRecord> = {}): JournalRecord => ({
  ...knowing({
    dataloopIntegration: { state: 'created', id: 'integration-1' },
    driver: { state: 'created', id: 'driver-1', name: 'acme' },
    ...(dataset ? { dataset } : {}),
  }),
  request: requestOf({ dataset: { name: 'Images' } }),
  ...more,
});
const intended = knowingDataset({ state: 'intended', name: 'Images' });
const createdAs: ResourceRecord = { state: 'created', id: 'own', name: 'Images' };
const created = knowingDataset(createdAs);

/** A project of Dataloop's: names may repeat, and creation is not idempotent. */
function project(
  events: string[],
  {
    datasets = [],
    items = {},
    drivers = [driver],
  }: { datasets?: readonly Dataset[]; items?: Record<string, number>; drivers?: readonly Driver[] } = {},
  passage: Passage = (call) => call(),
) {
  let all = [...datasets];
  const calls = {
    listDrivers: () => passage(async () => drivers),
    listDatasets: (projectId) => passage(async () => (projectId === 'project-1' ? all : [])),
    createDataset: ({ name, driverId, projectId }) =>
      passage(async () => {
        events.push(`create ${name} on ${driverId} in ${projectId}`);
        const made = { id: `made-${all.length}`, name, driverId };
        all = [...all, made];
        return made;
      }),
    countItems: (id) => passage(async () => items[id] ?? 0),
    deleteDataset: (id) =>
      passage(async () => {
        events.push(`delete ${id}`);
        all = all.filter((each) => each.id !== id);
      }),
  } satisfies Partial<DataloopApi>;
  return { calls, standing: () => all };
}

describe('the name of a dataset', () => {
  test('is free where the project has none of it, and taken whatever driver that is on', async () => {
    const { calls } = project([], { datasets: [elsewhere] });
    await checkNoDataset('Other', 'project-1', calls);
    await checkNoDataset('Images', 'project-2', calls);
    expect(await thrownBy(checkNoDataset('Images', 'project-1', calls))).toMatchObject({
      name: 'DatasetNameTakenError',
      message: expect.stringContaining('"Images" (elsewhere)'),
    });
  });
});

describe('CreateDataset', () => {
  test('journals the intent before the effect, and the outcome with its id after it', async () => {
    const events: string[] = [];
    const journal = journalOf(knowingDataset(), events);
    expect(await createDataset(journal.step(), project(events).calls)).toEqual({ datasetId: 'made-0' });
    expect(events).toEqual([
      'journal dataset intended',
      'create Images on driver-1 in project-1',
      'journal dataset created',
    ]);
    expect(journal.record().resources.dataset).toEqual({ state: 'created', id: 'made-0', name: 'Images' });
  });

  test.each([
    ['by name and driver, when the answer was lost', intended],
    ['by its id', created],
  ])('finds what an earlier attempt made %s, and nothing else of that name', async (_how, record) => {
    const events: string[] = [];
    const { calls } = project(events, { datasets: [elsewhere, internal, own] });
    expect(await createDataset(journalOf(record, events).step(), calls)).toEqual({ datasetId: 'own' });
    expect(events.filter((event) => event.startsWith('create'))).toEqual([]);
  });

  test('takes no dataset of that name that is not on our driver, also where Dataloop says that it is taken', async () => {
    const taken = new ServiceError('DatasetNameTakenError', 'exists');
    const { calls } = project([], { datasets: [elsewhere, internal] });
    const refusing = { ...calls, createDataset: () => Promise.reject(taken) };
    expect(await thrownBy(createDataset(journalOf(knowingDataset()).step(), refusing))).toBe(taken);
    const made = { ...refusing, listDatasets: async () => [elsewhere, own] };
    const journal = journalOf(knowingDataset());
    expect(await createDataset(journal.step(), made)).toEqual({ datasetId: 'own' });
  });

  test('makes none before an earlier attempt has been looked for, and journals when it makes it again', async () => {
    const events: string[] = [];
    const journal = journalOf(intended, events);
    const attempt = (number: number) =>
      createDataset(
        journal.step(['provisioning'], { step: 'CreateDataset', attempt: number }),
        project(events).calls,
      );
    expect(await thrownBy(attempt(2))).toMatchObject({ name: 'EarlierCallOpenError' });
    expect(events).toEqual([]);
    await attempt(5);
    expect(journal.record().resources.dataset).toMatchObject({ id: 'made-0', madeAgain: true });
  });

  test('makes nothing on a driver that Dataloop does not call ours, nor once the integration is being undone', async () => {
    for (const drivers of [[], [{ ...driver, dataloopIntegrationId: 'of-others' }]]) {
      const events: string[] = [];
      const step = journalOf(knowingDataset(), events).step();
      const thrown = await thrownBy(createDataset(step, project(events, { drivers }).calls));
      expect(thrown.name).not.toBe('Error');
      expect(events).toEqual([]);
    }
    const events: string[] = [];
    const late = createDataset(fencedStepOf(knowingDataset()), project(events).calls);
    expect((await thrownBy(late)).name).toBe('IntegrationMovedOnError');
    expect(events).toEqual([]);
  });

  test('does not go on with one that Dataloop put elsewhere, but knows it from then on', async () => {
    const journal = journalOf(knowingDataset());
    const { calls } = project([]);
    const odd = { ...calls, createDataset: async () => elsewhere };
    expect((await thrownBy(createDataset(journal.step(), odd))).name).toBe('DataloopNotOursError');
    expect(journal.record().resources.dataset).toMatchObject({ state: 'created', id: 'elsewhere' });
  });

  test('leaves at most what the undo finds, wherever it is cut off', async () => {
    const cuts = await everyInterruption(
      (passage) => {
        const events: string[] = [];
        const world = project(events, { datasets: [elsewhere] }, passage);
        const journal = journalOf(knowingDataset(), events, passage);
        return { journal, world, attempt: () => createDataset(journal.step(), world.calls) };
      },
      async ({ journal, world }) => {
        const undoing = journalOf({ ...journal.record(), status: 'rolling-back' });
        await retried(() => deleteDataset(undoing.step(['rolling-back']), world.calls));
        expect(world.standing()).toEqual([elsewhere]);
      },
    );
    expect(cuts).toBeGreaterThan(6);
  });
});

describe('SyncDataset', () => {
  const command = (status: SyncCommand['status'], reason = ''): SyncCommand => ({
    id: 'command-1',
    status,
    reason,
  });
  /** @param answers of Dataloop to the start and to each look after it */
  function syncing(record: JournalRecord, answers: readonly (SyncCommand | ServiceError)[], more = {}) {
    const asked: string[] = [];
    const journal = journalOf(record);
    const next = async (what: string) => {
      const answer = answers[asked.push(what) - 1];
      if (!answer) throw new Error(`Nobody expected ${what}.`);
      if (answer instanceof ServiceError) throw answer;
      return answer;
    };
    const { calls } = project([], { datasets: [own], items: { own: 42 } });
    const attempt = (afterSeconds = 0) => {
      const { createdAt } = journal.record();
      const call = { step: 'SyncDataset', begunAt: Date.parse(createdAt) + 1_000 * afterSeconds } as const;
      return syncDataset(journal.step(['provisioning'], call), {
        ...calls,
        syncDataset: (id) => next(`sync ${id}`),
        getSyncCommand: (id) => next(`look at ${id}`),
        ...more,
      });
    };
    return { attempt, asked, left: () => journal.record().resources.dataset };
  }

  test('starts it once, looks at its command, and tells how many items there are', async () => {
    const { attempt, asked, left } = syncing(created, [
      command('running'),
      command('running'),
      command('succeeded'),
    ]);
    expect(await thrownBy(attempt())).toMatchObject({ name: 'DatasetSyncingError', retryable: true });
    expect(left()).toEqual({ ...createdAs, sync: { status: 'running', commandId: 'command-1' } });
    expect(await thrownBy(attempt(30))).toMatchObject({ name: 'DatasetSyncingError' });
    expect(await attempt(60)).toEqual({ items: 42 });
    expect(asked).toEqual(['sync own', 'look at command-1', 'look at command-1']);
    expect(left()).toMatchObject({ sync: { status: 'succeeded', items: 42 } });
  });

  test('leaves of two that were made only the one that it syncs', async () => {
    const deleted: string[] = [];
    const again = knowingDataset({ ...createdAs, madeAgain: true });
    const twice = ['late', 'full', 'own'].map((id) => ({ ...own, id }));
    const { attempt } = syncing(again, [command('running')], {
      listDatasets: async () => [...twice, elsewhere],
      countItems: async (id: string) => (id === 'full' ? 1 : 0),
      deleteDataset: async (id: string) => void deleted.push(id),
    });
    await thrownBy(attempt());
    expect(deleted).toEqual(['late']);
  });

  test('fails with Dataloop’s reason where the command fails', async () => {
    const { attempt, left } = syncing(created, [command('failed', 'failed: Access Denied')]);
    expect(await thrownBy(attempt())).toMatchObject({
      name: 'DatasetNotSyncedError',
      retryable: false,
      message: expect.stringMatching(/failed: Access Denied.*sync it in Dataloop's console/),
    });
    expect(left()).toMatchObject({
      state: 'created',
      sync: { status: 'failed', reason: expect.any(String) },
    });
  });

  test('ends after ten minutes, and says so', async () => {
    const { attempt, left } = syncing(created, [command('running'), command('running')]);
    expect((await thrownBy(attempt(599))).name).toBe('DatasetSyncingError');
    expect(await thrownBy(attempt(600))).toMatchObject({
      name: 'DatasetNotSyncedError',
      message: expect.stringMatching(/did not end within 10 minutes/),
    });
    expect(left()).toMatchObject({ sync: { status: 'unfinished' } });
  });

  test('waits on where Dataloop does not answer, but not where it refuses', async () => {
    const away = new ServiceError('DataloopUnavailableError', 'no answer');
    const { attempt, asked } = syncing(created, [away, command('running'), away, command('succeeded')]);
    for (const after of [0, 10, 20]) {
      expect((await thrownBy(attempt(after))).name).toBe('DatasetSyncingError');
    }
    expect(await attempt(30)).toEqual({ items: 42 });
    expect(asked).toEqual(['sync own', 'sync own', 'look at command-1', 'look at command-1']);
    const refused = syncing(created, [new ServiceError('DataloopForbiddenError', 'no')]);
    expect(await thrownBy(refused.attempt())).toMatchObject({ name: 'DatasetNotSyncedError', message: 'no' });
    expect(refused.left()).toMatchObject({ sync: { status: 'failed', reason: 'no' } });
  });

  test('does not wait for a command that Dataloop does not name', async () => {
    const { attempt } = syncing(created, [{ id: undefined, status: 'running', reason: '' }]);
    expect(await thrownBy(attempt())).toMatchObject({
      name: 'DatasetNotSyncedError',
      message: expect.stringMatching(/does not say by which command/),
    });
  });

  test.each([
    ['another name', { ...own, name: 'Theirs' }],
    ['another driver', { ...own, driverId: 'driver-of-others' }],
  ])('syncs nothing that has %s by now', async (_what, found) => {
    const { attempt, asked } = syncing(created, [], { listDatasets: async () => [found] });
    expect((await thrownBy(attempt())).name).toBe('DatasetNotSyncedError');
    expect(asked).toEqual([]);
  });
});

describe('DeleteDataset', () => {
  const undoing = (record: JournalRecord, world: Parameters<typeof project>[1]) => {
    const events: string[] = [];
    const { calls, standing } = project(events, world);
    const journal = journalOf({ ...record, status: 'removing' });
    return {
      undo: (using: Partial<typeof calls> = {}) =>
        retried(() => deleteDataset(journal.step(['removing']), { ...calls, ...using })),
      events,
      standing,
      left: () => journal.record().resources.dataset,
    };
  };

  test('does nothing where none was made', async () => {
    const { undo, events } = undoing(knowingDataset(), { datasets: [own] });
    expect(await undo()).toEqual({ outcome: 'nothing to remove' });
    expect(events).toEqual([]);
  });

  test.each([
    ['by its id', created],
    ['by name and driver where the id was never learned', intended],
  ])('deletes an empty one %s, and leaves others of its name', async (_how, record) => {
    const { undo, standing, left } = undoing(record, { datasets: [elsewhere, own, internal] });
    expect(await undo()).toEqual({ outcome: 'removed' });
    expect(standing()).toEqual([elsewhere, internal]);
    expect(left()).toMatchObject({ state: 'gone' });
  });

  test('leaves one with items, and names it', async () => {
    const { undo, events, left } = undoing(created, { datasets: [own], items: { own: 2 } });
    expect(await undo()).toEqual({ outcome: 'left: it has items' });
    expect(events).toEqual([]);
    expect(left()?.residue).toEqual({
      reason: 'The dataset "Images" (own) at Dataloop has 2 items, so it stays.',
      advice: expect.stringMatching(/If nobody needs it, delete it .* Then send DELETE/),
    });
  });

  test('deletes nothing where Dataloop does not say how many items there are', async () => {
    const { undo, events } = undoing(created, { datasets: [own] });
    const unknown = new ServiceError('DataloopAnswerError', 'no number');
    expect(await thrownBy(undo({ countItems: () => Promise.reject(unknown) }))).toBe(unknown);
    expect(events).toEqual([]);
  });

  test.each([
    ['has another name', { ...own, name: 'Theirs' }],
    ['is on another driver', { ...own, driverId: 'driver-of-others' }],
  ])('leaves what the journal calls ours where it %s', async (_what, found) => {
    const { undo, events, left } = undoing(created, { datasets: [found] });
    expect(await undo()).toEqual({ outcome: 'left: it is not as it was created' });
    expect(events).toEqual([]);
    expect(left()?.residue?.reason).toContain('(own)');
  });

  test('knows that it is gone once it has not been seen often enough', async () => {
    const { undo, left } = undoing(created, { datasets: [elsewhere] });
    expect(await undo()).toEqual({ outcome: 'does not exist' });
    expect(left()).toMatchObject({ state: 'gone' });
  });
});

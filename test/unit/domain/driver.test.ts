import { describe, expect, test } from '@jest/globals';
import {
  createDriver,
  type Driver,
  type DriverCreator,
  type DriverRemover,
  type DriverSettings,
  deleteDriver,
  testDriver,
  verifyDriver,
} from '../../../src/domain/driver.ts';
import type { ResourceRecord } from '../../../src/domain/journal.ts';
import { ServiceError } from '../../../src/errors.ts';
import {
  everyInterruption,
  fencedStepOf,
  journalOf,
  knowing,
  type Passage,
  recordOf,
  requestOf,
  stepOf,
  thrownBy,
} from './fakes.ts';

const foreign: Driver = { id: 'foreign', name: 'acme', integrationId: 'integration-of-others' };
const own: Driver = { id: 'own', name: 'acme', integrationId: 'integration-1' };

/** What the journal knows: an integration at Dataloop and, where given, a driver on it. */
const knowingDriver = (driver?: ResourceRecord) =>
  knowing({ dataloopIntegration: { state: 'created', id: 'integration-1' }, ...(driver ? { driver } : {}) });
const intended = knowingDriver({ state: 'intended', name: 'acme' });
const created = knowingDriver({ state: 'created', id: 'own', name: 'acme' });

/** Dataloop's drivers of one project. As there, names may repeat and creation is not idempotent. */
function fakeDrivers(events: string[], before: readonly Driver[] = [], passage: Passage = (call) => call()) {
  let all = [...before];
  const drivers: DriverCreator & DriverRemover = {
    listDrivers: (projectId) => passage(async () => (projectId === 'project-1' ? all : [])),
    createDriver: ({ name, integrationId }) =>
      passage(async () => {
        events.push('create driver');
        const driver = { id: `made-${all.length}`, name, integrationId };
        all = [...all, driver];
        return driver;
      }),
    deleteDriver: (id) =>
      passage(async () => {
        events.push(`delete driver ${id}`);
        all = all.filter((each) => each.id !== id);
      }),
  };
  return { drivers, standing: () => all };
}

describe('TestDriver', () => {
  const tested = async (more: object): Promise<DriverSettings[]> => {
    const settings: DriverSettings[] = [];
    const record = { ...knowingDriver(), request: requestOf(more) };
    await testDriver(stepOf(record), { testDriver: async (given) => void settings.push(given) });
    return settings;
  };

  test('tries the bucket as the request wants to use it', async () => {
    const more = {
      bucket: { name: 'dataloop-acme', region: 'us-west-2', prefix: 'raw/2026/' },
      dataloop: { projectId: 'project-1', driverName: 'Images', allowDelete: false },
    };
    expect(await tested(more)).toEqual([
      {
        name: 'Images',
        integrationId: 'integration-1',
        projectId: 'project-1',
        bucketName: 'dataloop-acme',
        region: 'us-west-2',
        path: 'raw/2026',
        allowExternalDelete: false,
      },
    ]);
  });

  test('tries the whole bucket where no folder is named', async () => {
    expect(await tested({})).toMatchObject([{ path: '', region: 'eu-west-1', allowExternalDelete: true }]);
  });

  test('hands Dataloop’s reason on', async () => {
    const refused = new ServiceError('DriverTestFailedError', 'put is denied');
    const thrown = await thrownBy(
      testDriver(stepOf(knowingDriver()), { testDriver: () => Promise.reject(refused) }),
    );
    expect(thrown).toBe(refused);
  });
});

describe('CreateDriver', () => {
  test('journals the intent before the effect, and the outcome with its id after it', async () => {
    const events: string[] = [];
    const journal = journalOf(knowingDriver(), events);
    expect(await createDriver(journal.step(), fakeDrivers(events).drivers)).toEqual({ driverId: 'made-0' });
    expect(events).toEqual(['journal driver intended', 'create driver', 'journal driver created']);
    expect(journal.record().resources.driver).toEqual({ state: 'created', id: 'made-0', name: 'acme' });
  });

  test('creates the driver with the settings that were tested', async () => {
    const settings: DriverSettings[] = [];
    const step = stepOf(knowingDriver());
    await testDriver(step, { testDriver: async (given) => void settings.push(given) });
    await createDriver(step, {
      listDrivers: async () => [],
      createDriver: async (given) => {
        settings.push(given);
        return own;
      },
    });
    expect(settings).toHaveLength(2);
    expect(settings[1]).toEqual(settings[0]);
  });

  test.each([
    ['by its own integration when the answer was lost', intended],
    ['by the id in the journal', created],
  ])('finds what an earlier attempt has made %s, and makes no second one', async (_how, record) => {
    const events: string[] = [];
    const { drivers } = fakeDrivers(events, [foreign, own]);
    expect(await createDriver(stepOf(record), drivers)).toEqual({ driverId: 'own' });
    expect(events).toEqual([]);
  });

  test('takes no driver of the same name on another integration, nor another driver on ours', async () => {
    const { drivers, standing } = fakeDrivers([], [foreign, { ...own, name: 'other' }]);
    await createDriver(stepOf(intended), drivers);
    expect(standing()).toHaveLength(3);
  });

  test.each([
    ['the journal takes its intent no more', fencedStepOf(knowingDriver()), 'IntegrationMovedOnError'],
    ['there is no integration to hang it on', stepOf(recordOf()), 'InternalError'],
  ])('creates nothing when %s', async (_when, step, name) => {
    const events: string[] = [];
    expect((await thrownBy(createDriver(step, fakeDrivers(events).drivers))).name).toBe(name);
    expect(events).toEqual([]);
  });
});

describe('VerifyDriver', () => {
  test('tries the driver that was created', async () => {
    const verified: string[] = [];
    await verifyDriver(stepOf(created), { verifyDriver: async (id) => void verified.push(id) });
    expect(verified).toEqual(['own']);
  });

  test('does not pass where there is no driver to try', async () => {
    const thrown = await thrownBy(verifyDriver(stepOf(intended), { verifyDriver: async () => undefined }));
    expect(thrown.name).toBe('InternalError');
  });
});

describe('DeleteDriver', () => {
  test.each([
    ['only the intent is known', intended],
    ['the id is known', created],
  ])('removes just its own where %s, and a second time does nothing', async (_what, record) => {
    const events: string[] = [];
    const journal = journalOf(record, events);
    const { drivers, standing } = fakeDrivers(events, [foreign, own]);
    await deleteDriver(journal.step(), drivers);
    await deleteDriver(journal.step(), drivers);
    expect(events).toEqual(['delete driver own', 'journal driver gone']);
    expect(standing()).toEqual([foreign]);
  });

  test('leaves a driver of somebody else alone that has the intended name', async () => {
    const events: string[] = [];
    const journal = journalOf(intended, events);
    const { drivers } = fakeDrivers(events, [foreign]);
    expect(await deleteDriver(journal.step(), drivers)).toEqual({ outcome: 'does not exist' });
    expect(events).toEqual(['journal driver gone']);
  });

  test('does not look where nothing was intended', async () => {
    const events: string[] = [];
    await deleteDriver(stepOf(knowingDriver(), events), fakeDrivers(events, [own]).drivers);
    expect(events).toEqual([]);
  });
});

describe('whatever call is cut off, before it took effect or after', () => {
  const begin = (passage: Passage) => {
    const journal = journalOf(knowingDriver(), [], passage);
    const { drivers, standing } = fakeDrivers([], [foreign], passage);
    return { journal, drivers, standing, attempt: () => createDriver(journal.step(), drivers) };
  };

  test('the undo of CreateDriver leaves nothing of ours behind', async () => {
    const interruptions = await everyInterruption(begin, async ({ journal, drivers, standing }, where) => {
      await deleteDriver(journal.step(), drivers);
      expect([where, standing()]).toEqual([where, [foreign]]);
      expect([undefined, 'gone']).toContain(journal.record().resources.driver?.state);
    });
    expect(interruptions).toBe(6);
  });

  test('a second attempt of CreateDriver ends with one driver that the journal knows', async () => {
    await everyInterruption(begin, async ({ journal, standing, attempt }, where) => {
      await attempt();
      expect([where, standing().length]).toEqual([where, 2]);
      expect(journal.record().resources.driver).toMatchObject({ state: 'created', id: standing()[1]?.id });
    });
  });
});

import { describe, expect, test } from '@jest/globals';
import type { ResourceRecord } from '../../../../../src/domain/model/record.ts';
import type {
  DataloopApi,
  Driver,
  DriverSettings,
} from '../../../../../src/domain/resources/dataloop/api.ts';
import {
  createDriver,
  deleteDriver,
  testDriver,
  verifyDriver,
} from '../../../../../src/domain/resources/dataloop/driver.ts';
import { ServiceError } from '../../../../../src/errors.ts';
import {
  everyInterruption,
  fencedStepOf,
  journalOf,
  knowing,
  type Passage,
  recordOf,
  requestOf,
  retried,
  stepOf,
  thrownBy,
} from '../../fakes.ts';

const foreign: Driver = { id: 'foreign', name: 'acme', dataloopIntegrationId: 'integration-of-others' };
const own: Driver = { id: 'own', name: 'acme', dataloopIntegrationId: 'integration-1' };

/** What the journal knows: an integration at Dataloop and, where given, a driver on it. */
const knowingDriver = (driver?: ResourceRecord) =>
  knowing({ dataloopIntegration: { state: 'created', id: 'integration-1' }, ...(driver ? { driver } : {}) });
const intended = knowingDriver({ state: 'intended', name: 'acme' });
const created = knowingDriver({ state: 'created', id: 'own', name: 'acme' });
const createdAgain = knowingDriver({ state: 'created', id: 'own', name: 'acme', madeAgain: true });

/** Dataloop's drivers of one project. As there, names may repeat and creation is not idempotent. */
function fakeDrivers(events: string[], before: readonly Driver[] = [], passage: Passage = (call) => call()) {
  let all = [...before];
  const drivers: Pick<DataloopApi, 'listDrivers' | 'createDriver' | 'deleteDriver'> = {
    listDrivers: (projectId) => passage(async () => (projectId === 'project-1' ? all : [])),
    createDriver: ({ name, dataloopIntegrationId }) =>
      passage(async () => {
        events.push('create driver');
        const driver = { id: `made-${all.length}`, name, dataloopIntegrationId };
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
    await testDriver(stepOf(record), {
      testDriver: async (given) => {
        settings.push(given);
        return 'passed';
      },
    });
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
        dataloopIntegrationId: 'integration-1',
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

  test('says that the key’s own policy may be in the way, where the bucket has a key', async () => {
    const kmsKeyArn = 'arn:aws:kms:eu-west-1:111111111111:key/x';
    const request = requestOf({});
    const record = { ...knowingDriver(), request: { ...request, bucket: { ...request.bucket, kmsKeyArn } } };
    const test = async () => {
      throw new ServiceError('DriverTestFailedError', 'put is denied.');
    };
    for (const failing of [
      testDriver(stepOf(record), { testDriver: test }),
      verifyDriver(stepOf({ ...record, resources: { ...created.resources } }), {
        ...fakeDrivers([], [own]).drivers,
        verifyDriver: test,
      }),
    ]) {
      await expect(failing).rejects.toMatchObject({
        name: 'DriverTestFailedError',
        message: expect.stringMatching(
          /^put is denied\. .*key\/x\. .*its key policy allows the role .*role\/.*dataloop-acme/,
        ),
      });
    }
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
    await testDriver(step, {
      testDriver: async (given) => {
        settings.push(given);
        return 'passed';
      },
    });
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
    await createDriver(journalOf(intended).step(['provisioning'], { attempt: 5 }), drivers);
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

describe('CreateDriver while an earlier call of it may still take effect', () => {
  const call = { step: 'CreateDriver', callId: 'execution/CreateDriver/2', begunAt: 30_000 } as const;
  const open = { 'execution/CreateDriver/1': { step: 'CreateDriver', until: 30_000 } } as const;

  test.each([
    ['after its intent', intended],
    ['before it', knowingDriver()],
  ])('makes no second one where that ended %s', async (_when, record) => {
    const events: string[] = [];
    const journal = journalOf({ ...record, inFlightCalls: open }, events);
    const creating = createDriver(journal.step(['provisioning'], call), fakeDrivers(events).drivers);
    expect(await thrownBy(creating)).toMatchObject({ name: 'EarlierCallOpenError', retryable: true });
    expect(events).toEqual([]);
  });

  test('takes what that has made as soon as it shows', async () => {
    const events: string[] = [];
    const journal = journalOf({ ...intended, inFlightCalls: open }, events);
    const { drivers } = fakeDrivers(events, [own]);
    expect(await createDriver(journal.step(['provisioning'], call), drivers)).toEqual({ driverId: 'own' });
    expect(events).toEqual(['journal driver created']);
  });

  test('makes none before it was looked for a few times, although that can take effect no more', async () => {
    const events: string[] = [];
    const journal = journalOf({ ...intended, inFlightCalls: open }, events);
    const later = journal.step(['provisioning'], { ...call, attempt: 4, begunAt: 60_000 });
    expect((await thrownBy(createDriver(later, fakeDrivers(events).drivers))).name).toBe(
      'EarlierCallOpenError',
    );
    expect(events).toEqual([]);
  });

  test('makes one then', async () => {
    const events: string[] = [];
    const journal = journalOf({ ...intended, inFlightCalls: open }, events);
    const later = journal.step(['provisioning'], { ...call, attempt: 5, begunAt: 60_000 });
    expect(await createDriver(later, fakeDrivers(events).drivers)).toEqual({ driverId: 'made-0' });
  });
});

describe('CreateDriver whose driver may have been made by an attempt that was cut off', () => {
  const again = knowingDriver({ state: 'intended', name: 'acme', madeAgain: true });
  const late: Driver = { ...own, id: 'late' };
  const creating = (record: typeof intended, attempt: number, before: readonly Driver[] = [foreign]) => {
    const events: string[] = [];
    const journal = journalOf(record, events);
    const { drivers } = fakeDrivers(events, before);
    const create = (using: Partial<DataloopApi> = {}) =>
      createDriver(journal.step(['provisioning'], { step: 'CreateDriver', attempt }), {
        ...drivers,
        ...using,
      });
    return { create, events, left: () => journal.record().resources.driver };
  };

  test.each([2, 3, 4])('only looks for it on attempt %i', async (attempt) => {
    const { create, events, left } = creating(intended, attempt);
    expect(await thrownBy(create())).toMatchObject({ name: 'EarlierCallOpenError', retryable: true });
    expect([events, left()]).toEqual([[], { state: 'intended', name: 'acme' }]);
  });

  test.each([5, 6])('makes it again on attempt %i, and journals that', async (attempt) => {
    const { create, events, left } = creating(intended, attempt);
    expect(await create()).toEqual({ driverId: 'made-1' });
    expect(events).toEqual(['journal driver intended', 'create driver', 'journal driver created']);
    expect(left()).toEqual({ state: 'created', id: 'made-1', name: 'acme', madeAgain: true });
  });

  test('journals before it is made again that it is', async () => {
    const { create, events, left } = creating(intended, 5);
    const cut = new ServiceError('DataloopUnavailableError', 'The answer was lost.');
    expect(await thrownBy(create({ createDriver: () => Promise.reject(cut) }))).toBe(cut);
    expect(events).toEqual(['journal driver intended']);
    expect(left()).toEqual({ state: 'intended', name: 'acme', madeAgain: true });
  });

  describe('and whose name is unique', () => {
    const taken = new ServiceError(
      'DriverNameTakenError',
      'Dataloop did not create the driver (409: exists).',
    );
    /** It shows only after Dataloop has refused a second one. */
    const unique = (shown: readonly Driver[]) => {
      let isRefused = false;
      return {
        createDriver: async () => {
          isRefused = true;
          throw taken;
        },
        listDrivers: async () => (isRefused ? shown : []),
      };
    };

    test.each([1, 5])('is looked for once more, on attempt %i, and used', async (attempt) => {
      const { create, events, left } = creating(attempt === 1 ? knowingDriver() : intended, attempt);
      expect(await create(unique([foreign, own]))).toEqual({ driverId: 'own' });
      expect(events).toEqual(['journal driver intended', 'journal driver created']);
      expect(left()).toMatchObject({ state: 'created', id: 'own', name: 'acme' });
    });

    test('is somebody else’s where it is not on our integration, or not as we make it', async () => {
      const elsewhere = { ...own, dataloopIntegrationId: 'other' };
      expect(await thrownBy(creating(intended, 5).create(unique([elsewhere])))).toBe(taken);
      const open = { ...own, region: 'us-east-1' };
      const thrown = await thrownBy(creating(intended, 5).create(unique([open])));
      expect(thrown).toMatchObject({ name: 'DataloopNotOursError' });
    });
  });

  test('is not made again where the first attempts did not get as far as to intend it', async () => {
    const { create, left } = creating(knowingDriver(), 9);
    await create();
    expect(left()).toEqual({ state: 'created', id: 'made-1', name: 'acme' });
  });

  test.each([
    ['one where one is found', intended, [foreign, own], {}],
    ['perhaps two where one is found that was made again', again, [foreign, own], { madeAgain: true }],
    ['two where two are found', intended, [own, foreign, late], { madeAgain: true }],
  ])('journals that there is %s', async (_what, record, before, more) => {
    const { create, events, left } = creating(record, 2, before);
    expect(await create()).toEqual({ driverId: 'own' });
    expect(events).toEqual(['journal driver created']);
    expect(left()).toEqual({ state: 'created', id: 'own', name: 'acme', ...more });
  });

  test('uses none that only the id in the journal calls ours', async () => {
    const known = { state: 'created', id: own.id, name: 'acme' } as const;
    const { create, events } = creating(knowingDriver(known), 2, [{ ...own, name: 'theirs' }]);
    expect(await thrownBy(create())).toMatchObject({ name: 'DataloopNotOursError', retryable: false });
    expect(events).toEqual([]);
  });

  test('does not forget on a further attempt that it was made again', async () => {
    const known = { state: 'created', id: 'own', name: 'acme', madeAgain: true } as const;
    const { create, events, left } = creating(knowingDriver(known), 6, [own, late]);
    expect(await create()).toEqual({ driverId: 'own' });
    expect([events, left()]).toEqual([[], known]);
  });
});

describe('VerifyDriver', () => {
  /** Dataloop's drivers, and a note of each that is listed, deleted or tried. */
  const verifying = (before: readonly Driver[], using: Partial<DataloopApi> = {}) => {
    const events: string[] = [];
    const { drivers, standing } = fakeDrivers(events, before);
    const verifier: Parameters<typeof verifyDriver>[1] = {
      listDrivers: async (projectId) => {
        events.push('list drivers');
        return drivers.listDrivers(projectId);
      },
      deleteDriver: drivers.deleteDriver,
      verifyDriver: async (id) => void events.push(`try driver ${id}`),
      ...using,
    };
    return { verifier, drivers, events, standing };
  };

  test('tries the driver that was created, and looks for no other', async () => {
    const { verifier, events, standing } = verifying([{ ...own, id: 'late' }, own]);
    expect(await verifyDriver(stepOf(created), verifier)).toEqual({ driverTest: 'passed' });
    expect(events).toEqual(['try driver own']);
    expect(standing()).toHaveLength(2);
  });

  test('does not pass where there is no driver to try', async () => {
    for (const record of [knowingDriver(), intended]) {
      const { verifier, events } = verifying([own]);
      expect((await thrownBy(verifyDriver(stepOf(record), verifier))).name).toBe('InternalError');
      expect(events).toEqual([]);
    }
  });

  test('hands Dataloop’s reason on', async () => {
    const refused = new ServiceError('DriverTestFailedError', 'put is denied');
    const { verifier } = verifying([own], { verifyDriver: () => Promise.reject(refused) });
    expect(await thrownBy(verifyDriver(stepOf(created), verifier))).toBe(refused);
  });

  describe('of a driver that was made again', () => {
    test('deletes the others of our name on our integration first, and no other one', async () => {
      const others = [foreign, { ...own, id: 'other', name: 'other' }];
      const { verifier, events, standing } = verifying([
        { ...own, id: 'late' },
        own,
        ...others,
        { ...own, id: 'later' },
      ]);
      expect(await verifyDriver(stepOf(createdAgain), verifier)).toEqual({ driverTest: 'passed' });
      expect(events).toEqual(['list drivers', 'delete driver late', 'delete driver later', 'try driver own']);
      expect(standing()).toEqual([own, ...others]);
    });

    test('deletes nothing where there is no other', async () => {
      const { verifier, events } = verifying([foreign, own]);
      await verifyDriver(stepOf(createdAgain), verifier);
      expect(events).toEqual(['list drivers', 'try driver own']);
    });

    test('does not go on while another one could not be deleted', async () => {
      const busy = new ServiceError('DataloopUnavailableError', 'busy');
      const { verifier, events } = verifying([{ ...own, id: 'late' }, own], {
        deleteDriver: () => Promise.reject(busy),
      });
      expect(await thrownBy(verifyDriver(stepOf(createdAgain), verifier))).toBe(busy);
      expect(events).toEqual(['list drivers']);
    });
  });

  test('leaves one driver of ours where an attempt that was cut off comes late', async () => {
    const journal = journalOf(knowingDriver());
    const { verifier, drivers, standing } = verifying([foreign]);
    const blind: Parameters<typeof createDriver>[1] = {
      listDrivers: async () => [],
      createDriver: async (settings) => {
        const driver = await drivers.createDriver(settings);
        // Only the first answer is lost.
        if (standing().length === 2) throw new ServiceError('DataloopUnavailableError', 'no answer');
        return driver;
      },
    };
    await retried((attempt) => createDriver(journal.step(['provisioning'], { attempt }), blind));
    expect(standing().map(({ id }) => id)).toEqual(['foreign', 'made-1', 'made-2']);
    await verifyDriver(journal.step(), verifier);
    expect(standing().map(({ id }) => id)).toEqual(['foreign', 'made-2']);
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

  test('removes a second one too, which came into being behind a lost answer', async () => {
    const events: string[] = [];
    const journal = journalOf(createdAgain, events);
    const { drivers, standing } = fakeDrivers(events, [{ ...own, id: 'late' }, foreign, own]);
    expect(await deleteDriver(journal.step(), drivers)).toEqual({ outcome: 'removed' });
    expect(events).toEqual(['delete driver late', 'delete driver own', 'journal driver gone']);
    expect(standing()).toEqual([foreign]);
  });

  test.each([
    ['the id is known, and ours cannot be there twice', created, {}],
    ['only the intent is known, by its bucket', intended, { bucketName: 'theirs' }],
  ])('leaves somebody’s of our name on our integration where %s', async (_where, record, more) => {
    const alike: Driver = { ...own, id: 'alike', ...more };
    const { drivers, standing } = fakeDrivers([], [alike, own]);
    expect(await deleteDriver(stepOf(record), drivers)).toEqual({ outcome: 'removed' });
    expect(standing()).toEqual([alike]);
  });

  test.each([
    ['another name', { name: 'renamed' }],
    ['another integration', { dataloopIntegrationId: 'integration-of-others' }],
    ['another bucket', { bucketName: 'theirs' }],
  ])('leaves one that has our id in the journal and %s: an id alone is not enough', async (_what, more) => {
    const other: Driver = { ...own, ...more };
    const journal = journalOf(created);
    const { drivers, standing } = fakeDrivers([], [other]);
    expect(await deleteDriver(journal.step(), drivers)).toEqual({
      outcome: 'left: it is not as it was created',
    });
    expect(standing()).toEqual([other]);
    expect(journal.record().resources.driver?.residue?.advice).toContain('Then send DELETE');
  });

  test.each([
    ['intended', intended, 5],
    ['created', created, 6],
  ] as const)(
    'leaves others’ drivers alone, and takes what is %s for gone after a while',
    async (...given) => {
      const [, record, looks] = given;
      const events: string[] = [];
      const journal = journalOf(record, events);
      const { drivers } = fakeDrivers(events, [foreign, { ...own, id: 'other', name: 'other' }]);
      const attempt = () => deleteDriver(journal.step(), drivers);
      expect((await thrownBy(attempt())).name).toBe('AwsNotYetConsistentError');
      expect(await retried(attempt)).toEqual({ outcome: 'does not exist' });
      expect(events).toEqual([...Array(looks).fill('journal driver not seen'), 'journal driver gone']);
    },
  );

  test('removes one that shows late', async () => {
    const journal = journalOf(intended);
    const { drivers, standing } = fakeDrivers([], [own]);
    const blind: typeof drivers = { ...drivers, listDrivers: async () => [] };
    await thrownBy(deleteDriver(journal.step(), blind));
    await thrownBy(deleteDriver(journal.step(), blind));
    expect(await deleteDriver(journal.step(), drivers)).toEqual({ outcome: 'removed' });
    expect(standing()).toEqual([]);
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
    const attempt = (number = 1) =>
      createDriver(journal.step(['provisioning'], { step: 'CreateDriver', attempt: number }), drivers);
    return { journal, drivers, standing, attempt };
  };

  test('the undo of CreateDriver leaves nothing of ours behind', async () => {
    const interruptions = await everyInterruption(begin, async ({ journal, drivers, standing }, where) => {
      await retried(() => deleteDriver(journal.step(), drivers));
      expect([where, standing()]).toEqual([where, [foreign]]);
      expect([undefined, 'gone']).toContain(journal.record().resources.driver?.state);
    });
    expect(interruptions).toBe(6);
  });

  test('further attempts of CreateDriver end with one driver that the journal knows', async () => {
    await everyInterruption(begin, async ({ journal, standing, attempt }, where) => {
      await retried((number) => attempt(number + 1));
      expect([where, standing().length]).toEqual([where, 2]);
      expect(journal.record().resources.driver).toMatchObject({ state: 'created', id: standing()[1]?.id });
    });
  });

  test('further attempts of DeleteDriver leave nothing of ours behind', async () => {
    const beginUndo = (passage: Passage) => {
      const journal = journalOf(createdAgain, [], passage);
      const { drivers, standing } = fakeDrivers([], [own, foreign, { ...own, id: 'late' }], passage);
      return { journal, standing, attempt: () => deleteDriver(journal.step(), drivers) };
    };
    const interruptions = await everyInterruption(
      beginUndo,
      async ({ journal, standing, attempt }, where) => {
        await retried(attempt);
        expect([where, standing()]).toEqual([where, [foreign]]);
        expect(journal.record().resources.driver?.state).toBe('gone');
      },
    );
    expect(interruptions).toBe(8);
  });
});

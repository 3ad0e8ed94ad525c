import { describe, expect, test } from '@jest/globals';
import type { StepCall } from '../../../../../src/domain/model/record.ts';
import type { DataloopApi, DataloopIntegration } from '../../../../../src/domain/resources/dataloop/api.ts';
import {
  type Callback,
  dataloopIntegrationIdOf,
  deleteIntegration,
  pollDelaySeconds,
  readIssued,
  requestIamUser,
} from '../../../../../src/domain/resources/dataloop/integration.ts';
import { organizationOf } from '../../../../../src/domain/resources/dataloop/organization.ts';
import { completeIntegration } from '../../../../../src/domain/resources/dataloop/trust.ts';
import type { StepContext } from '../../../../../src/domain/saga/step.ts';
import { ServiceError } from '../../../../../src/errors.ts';
import {
  everyInterruption,
  fencedStepOf,
  integrationId,
  journalOf,
  knowing,
  type Passage,
  recordOf,
  retried,
  stepOf,
  thrownBy,
  userArn,
} from '../../fakes.ts';

const ownName = `acme ${integrationId}`;
const own: DataloopIntegration = { id: 'own', name: ownName, userArn, trustStatus: 'waiting-trust' };
const foreign: DataloopIntegration = { ...own, id: 'foreign', name: 'acme' };
const intended = knowing({ dataloopIntegration: { state: 'intended', name: ownName } });
const created = knowing({ dataloopIntegration: { state: 'created', id: 'own', name: ownName } });

interface Setting {
  readonly before?: readonly DataloopIntegration[];
  /** What the create answer names; undefined: the user comes later. */
  readonly issuedAtOnce?: string | undefined;
  /** The organisation that Dataloop says the project is of. */
  readonly projectOf?: string;
  readonly passage?: Passage;
}

/** Dataloop's integrations of one organisation. As there, names may repeat and creation is not idempotent. */
function fakeDataloop(events: string[], setting: Setting = {}) {
  const { before = [], projectOf = 'org-1', passage = (call) => call() } = setting;
  const issuedAtOnce = 'issuedAtOnce' in setting ? setting.issuedAtOnce : userArn;
  let all = [...before];
  let made = 0;
  const inOrganization = (organizationId: string) => (organizationId === 'org-1' ? all : []);
  const dataloop: Parameters<typeof requestIamUser>[1] & Parameters<typeof deleteIntegration>[1] = {
    organizationId: undefined,
    getProject: (id) => passage(async () => ({ id, organizationId: projectOf })),
    getIntegration: (organization, id) =>
      passage(async () => inOrganization(organization).find((each) => each.id === id)),
    listIntegrations: (organization) => passage(async () => inOrganization(organization)),
    countDrivers: () => passage(async () => 0),
    createIntegration: (_organization, name) =>
      passage(async () => {
        events.push('create integration');
        made += 1;
        const integration = { ...own, id: `made-${made}`, name, userArn: issuedAtOnce };
        all = [...all, integration];
        return integration;
      }),
    deleteIntegration: (_organization, id) =>
      passage(async () => {
        events.push(`delete integration ${id}`);
        all = all.filter((each) => each.id !== id);
      }),
  };
  return { dataloop, standing: () => all };
}

/** The callback, which notes what it is given. */
function fakeCallback(events: string[], passage: Passage = (call) => call()) {
  const note = (what: string) => passage(async () => void events.push(what));
  const callback: Callback = {
    saveTaskToken: ({ recordId }, token) => note(`save ${token} of ${recordId}`),
    announceIamUser: (issued) => note(`announce ${JSON.stringify(issued)}`),
    schedulePoll: ({ integrationId: id, count }, delay) => note(`poll ${id} no. ${count} in ${delay} s`),
  };
  return callback;
}

describe('RequestIamUser', () => {
  const firstPoll = `poll ${integrationId} no. 0 in 2 s`;

  test('keeps the token before it asks, journals around the effect, and announces a user that is there', async () => {
    const events: string[] = [];
    const { dataloop } = fakeDataloop(events);
    const answer = await requestIamUser(stepOf(recordOf(), events), dataloop, fakeCallback(events), 'token');
    const issued = { integrationId, dataloopIntegrationId: 'made-1', userArn };
    expect(answer).toEqual({ dataloopIntegrationId: 'made-1' });
    expect(events).toEqual([
      `save token of ${integrationId}`,
      'journal dataloopIntegration intended',
      'create integration',
      'journal dataloopIntegration created',
      firstPoll,
      `announce ${JSON.stringify(issued)}`,
    ]);
  });

  test('polls and announces nothing while there is no user', async () => {
    const events: string[] = [];
    const { dataloop } = fakeDataloop(events, { issuedAtOnce: undefined });
    await requestIamUser(stepOf(recordOf(), events), dataloop, fakeCallback(events), 'token');
    expect(events.at(-1)).toBe(firstPoll);
  });

  test('gives the integration a name that carries our id, and journals it by id and name', async () => {
    const { dataloop, standing } = fakeDataloop([]);
    const journal = journalOf(recordOf());
    await requestIamUser(journal.step(), dataloop, fakeCallback([]), 'token');
    expect(standing().map(({ name }) => name)).toEqual([ownName]);
    expect(journal.record().resources.dataloopIntegration).toEqual({
      state: 'created',
      id: 'made-1',
      name: ownName,
    });
  });

  test.each([
    ['by the name in the intent', intended],
    ['by the id in the journal', created],
  ])('finds what an earlier attempt has made, %s, and makes no second one', async (_how, record) => {
    const events: string[] = [];
    const { dataloop } = fakeDataloop(events, { before: [foreign, own] });
    const answer = await requestIamUser(stepOf(record), dataloop, fakeCallback(events), 'new token');
    expect(answer).toEqual({ dataloopIntegrationId: 'own' });
    expect(events).not.toContain('create integration');
    // The task of the new attempt waits with a token of its own.
    expect(events[0]).toBe(`save new token of ${integrationId}`);
  });

  test('takes no integration for its own that has just the plain name', async () => {
    const { dataloop, standing } = fakeDataloop([], { before: [foreign] });
    const step = journalOf(intended).step(['provisioning'], { attempt: 5 });
    await requestIamUser(step, dataloop, fakeCallback([]), 'token');
    expect(standing().map(({ id }) => id)).toEqual(['foreign', 'made-1']);
  });

  test('creates nothing when the journal takes its intent no more', async () => {
    const events: string[] = [];
    const { dataloop } = fakeDataloop(events);
    const requesting = requestIamUser(fencedStepOf(recordOf()), dataloop, fakeCallback([]), 'token');
    expect([(await thrownBy(requesting)).name, events]).toEqual(['IntegrationMovedOnError', []]);
  });
});

describe('RequestIamUser in an organisation whose names are unique', () => {
  const exists = new ServiceError(
    'EarlierCallOpenError',
    'Dataloop says that it exists already (409: exists).',
  );
  /** It shows only after Dataloop has refused a second one. */
  const requesting = (shown: readonly DataloopIntegration[]) => {
    const events: string[] = [];
    const journal = journalOf(recordOf(), events);
    const { dataloop } = fakeDataloop(events);
    let isRefused = false;
    const unique: typeof dataloop = {
      ...dataloop,
      createIntegration: async () => {
        isRefused = true;
        throw exists;
      },
      listIntegrations: async () => (isRefused ? shown : []),
    };
    return { request: requestIamUser(journal.step(), unique, fakeCallback([]), 'token'), events, journal };
  };

  test('uses the one that an earlier call has made, where Dataloop says that there is one', async () => {
    const { request, events, journal } = requesting([foreign, own]);
    expect(await request).toEqual({ dataloopIntegrationId: 'own' });
    expect(events).toEqual(['journal dataloopIntegration intended', 'journal dataloopIntegration created']);
    expect(journal.record().resources.dataloopIntegration).toMatchObject({ id: 'own', name: ownName });
  });

  test('looks again later where Dataloop does not show it yet', async () => {
    const { request, journal } = requesting([foreign]);
    expect(await thrownBy(request)).toBe(exists);
    expect(journal.record().resources.dataloopIntegration).toEqual({ state: 'intended', name: ownName });
  });
});

describe('RequestIamUser while an earlier call of it may still take effect', () => {
  const call = { step: 'RequestIamUser', callId: 'execution/RequestIamUser/2', begunAt: 30_000 } as const;
  const open = { 'execution/RequestIamUser/1': { step: 'RequestIamUser', until: 30_000 } } as const;

  test.each([
    ['after its intent', intended],
    ['before it', recordOf()],
  ])('asks for no second one where that ended %s', async (_when, record) => {
    const events: string[] = [];
    const step = journalOf({ ...record, inFlightCalls: open }, events).step(['provisioning'], call);
    const requesting = requestIamUser(step, fakeDataloop(events).dataloop, fakeCallback(events), 'token');
    expect(await thrownBy(requesting)).toMatchObject({ name: 'EarlierCallOpenError', retryable: true });
    expect(events).toEqual([`save token of ${integrationId}`]);
  });

  test('takes what that has made as soon as it shows', async () => {
    const events: string[] = [];
    const step = journalOf({ ...intended, inFlightCalls: open }, events).step(['provisioning'], call);
    const { dataloop } = fakeDataloop(events, { before: [own] });
    expect(await requestIamUser(step, dataloop, fakeCallback([]), 'token')).toEqual({
      dataloopIntegrationId: 'own',
    });
    expect(events).toEqual(['journal dataloopIntegration created']);
  });

  test('asks for none before it was looked for a few times, although that can take effect no more', async () => {
    const step = journalOf({ ...intended, inFlightCalls: open }).step(['provisioning'], {
      ...call,
      attempt: 4,
      begunAt: 60_000,
    });
    const events: string[] = [];
    const requesting = requestIamUser(step, fakeDataloop(events).dataloop, fakeCallback([]), 'token');
    expect([(await thrownBy(requesting)).name, events]).toEqual(['EarlierCallOpenError', []]);
  });

  test('asks for one then', async () => {
    const step = journalOf({ ...intended, inFlightCalls: open }).step(['provisioning'], {
      ...call,
      attempt: 5,
      begunAt: 60_000,
    });
    const { dataloop, standing } = fakeDataloop([]);
    await requestIamUser(step, dataloop, fakeCallback([]), 'token');
    expect(standing().map(({ id }) => id)).toEqual(['made-1']);
  });
});

describe('RequestIamUser whose integration may have been made by an attempt that was cut off', () => {
  const late: DataloopIntegration = { ...own, id: 'late' };
  const requested = (
    record: typeof intended,
    attempt: number,
    before: readonly DataloopIntegration[] = [foreign],
  ) => {
    const events: string[] = [];
    const journal = journalOf(record, events);
    const { dataloop, standing } = fakeDataloop(events, { before });
    const call: Partial<StepCall> = { step: 'RequestIamUser', attempt };
    const requesting = (using: Partial<DataloopApi> = {}) =>
      requestIamUser(
        journal.step(['provisioning'], call),
        { ...dataloop, ...using },
        fakeCallback([]),
        'token',
      );
    const left = () => journal.record().resources.dataloopIntegration;
    return { requesting, events, standing, left };
  };

  describe.each([
    ['is only intended', intended],
    ['was made but is not there any more', created],
  ])('and %s', (_what, record) => {
    test.each([2, 3, 4])('only looks for it on attempt %i', async (attempt) => {
      const { requesting, events, left } = requested(record, attempt);
      expect(await thrownBy(requesting())).toMatchObject({ name: 'EarlierCallOpenError', retryable: true });
      expect([events, left()]).toEqual([[], record.resources.dataloopIntegration]);
    });

    test.each([5, 6])('makes it again on attempt %i, and journals that', async (attempt) => {
      const { requesting, standing, left } = requested(record, attempt);
      expect(await requesting()).toEqual({ dataloopIntegrationId: 'made-1' });
      expect(standing().map(({ id }) => id)).toEqual(['foreign', 'made-1']);
      expect(left()).toEqual({ state: 'created', id: 'made-1', name: ownName, madeAgain: true });
    });
  });

  test('journals before it is made again that it is', async () => {
    const { requesting, events, left } = requested(intended, 5);
    const cut = new ServiceError('DataloopUnavailableError', 'The answer was lost.');
    expect(await thrownBy(requesting({ createIntegration: () => Promise.reject(cut) }))).toBe(cut);
    expect(events).toEqual(['journal dataloopIntegration intended']);
    expect(left()).toEqual({ state: 'intended', name: ownName, madeAgain: true });
  });

  test('is not made again where the first attempts did not get as far as to intend it', async () => {
    const { requesting, left } = requested(recordOf(), 9);
    await requesting();
    expect(left()).toEqual({ state: 'created', id: 'made-1', name: ownName });
  });

  const again = knowing({ dataloopIntegration: { state: 'intended', name: ownName, madeAgain: true } });

  test.each([
    ['one where one is found', intended, [foreign, own], {}],
    ['perhaps two where one is found that was made again', again, [foreign, own], { madeAgain: true }],
    ['two where two are found', intended, [own, foreign, late], { madeAgain: true }],
  ])('journals that there is %s', async (_what, record, before, more) => {
    const { requesting, events, left } = requested(record, 2, before);
    expect(await requesting()).toEqual({ dataloopIntegrationId: 'own' });
    expect(events).toEqual(['journal dataloopIntegration created']);
    expect(left()).toEqual({ state: 'created', id: 'own', name: ownName, ...more });
  });

  test('does not forget on a further attempt that it was made again', async () => {
    const known = { state: 'created', id: 'own', name: ownName, madeAgain: true } as const;
    const { requesting, left } = requested(knowing({ dataloopIntegration: known }), 6, [own, late]);
    await requesting();
    expect(left()).toEqual(known);
  });
});

describe('readIssued', () => {
  test('reads the user of the very integration that the journal knows', async () => {
    const other = { ...foreign, userArn: 'arn:aws:iam::222222222222:user/other' };
    const { dataloop } = fakeDataloop([], { before: [other, own] });
    expect(await readIssued(stepOf(created), dataloop)).toMatchObject({ id: own.id, userArn });
  });

  test.each([
    ['waits while Dataloop has issued none', [{ ...own, userArn: undefined }], 'IamUserNotIssuedError', true],
    ['gives up on an integration that is gone', [foreign], 'DataloopNotFoundError', false],
  ] as const)('%s', async (_what, before, name, retryable) => {
    const { dataloop } = fakeDataloop([], { before });
    expect(await thrownBy(readIssued(stepOf(created), dataloop))).toMatchObject({ name, retryable });
  });
});

test.each([
  ['readIssued', readIssued],
  [
    'RequestIamUser',
    (step: StepContext, dataloop: ReturnType<typeof fakeDataloop>['dataloop']) =>
      requestIamUser(step, dataloop, fakeCallback([]), 'token'),
  ],
])('%s uses no integration that only the id in the journal calls ours', async (_what, use) => {
  const { dataloop, standing } = fakeDataloop([], { before: [{ ...own, name: 'acme int_OTHER' }] });
  expect(await thrownBy(use(stepOf(created), dataloop))).toMatchObject({
    name: 'DataloopNotOursError',
    retryable: false,
    message: expect.stringContaining(`is not the one that ${integrationId} gave it`),
  });
  expect(standing()).toHaveLength(1);
});

describe.each([
  ['readIssued', readIssued],
  [
    'RequestIamUser',
    (step: StepContext, dataloop: ReturnType<typeof fakeDataloop>['dataloop']) =>
      requestIamUser(step, dataloop, fakeCallback([]), 'token'),
  ],
])('%s in an organisation that only the record names', (_what, use) => {
  const forged = { ...created, dataloop: { organizationId: 'org-2' } };

  test('goes by what Dataloop says of the project', async () => {
    const { dataloop } = fakeDataloop([], { before: [own] });
    await use(stepOf(created), dataloop);
    expect(await thrownBy(use(stepOf(forged), dataloop))).toMatchObject({
      name: 'RecordDamagedError',
      message: expect.stringContaining('(dataloop.organizationId)'),
    });
  });

  test('asks nobody where the deployment names it, or Preflight found it', async () => {
    const { dataloop } = fakeDataloop([], { before: [own], projectOf: 'org-9' });
    await use(stepOf(created), { ...dataloop, organizationId: 'org-1' });
    await use(stepOf(created), { ...dataloop, foundByPreflight: 'org-1' });
    const forgedSince = use(stepOf(forged), { ...dataloop, foundByPreflight: 'org-1' });
    expect((await thrownBy(forgedSince)).name).toBe('RecordDamagedError');
    expect((await thrownBy(use(stepOf(created), dataloop))).name).toBe('RecordDamagedError');
  });
});

describe('CompleteIntegration', () => {
  const notAsked = async (): Promise<never> => {
    throw new Error('There is nothing to look for.');
  };
  const saying = (atOnce: string | undefined, later: string | undefined) => {
    const given: string[] = [];
    const dataloop: Parameters<typeof completeIntegration>[1] = {
      listIntegrations: notAsked,
      deleteIntegration: notAsked,
      setRoleArn: async (...names) => {
        given.push(...names);
        return { ...own, trustStatus: atOnce };
      },
      getIntegration: async () => ({ ...own, trustStatus: later }),
    };
    return { dataloop, given };
  };

  test('gives the role’s ARN to the integration that the journal knows', async () => {
    const { dataloop, given } = saying('trust-established', undefined);
    const step = stepOf(created);
    await completeIntegration(step, dataloop);
    expect(given).toEqual(['org-1', 'own', step.desired.role.arn]);
  });

  test('gives it to no integration that only the id in the journal calls ours', async () => {
    const { dataloop, given } = saying('trust-established', undefined);
    const renamed = { ...dataloop, getIntegration: async () => ({ ...own, name: 'acme int_OTHER' }) };
    expect(await thrownBy(completeIntegration(stepOf(created), renamed))).toMatchObject({
      name: 'DataloopNotOursError',
    });
    expect(given).toEqual([]);
  });

  test.each([
    ['at once', 'trust-established', undefined],
    ['on a second look', 'waiting-trust', 'trust-established'],
  ])('ends when Dataloop says %s that trust is established', async (_when, atOnce, later) => {
    const { dataloop } = saying(atOnce, later);
    expect(await completeIntegration(stepOf(created), dataloop)).toEqual({
      trustStatus: 'trust-established',
    });
  });

  test.each(['waiting-trust', 'established', undefined])(
    'is tried again while Dataloop says %s',
    async (trustStatus) => {
      const thrown = await thrownBy(
        completeIntegration(stepOf(created), saying(trustStatus, trustStatus).dataloop),
      );
      expect(thrown).toMatchObject({
        name: 'TrustNotEstablishedError',
        retryable: true,
        message: expect.stringContaining(`"${trustStatus ?? 'nothing'}"`),
      });
    },
  );

  describe('of an integration that was made again', () => {
    const again = knowing({
      dataloopIntegration: { state: 'created', id: 'own', name: ownName, madeAgain: true },
    });
    const completing = (before: readonly DataloopIntegration[], using: Partial<DataloopApi> = {}) => {
      const events: string[] = [];
      const { dataloop, standing } = fakeDataloop(events, { before });
      const completer: Parameters<typeof completeIntegration>[1] = {
        ...dataloop,
        setRoleArn: async (_organization, id) => {
          events.push(`complete ${id}`);
          return { ...own, trustStatus: 'trust-established' };
        },
        ...using,
      };
      return { completing: completeIntegration(stepOf(again), completer), events, standing };
    };

    test('deletes the others of our name first, and no other one', async () => {
      const others = [
        { ...own, id: 'late' },
        { ...own, id: 'later' },
      ];
      const { completing: completed, events, standing } = completing([...others, own, foreign]);
      expect(await completed).toEqual({ trustStatus: 'trust-established' });
      expect(events).toEqual(['delete integration late', 'delete integration later', 'complete own']);
      expect(standing()).toEqual([own, foreign]);
    });

    test('deletes nothing where there is no other', async () => {
      const { completing: completed, events } = completing([foreign, own]);
      await completed;
      expect(events).toEqual(['complete own']);
    });

    test('deletes nothing, and gives the role to nobody, where it was renamed at Dataloop', async () => {
      const { completing: completed, events } = completing([
        { ...own, name: 'renamed' },
        { ...own, id: 'late' },
      ]);
      expect((await thrownBy(completed)).name).toBe('DataloopNotOursError');
      expect(events).toEqual([]);
    });

    test('does not go on while another of its name could not be deleted', async () => {
      const busy = new ServiceError('DataloopUnavailableError', 'busy');
      const { completing: completed, events } = completing([{ ...own, id: 'late' }, own], {
        deleteIntegration: () => Promise.reject(busy),
      });
      expect(await thrownBy(completed)).toBe(busy);
      expect(events).toEqual([]);
    });
  });

  test('leaves one integration of our name where an attempt that was cut off comes late', async () => {
    const journal = journalOf(recordOf());
    const { dataloop, standing } = fakeDataloop([], { before: [foreign] });
    const blind: typeof dataloop = {
      ...dataloop,
      listIntegrations: async () => [],
      createIntegration: async (organization, name) => {
        await dataloop.createIntegration(organization, name);
        // Only the first answer is lost.
        if (standing().length === 2) throw new ServiceError('DataloopUnavailableError', 'no answer');
        return { ...own, id: 'made-2', name };
      },
    };
    await retried((attempt) =>
      requestIamUser(journal.step(['provisioning'], { attempt }), blind, fakeCallback([]), 'token'),
    );
    expect(standing().map(({ id }) => id)).toEqual(['foreign', 'made-1', 'made-2']);
    const setRoleArn = async () => ({ ...own, trustStatus: 'trust-established' });
    await completeIntegration(journal.step(), { ...dataloop, setRoleArn });
    expect(standing().map(({ id }) => id)).toEqual(['foreign', 'made-2']);
  });
});

describe('DeleteIntegration', () => {
  test.each([
    ['only the intent is known', intended],
    ['the id is known', created],
  ])('removes just its own where %s, and a second time does nothing', async (_what, record) => {
    const events: string[] = [];
    const journal = journalOf(record, events);
    const { dataloop, standing } = fakeDataloop(events, { before: [foreign, own] });
    await deleteIntegration(journal.step(), dataloop);
    await deleteIntegration(journal.step(), dataloop);
    expect(events).toEqual(['delete integration own', 'journal dataloopIntegration gone']);
    expect(standing()).toEqual([foreign]);
  });

  describe('in an organisation that only the record names', () => {
    const forged = { ...created, dataloop: { organizationId: 'org-2' } };

    test('goes by what Dataloop says of the project', async () => {
      const { dataloop, standing } = fakeDataloop([], { before: [foreign, own] });
      expect(await deleteIntegration(stepOf(forged), dataloop)).toEqual({ outcome: 'removed' });
      expect(standing()).toEqual([foreign]);
    });

    test.each(['DataloopNotFoundError', 'DataloopForbiddenError'] as const)(
      'goes by the record where Dataloop does not show the project any more: %s',
      async (name) => {
        const { dataloop, standing } = fakeDataloop([], { before: [own] });
        const getProject = () => Promise.reject(new ServiceError(name, 'It is not shown.'));
        await deleteIntegration(stepOf(created), { ...dataloop, getProject });
        expect(standing()).toEqual([]);
      },
    );

    test('waits for a Dataloop that does not answer, and asks nobody where the deployment names it', async () => {
      const { dataloop } = fakeDataloop([], { before: [own] });
      const down = new ServiceError('DataloopUnavailableError', 'down');
      const getProject = () => Promise.reject(down);
      expect(await thrownBy(deleteIntegration(stepOf(forged), { ...dataloop, getProject }))).toBe(down);
      const named = { ...dataloop, getProject, organizationId: 'org-1' };
      expect(await deleteIntegration(stepOf(forged), named)).toEqual({ outcome: 'removed' });
    });
  });

  test('does not look where nothing was intended', async () => {
    const events: string[] = [];
    const { dataloop } = fakeDataloop(events, { before: [own] });
    await deleteIntegration(stepOf(recordOf(), events), dataloop);
    expect(events).toEqual([]);
  });

  test.each([
    ['intended', intended, 5],
    ['created', created, 6],
  ] as const)('takes one that is %s but not there for gone after a while', async (_state, record, looks) => {
    const events: string[] = [];
    const journal = journalOf(record, events);
    const { dataloop } = fakeDataloop(events, { before: [foreign] });
    const attempt = () => deleteIntegration(journal.step(), dataloop);
    expect((await thrownBy(attempt())).name).toBe('AwsNotYetConsistentError');
    expect(await retried(attempt)).toEqual({ outcome: 'does not exist' });
    expect(events).toEqual([
      ...Array(looks).fill('journal dataloopIntegration not seen'),
      'journal dataloopIntegration gone',
    ]);
  });

  test('removes a second one too, which came into being behind a lost answer', async () => {
    const events: string[] = [];
    const journal = journalOf(created, events);
    const { dataloop, standing } = fakeDataloop(events, { before: [{ ...own, id: 'late' }, foreign, own] });
    expect(await deleteIntegration(journal.step(), dataloop)).toEqual({ outcome: 'removed' });
    expect(events).toEqual([
      'delete integration late',
      'delete integration own',
      'journal dataloopIntegration gone',
    ]);
    expect(standing()).toEqual([foreign]);
  });

  test('removes one that shows late', async () => {
    const journal = journalOf(intended);
    const { dataloop, standing } = fakeDataloop([], { before: [own] });
    const blind: typeof dataloop = { ...dataloop, listIntegrations: async () => [] };
    await thrownBy(deleteIntegration(journal.step(), blind));
    await thrownBy(deleteIntegration(journal.step(), blind));
    expect(await deleteIntegration(journal.step(), dataloop)).toEqual({ outcome: 'removed' });
    expect(standing()).toEqual([]);
  });

  test('leaves one that has our id in the journal and another name: ours is what carries both', async () => {
    const renamed = { ...own, name: 'renamed' };
    const journal = journalOf(created);
    const { dataloop, standing } = fakeDataloop([], { before: [renamed] });
    expect(await deleteIntegration(journal.step(), dataloop)).toEqual({
      outcome: 'left: it has another name',
    });
    expect(standing()).toEqual([renamed]);
    expect(journal.record().resources.dataloopIntegration?.residue).toEqual({
      reason: `At Dataloop, own is named "renamed", not "${ownName}", so it may belong to somebody else.`,
      advice:
        "Give it that name again to have it deleted, or delete it yourself in Dataloop's console. " +
        'Then send DELETE for this integration again.',
    });
  });
});

describe('what a step must know before it asks Dataloop', () => {
  test('is the organisation that Preflight resolved', () => {
    expect(organizationOf({ record: recordOf() })).toBe('org-1');
    const { dataloop: _unresolved, ...early } = recordOf();
    expect(() => organizationOf({ record: early })).toThrow(
      expect.objectContaining({ name: 'InternalError' }),
    );
  });

  test('is none but the one that was requested', () => {
    const requested = recordOf();
    const dataloop = { ...requested.request.dataloop, organizationId: 'org-2' };
    expect(() =>
      organizationOf({ record: { ...requested, request: { ...requested.request, dataloop } } }),
    ).toThrow(expect.objectContaining({ name: 'RecordDamagedError' }));
  });

  test('is the integration’s id, not just its intended name', () => {
    expect(dataloopIntegrationIdOf(stepOf(created))).toBe('own');
    for (const record of [recordOf(), intended]) {
      expect(() => dataloopIntegrationIdOf(stepOf(record))).toThrow(
        expect.objectContaining({ name: 'InternalError' }),
      );
    }
  });
});

test('polls become rarer up to one a minute', () => {
  const delays = Array.from({ length: 100 }, (_, count) => pollDelaySeconds(count));
  expect(delays.slice(0, 7)).toEqual([2, 4, 8, 16, 32, 60, 60]);
  expect(Math.max(...delays)).toBe(60);
});

describe('whatever call is cut off, before it took effect or after', () => {
  const begin = (passage: Passage) => {
    const journal = journalOf(recordOf(), [], passage);
    const events: string[] = [];
    const { dataloop, standing } = fakeDataloop([], { before: [foreign], passage });
    const attempt = (number = 1) => {
      const step = journal.step(['provisioning'], { step: 'RequestIamUser', attempt: number });
      return requestIamUser(step, dataloop, fakeCallback(events, passage), 'token');
    };
    return { journal, dataloop, standing, events, attempt };
  };

  test('the undo of RequestIamUser leaves nothing of ours behind', async () => {
    const interruptions = await everyInterruption(begin, async ({ journal, dataloop, standing }, where) => {
      await retried(() => deleteIntegration(journal.step(), dataloop));
      expect([where, standing()]).toEqual([where, [foreign]]);
      expect([undefined, 'gone']).toContain(journal.record().resources.dataloopIntegration?.state);
    });
    expect(interruptions).toBe(14);
  });

  test('further attempts of RequestIamUser end with one integration, a poll and an announcement', async () => {
    const needed: number[] = [];
    await everyInterruption(begin, async ({ journal, standing, attempt, events }, where) => {
      const mayBeMade = journal.record().resources.dataloopIntegration && standing().length === 1;
      // Three look for what may be made, the fourth makes it again.
      needed.push(mayBeMade ? 4 : 1);
      events.length = 0;
      await retried((number) => attempt(number + 1));
      expect([where, standing().map(({ name }) => name)]).toEqual([where, ['acme', ownName]]);
      expect(journal.record().resources.dataloopIntegration?.id).toBe(standing()[1]?.id);
      expect([where, ...events.map((event) => event.split(' ')[0])]).toEqual([
        where,
        ...Array(needed.at(-1)).fill('save'),
        'poll',
        'announce',
      ]);
    });
    expect(needed).toContain(4);
  });

  test('further attempts of DeleteIntegration leave nothing of ours behind', async () => {
    const beginUndo = (passage: Passage) => {
      const journal = journalOf(created, [], passage);
      const before = [own, foreign, { ...own, id: 'late' }];
      const { dataloop, standing } = fakeDataloop([], { before, passage });
      return { journal, standing, attempt: () => deleteIntegration(journal.step(), dataloop) };
    };
    const interruptions = await everyInterruption(
      beginUndo,
      async ({ journal, standing, attempt }, where) => {
        await retried(attempt);
        expect([where, standing()]).toEqual([where, [foreign]]);
        expect(journal.record().resources.dataloopIntegration?.state).toBe('gone');
      },
    );
    expect(interruptions).toBe(10);
  });
});

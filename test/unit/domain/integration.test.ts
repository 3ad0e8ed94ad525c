import { describe, expect, test } from '@jest/globals';
import {
  type Callback,
  completeIntegration,
  type DataloopIntegration,
  dataloopIntegrationIdOf,
  deleteIntegration,
  type IntegrationCompleter,
  type IntegrationCreator,
  type IntegrationRemover,
  organizationOf,
  pollDelaySeconds,
  readUserArn,
  requestIamUser,
} from '../../../src/domain/integration.ts';
import {
  everyInterruption,
  fencedStepOf,
  integrationId,
  journalOf,
  knowing,
  type Passage,
  recordOf,
  stepOf,
  thrownBy,
  userArn,
} from './fakes.ts';

const ownName = `acme ${integrationId}`;
const own: DataloopIntegration = { id: 'own', name: ownName, userArn, trustStatus: 'waiting-trust' };
const foreign: DataloopIntegration = { ...own, id: 'foreign', name: 'acme' };
const intended = knowing({ dataloopIntegration: { state: 'intended', name: ownName } });
const created = knowing({ dataloopIntegration: { state: 'created', id: 'own', name: ownName } });

interface Setting {
  readonly before?: readonly DataloopIntegration[];
  /** What the create answer names; undefined: the user comes later. */
  readonly issuedAtOnce?: string | undefined;
  readonly passage?: Passage;
}

/** Dataloop's integrations of one organisation. As there, names may repeat and creation is not idempotent. */
function fakeDataloop(events: string[], setting: Setting = {}) {
  const { before = [], passage = (call) => call() } = setting;
  const issuedAtOnce = 'issuedAtOnce' in setting ? setting.issuedAtOnce : userArn;
  let all = [...before];
  let made = 0;
  const inOrganization = (organizationId: string) => (organizationId === 'org-1' ? all : []);
  const dataloop: IntegrationCreator & IntegrationRemover = {
    getIntegration: (organization, id) =>
      passage(async () => inOrganization(organization).find((each) => each.id === id)),
    listIntegrations: (organization) => passage(async () => inOrganization(organization)),
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
    saveTaskToken: (id, token) => note(`save ${token} of ${id}`),
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
    await requestIamUser(stepOf(intended), dataloop, fakeCallback([]), 'token');
    expect(standing().map(({ id }) => id)).toEqual(['foreign', 'made-1']);
  });

  test('creates nothing when the journal takes its intent no more', async () => {
    const events: string[] = [];
    const { dataloop } = fakeDataloop(events);
    const requesting = requestIamUser(fencedStepOf(recordOf()), dataloop, fakeCallback([]), 'token');
    expect([(await thrownBy(requesting)).name, events]).toEqual(['IntegrationMovedOnError', []]);
  });
});

describe('readUserArn', () => {
  test('reads the user of the very integration that the journal knows', async () => {
    const other = { ...foreign, userArn: 'arn:aws:iam::222222222222:user/other' };
    const { dataloop } = fakeDataloop([], { before: [other, own] });
    expect(await readUserArn(stepOf(created), dataloop)).toBe(userArn);
  });

  test.each([
    ['waits while Dataloop has issued none', [{ ...own, userArn: undefined }], 'IamUserNotIssuedError', true],
    ['gives up on an integration that is gone', [foreign], 'DataloopNotFoundError', false],
  ] as const)('%s', async (_what, before, name, retryable) => {
    const { dataloop } = fakeDataloop([], { before });
    expect(await thrownBy(readUserArn(stepOf(created), dataloop))).toMatchObject({ name, retryable });
  });
});

describe('CompleteIntegration', () => {
  const saying = (atOnce: string | undefined, later: string | undefined) => {
    const given: string[] = [];
    const dataloop: IntegrationCompleter = {
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
    expect(given).toEqual(['org-1', 'own', step.plan.role.arn]);
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

  test('does not look where nothing was intended', async () => {
    const events: string[] = [];
    const { dataloop } = fakeDataloop(events, { before: [own] });
    await deleteIntegration(stepOf(recordOf(), events), dataloop);
    expect(events).toEqual([]);
  });

  test('takes one that somebody else deleted for gone', async () => {
    const journal = journalOf(created);
    expect(await deleteIntegration(journal.step(), fakeDataloop([]).dataloop)).toEqual({
      outcome: 'does not exist',
    });
    expect(journal.record().resources.dataloopIntegration?.state).toBe('gone');
  });

  test('removes one that was renamed at Dataloop: the id is what counts', async () => {
    const { dataloop, standing } = fakeDataloop([], { before: [{ ...own, name: 'renamed' }] });
    await deleteIntegration(stepOf(created), dataloop);
    expect(standing()).toEqual([]);
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
    const attempt = () => requestIamUser(journal.step(), dataloop, fakeCallback(events, passage), 'token');
    return { journal, dataloop, standing, events, attempt };
  };

  test('the undo of RequestIamUser leaves nothing of ours behind', async () => {
    const interruptions = await everyInterruption(begin, async ({ journal, dataloop, standing }, where) => {
      await deleteIntegration(journal.step(), dataloop);
      expect([where, standing()]).toEqual([where, [foreign]]);
      expect([undefined, 'gone']).toContain(journal.record().resources.dataloopIntegration?.state);
    });
    expect(interruptions).toBe(12);
  });

  test('a second attempt of RequestIamUser ends with one integration, a poll and an announcement', async () => {
    await everyInterruption(begin, async ({ journal, standing, attempt, events }, where) => {
      events.length = 0;
      await attempt();
      expect([where, standing().map(({ name }) => name)]).toEqual([where, ['acme', ownName]]);
      expect(journal.record().resources.dataloopIntegration?.id).toBe(standing()[1]?.id);
      expect(events.map((event) => event.split(' ')[0])).toEqual(['save', 'poll', 'announce']);
    });
  });
});

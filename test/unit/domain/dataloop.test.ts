/** The integration and the driver at Dataloop, and the callback: nothing is made twice, nothing foreign is removed. */
import { describe, expect, test } from '@jest/globals';
import {
  type Poller,
  pollIamUser,
  resumeProvisioning,
  type WaitingWorkflows,
} from '../../../src/domain/callback.ts';
import { createDriver, type Driver, type DriverSettings, deleteDriver } from '../../../src/domain/driver.ts';
import {
  completeIntegration,
  type DataloopIntegration,
  deleteIntegration,
  pollDelaySeconds,
  requestIamUser,
} from '../../../src/domain/integration.ts';
import type { IntegrationRecord } from '../../../src/domain/journal.ts';
import { ServiceError } from '../../../src/errors.ts';
import { integrationId, recordOf, stepOf, thrownBy } from './fakes.ts';

const userArn = 'arn:aws:iam::222222222222:user/dataloop-1';
const ownName = `acme ${integrationId}`;

function fakeDataloop(
  events: string[],
  existing: DataloopIntegration[] = [],
  issuedAtOnce: string | undefined = userArn,
) {
  const all = [...existing];
  return {
    getIntegration: async (_org: string, id: string) => all.find((each) => each.id === id),
    listIntegrations: async () => all,
    createIntegration: async (_org: string, name: string): Promise<DataloopIntegration> => {
      events.push('create integration');
      const made = { id: `made-${all.length}`, name, userArn: issuedAtOnce, trustStatus: 'waiting-trust' };
      all.push(made);
      return made;
    },
    deleteIntegration: async (_org: string, id: string) => {
      events.push(`delete integration ${id}`);
    },
  };
}

const callbackInto = (events: string[]) => ({
  saveTaskToken: async () => void events.push('save token'),
  announceIamUser: async () => void events.push('announce'),
  schedulePoll: async () => void events.push('schedule poll'),
});

describe('RequestIamUser', () => {
  test('keeps the token before it asks, journals around the effect, and announces an answer that is there', async () => {
    const events: string[] = [];
    await requestIamUser(stepOf(recordOf(), events), fakeDataloop(events), callbackInto(events), 'token');
    expect(events).toEqual([
      'save token',
      'journal dataloopIntegration intended',
      'create integration',
      'journal dataloopIntegration created',
      'schedule poll',
      'announce',
    ]);
  });

  test('announces nothing while there is no user, and polls', async () => {
    const events: string[] = [];
    const dataloop = fakeDataloop(events);
    const silent = {
      ...dataloop,
      createIntegration: async () => ({ id: 'a', name: ownName, userArn: undefined, trustStatus: undefined }),
    };
    await requestIamUser(stepOf(recordOf(), events), silent, callbackInto(events), 'token');
    expect(events).toContain('schedule poll');
    expect(events).not.toContain('announce');
  });

  test('finds what a lost answer has made, and makes no second one', async () => {
    const events: string[] = [];
    const record = recordOf({ resources: { dataloopIntegration: { state: 'intended', name: ownName } } });
    const lost = { id: 'lost', name: ownName, userArn, trustStatus: 'waiting-trust' };
    const found = await requestIamUser(
      stepOf(record, events),
      fakeDataloop(events, [lost]),
      callbackInto(events),
      't',
    );
    expect(found.dataloopIntegrationId).toBe('lost');
    expect(events).not.toContain('create integration');
  });

  test('takes no integration of the same plain name for its own', async () => {
    const events: string[] = [];
    const record = recordOf({ resources: { dataloopIntegration: { state: 'intended', name: ownName } } });
    const theirs = { id: 'theirs', name: 'acme', userArn, trustStatus: 'trust-established' };
    const made = await requestIamUser(
      stepOf(record, events),
      fakeDataloop(events, [theirs]),
      callbackInto(events),
      't',
    );
    expect(made.dataloopIntegrationId).not.toBe('theirs');
  });
});

describe('CompleteIntegration', () => {
  const record = recordOf({ resources: { dataloopIntegration: { state: 'created', id: 'a' } } });
  const saying = (atOnce: string, later: string) => ({
    setRoleArn: async () => ({ id: 'a', name: ownName, userArn, trustStatus: atOnce }),
    getIntegration: async () => ({ id: 'a', name: ownName, userArn, trustStatus: later }),
  });

  test('ends when Dataloop says that trust is established, at once or on a second look', async () => {
    const established = { trustStatus: 'trust-established' };
    expect(await completeIntegration(stepOf(record), saying('trust-established', ''))).toEqual(established);
    expect(await completeIntegration(stepOf(record), saying('waiting-trust', 'trust-established'))).toEqual(
      established,
    );
  });

  test('is tried again while it does not', async () => {
    const thrown = await thrownBy(
      completeIntegration(stepOf(record), saying('waiting-trust', 'waiting-trust')),
    );
    expect(thrown).toMatchObject({ name: 'TrustNotEstablishedError', retryable: true });
  });
});

test('DeleteIntegration removes just its own, also where only the intent is known', async () => {
  const events: string[] = [];
  const theirs = { id: 'theirs', name: 'acme', userArn, trustStatus: undefined };
  const own = { ...theirs, id: 'own', name: ownName };
  const record = recordOf({ resources: { dataloopIntegration: { state: 'intended', name: ownName } } });
  await deleteIntegration(stepOf(record, events), fakeDataloop(events, [theirs, own]));
  expect(events).toEqual(['delete integration own', 'journal dataloopIntegration gone']);
});

describe('the driver', () => {
  const fakeDrivers = (events: string[], existing: Driver[] = []) => ({
    listDrivers: async () => existing,
    createDriver: async ({ name, integrationId: on }: DriverSettings): Promise<Driver> => {
      events.push('create driver');
      return { id: 'made', name, integrationId: on };
    },
    deleteDriver: async (id: string) => void events.push(`delete driver ${id}`),
  });
  const resources = { dataloopIntegration: { state: 'created', id: 'a' } } as const;

  test('is journalled around its creation', async () => {
    const events: string[] = [];
    await createDriver(stepOf(recordOf({ resources }), events), fakeDrivers(events));
    expect(events).toEqual(['journal driver intended', 'create driver', 'journal driver created']);
  });

  test('is found on its own integration when the answer was lost, and made once', async () => {
    const events: string[] = [];
    const record = recordOf({ resources: { ...resources, driver: { state: 'intended', name: 'acme' } } });
    const foreign = { id: 'theirs', name: 'acme', integrationId: 'other' };
    const lost = { id: 'lost', name: 'acme', integrationId: 'a' };
    expect(await createDriver(stepOf(record, events), fakeDrivers(events, [foreign, lost]))).toEqual({
      driverId: 'lost',
    });
    expect(events).not.toContain('create driver');
  });

  test('of somebody else with the same name is not deleted', async () => {
    const events: string[] = [];
    const record = recordOf({ resources: { ...resources, driver: { state: 'intended', name: 'acme' } } });
    const foreign = { id: 'theirs', name: 'acme', integrationId: 'other' };
    await deleteDriver(stepOf(record, events), fakeDrivers(events, [foreign]));
    expect(events).toEqual(['journal driver gone']);
  });
});

const waitingRecord = (more: Partial<IntegrationRecord> = {}) =>
  recordOf({
    steps: { RequestIamUser: { status: 'waiting', startedAt: '2026-11-23T00:00:00.000Z', attempts: 1 } },
    resources: { dataloopIntegration: { state: 'created', id: 'a' } },
    ...more,
  });

describe('the event that wakes the workflow', () => {
  const issued = { integrationId, dataloopIntegrationId: 'a', userArn };
  const workflows = (record: IntegrationRecord | undefined, more: Partial<WaitingWorkflows> = {}) => {
    const answered: unknown[] = [];
    const all: WaitingWorkflows = {
      read: async () => record,
      readTaskToken: async () => 'token',
      answerTask: async (_token, output) => {
        answered.push(output);
        return true;
      },
      settle: async () => void answered.push('settled'),
      ...more,
    };
    return { all, answered };
  };

  test('answers the waiting task once', async () => {
    const { all, answered } = workflows(waitingRecord());
    expect(await resumeProvisioning(issued, all)).toBe('resumed');
    expect(answered).toEqual([{ userArn }, 'settled']);
  });

  test.each([
    ['unknown-integration', undefined, issued],
    ['not-waiting', waitingRecord({ status: 'rolling-back' }), issued],
    ['not-waiting', recordOf(), issued],
    ['another-integration', waitingRecord(), { ...issued, dataloopIntegrationId: 'other' }],
  ] as const)('does nothing for one that is %s', async (outcome, record, event) => {
    const { all, answered } = workflows(record);
    expect(await resumeProvisioning(event, all)).toBe(outcome);
    expect(answered).toEqual([]);
  });

  test('leaves a wait that is over to its state machine', async () => {
    const { all, answered } = workflows(waitingRecord(), { answerTask: async () => false });
    expect(await resumeProvisioning(issued, all)).toBe('not-waiting');
    expect(answered).toEqual([]);
    expect(
      await resumeProvisioning(
        issued,
        workflows(waitingRecord(), { readTaskToken: async () => undefined }).all,
      ),
    ).toBe('not-waiting');
  });
});

describe('the poll', () => {
  const start = Date.parse('2026-11-23T00:00:00.000Z');
  const poller = (events: string[], found: string | undefined, more: Partial<Poller> = {}): Poller => ({
    read: async () => waitingRecord(),
    getIntegration: async () => ({ id: 'a', name: ownName, userArn: found, trustStatus: undefined }),
    announceIamUser: async () => void events.push('announce'),
    schedulePoll: async ({ count }, delay) => void events.push(`poll ${count} in ${delay}`),
    now: () => start + 1_000,
    onError: () => void events.push('error'),
    ...more,
  });
  const poll = { integrationId, count: 1 };

  test('looks again, later each time', async () => {
    const events: string[] = [];
    expect(await pollIamUser(poll, 60, poller(events, undefined))).toBe('not-yet');
    expect(events).toEqual(['poll 2 in 8']);
    expect([0, 1, 2, 3, 4, 5, 6, 50].map(pollDelaySeconds)).toEqual([2, 4, 8, 16, 32, 60, 60, 60]);
  });

  test('announces the user, and goes on until the workflow has: a lost event heals', async () => {
    const events: string[] = [];
    expect(await pollIamUser(poll, 60, poller(events, userArn))).toBe('announced');
    expect(events).toEqual(['poll 2 in 8', 'announce']);
  });

  test('is not ended by a Dataloop that does not answer', async () => {
    const events: string[] = [];
    const failing = async () => {
      throw new ServiceError('DataloopUnavailableError', 'down');
    };
    expect(await pollIamUser(poll, 60, poller(events, undefined, { getIntegration: failing }))).toBe(
      'not-yet',
    );
    expect(events).toEqual(['error', 'poll 2 in 8']);
  });

  test('ends when the wait is over, or nobody waits', async () => {
    const events: string[] = [];
    expect(await pollIamUser(poll, 60, poller(events, userArn, { now: () => start + 61_000 }))).toBe(
      'not-waiting',
    );
    expect(await pollIamUser(poll, 60, poller(events, userArn, { read: async () => recordOf() }))).toBe(
      'not-waiting',
    );
    expect(await pollIamUser(poll, 60, poller(events, userArn, { read: async () => undefined }))).toBe(
      'not-waiting',
    );
    expect(events).toEqual([]);
  });
});

import { describe, expect, test } from '@jest/globals';
import type { DataloopIntegration } from '../../../../../src/domain/resources/dataloop/api.ts';
import { checkNoDriver } from '../../../../../src/domain/resources/dataloop/driver.ts';
import {
  type Callback,
  deleteIntegration,
  requestIamUser,
} from '../../../../../src/domain/resources/dataloop/integration.ts';
import { completeIntegration } from '../../../../../src/domain/resources/dataloop/trust.ts';
import {
  everyInterruption,
  integrationId,
  journalOf,
  type Passage,
  recordOf,
  requestOf,
  retried,
  stepOf,
  thrownBy,
  userArn,
} from '../../fakes.ts';

const id = 'waiting-1';
const waiting: DataloopIntegration = {
  id,
  name: 'made by hand',
  type: 'aws-cross',
  userArn,
  trustStatus: 'waiting-trust',
};
const adopting = () =>
  recordOf({ request: requestOf({ dataloop: { projectId: 'project-1', integrationId: id } }) });
const adopted = { state: 'created', id, name: 'made by hand', origin: 'adopted' } as const;

/** Dataloop with one integration, in which nothing may be created or deleted. */
function fakeDataloop(
  found: DataloopIntegration | undefined,
  passage: Passage = (call) => call(),
  drivers = 0,
) {
  let now = found;
  const never = () => Promise.reject(new Error('must not be called'));
  const dataloop: Parameters<typeof requestIamUser>[1] & Parameters<typeof completeIntegration>[1] = {
    organizationId: 'org-1',
    getProject: never,
    getIntegration: (organizationId, wanted) =>
      passage(async () => (organizationId === 'org-1' && wanted === id ? now : undefined)),
    listIntegrations: never,
    createIntegration: never,
    countDrivers: () => passage(async () => drivers),
    deleteIntegration: never,
    setRoleArn: (_organization, wanted) =>
      passage(async () => {
        if (!now || wanted !== id) throw new Error('another integration');
        now = { ...now, trustStatus: 'trust-established' };
        return now;
      }),
  };
  return { dataloop, standing: () => now };
}

function fakeCallback(events: string[], passage: Passage = (call) => call()): Callback {
  const note = (what: string) => passage(async () => void events.push(what));
  return {
    saveTaskToken: () => note('save'),
    announceIamUser: (issued) => note(`announce ${JSON.stringify(issued)}`),
    schedulePoll: () => note('poll'),
  };
}

describe('RequestIamUser with an integration that waits', () => {
  test('creates none, takes it on, and announces its IAM user', async () => {
    const events: string[] = [];
    const journal = journalOf(adopting(), events);
    const { dataloop } = fakeDataloop(waiting);
    const answer = await requestIamUser(journal.step(), dataloop, fakeCallback(events), 'token');
    expect(answer).toEqual({ dataloopIntegrationId: id });
    expect(events).toEqual([
      'save',
      'journal dataloopIntegration created',
      'poll',
      `announce ${JSON.stringify({ integrationId, dataloopIntegrationId: id, userArn })}`,
    ]);
    expect(journal.record().resources.dataloopIntegration).toEqual(adopted);
  });

  test.each<[string, DataloopIntegration | undefined, string]>([
    ['Dataloop does not know', undefined, 'is not in organisation org-1'],
    ['is of another type', { ...waiting, type: 'aws-sts' }, 'is of type "aws-sts"'],
    ['has no type that Dataloop names', { ...waiting, type: undefined }, 'is of type "unknown"'],
    ['has a role', { ...waiting, trustStatus: 'trust-established' }, 'already has a role'],
    ['has a role that Dataloop trusts no more', { ...waiting, trustStatus: 'untrusted' }, 'it may be in use'],
    ['says nothing of its trust', { ...waiting, trustStatus: undefined }, 'says "nothing" instead of'],
    ['has no IAM user', { ...waiting, userArn: undefined }, 'has no IAM user'],
  ])('refuses one that %s, and journals nothing', async (_what, found, message) => {
    const journal = journalOf(adopting());
    const { dataloop } = fakeDataloop(found);
    const asking = requestIamUser(journal.step(), dataloop, fakeCallback([]), 'token');
    expect(await thrownBy(asking)).toMatchObject({
      name: 'IntegrationNotAdoptableError',
      message: expect.stringContaining(message),
    });
    expect(journal.record().resources).toEqual({});
  });

  test('refuses one that has drivers already', async () => {
    const journal = journalOf(adopting());
    const { dataloop } = fakeDataloop(waiting, undefined, 2);
    expect(await thrownBy(requestIamUser(journal.step(), dataloop, fakeCallback([]), 'token'))).toMatchObject(
      {
        name: 'IntegrationNotAdoptableError',
        message: expect.stringMatching(/already has drivers \(2\)\. It was left unchanged\. Choose one/),
      },
    );
    expect(journal.record().resources).toEqual({});
  });

  test('ends as an undisturbed one on the second attempt, whatever call was cut off', async () => {
    const begin = (passage: Passage) => {
      const journal = journalOf(adopting(), [], passage);
      const { dataloop } = fakeDataloop(waiting, passage);
      const attempt = () => requestIamUser(journal.step(), dataloop, fakeCallback([], passage), 'token');
      return { journal, attempt };
    };
    const interruptions = await everyInterruption(begin, async ({ journal, attempt }, where) => {
      await attempt();
      expect([where, journal.record().resources.dataloopIntegration]).toEqual([where, adopted]);
    });
    expect(interruptions).toBe(12);
  });
});

test('CompleteIntegration gives it the role', async () => {
  const { dataloop, standing } = fakeDataloop(waiting);
  const step = stepOf({ ...adopting(), resources: { dataloopIntegration: adopted } });
  expect(await completeIntegration(step, dataloop)).toEqual({ trustStatus: 'trust-established' });
  expect(standing()?.trustStatus).toBe('trust-established');
});

describe('DeleteIntegration', () => {
  const known = { ...adopting(), resources: { dataloopIntegration: adopted } };
  const completed = { status: 'failed', startedAt: '2026-11-23T00:00:00.000Z', attempts: 1 } as const;

  test('deletes no integration that was there before', async () => {
    const journal = journalOf(known);
    const { dataloop, standing } = fakeDataloop(waiting);
    expect(await deleteIntegration(journal.step(), dataloop)).toEqual({ outcome: 'left in place' });
    expect(standing()).toBe(waiting);
    expect(journal.record().resources.dataloopIntegration).toEqual({ ...adopted, state: 'gone' });
    expect(await deleteIntegration(journal.step(), dataloop)).toEqual({ outcome: 'nothing to remove' });
  });

  test('says that Dataloop keeps the role ARN, where it may have got it', async () => {
    const journal = journalOf({ ...known, steps: { CompleteIntegration: completed } });
    await retried(() => deleteIntegration(journal.step(), fakeDataloop(waiting).dataloop));
    expect(journal.record().resources.dataloopIntegration).toMatchObject({
      state: 'gone',
      leftAlone: expect.stringContaining('cannot remove a role ARN'),
    });
  });
});

describe('a driver on an integration that waits', () => {
  const driver = { id: 'driver-1', name: 'acme', dataloopIntegrationId: id };
  const check = (drivers: object) =>
    checkNoDriver(stepOf(adopting()).desired, id, {
      listDrivers: async (projectId) => (projectId === 'project-1' ? [{ ...driver, ...drivers }] : []),
    });

  test('of our name is refused: later, it could not be told from ours', async () => {
    expect(await thrownBy(check({}))).toMatchObject({
      name: 'DriverNameTakenError',
      message: expect.stringContaining('dataloop.driverName'),
    });
  });

  test('of another name, or on another integration, is none of our business', async () => {
    await expect(check({ name: 'other' })).resolves.toBeUndefined();
    await expect(check({ dataloopIntegrationId: 'other' })).resolves.toBeUndefined();
    await expect(check({ dataloopIntegrationId: undefined })).resolves.toBeUndefined();
  });
});

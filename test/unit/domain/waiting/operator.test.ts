import { describe, expect, test } from '@jest/globals';
import { parseRequest } from '../../../../src/domain/model/allowed.ts';
import { desiredState } from '../../../../src/domain/model/desired-state.ts';
import type { JournalRecord, OperatorRecord } from '../../../../src/domain/model/record.ts';
import type { DataloopIntegration } from '../../../../src/domain/resources/dataloop/api.ts';
import { requestIamUser } from '../../../../src/domain/resources/dataloop/integration.ts';
import { resumeProvisioning } from '../../../../src/domain/waiting/iam-user.ts';
import { awaitedOf, confirmIamUser, operatorAction } from '../../../../src/domain/waiting/operator.ts';
import { namedUserArn, takeGivenIntegration } from '../../../../src/domain/waiting/operator-steps.ts';
import { ServiceError } from '../../../../src/errors.ts';
import { account, body, integrationId, journalOf, recordOf, thrownBy, userArn } from '../fakes.ts';

const dataloopAccountId = '222222222222';
const trust = { partition: 'aws', dataloopAccountId };
const settings = { ...account, dataloopAccountId };
const asked = { ...body, dataloop: { projectId: 'project-1', createdBy: 'operator' } };
const request = parseRequest(asked, settings);
const by = 'arn:aws:iam::111111111111:user/operator';
const at = '2026-11-23T00:00:00.000Z';
const named: OperatorRecord = { userArn, named: { by, at } };
const given: OperatorRecord = { ...named, given: { dataloopIntegrationId: 'dl-1', by, at } };
const step = (status: 'waiting' | 'succeeded' | 'running' | 'retrying') => ({
  status,
  startedAt: at,
  attempts: 1,
});

const recordWith = (more: Partial<JournalRecord> = {}) => recordOf({ request, ...more });
const waiting = recordWith({ steps: { RequestIamUser: step('waiting') } });
const asking = recordWith({
  operator: named,
  steps: { RequestIamUser: step('succeeded'), CreateRole: step('retrying') },
});
const withRole = recordWith({
  operator: named,
  steps: {
    RequestIamUser: step('succeeded'),
    CreateRole: step('succeeded'),
    CompleteIntegration: step('retrying'),
  },
  resources: { role: { state: 'created', arn: 'arn:aws:iam::111111111111:role/x' } },
});

describe('a request whose integration an operator makes', () => {
  const refusedAt = (more: object, allowed: typeof settings | typeof account) => {
    try {
      parseRequest({ ...asked, dataloop: { ...asked.dataloop, ...more } }, allowed);
    } catch (error) {
      if (error instanceof ServiceError) return error.fields;
    }
    return [];
  };

  test('is refused where the deployment does not know the account that is Dataloop’s, with the parameter', () => {
    expect(refusedAt({}, account)).toEqual([
      { pointer: '/dataloop/createdBy', detail: expect.stringContaining('dataloopAccountId') },
    ]);
  });

  test('names no integration that waits already', () => {
    expect(refusedAt({ integrationId: 'dl-1' }, settings).map(({ pointer }) => pointer)).toEqual([
      '/dataloop/integrationId',
    ]);
  });

  test('creates nothing at Dataloop and asks it nothing: the workflow waits with its token', async () => {
    const saved: string[] = [];
    const never = () => Promise.reject(new Error('Nobody was to be asked.'));
    const answer = await requestIamUser(
      journalOf(waiting).step(),
      {
        organizationId: undefined,
        getProject: never,
        createIntegration: never,
        countDrivers: never,
        getIntegration: never,
        listIntegrations: never,
      },
      {
        saveTaskToken: async (_call, token) => void saved.push(token),
        announceIamUser: never,
        schedulePoll: never,
      },
      'token',
    );
    expect([answer, saved]).toEqual([{}, ['token']]);
  });
});

describe('what is awaited', () => {
  test.each([
    [
      'nothing before the workflow can be woken',
      recordWith({ steps: { RequestIamUser: step('running') } }),
      undefined,
    ],
    ['the IAM user while the workflow waits for it', waiting, 'iam-user'],
    [
      'nothing while the role is made',
      recordWith({
        operator: named,
        steps: { RequestIamUser: step('succeeded'), CreateRole: step('running') },
      }),
      undefined,
    ],
    ['that the role is given, once it is there', withRole, 'role-given'],
    [
      'a correction, as long as the integration was not taken on',
      { ...withRole, operator: given },
      'correct-integration',
    ],
    [
      'nothing once it was taken on',
      {
        ...withRole,
        operator: given,
        resources: { ...withRole.resources, dataloopIntegration: { state: 'created', id: 'dl-1' } },
      },
      undefined,
    ],
    ['a correction, as long as no role may trust the user', asking, 'correct-iam-user'],
    [
      'nothing once a role may trust the user',
      { ...asking, resources: { role: { state: 'intended', arn: 'arn:role' } } },
      undefined,
    ],
    ['nothing of what is rolled back', { ...waiting, status: 'rolling-back' as const }, undefined],
    [
      'nothing of what the service makes itself',
      recordOf({ steps: { RequestIamUser: step('waiting') } }),
      undefined,
    ],
  ] as const)('is %s', (_what, record, expected) => {
    expect(awaitedOf(record)).toBe(expected);
    const action = operatorAction(record, desiredState(integrationId, record.request, account), 3600);
    expect(action !== undefined).toBe(expected !== undefined);
  });

  test('is said with everything that a person needs for it', () => {
    const plan = desiredState(integrationId, request, account);
    const first = operatorAction(waiting, plan, 3600);
    expect(first).toMatchObject({ roleArn: plan.role.arn, permissionPolicy: plan.permissionPolicy });
    expect(first?.steps.join('\n')).toMatch(
      /org-1[\s\S]*Get IAM user[\s\S]*POST \/integrations\/int_\w+\/iam-user/,
    );
    const second = operatorAction(withRole, plan, 3600);
    expect(second).toMatchObject({ roleArn: plan.role.arn, permissionPolicy: plan.permissionPolicy });
    expect(JSON.stringify(second?.['trustPolicy' as keyof typeof second])).toContain(userArn);
    expect(second?.steps[0]).toContain(plan.role.arn);
    // Each says until when, and a correction says what there is to correct.
    for (const action of [first, second]) expect(action?.until).toBe('2026-11-23T01:00:00.000Z');
    expect(operatorAction(asking, plan, 60)).toMatchObject({
      what: expect.stringContaining(userArn),
      until: '2026-11-23T00:01:00.000Z',
    });
    expect(operatorAction({ ...withRole, operator: given }, plan, 3600)?.what).toContain('dl-1');
  });
});

describe('an answer of the operator', () => {
  /** Answers where the journal holds a record; another may have written to it since. */
  function answering(
    record: JournalRecord,
    {
      isLost = false,
      isAccountKnown = true,
      since = {},
    }: { isLost?: boolean; isAccountKnown?: boolean; since?: Partial<JournalRecord> } = {},
  ) {
    const events: unknown[] = [];
    const reads = [record];
    const answer = (sent: unknown) =>
      confirmIamUser(integrationId, sent, by, {
        journal: {
          read: async () => reads.shift() ?? { ...record, ...since },
          writeOperator: async (_id, operator, before) => {
            events.push(['journal', operator, before]);
            return isLost ? undefined : { ...record, operator, ...since };
          },
        },
        announceIamUser: async (issued) => void events.push(['event', issued]),
        partition: 'aws',
        dataloopAccountId: isAccountKnown ? dataloopAccountId : undefined,
      });
    return { answer, events };
  }
  const said = { by, at: expect.any(String) };
  const other = 'arn:aws:iam::222222222222:user/dataloop-2';

  test('with the IAM user is journalled with who gave it, then wakes the workflow', async () => {
    const { answer, events } = answering(waiting);
    expect((await answer({ userArn })).operator).toEqual({ userArn, named: said });
    expect(events).toEqual([
      ['journal', { userArn, named: said }, undefined],
      ['event', { integrationId, userArn }],
    ]);
  });

  test('with the integration is journalled beside the user', async () => {
    const { answer, events } = answering(withRole);
    await answer({ userArn, dataloopIntegrationId: 'dl-1' });
    expect(events).toEqual([
      ['journal', { ...named, given: { dataloopIntegrationId: 'dl-1', ...said } }, named],
    ]);
  });

  test('given again wakes a workflow whose event was lost, and journals nothing', async () => {
    const { answer, events } = answering({ ...waiting, operator: named });
    await answer({ userArn });
    expect(events).toEqual([['event', { integrationId, userArn }]]);
  });

  test.each([
    ['the user, while the role is made', { ...recordWith(), operator: named }, { userArn }],
    ['the user, once the role is there', withRole, { userArn }],
    [
      'everything, after it was taken',
      { ...withRole, operator: given },
      { userArn, dataloopIntegrationId: 'dl-1' },
    ],
  ] as const)('given again changes nothing: %s', async (_what, record, sent) => {
    const { answer, events } = answering(record);
    expect(await answer(sent)).toEqual(record);
    expect(events).toEqual([]);
  });

  test.each([
    ['nothing is awaited', recordWith({ status: 'ready' }), { userArn }],
    ['it is rolled back', { ...waiting, status: 'rolling-back' as const, operator: named }, { userArn }],
    [
      'a role may trust another user',
      { ...asking, resources: { role: { state: 'intended' as const, arn: 'arn:role' } } },
      { userArn: other },
    ],
    ['another user has the role', withRole, { userArn: other, dataloopIntegrationId: 'dl-1' }],
    [
      'another integration was taken on',
      {
        ...withRole,
        operator: given,
        resources: { ...withRole.resources, dataloopIntegration: { state: 'created' as const, id: 'dl-1' } },
      },
      { userArn, dataloopIntegrationId: 'dl-2' },
    ],
  ] as const)('is refused with 409 where %s', async (_what, record, sent) => {
    const { answer, events } = answering(record);
    expect((await thrownBy(answer(sent))).name).toBe('NothingAwaitedError');
    expect(events).toEqual([]);
  });

  test.each([
    [
      'while the workflow waits for it',
      { ...waiting, operator: named },
      [['event', { integrationId, userArn: other }]],
    ],
    ['while CreateRole asks for it', asking, []],
  ])('can correct the user %s', async (_what, record, woken) => {
    const { answer, events } = answering(record);
    await answer({ userArn: other });
    expect(events).toEqual([['journal', { userArn: other, named: said }, named], ...woken]);
  });

  test.each([
    ['while an attempt asks about the one before', { CreateRole: step('running') }],
    ['before the first attempt', {}],
  ])('is told to correct the user again in a moment, %s', async (_when, more) => {
    const steps = { RequestIamUser: step('succeeded'), ...more };
    const { answer, events } = answering(recordWith({ operator: named, steps }));
    expect(await thrownBy(answer({ userArn: other }))).toMatchObject({ name: 'TryAgainError' });
    expect(events).toEqual([]);
  });

  test('that names another user at the moment at which CreateRole begins is not written', async () => {
    const since = { steps: { RequestIamUser: step('succeeded'), CreateRole: step('running') } };
    const { answer } = answering({ ...waiting, operator: named }, { isLost: true, since });
    expect(await thrownBy(answer({ userArn: other }))).toMatchObject({
      name: 'TryAgainError',
      message: expect.stringContaining(`about the IAM user ${userArn} `),
    });
  });

  test('can correct the integration as long as it was not taken on', async () => {
    const { answer, events } = answering({ ...withRole, operator: given });
    await answer({ userArn, dataloopIntegrationId: 'dl-2' });
    expect(events).toEqual([
      ['journal', { ...named, given: { dataloopIntegrationId: 'dl-2', ...said } }, given],
    ]);
  });

  test('that comes when the step has begun with what was said before is refused', async () => {
    const { answer } = answering(
      { ...withRole, operator: given },
      {
        since: {
          resources: { ...withRole.resources, dataloopIntegration: { state: 'created', id: 'dl-1' } },
        },
      },
    );
    expect((await thrownBy(answer({ userArn, dataloopIntegrationId: 'dl-2' }))).name).toBe(
      'NothingAwaitedError',
    );
  });

  test('that comes second is refused: the first one counts, and no event is sent', async () => {
    const { answer, events } = answering(waiting, { isLost: true });
    expect((await thrownBy(answer({ userArn }))).name).toBe('NothingAwaitedError');
    expect(events).toEqual([['journal', expect.anything(), undefined]]);
  });

  test.each([
    ['a role', 'arn:aws:iam::222222222222:role/dataloop-1'],
    ['an account', 'arn:aws:iam::222222222222:root'],
    ['a user of another account', 'arn:aws:iam::333333333333:user/dataloop-1'],
    ['a user of another partition', 'arn:aws-cn:iam::222222222222:user/dataloop-1'],
    ['everybody', 'arn:aws:iam::222222222222:user/*'],
  ])('that names %s is refused before anything is written', async (_what, arn) => {
    const { answer, events } = answering(waiting);
    const thrown = await thrownBy(answer({ userArn: arn }));
    expect(thrown).toMatchObject({ name: 'InvalidRequestError', fields: [{ pointer: '/userArn' }] });
    expect(events).toEqual([]);
  });

  test('is refused where the deployment no longer knows Dataloop’s account', async () => {
    const { answer } = answering(waiting, { isAccountKnown: false });
    expect(await thrownBy(answer({ userArn }))).toMatchObject({
      fields: [{ pointer: '/userArn', detail: expect.stringContaining('dataloopAccountId') }],
    });
  });

  test.each([
    ['no user', waiting, {}, '/userArn'],
    [
      'an id that is no part of a path',
      withRole,
      { userArn, dataloopIntegrationId: '..' },
      '/dataloopIntegrationId',
    ],
    ['a field that is not known', waiting, { userArn, role: 'x' }, '/role'],
  ] as const)('with %s is refused', async (_what, record, sent, pointer) => {
    expect(await thrownBy(answering(record).answer(sent))).toMatchObject({
      name: 'InvalidRequestError',
      fields: [{ pointer }],
    });
  });
});

describe('the event of an operator’s answer', () => {
  const resume = (record: JournalRecord, issued: { userArn: string; dataloopIntegrationId?: string }) =>
    resumeProvisioning(
      { integrationId, ...issued },
      {
        read: async () => record,
        readTaskToken: async () => 'token',
        answerTask: async () => true,
        settle: async () => undefined,
      },
    );

  test('wakes the workflow for the user that is journalled, and no other', async () => {
    const told = { ...waiting, operator: named };
    expect(await resume(told, { userArn })).toBe('resumed');
    expect(await resume(told, { userArn: `${userArn}2` })).toBe('another-integration');
    expect(await resume(waiting, { userArn })).toBe('another-integration');
  });

  test('wakes no workflow whose integration the service made', async () => {
    const record = recordOf({
      steps: { RequestIamUser: step('waiting') },
      resources: { dataloopIntegration: { state: 'created', id: 'dl-1' } },
    });
    expect(await resume(record, { userArn })).toBe('another-integration');
  });
});

const forbidden = () => Promise.reject(new ServiceError('DataloopForbiddenError', 'owners only'));
const integration = (more: Partial<DataloopIntegration> = {}): DataloopIntegration => ({
  id: 'dl-1',
  name: 'made by hand',
  type: 'aws-cross',
  userArn,
  trustStatus: 'trust-established',
  ...more,
});

describe('the user that a role trusts', () => {
  const userOf = (
    operator: OperatorRecord | undefined,
    list: () => Promise<DataloopIntegration[]>,
    accountId?: string,
    waitedSeconds = 0,
  ) =>
    namedUserArn(
      journalOf(recordWith(operator ? { operator } : {})).step(['provisioning'], {
        step: 'CreateRole',
        startedAt: at,
        begunAt: Date.parse(at) + waitedSeconds * 1000,
      }),
      {
        getProject: async (id) => ({ id, organizationId: 'org-1' }),
        listIntegrations: list,
        organizationId: undefined,
      },
      { ...trust, dataloopAccountId: accountId },
      3600,
    );

  test('is the one that was named, where our credentials may not look', async () => {
    expect(await userOf(named, forbidden, dataloopAccountId)).toBe(userArn);
  });

  test('is one that Dataloop has, where they may', async () => {
    expect(await userOf(named, async () => [integration()], dataloopAccountId)).toBe(userArn);
  });

  test.each([
    ['OperatorAwaitedError', 3599],
    ['OperatorTimeoutError', 3600],
  ])('can be corrected until the time is over: %s after %d s', async (name, waitedSeconds) => {
    const others = async () => [integration({ userArn: `${userArn}2` })];
    const refused = await thrownBy(userOf(named, others, dataloopAccountId, waitedSeconds));
    expect(refused).toMatchObject({ name, message: expect.stringContaining(userArn) });
  });

  test('is nobody where Dataloop’s account is not known, where nobody was named, or Dataloop does not answer', async () => {
    expect((await thrownBy(userOf(named, forbidden))).name).toBe('InvalidIamUserArnError');
    const foreign = { ...named, userArn: 'arn:aws:iam::333333333333:user/x' };
    expect((await thrownBy(userOf(foreign, forbidden, dataloopAccountId))).name).toBe(
      'InvalidIamUserArnError',
    );
    expect((await thrownBy(userOf(undefined, forbidden, dataloopAccountId))).name).toBe(
      'IamUserNotIssuedError',
    );
    const down = () => Promise.reject(new ServiceError('DataloopUnavailableError', 'down'));
    expect((await thrownBy(userOf(named, down, dataloopAccountId))).name).toBe('DataloopUnavailableError');
  });
});

describe('the integration that was given the role', () => {
  function taking(
    operator: OperatorRecord | undefined,
    get: () => Promise<DataloopIntegration | undefined>,
    { waitedSeconds = 0, drivers = [] as { id: string; name: string; dataloopIntegrationId: string }[] } = {},
  ) {
    const journal = journalOf({ ...withRole, ...(operator ? { operator } : {}) });
    const answer = takeGivenIntegration(
      journal.step(['provisioning'], {
        step: 'CompleteIntegration',
        startedAt: at,
        begunAt: Date.parse(at) + waitedSeconds * 1000,
      }),
      'org-1',
      { getIntegration: get, listDrivers: async () => drivers },
      3600,
    );
    return { answer, journal };
  }

  test.each([
    ['OperatorAwaitedError', 3599],
    ['OperatorTimeoutError', 3600],
  ])('is waited for until the time is over: %s after %d s', async (name, waitedSeconds) => {
    const { answer, journal } = taking(named, forbidden, { waitedSeconds });
    expect((await thrownBy(answer)).name).toBe(name);
    expect(journal.record().resources.dataloopIntegration).toBeUndefined();
  });

  test('is taken on as adopted where it cannot be read: the driver test is the proof', async () => {
    const { answer, journal } = taking(given, forbidden);
    expect(await answer).toEqual({ trustStatus: 'unknown' });
    expect(journal.record().resources.dataloopIntegration).toEqual({
      state: 'created',
      id: 'dl-1',
      origin: 'adopted',
    });
  });

  test('is taken on as adopted where it trusts', async () => {
    const { answer, journal } = taking(given, async () => integration());
    expect(await answer).toEqual({ trustStatus: 'trust-established' });
    expect(journal.record().resources.dataloopIntegration).toMatchObject({
      name: 'made by hand',
      origin: 'adopted',
    });
  });

  test.each<[string, DataloopIntegration | undefined, string]>([
    ['has not the role yet', integration({ trustStatus: 'waiting-trust' }), 'waiting-trust'],
    ['has another user', integration({ userArn: `${userArn}2` }), 'does not have the IAM user'],
    ['is not there', undefined, 'has no integration dl-1'],
  ])('is not taken on where it %s, and can be corrected', async (_what, found, said) => {
    const { answer, journal } = taking(given, async () => found);
    const thrown = await thrownBy(answer);
    expect(thrown).toMatchObject({ name: 'OperatorAwaitedError', message: expect.stringContaining(said) });
    expect(journal.record().resources.dataloopIntegration).toBeUndefined();
    const late = taking(given, async () => found, { waitedSeconds: 3600 });
    expect(await thrownBy(late.answer)).toMatchObject({
      name: 'OperatorTimeoutError',
      message: expect.stringContaining(said),
    });
  });

  test('stays the one that an earlier attempt took on, whatever was said since', async () => {
    const asked: string[] = [];
    const journal = journalOf({
      ...withRole,
      operator: { ...given, given: { dataloopIntegrationId: 'dl-2', by, at } },
      resources: { ...withRole.resources, dataloopIntegration: { state: 'created', id: 'dl-1' } },
    });
    await takeGivenIntegration(
      journal.step(['provisioning']),
      'org-1',
      {
        getIntegration: async (_organization, id) => {
          asked.push(id);
          return integration();
        },
        listDrivers: async () => [],
      },
      3600,
    );
    expect(asked).toEqual(['dl-1']);
  });

  test('is not taken on where it has a driver of our name: that one is somebody else’s', async () => {
    const drivers = [{ id: 'd', name: 'acme', dataloopIntegrationId: 'dl-1' }];
    const { answer } = taking(given, forbidden, { drivers });
    expect(await thrownBy(answer)).toMatchObject({
      name: 'OperatorAwaitedError',
      message: expect.stringContaining('already has a driver'),
    });
  });
});

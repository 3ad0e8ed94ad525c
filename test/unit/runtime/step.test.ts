import { inspect } from 'node:util';
import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { StepCall, StepJournal } from '../../../src/domain/model/record.ts';
import type { AttemptEnd } from '../../../src/domain/model/step-record.ts';
import { ServiceError } from '../../../src/errors.ts';
import { integrationId, recordOf, thrownBy } from '../domain/fakes.ts';
import '../environment.ts';
import { endingContext, lambdaContext, outlastingContext, remainingMilliseconds } from './lambda-context.ts';

/** What was written to the journal, in order, beside what the work of a step did. */
let events: string[] = [];
const calls: StepCall[] = [];
let failures: AttemptEnd[] = [];
let spent: AttemptEnd['spent'][] = [];
/** What the record says beside what it always does. */
let begun: Parameters<typeof recordOf>[0] = {};
let refusing: Partial<Record<keyof StepJournal, Error>> = {};

function refuseIfTold(what: keyof StepJournal): void {
  const refusal = refusing[what];
  if (refusal) throw refusal;
}

const journal: StepJournal = {
  beginStep: async (call, during, endsIn) => {
    refuseIfTold('beginStep');
    calls.push(call);
    const states = `while ${during.join(' or ')}${endsIn ? `, ends in ${endsIn.join(' or ')}` : ''}`;
    events.push(`begin ${call.step} ${states}`);
    return recordOf(begun);
  },
  endCall: async (call) => {
    refuseIfTold('endCall');
    events.push(`end call ${call.callId}`);
  },
  endStep: async (call, status, endedAt, more = {}) => {
    refuseIfTold('endStep');
    const { spent: atEnd, ...failure } = more;
    spent.push(atEnd);
    if (failure.reason !== undefined) failures.push(failure);
    events.push(`end ${call.callId} as ${status}${endedAt ? ` at ${endedAt}` : ''}`);
  },
  writeResource: async (_call, key, resource, during) => {
    events.push(`journal ${key} ${resource.state} while ${during.join(' or ')}`);
  },
};

// The handler makes its journal when it is loaded, as the deployed function does.
jest.unstable_mockModule('../../../src/clients/aws/journal/record.ts', () => ({
  stepJournal: () => journal,
}));
const { deprovisionStep, provisionStep, stepHandler } = await import('../../../src/runtime/step.ts');
const { logger } = await import('../../../src/runtime/log.ts');

const logs = [jest.spyOn(logger, 'info'), jest.spyOn(logger, 'warn'), jest.spyOn(logger, 'error')];
const appendKeys = jest.spyOn(logger, 'appendKeys');
const now = '2026-11-23T00:00:10.000Z';

beforeEach(() => {
  jest.useFakeTimers({ now: new Date(now) });
  events = [];
  calls.length = 0;
  failures = [];
  spent = [];
  refusing = {};
  begun = {};
  for (const log of logs) log.mockReset().mockReturnValue(undefined);
  appendKeys.mockReset().mockReturnValue(undefined);
});

const input = {
  integrationId,
  executionArn: recordOf().executionArn,
  enteredAt: '2026-11-23T00:00:00Z',
  attempt: 2,
  taskToken: 'secret-token',
};
const callId = `${integrationId}/CreateRole/2`;
const work = async () => {
  events.push('work');
  return { roleArn: 'arn:role' };
};

describe('a step', () => {
  test('is journalled before its work and after it, and answers with what the work gives', async () => {
    const handler = provisionStep('CreateRole', work);
    expect(await handler(input, lambdaContext)).toEqual({ roleArn: 'arn:role' });
    expect(events).toEqual([
      'begin CreateRole while provisioning',
      'work',
      `end ${callId} as succeeded at ${now}`,
    ]);
  });

  test('is a call of its own for each attempt, open for as long as its function can live', async () => {
    const handler = provisionStep('CreateRole', work);
    await handler(input, lambdaContext);
    await handler({ ...input, attempt: 3 }, lambdaContext);
    expect(calls[0]).toEqual({
      recordId: integrationId,
      step: 'CreateRole',
      callId,
      attempt: 2,
      startedAt: '2026-11-23T00:00:00.000Z',
      begunAt: Date.parse(now),
      aliveUntil: Date.parse(now) + remainingMilliseconds,
    });
    expect(new Set(calls.map((call) => call.callId)).size).toBe(2);
  });

  describe.each([
    ['right', 0, 0],
    ['slow by a minute', 60_000, 0],
    ['slow by a day', 86_400_000, 0],
    ['right, and it took 4 s to start', -4_000, 4_000],
    // No start takes longer than Step Functions waits.
    ['fast by a minute', -60_000, 10_000],
    ['fast by a day', -86_400_000, 10_000],
  ])('whose clock is %s', (_clock, behindMs, startMs) => {
    const begunAt = Date.parse(now) + behindMs;

    test('begins by the clock of Step Functions, and seems over neither before it is nor long after', async () => {
      await provisionStep('CreateRole', work)({ ...input, begunAt }, lambdaContext);
      expect(calls[0]).toMatchObject({ begunAt, aliveUntil: begunAt + startMs + remainingMilliseconds });
    });
  });

  test('of an execution that an earlier version started does not seem over before it is where its clock is slow', async () => {
    const enteredAt = '2026-11-23T00:05:00.000Z';
    await provisionStep('CreateRole', work)({ ...input, enteredAt }, lambdaContext);
    expect(calls[0]).toMatchObject({
      startedAt: enteredAt,
      begunAt: Date.parse(enteredAt),
      aliveUntil: Date.parse(enteredAt) + remainingMilliseconds,
    });
  });

  test('is ended by Lambda where it runs too long, never by an error while its work goes on', async () => {
    const handler = provisionStep('CreateRole', () => outlastingContext('done'));
    expect(await handler(input, endingContext)).toBe('done');
    expect(events.at(-1)).toBe(`end ${callId} as succeeded at ${now}`);
  });

  test('works by the plan of the journalled request, and gets its whole input', async () => {
    const seen: unknown[] = [];
    await provisionStep('CreateRole', async ({ desired: plan, call }, given) => {
      seen.push(plan.recordId, plan.role.name, call.callId, given['taskToken']);
    })(input, lambdaContext);
    expect(seen).toEqual([integrationId, 'dataloop-acme', callId, 'secret-token']);
  });

  test('that waits for an answer ends as waiting, with no end time', async () => {
    const handler = stepHandler('RequestIamUser', { during: ['provisioning'], endsAs: 'waiting' }, work);
    await handler(input, lambdaContext);
    expect(events.at(-1)).toBe(`end ${integrationId}/RequestIamUser/2 as waiting`);
  });

  test('that ends with the status leaves its end to its work, and ends only its call', async () => {
    const options = { during: ['provisioning'], endsIn: ['ready'] } as const;
    await stepHandler('Activate', options, work)(input, lambdaContext);
    expect(events).toEqual([
      'begin Activate while provisioning, ends in ready',
      'work',
      `end call ${integrationId}/Activate/2`,
    ]);
  });

  test.each([
    ['provisioning', provisionStep, 'provisioning'],
    ['undo', deprovisionStep, 'rolling-back or removing'],
  ] as const)('of the %s writes in its own states only', async (_which, make, states) => {
    await make('CreateRole', (step) => step.created('role', { arn: 'arn:role' }))(input, lambdaContext);
    expect(events.slice(0, 2)).toEqual([
      `begin CreateRole while ${states}`,
      `journal role created while ${states}`,
    ]);
  });

  test.each<[string, string, boolean]>([
    ['of an earlier run, which somebody redrove', '-remove-1-0123456789ab', false],
    ['of an earlier run of an earlier version', '-rollback-1', false],
    ['of the run that the record tells of', '-remove-2-0123456789ab', true],
    ['with a name of somebody’s own', '', true],
  ])('of an undo %s works or does not', async (_which, name, isDone) => {
    begun = { status: 'removing', deprovision: { mode: 'remove', run: 2, restarts: 0 } };
    const executionArn = `${input.executionArn}${name}`;
    const done = deprovisionStep('DeleteRole', work)({ ...input, executionArn }, lambdaContext);
    if (isDone) await done;
    else expect(await thrownBy(done)).toMatchObject({ name: 'IntegrationMovedOnError' });
    expect(events.includes('work')).toBe(isDone);
  });

  test('does no work when the integration has moved on', async () => {
    const movedOn = new ServiceError('IntegrationMovedOnError', 'no longer provisioning');
    refusing = { beginStep: movedOn };
    expect(await thrownBy(provisionStep('CreateRole', work)(input, lambdaContext))).toBe(movedOn);
    expect(events).toEqual([]);
  });

  test.each([
    ['no integration', { integrationId: undefined }],
    ['no attempt', { attempt: 0 }],
    ['a time that is none', { enteredAt: 'yesterday' }],
  ])('does not begin with %s in its input', async (_what, more) => {
    await thrownBy(provisionStep('CreateRole', work)({ ...input, ...more }, lambdaContext));
    expect(events).toEqual([]);
  });
});

describe('a step that fails', () => {
  const failing = (error: unknown) =>
    thrownBy(provisionStep('CreateRole', () => Promise.reject(error))(input, lambdaContext));

  test('is journalled as failed with its end, and hands its error to the state machine', async () => {
    const taken = new ServiceError('RoleNameTakenError', 'taken');
    expect(await failing(taken)).toBe(taken);
    expect(events.at(-1)).toBe(`end ${callId} as failed at ${now}`);
  });

  test('is journalled as retrying, with no end, where the error may pass', async () => {
    await failing(new ServiceError('AwsUnavailableError', 'throttled'));
    expect(events.at(-1)).toBe(`end ${callId} as retrying`);
    // The second attempt is followed within 4 s.
    expect(failures).toEqual([
      { reason: 'throttled', nextAttemptBy: new Date(Date.parse(now) + 4_000).toISOString() },
    ]);
  });

  test('with an error that is none of ours fails by a name that the state machine knows', async () => {
    expect(await failing(new TypeError('x'))).toMatchObject({ name: 'InternalError' });
    expect(events.at(-1)).toBe(`end ${callId} as failed at ${now}`);
  });

  test('keeps its own error where the journal does not take the end either', async () => {
    refusing = { endStep: new ServiceError('AwsUnavailableError', 'throttled') };
    const taken = new ServiceError('RoleNameTakenError', 'taken');
    expect(await failing(taken)).toBe(taken);
  });

  test('has not succeeded where the journal does not take its success', async () => {
    const throttled = new ServiceError('AwsUnavailableError', 'throttled');
    refusing = { endStep: throttled };
    expect(await thrownBy(provisionStep('CreateRole', work)(input, lambdaContext))).toBe(throttled);
    expect(events).toContain('work');
  });
});

test('the end of an attempt says where its time went, also where it failed', async () => {
  const spentBy = { ownMs: expect.any(Number), awsMs: expect.any(Number), dataloopMs: expect.any(Number) };
  await provisionStep('CreateRole', async () => 'made')(input, lambdaContext).catch(() => undefined);
  await provisionStep('CreateRole', () => Promise.reject(new ServiceError('AwsUnavailableError', 'x')))(
    input,
    lambdaContext,
  ).catch(() => undefined);
  expect(spent).toEqual([spentBy, spentBy]);
});

test('logs say which step of which integration, and never hold the input or a cause', async () => {
  const cause = new Error('answer with secret-token');
  await provisionStep('CreateRole', work)(input, lambdaContext);
  await thrownBy(
    provisionStep('CreateRole', () =>
      Promise.reject(new ServiceError('DataloopForbiddenError', 'x', { cause })),
    )(input, lambdaContext),
  );
  expect(appendKeys).toHaveBeenCalledWith({
    recordId: integrationId,
    executionArn: input.executionArn,
    stateName: 'CreateRole',
    attempt: 2,
  });
  const lines = logs.flatMap((log) => log.mock.calls);
  expect(lines).toContainEqual([
    'Step failed',
    { errorName: 'DataloopForbiddenError', errorMessage: 'x', retryable: false },
  ]);
  // `inspect` shows what a logger would find in an error, its causes included.
  expect(inspect(lines, { depth: null })).not.toContain('secret-token');
});

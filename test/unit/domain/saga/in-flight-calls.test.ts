import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { projectRoot } from '../../../../local/environment/paths.ts';
import type { JournalRecord } from '../../../../src/domain/model/record.ts';
import type { StepName } from '../../../../src/domain/model/steps.ts';
import {
  beforeMaking,
  functionLifetimeSeconds,
  graceSeconds,
  inFlightCallsSettled,
  noEarlierCall,
  whileCallsAreInFlight,
} from '../../../../src/domain/saga/in-flight-calls.ts';
import { confirmAbsence } from '../../../../src/domain/saga/ownership.ts';
import { ServiceError } from '../../../../src/errors.ts';
import { integrationId, journalOf, recordOf, stepOf, thrownBy } from '../fakes.ts';

const grace = graceSeconds * 1000;
const lifetime = functionLifetimeSeconds * 1000;

test('a function lives as long as the deployment lets it', () => {
  const serverless = readFileSync(join(projectRoot, 'serverless.yml'), 'utf8');
  const ofProvider = /^provider:\n(?: .*\n|\n)*? {2}timeout: (\d+)$/m.exec(serverless);
  expect(Number(ofProvider?.[1])).toBe(functionLifetimeSeconds);
  const [, steps = ''] = /# States of statemachines\/provision([\s\S]*)# The callback/.exec(serverless) ?? [];
  expect(steps).toContain('conclude:');
  expect(steps).not.toContain('timeout:');
});

/** Calls by their ids, each with the time until which its function can live. */
const inFlight = (untils: Record<string, number>, step?: StepName): JournalRecord['inFlightCalls'] =>
  Object.fromEntries(Object.entries(untils).map(([callId, until]) => [callId, { step, until }]));

describe('in-flight calls', () => {
  /** When the undo began to wait, by the clock of Step Functions. */
  const since = 1_795_392_000_000;
  const settled = (untils: Record<string, number>, now: number) =>
    inFlightCallsSettled(
      stepOf(recordOf({ inFlightCalls: inFlight(untils) })),
      new Date(since),
      new Date(now),
    );
  const until = since + 10_000;

  test('hold the undo up, by name, until their functions can no longer live', () => {
    expect(settled({ a: until, b: until }, until)).toMatchObject({
      settled: false,
      inFlightCalls: ['a', 'b'],
    });
    expect(settled({ a: until, b: until + 1 }, until + grace)).toMatchObject({
      settled: false,
      inFlightCalls: ['b'],
    });
    expect(settled({ a: until }, until + grace)).toMatchObject({ settled: true, inFlightCalls: [] });
  });

  test('hold it up beyond their functions’ life: a request sent last may still be under way', () => {
    expect(graceSeconds).toBeGreaterThan(0);
    expect(settled({ a: until }, until + grace - 1).settled).toBe(false);
  });

  test.each([
    ['an hour ahead', since + 3_600_000],
    ['a year ahead', since + 31_536_000_000],
    ['a little ahead', since + lifetime + 1],
  ])('of a function whose clock is %s hold it up no longer than a function lives', (_how, aliveUntil) => {
    expect(settled({ a: aliveUntil }, since + lifetime + grace - 1)).toMatchObject({
      settled: false,
      inFlightCalls: ['a'],
    });
    expect(settled({ a: aliveUntil }, since + lifetime + grace)).toMatchObject({
      settled: true,
      inFlightCalls: [],
    });
  });

  test('that were over before the undo began do not hold it up', () => {
    expect(settled({ a: since - grace }, since).settled).toBe(true);
    expect(settled({ a: since - grace + 1 }, since).settled).toBe(false);
  });

  test('do not hold it up where there are none, nor for the very call that asks', () => {
    expect(settled({}, since).settled).toBe(true);
    expect(settled({ [stepOf(recordOf()).call.callId]: until }, since).settled).toBe(true);
  });

  test('are over 35 s after the undo began to wait, whatever any clock of a function says', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(1_000_000), (aliveUntil, later) => {
        expect(settled({ a: aliveUntil }, since + 35_000 + later).settled).toBe(true);
      }),
    );
  });

  test('are looked at again soon, in whole seconds that Step Functions can wait', () => {
    fc.assert(
      fc.property(fc.integer({ min: -60_000, max: 120_000 }), fc.nat(120_000), (openFor, waited) => {
        const { waitSeconds } = settled({ a: since + openFor }, since + waited);
        expect(Number.isInteger(waitSeconds) && waitSeconds >= 1 && waitSeconds <= 5).toBe(true);
      }),
    );
    expect(settled({ a: until }, since).waitSeconds).toBe(5);
    expect(settled({ a: until }, until + grace - 1_500).waitSeconds).toBe(2);
    expect(settled({ a: since + 3_600_000 }, since + lifetime + grace - 2_500).waitSeconds).toBe(3);
  });
});

describe('who writes the policies of an integration', () => {
  const since = 1_795_392_000_000;
  const until = since + 10_000;
  const settled = (accessLock: JournalRecord['accessLock'], now: number) =>
    inFlightCallsSettled(stepOf(recordOf(accessLock ? { accessLock } : {})), new Date(since), new Date(now));

  test('is waited for as for a call of its own: a policy may still be attached to the role', () => {
    const accessLock = { by: 'drv_1/GrantAccess/1', until };
    expect(settled(accessLock, until)).toMatchObject({
      settled: false,
      inFlightCalls: ['drv_1/GrantAccess/1'],
    });
    expect(settled(accessLock, until + grace)).toMatchObject({ settled: true, inFlightCalls: [] });
    expect(settled({ by: 'drv_1/RevokeAccess/1', until: since + 3_600_000 }, since + 35_000).settled).toBe(
      true,
    );
  });
});

describe('what is taken away while calls are in flight', () => {
  const role = { state: 'created', arn: 'arn:role' } as const;
  const taking = (more: Partial<JournalRecord>) => {
    const journal = journalOf(recordOf({ resources: { role }, ...more }));
    const call = { step: 'DeleteRole', callId: 'execution/DeleteRole/1' } as const;
    return { journal, step: whileCallsAreInFlight(journal.step(['provisioning'], call), 'role') };
  };

  test.each([
    ['the call that makes it', { inFlightCalls: inFlight({ a: 0 }, 'CreateRole') }],
    ['a call of an earlier version, which names no step', { inFlightCalls: inFlight({ a: 0 }) }],
    ['one that may attach a policy to it', { accessLock: { by: 'drv_1/GrantAccess/1', until: 0 } }],
  ])('is not believed to be gone after %s, however long ago it began', async (_which, more) => {
    const { journal, step } = taking(more);
    expect(await confirmAbsence(step, 'role')).toEqual({ outcome: 'does not exist' });
    await step.gone('role');
    expect(journal.record().resources.role).toEqual(role);
    // What keeps it is said all the same.
    const residue = { reason: 'It is in use.', advice: 'Free it.' };
    await step.residue('role', residue);
    expect(journal.record().resources.role).toEqual({ ...role, residue });
  });

  test.each([
    ['no call is in flight', {}],
    ['only other steps are at work', { inFlightCalls: inFlight({ a: 0 }, 'TestDriver') }],
    ['only this step itself is', { inFlightCalls: inFlight({ a: 0, b: 0 }, 'DeleteRole') }],
  ])('is gone where %s', async (_when, more) => {
    const { journal, step } = taking(more);
    expect((await thrownBy(confirmAbsence(step, 'role'))).name).toBe('AwsNotYetConsistentError');
    await step.gone('role');
    expect(journal.record().resources.role?.state).toBe('gone');
  });
});

/** What a call throws. @throws Error where it does not */
function thrownIn(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('Nothing was thrown.');
}

describe('what cannot be made twice', () => {
  const begunAt = 1_795_392_000_000;
  const call = { step: 'CreateDriver', callId: 'execution/CreateDriver/2', begunAt } as const;
  const making = (inFlightCalls: JournalRecord['inFlightCalls']) =>
    noEarlierCall(journalOf(recordOf({ inFlightCalls })).step(['provisioning'], call));
  const others = inFlight({ 'execution/CreatePolicy/1': begunAt + 30_000 }, 'CreatePolicy');

  test.each([
    ['of the same step by an earlier attempt', 'execution/CreateDriver/1', 'CreateDriver'],
    ['of the same step by another execution', 'other-execution/CreateDriver/2', 'CreateDriver'],
    ['that an earlier version noted, without its step', 'execution/CreatePolicy/2', undefined],
  ] as const)('is not made while a call %s may still take effect', (_which, open, step) => {
    for (const until of [begunAt + 20_000, begunAt, begunAt - grace + 1]) {
      const error = thrownIn(() => making({ ...others, ...inFlight({ [open]: until }, step) }));
      expect(error).toBeInstanceOf(ServiceError);
      expect(error).toMatchObject({
        name: 'EarlierCallOpenError',
        retryable: true,
        message: expect.stringContaining(open),
      });
    }
  });

  test.each([
    ['no call is in flight', {}],
    [
      'the only call in flight is the one that asks',
      inFlight({ [call.callId]: begunAt + 30_000 }, call.step),
    ],
    ['only other steps are at work', others],
    [
      'an earlier call can take effect no more',
      inFlight({ 'execution/CreateDriver/1': begunAt - grace }, call.step),
    ],
    ['only an id names the step', inFlight({ 'execution/CreateDriver/1': begunAt + 30_000 }, 'CreateRole')],
  ])('is made where %s', (_when, inFlightCalls) => {
    expect(() => making(inFlightCalls)).not.toThrow();
  });
});

describe('what there can be two of', () => {
  const begunAt = 1_795_392_000_000;
  const callOf = (attempt: number) =>
    ({ step: 'CreateDriver', callId: `execution/CreateDriver/${attempt}`, begunAt, attempt }) as const;
  const known = {
    intended: { state: 'intended', name: 'acme' },
    created: { state: 'created', id: 'driver-1', name: 'acme' },
  } as const;
  const making = (
    state: keyof typeof known | undefined,
    attempt: number,
    inFlightCalls: JournalRecord['inFlightCalls'] = {},
  ) => {
    const record = recordOf({ inFlightCalls, resources: state ? { driver: known[state] } : {} });
    return beforeMaking(journalOf(record).step(['provisioning'], callOf(attempt)), 'driver');
  };

  test.each([1, 4, 5, 16])(
    'is made for the first time where the journal does not know it: attempt %i',
    (attempt) => {
      expect(making(undefined, attempt)).toBe(false);
    },
  );

  test('is made for the first time where the journal knows only other resources', () => {
    const record = recordOf({ resources: { role: { state: 'created', arn: 'arn:role' } } });
    expect(beforeMaking(journalOf(record).step(['provisioning'], callOf(2)), 'driver')).toBe(false);
  });

  describe.each(['intended', 'created'] as const)('and is %s', (state) => {
    test.each([1, 2, 3, 4])('is only looked for by attempt %i', (attempt) => {
      const error = thrownIn(() => making(state, attempt));
      expect(error).toBeInstanceOf(ServiceError);
      expect(error).toMatchObject({ name: 'EarlierCallOpenError', retryable: true });
      for (const named of ['driver', integrationId]) {
        expect(error).toMatchObject({ message: expect.stringContaining(named) });
      }
    });

    test.each([5, 6, 16])('is made again by attempt %i', (attempt) => {
      expect(making(state, attempt)).toBe(true);
    });
  });

  test.each([
    [undefined, 2],
    [undefined, 9],
    ['intended', 9],
  ] as const)(
    'is not made while an earlier call may still take effect (%s, attempt %i)',
    (state, attempt) => {
      const open = 'execution/CreateDriver/1';
      const until = begunAt - grace + 1;
      const inFlightUntil = (end: number) => inFlight({ [open]: end }, 'CreateDriver');
      expect(thrownIn(() => making(state, attempt, inFlightUntil(until)))).toMatchObject({
        name: 'EarlierCallOpenError',
        message: expect.stringContaining(open),
      });
      expect(() => making(state, attempt, inFlightUntil(until - 1))).not.toThrow();
    },
  );
});

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type IntegrationRecord, resourceKeys, type Status, statuses } from '../../../src/domain/journal.ts';
import {
  conclude,
  type DeprovisionInput,
  type DeprovisionJournal,
  followUp,
  graceSeconds,
  locksOf,
  openCallsSettled,
  type Registration,
  type RegistrationOutcome,
  removeIntegration,
  rollBack,
  rollBackAfter,
  startProvisioning,
} from '../../../src/domain/lifecycle.ts';
import { ServiceError } from '../../../src/errors.ts';
import { integrationId, recordOf, requestOf, stepOf, thrownBy } from './fakes.ts';

const error = { type: 'urn:first', title: 'First', detail: 'The first error.' };
const down = new ServiceError('AwsUnavailableError', 'throttled');
const begun = { startedAt: '2026-11-23T00:00:00.000Z', attempts: 1 };

/** A journal with one record, fenced by status and run as the table is, and a Step Functions that notes its calls. */
function world(first: IntegrationRecord | undefined) {
  let current = first;
  const events: string[] = [];
  const inputs: object[] = [];
  const journal: DeprovisionJournal = {
    read: async () => current,
    beginDeprovision: async (_id, { from, to, mode, run, error: why }) => {
      if (!current || !from.includes(current.status)) return undefined;
      if (current.deprovision && current.deprovision.run !== run - 1) return undefined;
      current = { ...current, status: to, deprovision: { mode, run }, ...(why ? { error: why } : {}) };
      events.push(`journal ${to}`);
      return current;
    },
    failStep: async (_id, step) => {
      const known = current?.steps[step];
      if (!current || !known) return;
      current = { ...current, steps: { ...current.steps, [step]: { ...known, status: 'failed' } } };
    },
  };
  const parts = {
    journal,
    machine: {
      startDeprovisioning: async (name: string, input: Omit<DeprovisionInput, 'run'>) => {
        events.push(`start ${name}`);
        inputs.push(input);
      },
    },
    stopper: { stopProvisioning: async (arn: string) => void events.push(`stop ${arn}`) },
  };
  return {
    events,
    inputs,
    parts,
    now: () => current,
    become: (more: Partial<IntegrationRecord>) => {
      current = recordOf({ ...current, ...more });
    },
  };
}

const rollback = (run: number) => `start ${integrationId}-rollback-${run}`;
const remove = (run: number) => `start ${integrationId}-remove-${run}`;

describe('locks', () => {
  const shared = (one: object, another: object) => {
    const held = new Set(locksOf({ request: requestOf(one) }));
    return locksOf({ request: requestOf(another) }).filter((lock) => held.has(lock)).length;
  };
  const driverName = (name: string) => ({ dataloop: { projectId: 'project-1', driverName: name } });

  test.each([
    ['the same name on another bucket', {}, { bucket: { name: 'dataloop-b' } }, 1],
    [
      'the same bucket with the same driver',
      { ...driverName('d') },
      { name: 'other', ...driverName('d') },
      1,
    ],
    ['a driver named as another integration, on its bucket', {}, { name: 'other', ...driverName('acme') }, 1],
    ['the same bucket with another driver', {}, { name: 'other' }, 0],
    [
      'another name and bucket',
      {},
      { name: 'other', bucket: { name: 'dataloop-b' }, ...driverName('acme') },
      0,
    ],
  ])('are shared by %s: %j and %j', (_what, one, another, expected) => {
    expect(shared(one, another)).toBe(expected);
  });
});

describe('the start of a provisioning', () => {
  const wanted = { record: recordOf(), idempotency: undefined };
  const standing = (more: Partial<IntegrationRecord> = {}) => recordOf({ integrationId: 'int_1', ...more });
  const repeated = { outcome: 'repeated', integrationId: 'int_1', requestHash: 'hash' } as const;
  const locked = { outcome: 'locked', by: 'int_1' } as const;

  /** Starts where the table answers a registration with an outcome, and holds a record. */
  function starting(outcome: RegistrationOutcome, holder?: IntegrationRecord) {
    const starts: string[] = [];
    const registrations: Registration[] = [];
    const answer = startProvisioning(
      wanted,
      {
        register: async (registration) => {
          registrations.push(registration);
          return outcome;
        },
        read: async (id) => (id === holder?.integrationId ? holder : undefined),
      },
      { startProvisioning: async (id) => void starts.push(id) },
    );
    return { answer, starts, registrations };
  }

  test('registers the integration with its locks, then starts its execution', async () => {
    const { answer, starts, registrations } = starting({ outcome: 'registered' });
    expect(await answer).toEqual({ record: wanted.record, repeated: false });
    expect(registrations).toEqual([{ ...wanted, locks: locksOf(wanted.record) }]);
    expect(starts).toEqual([integrationId]);
  });

  test('starts nothing that could not be registered', async () => {
    const starts: string[] = [];
    const store = { register: () => Promise.reject(down), read: async () => undefined };
    const answer = startProvisioning(wanted, store, {
      startProvisioning: async (id) => void starts.push(id),
    });
    expect([await thrownBy(answer), starts]).toEqual([down, []]);
  });

  test('refuses a key that was used for another body, whether or not its integration still stands', async () => {
    for (const holder of [standing(), undefined]) {
      const { answer, starts } = starting({ ...repeated, requestHash: 'other' }, holder);
      expect((await thrownBy(answer)).name).toBe('IdempotencyKeyReusedError');
      expect(starts).toEqual([]);
    }
  });

  test.each([
    ['the same key', repeated, true],
    ['the same body, without a key', locked, false],
  ] as const)(
    'of %s gives the integration that stands, and heals a start that was lost',
    async (_what, outcome, expected) => {
      const { answer, starts } = starting(outcome, standing());
      expect(await answer).toEqual({ record: standing(), repeated: expected });
      expect(starts).toEqual(['int_1']);
    },
  );

  test.each(statuses.filter((status) => status !== 'provisioning'))(
    'of the same key starts nothing again for an integration that is %s',
    async (status) => {
      const { answer, starts } = starting(repeated, standing({ status }));
      expect((await answer).record.status).toBe(status);
      expect(starts).toEqual([]);
    },
  );

  test.each([
    ['that differs', standing({ requestHash: 'other', status: 'ready' })],
    ['that is the same but is being removed', standing({ status: 'removing' })],
  ])('names the holder of the name or bucket, with a body %s', async (_what, holder) => {
    const { answer, starts } = starting(locked, holder);
    const thrown = await thrownBy(answer);
    expect(thrown.name).toBe('NameOrBucketTakenError');
    for (const named of ['int_1', holder.status, 'dataloop-acme']) expect(thrown.message).toContain(named);
    expect(starts).toEqual([]);
  });

  test.each([repeated, locked])('says to try again where the holder has just gone: %j', async (outcome) => {
    expect(await thrownBy(starting(outcome).answer)).toMatchObject({
      name: 'TryAgainError',
      retryable: true,
    });
  });
});

describe('a rollback', () => {
  test('is journalled with its error before its execution starts', async () => {
    const { parts, events, inputs, now } = world(recordOf());
    await rollBack(integrationId, error, parts);
    expect(events).toEqual(['journal rolling-back', rollback(1)]);
    expect(inputs).toEqual([{ integrationId, mode: 'rollback', run: 1 }]);
    expect(now()).toMatchObject({ status: 'rolling-back', error });
  });

  test('asked for a second time is the same execution, and keeps the first error', async () => {
    const { parts, events, now } = world(recordOf());
    await rollBack(integrationId, error, parts);
    await rollBack(integrationId, { ...error, detail: 'The second error.' }, parts);
    expect(events).toEqual(['journal rolling-back', rollback(1), rollback(1)]);
    expect(now()?.error).toEqual(error);
  });

  test('whose start was lost is started by whoever asks next', async () => {
    const { parts, events, now } = world(recordOf());
    const failing = { ...parts, machine: { startDeprovisioning: () => Promise.reject(down) } };
    expect(await thrownBy(rollBack(integrationId, error, failing))).toBe(down);
    expect(now()?.status).toBe('rolling-back');
    await rollBack(integrationId, error, parts);
    expect(events.at(-1)).toBe(rollback(1));
  });

  test('marks as failed the steps that nobody will end any more, and no others', async () => {
    const steps = {
      Preflight: { ...begun, status: 'succeeded' },
      CreateBucket: { ...begun, status: 'running' },
      CreatePolicy: { ...begun, status: 'retrying' },
      RequestIamUser: { ...begun, status: 'waiting' },
      // Its own function is still at work: it is the one that calls.
      RollBack: { ...begun, status: 'running' },
    } as const;
    const { parts, now } = world(recordOf({ steps }));
    await rollBack(integrationId, error, parts);
    const after = Object.entries(now()?.steps ?? {}).map(([name, { status }]) => [name, status]);
    expect(Object.fromEntries(after)).toEqual({
      Preflight: 'succeeded',
      CreateBucket: 'failed',
      CreatePolicy: 'failed',
      RequestIamUser: 'failed',
      RollBack: 'running',
    });
  });

  test.each(['ready', 'failed', 'removed', 'residue'] as const)(
    'does not begin for an integration that is %s by now',
    async (status) => {
      const { parts, events, now } = world(recordOf({ status }));
      await rollBack(integrationId, error, parts);
      expect([events, now()?.status]).toEqual([[], status]);
    },
  );

  test('of an unknown integration is nothing', async () => {
    const { parts, events } = world(undefined);
    expect(await rollBack(integrationId, error, parts)).toBeUndefined();
    expect(events).toEqual([]);
  });

  test('after a caught error names it and its step', async () => {
    const { parts, now } = world(recordOf());
    const caught = { Error: 'RoleNameTakenError', Cause: '{"errorMessage":"taken"}' };
    await rollBackAfter('CreateRole', caught, integrationId, parts);
    expect(now()?.error).toMatchObject({ title: 'Role name is taken', detail: 'taken', step: 'CreateRole' });
  });
});

describe('DELETE', () => {
  test('stops a provisioning only after the journal has fenced it', async () => {
    const { parts, events, now } = world(recordOf());
    const answer = await removeIntegration(integrationId, parts);
    expect(answer.status).toBe('rolling-back');
    expect(events).toEqual(['journal rolling-back', rollback(1), `stop ${recordOf().executionArn}`]);
    expect(now()?.error?.title).toBe('Removal was requested while provisioning');
  });

  test('removes what became ready while it was being stopped', async () => {
    const { parts, events, become } = world(recordOf());
    const journal: DeprovisionJournal = {
      ...parts.journal,
      beginDeprovision: (id, change) => {
        if (change.mode === 'rollback') become({ status: 'ready' });
        return parts.journal.beginDeprovision(id, change);
      },
    };
    const answer = await removeIntegration(integrationId, { ...parts, journal });
    expect(answer.status).toBe('removing');
    expect(events.slice(-2)).toEqual(['journal removing', remove(1)]);
  });

  test.each([
    ['ready', undefined, remove(1)],
    ['residue', { mode: 'rollback', run: 3 }, remove(4)],
  ] as const)('removes what is %s in a run of its own', async (status, deprovision, start) => {
    const { parts, events, now } = world(recordOf({ status, ...(deprovision ? { deprovision } : {}) }));
    const answer = await removeIntegration(integrationId, parts);
    expect(events).toEqual(['journal removing', start]);
    expect([answer.status, now()?.status]).toEqual(['removing', 'removing']);
  });

  test('sent twice removes once', async () => {
    const { parts, events, now } = world(recordOf({ status: 'ready' }));
    await removeIntegration(integrationId, parts);
    await removeIntegration(integrationId, parts);
    expect(new Set(events)).toEqual(new Set(['journal removing', remove(1)]));
    expect(now()?.deprovision?.run).toBe(1);
  });

  test.each<Status>(['failed', 'removed', 'removing', 'rolling-back'])(
    'neither stops nor begins anything for what is %s',
    async (status) => {
      const before = recordOf({ status, deprovision: { mode: 'rollback', run: 2 } });
      const { parts, events, now } = world(before);
      expect(await removeIntegration(integrationId, parts)).toEqual(before);
      expect(now()).toEqual(before);
      expect(events.filter((event) => event !== rollback(2))).toEqual([]);
    },
  );

  test('of an unknown integration says which', async () => {
    expect(await thrownBy(removeIntegration('int_x', world(undefined).parts))).toMatchObject({
      name: 'IntegrationNotFoundError',
      message: expect.stringContaining('int_x'),
    });
  });
});

describe('the watchdog', () => {
  const ended = (executionName: string, status: 'ABORTED' | 'TIMED_OUT' | 'FAILED' = 'ABORTED') => ({
    executionArn: recordOf().executionArn,
    executionName,
    status,
  });
  const undoing = (run: number, more: Partial<IntegrationRecord> = {}) =>
    recordOf({ status: 'removing', deprovision: { mode: 'remove', run }, ...more });

  test.each([
    ['ABORTED', 'The execution was stopped from outside'],
    ['FAILED', 'The execution was stopped from outside'],
    ['TIMED_OUT', 'A step did not end in time'],
  ] as const)('rolls a provisioning back whose execution is %s', async (status, title) => {
    const { parts, now, events } = world(recordOf());
    expect(await followUp(ended(integrationId, status), 'provision', parts)).toBe('rolled-back');
    expect(now()).toMatchObject({ status: 'rolling-back', error: { title } });
    expect(events).toContain(rollback(1));
  });

  test.each([
    ['is unknown', undefined, {}],
    ['is ready', recordOf({ status: 'ready' }), {}],
    [
      'has failed and is clean',
      recordOf({ status: 'failed', deprovision: { mode: 'rollback', run: 1 } }),
      {},
    ],
    ['is provisioned by another execution', recordOf(), { executionArn: 'arn:other' }],
  ])('does nothing about a provisioning when the integration %s', async (_what, record, more) => {
    const { parts, events } = world(record);
    expect(await followUp({ ...ended(integrationId), ...more }, 'provision', parts)).toBe('nothing');
    expect(events).toEqual([]);
  });

  test.each([
    ['removing', 'remove', remove(3)],
    ['rolling-back', 'rollback', rollback(3)],
  ] as const)(
    'starts an undo again that was stopped while %s, in the same mode',
    async (status, mode, start) => {
      const { parts, events, now } = world(undoing(2, { status, deprovision: { mode, run: 2 }, error }));
      expect(await followUp(ended(`${integrationId}-${mode}-2`), 'deprovision', parts)).toBe('run-again');
      expect(events).toEqual([`journal ${status}`, start]);
      expect(now()).toMatchObject({ status, error, deprovision: { mode, run: 3 } });
    },
  );

  test('starts one further run for an event that comes twice', async () => {
    const { parts, events } = world(undoing(2));
    await followUp(ended(`${integrationId}-remove-2`), 'deprovision', parts);
    expect(await followUp(ended(`${integrationId}-remove-2`), 'deprovision', parts)).toBe('nothing');
    expect(events.filter((event) => event.startsWith('start'))).toEqual([remove(3)]);
  });

  test('gives up after a number of runs, and not before', async () => {
    const { parts, events } = world(undoing(1));
    const outcomes: string[] = [];
    for (let run = 1; outcomes.at(-1) !== 'given-up' && run < 100; run += 1) {
      outcomes.push(await followUp(ended(`${integrationId}-remove-${run}`), 'deprovision', parts));
    }
    expect(outcomes).toEqual([...Array.from({ length: 9 }, () => 'run-again'), 'given-up']);
    expect(events.at(-1)).toBe(remove(10));
  });

  test.each([
    ['is unknown', undefined],
    ['was never undone', recordOf()],
    ['is undone by a later run', undoing(3)],
    ['is undone in the other mode', undoing(2, { deprovision: { mode: 'rollback', run: 2 } })],
    ['was closed by that run', undoing(2, { status: 'residue' })],
  ])('does nothing about a run of an undo when the integration %s', async (_what, record) => {
    const { parts, events } = world(record);
    expect(await followUp(ended(`${integrationId}-remove-2`), 'deprovision', parts)).toBe('nothing');
    expect(events).toEqual([]);
  });
});

describe('open calls', () => {
  const settled = (openCalls: Record<string, number>, now: number) =>
    openCallsSettled(stepOf(recordOf({ openCalls })), now);
  const until = 30_000;
  const grace = graceSeconds * 1000;

  test('hold the undo up, by name, until their functions can no longer live', () => {
    expect(settled({ a: until, b: until }, until)).toMatchObject({ settled: false, openCalls: ['a', 'b'] });
    expect(settled({ a: until, b: until + 1 }, until + grace)).toMatchObject({
      settled: false,
      openCalls: ['b'],
    });
    expect(settled({ a: until }, until + grace)).toMatchObject({ settled: true, openCalls: [] });
  });

  test('hold it up beyond their functions’ life: a request sent last may still be under way', () => {
    expect(graceSeconds).toBeGreaterThan(0);
    expect(settled({ a: until }, until + grace - 1).settled).toBe(false);
  });

  test('do not hold it up where there are none, nor for the very call that asks', () => {
    expect(settled({}, 0).settled).toBe(true);
    expect(settled({ [stepOf(recordOf()).call.callId]: until }, 0).settled).toBe(true);
  });

  test('are looked at again soon, in whole seconds that Step Functions can wait', () => {
    fc.assert(
      fc.property(fc.nat(120_000), fc.nat(120_000), (openUntil, now) => {
        const { waitSeconds } = settled({ a: openUntil }, now);
        expect(Number.isInteger(waitSeconds) && waitSeconds >= 1 && waitSeconds <= 5).toBe(true);
      }),
    );
    expect(settled({ a: until }, 0).waitSeconds).toBe(5);
    expect(settled({ a: until }, until + grace - 1_500).waitSeconds).toBe(2);
  });
});

describe('the end of an undo', () => {
  const ends = (
    mode: 'rollback' | 'remove',
    resources: IntegrationRecord['resources'],
    failures: Parameters<typeof conclude>[2] = [],
  ) => conclude({ record: recordOf({ resources }) }, mode, failures);
  const denied = { Error: 'AwsAccessDeniedError', Cause: '{"errorMessage":"denied by a policy"}' };

  test('is clean exactly when nothing stands; else every leftover says why and what to do', () => {
    const resource = fc.record({
      state: fc.constantFrom('intended' as const, 'created' as const, 'gone' as const),
      arn: fc.constant('arn:x'),
    });
    const resources = fc.dictionary(fc.constantFrom(...resourceKeys), resource);
    fc.assert(
      fc.property(resources, fc.constantFrom('rollback' as const, 'remove' as const), (before, mode) => {
        const { outcome, resources: after } = ends(mode, before);
        const left = Object.values(before).filter(({ state }) => state !== 'gone');
        const clean = mode === 'rollback' ? 'failed' : 'removed';
        expect(outcome.status).toBe(left.length > 0 ? 'residue' : clean);
        expect(Object.keys(after).sort()).toEqual(Object.keys(before).sort());
        for (const { state, residue } of Object.values(after)) {
          if (state === 'gone') expect(residue).toBeUndefined();
          else
            expect(residue).toEqual({
              reason: expect.any(String),
              advice: expect.stringContaining('DELETE'),
            });
        }
      }),
    );
  });

  test.each([
    ['DeleteDriver', 'driver'],
    ['DeleteIntegration', 'dataloopIntegration'],
    ['DeleteRole', 'role'],
    ['DeletePolicy', 'policy'],
    ['DeleteBucket', 'bucket'],
  ] as const)('gives the error of %s as the reason why the %s stands, and no other', (step, key) => {
    const everything = Object.fromEntries(
      resourceKeys.map((each) => [each, { state: 'created' as const, arn: `arn:${each}` }]),
    );
    const { resources } = ends('remove', everything, [{ step, error: denied }]);
    const blamed = resourceKeys.filter((each) =>
      resources[each]?.residue?.reason.includes('denied by a policy'),
    );
    expect(blamed).toEqual([key]);
  });

  test('keeps the reason that a step gave itself, unless a later error says more', () => {
    const residue = { reason: 'It is not empty.', advice: 'Empty it.' };
    const bucket = { state: 'created', arn: 'arn:bucket', residue } as const;
    expect(ends('remove', { bucket }).resources.bucket?.residue).toEqual(residue);
    const { resources } = ends('remove', { bucket }, [{ step: 'DeleteBucket', error: denied }]);
    expect(resources.bucket?.residue?.reason).toContain('denied by a policy');
  });

  test('is clean when a step failed whose resource turned out to be gone all the same', () => {
    const role = { state: 'gone', arn: 'arn:role' } as const;
    const { outcome, resources } = ends('remove', { role }, [{ step: 'DeleteRole', error: denied }]);
    expect([outcome.status, resources.role]).toEqual(['removed', role]);
  });
});

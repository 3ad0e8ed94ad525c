import { describe, expect, test } from '@jest/globals';
import type { Registration, RegistrationOutcome } from '../../../../src/domain/lifecycle/start.ts';
import { locksOf, startProvisioning } from '../../../../src/domain/lifecycle/start.ts';
import {
  beginUndo,
  removeIntegration,
  rollBack,
  rollBackAfter,
  startUndo,
  type UndoJournal,
} from '../../../../src/domain/lifecycle/undo.ts';
import { undoExecutionName } from '../../../../src/domain/model/execution.ts';
import { type JournalRecord, type Status, statuses } from '../../../../src/domain/model/record.ts';
import { ServiceError } from '../../../../src/errors.ts';
import { driverIdOf, parent } from '../fake-access.ts';
import {
  removeStart as remove,
  rollbackStart as rollback,
  undoOf,
  undoWorld as world,
} from '../fake-undo.ts';
import { integrationId, recordOf, requestOf, thrownBy } from '../fakes.ts';

const error = { type: 'urn:first', title: 'First', detail: 'The first error.' };
const down = new ServiceError('AwsUnavailableError', 'throttled');
const begun = { startedAt: '2026-11-23T00:00:00.000Z', attempts: 1 };

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
      2,
    ],
    ['a driver named as another integration, on its bucket', {}, { name: 'other', ...driverName('acme') }, 2],
    ['the same bucket with another driver', {}, { name: 'other' }, 1],
    [
      'another name and bucket',
      {},
      { name: 'other', bucket: { name: 'dataloop-b' }, ...driverName('acme') },
      0,
    ],
    [
      'a bucket that both adopt, each with a driver of its own',
      { bucket: { name: 'acme-photos', mode: 'adopt' } },
      { name: 'other', bucket: { name: 'acme-photos', mode: 'adopt', prefix: 'raw/' } },
      1,
    ],
    [
      'a role that both adopt',
      { role: { name: 'AcmeLabelling', mode: 'adopt' } },
      {
        name: 'other',
        bucket: { name: 'dataloop-b' },
        role: { name: 'AcmeLabelling', mode: 'adopt' },
      },
      1,
    ],
    [
      'an integration that waits at Dataloop',
      { dataloop: { projectId: 'project-1', integrationId: 'waiting-1' } },
      {
        name: 'other',
        bucket: { name: 'dataloop-b' },
        dataloop: { projectId: 'project-2', integrationId: 'waiting-1' },
      },
      1,
    ],
  ])('are shared by %s: %j and %j', (_what, one, another, expected) => {
    expect(shared(one, another)).toBe(expected);
  });
});

describe('the start of a provisioning', () => {
  const wanted = { record: recordOf(), idempotency: undefined };
  const key = { key: 'hashed', expiresAt: 2_000_000_000 };
  const standing = (more: Partial<JournalRecord> = {}) => recordOf({ id: 'int_1', ...more });
  const registered = { outcome: 'registered' } as const;
  const repeated = { outcome: 'repeated', recordId: 'int_1', requestHash: 'hash' } as const;
  const locked = { outcome: 'locked', by: 'int_1' } as const;

  /**
   * Starts where the table answers one registration after the other with an outcome (the last one for ever), and
   * holds a record.
   */
  function starting(
    outcomes: RegistrationOutcome | readonly [RegistrationOutcome, ...RegistrationOutcome[]],
    holder?: JournalRecord,
    { isNewKey = true, idempotency }: { isNewKey?: boolean; idempotency?: typeof key } = {},
  ) {
    const starts: string[] = [];
    const registrations: Registration[] = [];
    const remembered: unknown[] = [];
    const given = 'outcome' in outcomes ? [outcomes] : outcomes;
    const answer = startProvisioning(
      { ...wanted, idempotency },
      {
        register: async (registration) => {
          registrations.push(registration);
          const outcome = given[Math.min(registrations.length, given.length) - 1];
          if (!outcome) throw new Error('No outcome was given.');
          return outcome;
        },
        remember: async (asked, { id, requestHash }) => {
          remembered.push([asked, id, requestHash]);
          return isNewKey;
        },
        read: async (id) => (id === holder?.id ? holder : undefined),
      },
      { startProvisioning: async (id) => void starts.push(id) },
    );
    return { answer, starts, registrations, remembered };
  }

  test('registers the integration with its locks, then starts its execution', async () => {
    const { answer, starts, registrations } = starting(registered);
    expect(await answer).toEqual(wanted.record);
    expect(registrations).toEqual([{ ...wanted, locks: locksOf(wanted.record) }]);
    expect(starts).toEqual([integrationId]);
  });

  test('starts nothing that could not be registered', async () => {
    const starts: string[] = [];
    const store = {
      register: () => Promise.reject(down),
      remember: async () => true,
      read: async () => undefined,
    };
    const answer = startProvisioning(wanted, store, {
      startProvisioning: async (id) => void starts.push(id),
    });
    expect([await thrownBy(answer), starts]).toEqual([down, []]);
  });

  test('refuses a key that was used for another body, whether or not its integration still stands', async () => {
    for (const holder of [standing(), undefined]) {
      const { answer, starts } = starting({ ...repeated, requestHash: 'other' }, holder, {
        idempotency: key,
      });
      expect((await thrownBy(answer)).name).toBe('IdempotencyKeyReusedError');
      expect(starts).toEqual([]);
    }
  });

  test.each([
    ['the same key', repeated, key],
    ['the same body, with a new key', locked, key],
    ['the same body, without a key', locked, undefined],
  ] as const)(
    'of %s gives the integration that stands, and heals a start that was lost',
    async (_what, outcome, idempotency) => {
      const options = idempotency ? { idempotency } : {};
      const { answer, starts } = starting(outcome, standing(), options);
      expect(await answer).toEqual(standing());
      expect(starts).toEqual(['int_1']);
    },
  );

  test.each(statuses.filter((status) => status !== 'provisioning'))(
    'of the same key starts nothing again for an integration that is %s',
    async (status) => {
      const { answer, starts } = starting(repeated, standing({ status }), { idempotency: key });
      expect((await answer).status).toBe(status);
      expect(starts).toEqual([]);
    },
  );

  test('of the same body keeps a new key for the integration that stands', async () => {
    const { answer, remembered } = starting(locked, standing({ status: 'ready' }), { idempotency: key });
    await answer;
    expect(remembered).toEqual([[key, 'int_1', 'hash']]);
  });

  test('keeps no key for a request that it refuses', async () => {
    const { answer, remembered } = starting(locked, standing({ requestHash: 'other' }), { idempotency: key });
    expect((await thrownBy(answer)).name).toBe('NameOrBucketTakenError');
    expect(remembered).toEqual([]);
  });

  test('asks again what a key stands for that somebody used at the same moment', async () => {
    const other = { ...repeated, requestHash: 'other' };
    const { answer, registrations } = starting([locked, other], standing(), {
      idempotency: key,
      isNewKey: false,
    });
    expect((await thrownBy(answer)).name).toBe('IdempotencyKeyReusedError');
    expect(registrations).toHaveLength(2);
  });

  test.each(['failed', 'removed'] as const)(
    'begins anew where what had the name has %s meanwhile',
    async (status) => {
      const { answer, starts, registrations } = starting([locked, registered], standing({ status }));
      expect(await answer).toEqual(wanted.record);
      // A lock that it still has is forged.
      expect(registrations.map(({ over }) => over)).toEqual([undefined, ['int_1']]);
      expect(starts).toEqual([integrationId]);
    },
  );

  test('takes a name whose lock is of a record that does not exist', async () => {
    const { answer, starts, registrations } = starting([locked, registered]);
    expect(await answer).toEqual(wanted.record);
    expect(registrations.map(({ over }) => over)).toEqual([undefined, ['int_1']]);
    expect(starts).toEqual([integrationId]);
  });

  const adopting = {
    role: { name: 'AcmeLabelling', mode: 'adopt' },
    dataloop: { projectId: 'project-1', integrationId: 'waiting-1' },
  } as const;

  test.each([
    [
      'its name alone',
      { bucket: { name: 'dataloop-other' } },
      'ready',
      'The name "acme" is used by int_1, which is ready.',
    ],
    [
      'its bucket alone',
      { name: 'other' },
      'residue',
      'The bucket dataloop-acme is used by int_1, which is in residue.',
    ],
    [
      'what it adopts alone',
      { name: 'other', bucket: { name: 'dataloop-other' }, ...adopting },
      'ready',
      'The adopted role AcmeLabelling and the integration waiting-1 at Dataloop are used by int_1, which is ready.',
    ],
  ] as const)('names what the holder has of it: %s', async (_what, held, status, said) => {
    const holder = standing({ request: requestOf(held), requestHash: 'other', status });
    const store = { register: async () => locked, remember: async () => true, read: async () => holder };
    const refused = startProvisioning(
      { ...wanted, record: recordOf({ request: requestOf(adopting) }) },
      store,
      {
        startProvisioning: async () => undefined,
      },
    );
    expect((await thrownBy(refused)).message).toBe(
      `${said} Choose another, or remove it first with DELETE /integrations/int_1.`,
    );
  });

  test.each([
    ['that differs', standing({ requestHash: 'other', status: 'ready' }), 'DELETE /integrations/int_1'],
    [
      'that is the same but is being removed',
      standing({ status: 'removing' }),
      'send the request again when it is gone',
    ],
  ])('names the holder of the name or bucket, with a body %s', async (_what, holder, advice) => {
    const { answer, starts } = starting(locked, holder);
    const thrown = await thrownBy(answer);
    expect(thrown.name).toBe('NameOrBucketTakenError');
    for (const named of ['int_1', holder.status, 'dataloop-acme', advice]) {
      expect(thrown.message).toContain(named);
    }
    expect(starts).toEqual([]);
  });

  test.each([repeated, locked])('says to try again where the holder has just gone: %j', async (outcome) => {
    expect(await thrownBy(starting(outcome).answer)).toMatchObject({
      name: 'TryAgainError',
      retryable: true,
    });
  });
});

describe('the open provisionings of a caller', () => {
  const places = { caller: 'hashed', count: 3 };
  /** A table with the caller's places, and the records that have them. */
  function starting(holders: readonly (Status | 'none' | undefined)[]) {
    const taken = new Map<string, string>(
      holders.flatMap((holder, index) => (holder ? [[`hashed#${index}`, `int_${index}`] as const] : [])),
    );
    const starts: string[] = [];
    const answer = startProvisioning(
      { record: recordOf(), idempotency: undefined },
      {
        register: async ({ place = { key: '' } }) => {
          const by = taken.get(place.key);
          if (by !== undefined && by !== place.before) return { outcome: 'place-taken', by };
          taken.set(place.key, integrationId);
          return { outcome: 'registered' };
        },
        remember: async () => true,
        read: async (id) => {
          const status = holders[Number(id.slice(-1))];
          return status === undefined || status === 'none' ? undefined : recordOf({ id, status });
        },
      },
      { startProvisioning: async (id) => void starts.push(id) },
      places,
    );
    const own = () => [...taken.values()].filter((id) => id === integrationId).length;
    return { answer, starts, own };
  }

  test.each([
    [[undefined, undefined, undefined]],
    [['provisioning', undefined, 'rolling-back']],
    [['provisioning', 'ready', 'provisioning']],
    [['provisioning', 'provisioning', 'residue']],
    [['failed', 'provisioning', 'provisioning']],
    [['provisioning', 'none', 'provisioning']],
  ] as const)('may be one more where a place is free, or its record is over: %j', async (holders) => {
    const { answer, starts, own } = starting(holders);
    expect(await answer).toEqual(recordOf());
    expect([starts, own()]).toEqual([[integrationId], 1]);
  });

  test.each([
    [['provisioning', 'provisioning', 'provisioning']],
    [['rolling-back', 'provisioning', 'rolling-back']],
  ] as const)('are no more than there are places: %j', async (holders) => {
    const { answer, starts, own } = starting(holders);
    expect(await thrownBy(answer)).toMatchObject({
      name: 'TooManyOpenError',
      message: expect.stringMatching(/^You have 3 integrations that are being set up or rolled back/),
    });
    expect([starts, own()]).toEqual([[], 0]);
  });
});

describe('the execution of an undo', () => {
  test('has a name of its own for each integration, mode and run, which tells a second start from a first', () => {
    const names = [
      recordOf({ deprovision: undoOf('rollback', 1) }),
      recordOf({ deprovision: undoOf('remove', 1) }),
      recordOf({ deprovision: undoOf('remove', 2, 1) }),
      recordOf({ id: 'int_1', deprovision: undoOf('remove', 2, 1) }),
    ].map(undoExecutionName);
    expect(names).toEqual([
      `${integrationId}-rollback-1`,
      `${integrationId}-remove-1`,
      `${integrationId}-remove-2`,
      'int_1-remove-2',
    ]);
  });

  test.each([
    ['rolling-back', 'rollback', rollback(2)],
    ['removing', 'remove', remove(2)],
  ] as const)(
    'is started while the integration is %s, with its mode and run',
    async (status, mode, start) => {
      const { parts, events, inputs } = world(undefined);
      await startUndo(recordOf({ status, deprovision: undoOf(mode, 2, 1) }), parts.machine);
      expect([events, inputs]).toEqual([
        [start],
        [{ recordId: integrationId, mode, run: 2, kind: 'integration' }],
      ]);
    },
  );

  test('says what its record is of: the state machine takes the access away before any function has read it', async () => {
    const { parts, inputs } = world(undefined);
    const id = driverIdOf(1);
    const record = recordOf({ id, parent, status: 'removing', deprovision: undoOf('remove', 1) });
    await startUndo(record, parts.machine);
    expect(inputs).toEqual([{ recordId: id, mode: 'remove', run: 1, kind: 'added bucket' }]);
  });

  test.each([
    ...statuses
      .filter((status) => status !== 'rolling-back' && status !== 'removing')
      .map((status) => [`is ${status}`, recordOf({ status, deprovision: undoOf('rollback', 1) })] as const),
    ['has no undo in its journal', recordOf({ status: 'removing' })] as const,
  ])('is not started where the integration %s', async (_what, record) => {
    const { parts, events } = world(undefined);
    await startUndo(record, parts.machine);
    expect(events).toEqual([]);
  });
});

describe('the begin of an undo', () => {
  const change = { from: ['ready'], to: 'removing', mode: 'remove', run: 1 } as const;

  test('comes after the journal has taken it, and gives the record as it then is', async () => {
    const { parts, events, now } = world(recordOf({ status: 'ready' }));
    const record = await beginUndo(integrationId, { ...change, restarts: 3 }, parts);
    expect(events).toEqual(['journal removing', remove(1)]);
    expect(record).toEqual(recordOf({ status: 'removing', deprovision: undoOf('remove', 1, 3) }));
    expect(now()).toEqual(record);
  });

  test('by somebody else is enough: that undo is started, not the one that lost the race', async () => {
    const before = recordOf({ status: 'removing', deprovision: undoOf('remove', 7) });
    const { parts, events } = world(before);
    expect(await beginUndo(integrationId, change, parts)).toEqual(before);
    expect(events).toEqual([remove(7)]);
  });

  test('starts nothing that the journal did not take', async () => {
    const { parts, events } = world(recordOf({ status: 'ready' }));
    const journal = { ...parts.journal, beginDeprovision: () => Promise.reject(down) };
    expect(await thrownBy(beginUndo(integrationId, change, { ...parts, journal }))).toBe(down);
    expect(events).toEqual([]);
  });
});

describe('a rollback', () => {
  test('is journalled with its error before its execution starts', async () => {
    const { parts, events, inputs, now } = world(recordOf());
    await rollBack(integrationId, error, parts);
    expect(events).toEqual(['journal rolling-back', rollback(1)]);
    expect(inputs).toEqual([{ recordId: integrationId, mode: 'rollback', run: 1, kind: 'integration' }]);
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

  test('that comes too late leaves the steps of a ready integration as they are', async () => {
    const steps = { Activate: { status: 'running', ...begun } } as const;
    const { parts, now } = world(recordOf({ status: 'ready', steps }));
    await rollBack(integrationId, error, parts);
    expect(now()).toMatchObject({ status: 'ready', steps });
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
    expect(now()?.error).toMatchObject({
      title: 'The role name is taken',
      detail: 'taken',
      step: 'CreateRole',
    });
  });
});

describe('DELETE', () => {
  test('stops a provisioning only after the journal has fenced it', async () => {
    const { parts, events, now } = world(recordOf());
    const answer = await removeIntegration(integrationId, parts);
    expect(answer.status).toBe('rolling-back');
    expect(events).toEqual(['journal rolling-back', rollback(1), `stop ${recordOf().executionArn}`]);
    expect(now()?.error?.title).toBe('Removal was requested during provisioning');
  });

  test('removes what became ready while it was being stopped', async () => {
    const { parts, events, become } = world(recordOf());
    const journal: UndoJournal = {
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
    ['residue', undoOf('rollback', 3, 5), remove(4)],
  ] as const)('removes what is %s in a run of its own', async (status, deprovision, start) => {
    const { parts, events, now } = world(recordOf({ status, ...(deprovision ? { deprovision } : {}) }));
    const answer = await removeIntegration(integrationId, parts);
    expect(events).toEqual(['journal removing', start]);
    expect([answer.status, now()?.status]).toEqual(['removing', 'removing']);
    // A person asked for it: the watchdog may start it again as often as the first.
    expect(now()?.deprovision?.restarts).toBe(0);
  });

  test.each(['provisioning', 'ready', 'residue', 'removing', 'rolling-back'] as const)(
    'writes what it says of the bucket before the undo of what is %s begins',
    async (status) => {
      const deprovision = undoOf(status === 'rolling-back' ? 'rollback' : 'remove', 3);
      const { parts, events } = world(recordOf({ status, deprovision }));
      const say = async (id: string) => void events.push(`say of ${id}`);
      await removeIntegration(integrationId, parts, undefined, say);
      expect(events[0]).toBe(`say of ${integrationId}`);
      expect(events.length).toBeGreaterThan(1);
    },
  );

  test('says nothing of the bucket where it is refused', async () => {
    const { parts, events } = world(recordOf({ status: 'ready' }));
    const refused = () => Promise.reject(down);
    const say = async () => void events.push('say');
    expect(await thrownBy(removeIntegration(integrationId, parts, refused, say))).toBe(down);
    expect(events).toEqual([]);
  });

  test('sent twice removes once', async () => {
    const { parts, events, now } = world(recordOf({ status: 'ready' }));
    await removeIntegration(integrationId, parts);
    await removeIntegration(integrationId, parts);
    expect(events).toEqual(['journal removing', remove(1), remove(1)]);
    expect(now()?.deprovision?.run).toBe(1);
  });

  test('of a ready integration whose start was lost is healed by the next one', async () => {
    const { parts, events, now } = world(recordOf({ status: 'ready' }));
    const failing = { ...parts, machine: { startDeprovisioning: () => Promise.reject(down) } };
    expect(await thrownBy(removeIntegration(integrationId, failing))).toBe(down);
    expect(now()?.status).toBe('removing');
    expect((await removeIntegration(integrationId, parts)).status).toBe('removing');
    expect(events).toEqual(['journal removing', remove(1)]);
  });

  test.each([
    ['rolling-back', 'rollback', rollback(2)],
    ['removing', 'remove', remove(2)],
  ] as const)(
    'starts the very undo again of what is %s, and begins no other',
    async (status, mode, start) => {
      const before = recordOf({ status, deprovision: undoOf(mode, 2, 1), error });
      const { parts, events, inputs, now } = world(before);
      expect(await removeIntegration(integrationId, parts)).toEqual(before);
      expect(now()).toEqual(before);
      expect([events, inputs]).toEqual([
        [start],
        [{ recordId: integrationId, mode, run: 2, kind: 'integration' }],
      ]);
    },
  );

  test.each([
    ['rolling-back', 'rollback', rollback],
    ['removing', 'remove', remove],
  ] as const)(
    'begins the next run of what is %s where the execution has ended',
    async (status, mode, start) => {
      const before = recordOf({ status, deprovision: undoOf(mode, 2, 1), error });
      const { parts, events, ended, now } = world(before);
      ended.add(undoExecutionName(before));
      expect((await removeIntegration(integrationId, parts)).deprovision).toEqual(undoOf(mode, 3, 2));
      expect(events).toEqual([start(2), `journal ${status}`, start(3)]);
      // That run is under way now: the next request begins no other.
      await removeIntegration(integrationId, parts);
      expect(events.slice(3)).toEqual([start(3)]);
      expect(now()?.deprovision?.run).toBe(3);
    },
  );

  test('leaves it to the run that the watchdog has begun meanwhile', async () => {
    const before = recordOf({ status: 'removing', deprovision: undoOf('remove', 2) });
    const { parts, events, become } = world(before);
    const hasEnded = async () => {
      become({ deprovision: undoOf('remove', 3, 1) });
      return true;
    };
    expect((await removeIntegration(integrationId, { ...parts, hasEnded })).deprovision?.run).toBe(3);
    expect(events).toEqual([remove(2), remove(3)]);
  });

  test('leaves what its execution has concluded meanwhile as it is', async () => {
    const before = recordOf({ status: 'removing', deprovision: undoOf('remove', 2) });
    const { parts, events, become } = world(before);
    const hasEnded = async () => {
      become({ status: 'removed' });
      return true;
    };
    expect((await removeIntegration(integrationId, { ...parts, hasEnded })).status).toBe('removed');
    expect(events).toEqual([remove(2)]);
  });

  test.each<[string, Partial<JournalRecord>, string]>([
    ['says that it is removing', { status: 'removing' }, remove(1)],
    ['says that it is rolled back', { status: 'rolling-back' }, remove(1)],
    [
      'counts its runs to their end',
      { status: 'residue', deprovision: undoOf('remove', 1_000_000) },
      remove(1),
    ],
  ])('begins an undo where a false record %s', async (_what, more, start) => {
    const { parts, events } = world(recordOf(more));
    expect((await removeIntegration(integrationId, parts)).status).toBe('removing');
    expect(events).toEqual(['journal removing', start]);
  });

  test('rolls back what is provisioning, also where a false record knows of an undo', async () => {
    const { parts, events } = world(recordOf({ deprovision: undoOf('remove', 3) }));
    expect((await removeIntegration(integrationId, parts)).status).toBe('rolling-back');
    expect(events.slice(0, 2)).toEqual(['journal rolling-back', rollback(1)]);
  });

  test('is an error where the undo that is under way could not be started', async () => {
    const { parts } = world(recordOf({ status: 'removing', deprovision: undoOf('remove', 1) }));
    const failing = { ...parts, machine: { startDeprovisioning: () => Promise.reject(down) } };
    expect(await thrownBy(removeIntegration(integrationId, failing))).toBe(down);
  });

  test.each<Status>(['failed', 'removed'])('does nothing about what is %s', async (status) => {
    const before = recordOf({ status, deprovision: undoOf('rollback', 2) });
    const { parts, events, now } = world(before);
    expect(await removeIntegration(integrationId, parts)).toEqual(before);
    expect(now()).toEqual(before);
    expect(events).toEqual([]);
  });

  test('of an unknown integration says which', async () => {
    expect(await thrownBy(removeIntegration(integrationId, world(undefined).parts))).toMatchObject({
      name: 'IntegrationNotFoundError',
      message: expect.stringContaining(integrationId),
    });
  });

  test('of what cannot be an id does not repeat it', async () => {
    const id = '<script>'.repeat(1_000);
    expect(await thrownBy(removeIntegration(id, world(undefined).parts))).toMatchObject({
      name: 'IntegrationNotFoundError',
      message: 'There is no integration of this id in this deployment. Check the id.',
    });
  });
});

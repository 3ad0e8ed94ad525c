import { describe, expect, test } from '@jest/globals';
import type { IntegrationRecord, Status } from '../../../src/domain/journal.ts';
import {
  conclude,
  type DeprovisionJournal,
  followUp,
  openCallsSettled,
  type RegistrationOutcome,
  removeIntegration,
  rollBack,
  startProvisioning,
} from '../../../src/domain/lifecycle.ts';
import { canonicalJson, newRegistration } from '../../../src/domain/registration.ts';
import { firstView, integrationView } from '../../../src/domain/view.ts';
import { integrationId, recordOf, requestOf, stepOf, thrownBy } from './fakes.ts';

const error = { type: 'x', title: 'x', detail: 'x' };

/** A journal with one record, fenced by status and run as the table is, and a machine that notes its starts. */
function world(record: IntegrationRecord | undefined) {
  let current = record;
  const starts: string[] = [];
  const stops: string[] = [];
  const journal: DeprovisionJournal = {
    read: async () => current,
    beginDeprovision: async (_id, { from, to, mode, run, error: why }) => {
      if (!current || !from.includes(current.status)) return undefined;
      if (current.deprovision && current.deprovision.run !== run - 1) return undefined;
      current = { ...current, status: to, deprovision: { mode, run }, ...(why ? { error: why } : {}) };
      return current;
    },
    failStep: async (_id, step) => {
      const known = current?.steps[step];
      if (current && known)
        current = { ...current, steps: { ...current.steps, [step]: { ...known, status: 'failed' } } };
    },
  };
  return {
    starts,
    stops,
    now: () => current,
    parts: {
      journal,
      machine: { startDeprovisioning: async (name: string) => void starts.push(name) },
      stopper: { stopProvisioning: async (arn: string) => void stops.push(arn) },
    },
  };
}

describe('the undo', () => {
  test('begins once, whoever asks, and marks the steps that nobody will end any more', async () => {
    const waiting = { status: 'waiting', startedAt: '2026-11-23T00:00:00.000Z', attempts: 1 } as const;
    const { parts, starts, now } = world(recordOf({ steps: { RequestIamUser: waiting } }));
    await rollBack(integrationId, error, parts);
    await rollBack(integrationId, { ...error, detail: 'second' }, parts);
    expect(new Set(starts)).toEqual(new Set([`${integrationId}-rollback-1`]));
    expect(now()).toMatchObject({
      status: 'rolling-back',
      error,
      steps: { RequestIamUser: { status: 'failed' } },
    });
  });

  test('does not begin for an integration that became ready in between', async () => {
    const { parts, starts, now } = world(recordOf({ status: 'ready' }));
    await rollBack(integrationId, error, parts);
    expect([starts, now()?.status]).toEqual([[], 'ready']);
  });
});

describe('DELETE', () => {
  test('stops a provisioning after the journal has fenced it', async () => {
    const { parts, starts, stops, now } = world(recordOf());
    await removeIntegration(integrationId, parts);
    expect(starts).toEqual([`${integrationId}-rollback-1`]);
    expect(stops).toHaveLength(1);
    expect(now()).toMatchObject({
      status: 'rolling-back',
      error: { title: 'Removal was requested while provisioning' },
    });
  });

  test.each([
    ['ready', `${integrationId}-remove-1`],
    ['residue', `${integrationId}-remove-4`],
  ] as const)('removes what is %s', async (status, name) => {
    const before = status === 'residue' ? { deprovision: { mode: 'rollback', run: 3 } as const } : {};
    const { parts, starts, now } = world(recordOf({ status, ...before }));
    await removeIntegration(integrationId, parts);
    expect(starts).toEqual([name]);
    expect(now()?.status).toBe('removing');
  });

  test.each(['failed', 'removed', 'removing', 'rolling-back'] as Status[])(
    'changes nothing of what is %s',
    async (status) => {
      const { parts, starts, stops, now } = world(recordOf({ status }));
      await removeIntegration(integrationId, parts);
      expect([starts, stops, now()?.status]).toEqual([[], [], status]);
    },
  );

  test('of an unknown integration is 404', async () => {
    expect((await thrownBy(removeIntegration('int_x', world(undefined).parts))).name).toBe(
      'IntegrationNotFoundError',
    );
  });
});

describe('the watchdog', () => {
  const ended = (executionName: string, status: 'ABORTED' | 'TIMED_OUT' = 'ABORTED') => ({
    executionArn: recordOf().executionArn,
    executionName,
    status,
  });

  test('undoes a provisioning that was stopped', async () => {
    const { parts, now } = world(recordOf());
    expect(await followUp(ended(integrationId), 'provision', parts)).toBe('rolled-back');
    expect(now()).toMatchObject({
      status: 'rolling-back',
      error: { title: 'The execution was stopped from outside' },
    });
  });

  test('does nothing about one that is ready, unknown, or of another execution', async () => {
    expect(
      await followUp(ended(integrationId), 'provision', world(recordOf({ status: 'ready' })).parts),
    ).toBe('nothing');
    expect(await followUp(ended(integrationId), 'provision', world(undefined).parts)).toBe('nothing');
    const other = { ...ended(integrationId), executionArn: 'arn:other' };
    expect(await followUp(other, 'provision', world(recordOf()).parts)).toBe('nothing');
  });

  test('starts a stopped undo again, but not for ever', async () => {
    const undoing = (run: number) => recordOf({ status: 'removing', deprovision: { mode: 'remove', run } });
    const { parts, starts } = world(undoing(2));
    expect(await followUp(ended(`${integrationId}-remove-2`), 'deprovision', parts)).toBe('run-again');
    expect(starts).toEqual([`${integrationId}-remove-3`]);
    const last = world(undoing(10));
    expect(await followUp(ended(`${integrationId}-remove-10`), 'deprovision', last.parts)).toBe('given-up');
    const late = world(undoing(3));
    expect(await followUp(ended(`${integrationId}-remove-2`), 'deprovision', late.parts)).toBe('nothing');
  });
});

describe('open calls', () => {
  test('are waited for until their function can no longer live', () => {
    const step = (openCalls: Record<string, number>) => stepOf(recordOf({ openCalls }));
    expect(openCallsSettled(step({}), 1_000)).toMatchObject({ settled: true });
    expect(openCallsSettled(step({ other: 30_000 }), 1_000)).toMatchObject({
      settled: false,
      waitSeconds: 5,
    });
    // Five seconds of grace: a request that it sent last may still be under way.
    expect(openCallsSettled(step({ other: 30_000 }), 34_000)).toMatchObject({
      settled: false,
      waitSeconds: 1,
    });
    expect(openCallsSettled(step({ other: 30_000 }), 35_000)).toMatchObject({ settled: true });
    // Its own call is no reason to wait.
    expect(openCallsSettled(step({ 'execution/CreateBucket/1': 30_000 }), 1_000)).toMatchObject({
      settled: true,
    });
  });
});

describe('the end of an undo', () => {
  const role = { state: 'created', arn: 'arn:role' } as const;

  test('is clean only when nothing stands', () => {
    expect(
      conclude({ record: recordOf({ resources: { role: { ...role, state: 'gone' } } }) }, 'rollback', [])
        .outcome.status,
    ).toBe('failed');
    expect(conclude({ record: recordOf() }, 'remove', []).outcome.status).toBe('removed');
    expect(conclude({ record: recordOf({ resources: { role } }) }, 'remove', []).outcome.status).toBe(
      'residue',
    );
  });

  test('names for each leftover why it stands', () => {
    const failures = [
      { step: 'DeleteRole', error: { Error: 'AwsAccessDeniedError', Cause: '{"errorMessage":"no"}' } },
    ];
    const { resources } = conclude({ record: recordOf({ resources: { role } }) }, 'remove', failures);
    expect(resources.role?.residue).toEqual({
      reason: 'AWS refused the call: no',
      advice: expect.stringContaining('DELETE'),
    });
    const view = integrationView(recordOf({ status: 'residue', resources }));
    expect(view.residue).toEqual([
      {
        type: 'AWS::IAM::Role',
        arn: 'arn:role',
        reason: 'AWS refused the call: no',
        advice: expect.any(String),
      },
    ]);
  });

  test('counts what was only intended as standing: it may exist', () => {
    const record = recordOf({ resources: { bucket: { state: 'intended', arn: 'arn:bucket' } } });
    expect(conclude({ record }, 'rollback', []).outcome.status).toBe('residue');
  });
});

describe('a registration', () => {
  const wanted = { record: recordOf(), idempotency: undefined };
  const store = (outcome: RegistrationOutcome, holder?: IntegrationRecord) => ({
    register: async () => outcome,
    read: async () => holder,
  });
  const starts: string[] = [];
  const machine = { startProvisioning: async (id: string) => void starts.push(id) };

  test('starts one execution', async () => {
    starts.length = 0;
    const { repeated } = await startProvisioning(wanted, store({ outcome: 'registered' }), machine);
    expect([repeated, starts]).toEqual([false, [integrationId]]);
  });

  test('refuses a key that was used for another body', async () => {
    const outcome = { outcome: 'repeated', integrationId: 'int_1', requestHash: 'other' } as const;
    const thrown = await thrownBy(startProvisioning(wanted, store(outcome, recordOf()), machine));
    expect(thrown.name).toBe('IdempotencyKeyReusedError');
  });

  test('heals a start that was lost, and gives the integration that stands', async () => {
    starts.length = 0;
    const holder = recordOf({ integrationId: 'int_1' });
    const outcome = { outcome: 'repeated', integrationId: 'int_1', requestHash: 'hash' } as const;
    const { record, repeated } = await startProvisioning(wanted, store(outcome, holder), machine);
    expect([record.integrationId, repeated, starts]).toEqual(['int_1', true, ['int_1']]);
  });

  test('names the holder of a name or bucket that is taken', async () => {
    const holder = recordOf({ integrationId: 'int_1', requestHash: 'other', status: 'ready' });
    const thrown = await thrownBy(
      startProvisioning(wanted, store({ outcome: 'locked', by: 'int_1' }, holder), machine),
    );
    expect(thrown).toMatchObject({
      name: 'NameOrBucketTakenError',
      message: expect.stringContaining('int_1'),
    });
  });

  test('says to try again where the holder has just gone', async () => {
    const thrown = await thrownBy(
      startProvisioning(wanted, store({ outcome: 'locked', by: 'int_1' }), machine),
    );
    expect(thrown).toMatchObject({ name: 'TryAgainError', retryable: true });
  });

  test('hashes bodies that mean the same to the same', () => {
    expect(canonicalJson({ b: 1, a: [{ d: 1, c: undefined }] })).toBe(canonicalJson({ a: [{ d: 1 }], b: 1 }));
    expect(canonicalJson({ a: '1' })).not.toBe(canonicalJson({ a: 1 }));
  });

  test.each(['', 'with space', 'x'.repeat(256), 'ü', 'a\nb'])('takes no key such as %j', (key) => {
    const context = { integrationId, executionArn: 'arn', now: new Date(0), sha256: (text: string) => text };
    expect(() => newRegistration(requestOf(), key, context)).toThrow(
      expect.objectContaining({ name: 'InvalidRequestError' }),
    );
  });

  test('answers a repeated key as it did the first time, whatever has become of it', () => {
    const record = recordOf({ status: 'failed', error });
    expect(firstView(record)).toEqual(firstView(recordOf()));
  });
});

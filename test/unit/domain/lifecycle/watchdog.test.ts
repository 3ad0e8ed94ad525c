import { describe, expect, test } from '@jest/globals';
import { eventDetails, type Publish } from '../../../../src/domain/api/events.ts';
import type { Closing } from '../../../../src/domain/lifecycle/conclude.ts';
import { locksOf } from '../../../../src/domain/lifecycle/start.ts';
import {
  type EndStatus,
  type FollowUp,
  followUp,
  type Sweep,
  sweep,
  type Watchdog,
} from '../../../../src/domain/lifecycle/watchdog.ts';
import { type JournalRecord, type Status, statuses } from '../../../../src/domain/model/record.ts';
import { ServiceError } from '../../../../src/errors.ts';
import { removeStart as remove, rollbackStart as rollback, undoOf, undoWorld } from '../fake-undo.ts';
import { closedAs, integrationId, recordOf, thrownBy } from '../fakes.ts';

const error = { type: 'urn:first', title: 'First', detail: 'The first error.' };
const down = new ServiceError('AwsUnavailableError', 'throttled');
/** What the watchdog's clock says, ms since the epoch. */
const clock = Date.parse('2026-11-23T00:10:00.000Z');
const bucket = { state: 'created', arn: 'arn:aws:s3:::dataloop-acme' } as const;

/** The world of an undo, with a journal that can be closed and the bus, which takes only what the contract allows. */
function world(first: JournalRecord | undefined) {
  const { parts, events, now, become, inputs } = undoWorld(first);
  const closings: Closing[] = [];
  const published: unknown[] = [];
  const publish: Publish = async (detailType, detail) => {
    events.push(`publish ${detailType}`);
    published.push(eventDetails[detailType].parse(detail));
  };
  const watchdog: Watchdog = {
    ...parts,
    now: () => clock,
    closing: {
      read: parts.journal.read,
      close: async (id, closing) => {
        if (id !== integrationId || closing.run !== now()?.deprovision?.run) return undefined;
        events.push(`close ${closing.status}`);
        closings.push(closing);
        const record = now();
        if (record) become(closedAs(record, closing));
        return now();
      },
      forgetAddedBucket: async () => undefined,
    },
    publish,
  };
  return { watchdog, events, now, inputs, closings, published };
}

const ended = (executionName: string, status: EndStatus = 'ABORTED') => ({
  recordId: integrationId,
  executionArn: recordOf().executionArn,
  executionName,
  status,
});
const undoing = (run: number, more: Partial<JournalRecord> = {}) =>
  recordOf({ status: 'removing', deprovision: undoOf('remove', run), ...more });

describe('after a provisioning that ended', () => {
  test.each([
    ['ABORTED', 'The execution was stopped', 'ended with the status ABORTED before'],
    ['FAILED', 'The execution was stopped', 'ended with the status FAILED before'],
    ['TIMED_OUT', 'A step timed out', 'reached the time-out of the state machine'],
    ['NOT_STARTED', 'The execution was stopped', 'never started'],
  ] as const)('too early (%s), the watchdog rolls it back and says why', async (status, title, detail) => {
    const { watchdog, now, events } = world(recordOf());
    expect(await followUp(ended(integrationId, status), 'provision', watchdog)).toBe('rolled-back');
    expect(now()).toMatchObject({
      status: 'rolling-back',
      error: { title, detail: expect.stringContaining(detail) },
      deprovision: undoOf('rollback', 1),
    });
    expect(events).toEqual(['journal rolling-back', rollback(1)]);
  });

  test('while the journal says that it is being rolled back, the watchdog starts that undo', async () => {
    const before = recordOf({ status: 'rolling-back', deprovision: undoOf('rollback', 1), error });
    const { watchdog, now, events, inputs } = world(before);
    expect(await followUp(ended(integrationId, 'FAILED'), 'provision', watchdog)).toBe('started');
    expect([events, inputs]).toEqual([
      [rollback(1)],
      [{ recordId: integrationId, mode: 'rollback', run: 1, kind: 'integration' }],
    ]);
    expect(now()).toEqual(before);
  });

  test.each<[string, JournalRecord | undefined, object]>([
    ['is unknown', undefined, {}],
    ['is ready', recordOf({ status: 'ready' }), {}],
    ['has failed and is clean', recordOf({ status: 'failed', deprovision: undoOf('rollback', 1) }), {}],
    [
      'is rolled back by a later run',
      recordOf({ status: 'rolling-back', deprovision: undoOf('rollback', 2) }),
      {},
    ],
    ['is being removed', undoing(1), {}],
    ['is provisioned by another execution', recordOf(), { executionArn: 'arn:other' }],
    [
      'is rolled back after another execution',
      recordOf({ status: 'rolling-back', deprovision: undoOf('rollback', 1) }),
      { executionArn: 'arn:other' },
    ],
  ])('the watchdog does nothing when the integration %s', async (_what, record, more) => {
    const { watchdog, events } = world(record);
    expect(await followUp({ ...ended(integrationId), ...more }, 'provision', watchdog)).toBe('nothing');
    expect(events).toEqual([]);
  });
});

describe('after an undo that ended', () => {
  test.each(['FAILED', 'TIMED_OUT', 'ABORTED', 'SUCCEEDED'] as const)(
    '%s, before it concluded, the watchdog starts another run',
    async (status) => {
      const { watchdog, events } = world(undoing(2));
      const outcome = await followUp(ended(`${integrationId}-remove-2`, status), 'deprovision', watchdog);
      expect([outcome, events]).toEqual(['run-again', ['journal removing', remove(3)]]);
    },
  );

  test.each([
    ['removing', 'remove', remove(3)],
    ['rolling-back', 'rollback', rollback(3)],
  ] as const)('while %s, the other run has the same mode and counts as a restart', async (...given) => {
    const [status, mode, start] = given;
    const { watchdog, events, now } = world(undoing(2, { status, deprovision: undoOf(mode, 2, 1), error }));
    const name = `${integrationId}-${mode}-2`;
    expect(await followUp(ended(name), 'deprovision', watchdog)).toBe('run-again');
    expect(events).toEqual([`journal ${status}`, start]);
    expect(now()).toMatchObject({ status, error, deprovision: undoOf(mode, 3, 2) });
  });

  test('or never began, the watchdog starts it as it is', async () => {
    const before = undoing(2, { deprovision: undoOf('remove', 2, 5) });
    const { watchdog, events, now } = world(before);
    const outcome = await followUp(
      ended(`${integrationId}-remove-2`, 'NOT_STARTED'),
      'deprovision',
      watchdog,
    );
    expect([outcome, events]).toEqual(['started', [remove(2)]]);
    expect(now()).toEqual(before);
  });

  test('the watchdog starts one further run for an event that comes twice', async () => {
    const { watchdog, events } = world(undoing(2));
    await followUp(ended(`${integrationId}-remove-2`), 'deprovision', watchdog);
    expect(await followUp(ended(`${integrationId}-remove-2`), 'deprovision', watchdog)).toBe('nothing');
    expect(events.filter((event) => event.startsWith('start'))).toEqual([remove(3)]);
  });

  test.each([
    ['is unknown', undefined],
    ['was never undone', recordOf()],
    ['is undone by a later run', undoing(3)],
    ['is undone in the other mode', undoing(2, { deprovision: undoOf('rollback', 2) })],
    ['was closed by that run', undoing(2, { status: 'residue' })],
  ])('the watchdog does nothing when the integration %s', async (_what, record) => {
    for (const status of ['ABORTED', 'NOT_STARTED'] as const) {
      const { watchdog, events } = world(record);
      const name = `${integrationId}-remove-2`;
      expect(await followUp(ended(name, status), 'deprovision', watchdog)).toBe('nothing');
      expect(events).toEqual([]);
    }
  });
});

describe('giving up', () => {
  const maximumRestarts = 5;
  const exhausted = (mode: 'rollback' | 'remove', more: Partial<JournalRecord> = {}) =>
    recordOf({
      status: mode === 'rollback' ? 'rolling-back' : 'removing',
      deprovision: undoOf(mode, 9, maximumRestarts),
      ...more,
    });
  const afterRun = (mode: string) => ended(`${integrationId}-${mode}-9`, 'FAILED');

  test('comes after a number of restarts, and not before', async () => {
    const { watchdog, events } = world(undoing(1, { resources: { bucket } }));
    const outcomes: string[] = [];
    for (let run = 1; outcomes.at(-1) !== 'given-up' && run < 100; run += 1) {
      outcomes.push(await followUp(ended(`${integrationId}-remove-${run}`), 'deprovision', watchdog));
    }
    expect(outcomes).toEqual([...Array(maximumRestarts).fill('run-again'), 'given-up']);
    expect(events.filter((event) => event.startsWith('start'))).toEqual([2, 3, 4, 5, 6].map(remove));
  });

  test.each([
    ['may still take effect', clock - 4_999, 'run-again'],
    ['cannot take effect any more', clock - 5_000, 'given-up'],
  ] as const)(
    'waits for a call that %s: its names are not to be free before',
    async (_what, until, expected) => {
      const { watchdog } = world(
        exhausted('remove', {
          inFlightCalls: { 'execution/DeleteRole/1': { step: 'DeleteRole', until } },
        }),
      );
      expect(await followUp(afterRun('remove'), 'deprovision', watchdog)).toBe(expected);
    },
  );

  test('does not wait for ever, whatever a function’s clock said', async () => {
    const tomorrow = clock + 86_400_000;
    const undo = (restarts: number) => ({
      deprovision: undoOf('remove', 9, restarts),
      inFlightCalls: { 'execution/DeleteRole/1': { step: 'DeleteRole' as const, until: tomorrow } },
    });
    const [before, last] = [world(exhausted('remove', undo(99))), world(exhausted('remove', undo(100)))];
    expect(await followUp(afterRun('remove'), 'deprovision', before.watchdog)).toBe('run-again');
    expect(await followUp(afterRun('remove'), 'deprovision', last.watchdog)).toBe('given-up');
  });

  test('counts the restarts of this undo alone, not the runs that people asked for', async () => {
    const { watchdog } = world(undoing(40));
    const outcome = await followUp(ended(`${integrationId}-remove-40`), 'deprovision', watchdog);
    expect(outcome).toBe('run-again');
  });

  test.each([
    ['rollback', 'Dataloop Integration Failed'],
    ['remove', 'Dataloop Integration Removed'],
  ] as const)('closes a %s as residue, keeps its locks, and says so', async (mode, detailType) => {
    const { watchdog, events, closings, published, now } = world(exhausted(mode, { resources: { bucket } }));
    expect(await followUp(afterRun(mode), 'deprovision', watchdog)).toBe('given-up');
    expect(events).toEqual(['close residue', `publish ${detailType}`]);
    expect(closings).toMatchObject([{ run: 9, status: 'residue', locks: [] }]);
    const todo = {
      reason: expect.stringContaining('aborted several times'),
      advice: 'Send DELETE for this integration again.',
    };
    expect(now()?.resources.bucket).toEqual({ ...bucket, residue: todo });
    expect(published).toMatchObject([
      { integrationId, status: 'residue', residue: [{ type: 'AWS::S3::Bucket', arn: bucket.arn, ...todo }] },
    ]);
  });

  test('keeps the reason that a step of the undo has given', async () => {
    const residue = { reason: 'It is not empty.', advice: 'Empty it.' };
    const { watchdog, now } = world(exhausted('remove', { resources: { bucket: { ...bucket, residue } } }));
    await followUp(afterRun('remove'), 'deprovision', watchdog);
    expect(now()?.resources.bucket?.residue).toEqual(residue);
  });

  test.each([
    ['rollback', 'failed'],
    ['remove', 'removed'],
  ] as const)('ends a %s that left nothing as clean, and frees its locks', async (mode, status) => {
    const record = exhausted(mode, { resources: { bucket: { ...bucket, state: 'gone' } } });
    const { watchdog, closings } = world(record);
    expect(await followUp(afterRun(mode), 'deprovision', watchdog)).toBe('given-up');
    expect(closings).toMatchObject([{ run: 9, status, locks: locksOf(record) }]);
  });

  test('is over once: an event that comes twice announces nothing again', async () => {
    const { watchdog, published } = world(exhausted('remove', { resources: { bucket } }));
    await followUp(afterRun('remove'), 'deprovision', watchdog);
    expect(await followUp(afterRun('remove'), 'deprovision', watchdog)).toBe('nothing');
    expect(published).toHaveLength(1);
  });

  test('announces nothing that the journal did not take', async () => {
    const { watchdog, published } = world(exhausted('remove'));
    const closed = { ...watchdog, closing: { ...watchdog.closing, close: async () => undefined } };
    const thrown = await thrownBy(followUp(afterRun('remove'), 'deprovision', closed));
    expect([thrown.name, published]).toEqual(['IntegrationMovedOnError', []]);
  });
});

describe('the sweep', () => {
  const updatedAt = '2026-11-23T00:00:00.000Z';
  const minutes = (count: number) => Date.parse(updatedAt) + count * 60_000;

  /** A sweep of some integrations, after a time in which nothing has touched them. */
  function sweeping(
    records: readonly JournalRecord[],
    { now = minutes(2), active = records.map(({ id }) => id) } = {},
    statusOf: (executionArn: string) => EndStatus | 'RUNNING' | Error = () => 'FAILED',
  ) {
    const worlds = new Map(records.map((record) => [record.id, world(record)]));
    const asked: string[] = [];
    const outcomes: [string, FollowUp][] = [];
    const errors: [string, unknown][] = [];
    const starts: string[] = [];
    const running: string[] = [];
    const parts: Sweep = {
      ...world(undefined).watchdog,
      findActive: async () => active,
      journal: {
        read: async (id) => worlds.get(id)?.now(),
        beginDeprovision: async (id, change) => worlds.get(id)?.watchdog.journal.beginDeprovision(id, change),
        failStep: async () => undefined,
      },
      machine: { startDeprovisioning: async (name) => void starts.push(name) },
      executionStatus: async (arn) => {
        asked.push(arn);
        const status = statusOf(arn);
        if (status instanceof Error) throw status;
        return status;
      },
      undoExecutionArn: (name) => `arn:undo:${name}`,
      now: () => now,
      onRunning: async ({ id }) => void running.push(id),
      onFollowUp: (id, outcome) => void outcomes.push([id, outcome]),
      onError: (id, thrown) => void errors.push([id, thrown]),
    };
    return { parts, asked, outcomes, errors, starts, running };
  }
  const provisioning = recordOf({ updatedAt });
  const removing = undoing(2, { updatedAt });

  test.each([
    ['a provisioning', provisioning, 'FAILED', 'rolled-back', `${integrationId}-rollback-1`],
    ['a provisioning', provisioning, 'NOT_STARTED', 'rolled-back', `${integrationId}-rollback-1`],
    ['an undo', removing, 'ABORTED', 'run-again', `${integrationId}-remove-3`],
    ['an undo', removing, 'NOT_STARTED', 'started', `${integrationId}-remove-2`],
    [
      'a rollback',
      undoing(1, { updatedAt, status: 'rolling-back', deprovision: undoOf('rollback', 1) }),
      'NOT_STARTED',
      'started',
      `${integrationId}-rollback-1`,
    ],
  ] as const)('follows %s up that no event reported: %s', async (_what, record, status, outcome, start) => {
    const { parts, outcomes, errors, starts } = sweeping([record], {}, () => status);
    expect(await sweep(parts)).toBe(0);
    expect([outcomes, errors, starts]).toEqual([[[integrationId, outcome]], [], [start]]);
  });

  const old = recordOf({ updatedAt, createdAt: new Date(minutes(-31 * 24 * 60)).toISOString() });
  test.each<[string, JournalRecord, EndStatus]>([
    ['has become ready', provisioning, 'SUCCEEDED'],
    ['Step Functions may have forgotten', old, 'NOT_STARTED'],
  ])('undoes nothing where the status is false: its execution %s', async (_what, record, status) => {
    const { parts, outcomes, starts } = sweeping([record], {}, () => status);
    expect(await sweep(parts)).toBe(0);
    expect([outcomes, starts]).toEqual([[[integrationId, 'status-is-false']], []]);
  });

  test('looks at what was changed in a later year', async () => {
    const forged = { ...removing, updatedAt: '9999-01-01T00:00:00.000Z' };
    const { parts, starts } = sweeping([forged], {}, () => 'NOT_STARTED');
    expect(await sweep(parts)).toBe(0);
    expect(starts).toEqual([`${integrationId}-remove-2`]);
  });

  test('does not wait for one that is slow before it looks at the next', async () => {
    const slow = recordOf({ updatedAt, executionArn: provisioning.executionArn.replace(/.$/, '0') });
    const other = { ...removing, id: 'int_00000000000000000000000000' };
    const { parts, outcomes } = sweeping([slow, other]);
    const answers: ((status: EndStatus) => void)[] = [];
    const executionStatus = (arn: string) =>
      arn === slow.executionArn
        ? new Promise<EndStatus>((answer) => answers.push(answer))
        : parts.executionStatus(arn);
    const onFollowUp: Sweep['onFollowUp'] = (id, outcome) => {
      parts.onFollowUp(id, outcome);
      // The slow one answers only now.
      for (const answer of answers.splice(0)) answer('FAILED');
    };
    expect(await sweep({ ...parts, executionStatus, onFollowUp })).toBe(0);
    expect(outcomes.map(([id]) => id)).toEqual([other.id, slow.id]);
  });

  test('looks at the execution that is at work by now', async () => {
    const other = undoing(7, { id: 'int_1', updatedAt });
    const { parts, asked } = sweeping([provisioning, other], {}, () => 'RUNNING');
    await sweep(parts);
    expect(asked).toEqual([provisioning.executionArn, 'arn:undo:int_1-remove-7']);
  });

  test('leaves alone what runs', async () => {
    const other = undoing(2, { id: 'int_1', updatedAt });
    const { parts, asked, outcomes, starts, running } = sweeping([provisioning, other], {}, () => 'RUNNING');
    expect(await sweep(parts)).toBe(0);
    expect(asked).toHaveLength(2);
    expect([outcomes, starts]).toEqual([[], []]);
    // What they wait for may have been lost.
    expect(running).toEqual([provisioning.id, other.id]);
  });

  test('does not look at what was touched in the last two minutes', async () => {
    const { parts, asked, starts } = sweeping([provisioning], { now: minutes(2) - 1 });
    expect(await sweep(parts)).toBe(0);
    expect([asked, starts]).toEqual([[], []]);
  });

  test.each<Status>(
    statuses.filter((status) => !['provisioning', 'rolling-back', 'removing'].includes(status)),
  )('reads again what the index still shows as active: one that is %s is left alone', async (status) => {
    const { parts, asked, starts } = sweeping([
      recordOf({ status, updatedAt, deprovision: undoOf('rollback', 1) }),
    ]);
    expect(await sweep(parts)).toBe(0);
    expect([asked, starts]).toEqual([[], []]);
  });

  test('passes over what is not there any more', async () => {
    const { parts, asked, errors } = sweeping([], { active: ['int_gone'] });
    expect(await sweep(parts)).toBe(0);
    expect([asked, errors]).toEqual([[], []]);
  });

  test('looks at all the others where one cannot be looked at, and says how many could not', async () => {
    const records = ['int_1', 'int_2', 'int_3', 'int_4'].map((id) => undoing(1, { id: id, updatedAt }));
    const { parts, outcomes, errors, starts } = sweeping(records, {}, (arn) =>
      /int_[13]/.test(arn) ? down : 'FAILED',
    );
    expect(await sweep(parts)).toBe(2);
    expect(errors).toEqual([
      ['int_1', down],
      ['int_3', down],
    ]);
    expect(outcomes).toEqual([
      ['int_2', 'run-again'],
      ['int_4', 'run-again'],
    ]);
    expect(starts).toEqual(['int_2-remove-2', 'int_4-remove-2']);
  });

  test('does not hide that it could not find out what is active', async () => {
    const { parts } = sweeping([]);
    expect(await thrownBy(sweep({ ...parts, findActive: () => Promise.reject(down) }))).toBe(down);
  });
});

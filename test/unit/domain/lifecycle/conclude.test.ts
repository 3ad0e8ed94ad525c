import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { eventDetails, type Publish } from '../../../../src/domain/api/events.ts';
import {
  announceReady,
  type Closing,
  type ClosingJournal,
  closeAndAnnounce,
  conclude,
} from '../../../../src/domain/lifecycle/conclude.ts';
import { locksOf } from '../../../../src/domain/lifecycle/start.ts';
import type { JournalRecord } from '../../../../src/domain/model/record.ts';
import { resourceKeys } from '../../../../src/domain/model/resource-keys.ts';
import { ServiceError } from '../../../../src/errors.ts';
import { addedTo, driverIdOf, driverRecord, parent } from '../fake-access.ts';
import { undoOf } from '../fake-undo.ts';
import { closedAs, integrationId, recordOf, stepOf, thrownBy } from '../fakes.ts';

/** The bus, which takes only what the published contract allows. */
function fakeBus(done: unknown[]): Publish {
  return async (detailType, detail) => {
    done.push([detailType, eventDetails[detailType].parse(detail)]);
  };
}

const bucket = { state: 'created', arn: 'arn:aws:s3:::dataloop-acme' } as const;

const stack = {
  stackId: 'arn:aws:cloudformation:eu-west-1:111111111111:stack/images/0c1d2e3f',
  logicalResourceId: 'Images',
};

/** A journal that closes records as it is told, and knows of no integration that a driver was added to, but of every driver. */
const closingWith = (close: ClosingJournal['close'], more: Partial<ClosingJournal> = {}): ClosingJournal => ({
  read: async (id) => recordOf({ id, parent }),
  close,
  forgetAddedBucket: async () => undefined,
  ...more,
});

describe('Activate', () => {
  test('announces what was made, once the journal says that it is ready', async () => {
    const done: unknown[] = [];
    const activate = async (id: string) => {
      done.push(`activate ${id}`);
      return recordOf({ status: 'ready', resources: { bucket } });
    };
    expect(await announceReady(stepOf(recordOf()), activate, fakeBus(done))).toEqual({ status: 'ready' });
    expect(done).toEqual([
      `activate ${integrationId}`,
      [
        'Dataloop Integration Ready',
        {
          version: '1',
          integrationId,
          name: 'acme',
          resources: [{ type: 'AWS::S3::Bucket', arn: bucket.arn }],
        },
      ],
    ]);
  });

  test('names the resource of a stack that it was made for: by that the stack is answered', async () => {
    const done: unknown[] = [];
    const record = recordOf({ status: 'ready', stack, resources: { bucket } });
    await announceReady(stepOf(recordOf()), async () => record, fakeBus(done));
    const added = recordOf({ id: driverIdOf(1), kind: 'added bucket', parent, status: 'ready', stack });
    await announceReady(stepOf(added), async () => added, fakeBus(done));
    expect(done).toEqual([
      ['Dataloop Integration Ready', expect.objectContaining({ stack })],
      ['Dataloop Driver Ready', expect.objectContaining({ stack })],
    ]);
  });

  test('announces nothing of an integration that is being undone by now', async () => {
    const done: unknown[] = [];
    const announcing = announceReady(stepOf(recordOf()), async () => undefined, fakeBus(done));
    expect((await thrownBy(announcing)).name).toBe('IntegrationMovedOnError');
    expect(done).toEqual([]);
  });
});

describe('the end of an undo', () => {
  const ends = (
    mode: 'rollback' | 'remove',
    resources: JournalRecord['resources'],
    failures: Parameters<typeof conclude>[1]['failures'] = [],
  ) => conclude(recordOf({ resources }), { mode, failures });
  const denied = { Error: 'AwsAccessDeniedError', Cause: '{"errorMessage":"denied by a policy"}' };

  test('is clean exactly when nothing stands; else every leftover says why and what to do', () => {
    const resource = fc.record({
      state: fc.constantFrom('intended' as const, 'created' as const, 'gone' as const),
      arn: fc.constant('arn:x'),
    });
    const resources = fc.dictionary(fc.constantFrom(...resourceKeys), resource);
    fc.assert(
      fc.property(resources, fc.constantFrom('rollback' as const, 'remove' as const), (before, mode) => {
        const { status, leftovers } = ends(mode, before);
        const left = Object.entries(before).filter(([, { state }]) => state !== 'gone');
        const clean = mode === 'rollback' ? 'failed' : 'removed';
        expect(status).toBe(left.length > 0 ? 'residue' : clean);
        expect(Object.keys(leftovers).sort()).toEqual(left.map(([key]) => key).sort());
        for (const residue of Object.values(leftovers)) {
          expect(residue).toEqual({ reason: expect.any(String), advice: expect.stringContaining('DELETE') });
        }
      }),
    );
  });

  test('blames each step’s error for its own resource, and says of the others what is known', () => {
    const everything = Object.fromEntries(
      resourceKeys.map((each) => [each, { state: 'created' as const, arn: `arn:${each}` }]),
    );
    const { leftovers } = ends('remove', everything, [{ step: 'DeleteRole', error: denied }]);
    const reasons = resourceKeys.map((key) => [key, leftovers[key]?.reason]);
    const unexplained = expect.stringMatching(/^The undo was aborted several times .*Step Functions\.$/);
    expect(reasons).toEqual(
      resourceKeys.map((key) => [
        key,
        key === 'role' ? 'AWS denied access: denied by a policy' : unexplained,
      ]),
    );
    expect(leftovers.bucket?.advice).toBe('Send DELETE for this integration again.');
  });

  test('keeps the reason that a step gave itself, unless a later error says more', () => {
    const residue = { reason: 'It is not empty.', advice: 'Empty it.' };
    const bucket = { state: 'created', arn: 'arn:bucket', residue } as const;
    expect(ends('remove', { bucket }).leftovers.bucket).toEqual(residue);
    const { leftovers } = ends('remove', { bucket }, [{ step: 'DeleteBucket', error: denied }]);
    expect(leftovers.bucket).toMatchObject({ reason: 'AWS denied access: denied by a policy' });
  });

  test('is clean when a step failed whose resource turned out to be gone all the same', () => {
    const role = { state: 'gone', arn: 'arn:role' } as const;
    const { status, leftovers } = ends('remove', { role }, [{ step: 'DeleteRole', error: denied }]);
    expect([status, leftovers]).toEqual(['removed', {}]);
  });

  test('is clean where what stands under a name was left alone as somebody else’s', () => {
    const role = { state: 'gone', arn: 'arn:role', leftAlone: 'It is theirs.' } as const;
    expect(ends('rollback', { role })).toEqual({ status: 'failed', leftovers: {} });
  });

  test('leaves the record as it was', () => {
    const record = recordOf({ resources: { role: { state: 'created', arn: 'arn:role' } } });
    const before = structuredClone(record);
    conclude(record, { mode: 'remove', failures: [{ step: 'DeleteRole', error: denied }] });
    expect(record).toEqual(before);
  });
});

describe('Conclude', () => {
  const error = { type: 'urn:x', title: 'Title', detail: 'Detail', step: 'CreateRole' };
  const refused = {
    step: 'DeleteBucket',
    error: { Error: 'AwsAccessDeniedError', Cause: '{"errorMessage":"denied"}' },
  };

  /** Runs Conclude on a record, with a journal that closes it as it is told. */
  async function concluded(
    mode: 'rollback' | 'remove',
    more: Partial<JournalRecord>,
    failures: Parameters<typeof closeAndAnnounce>[1]['failures'] = [],
  ) {
    const record = recordOf({
      status: mode === 'rollback' ? 'rolling-back' : 'removing',
      deprovision: undoOf(mode, 2),
      ...more,
    });
    const closings: Closing[] = [];
    const done: unknown[] = [];
    const result = await closeAndAnnounce(
      record,
      { mode, run: 2, failures },
      closingWith(async (_id, closing) => {
        closings.push(closing);
        done.push('closed');
        return closedAs(record, closing);
      }),
      fakeBus(done),
    );
    return { result, closing: closings[0], done, locks: locksOf(record) };
  }

  test('ends a rollback that left nothing as failed, frees its locks, and says why it failed', async () => {
    const { result, closing, done, locks } = await concluded('rollback', { error });
    expect(result).toEqual({ status: 'failed' });
    expect(closing).toMatchObject({ run: 2, status: 'failed', locks });
    expect(done).toEqual([
      'closed',
      [
        'Dataloop Integration Failed',
        { version: '1', integrationId, name: 'acme', status: 'failed', error, residue: [] },
      ],
    ]);
  });

  test('ends a removal that left nothing as removed, and frees its locks', async () => {
    const { result, closing, done, locks } = await concluded('remove', {
      resources: { bucket: { ...bucket, state: 'gone' } },
    });
    expect(result).toEqual({ status: 'removed' });
    expect(closing).toMatchObject({ run: 2, status: 'removed', locks });
    expect(done[1]).toEqual([
      'Dataloop Integration Removed',
      { version: '1', integrationId, name: 'acme', status: 'removed', residue: [] },
    ]);
  });

  test.each(['rollback', 'remove'] as const)(
    'names in the event of a %s the resource of a stack that it was made for',
    async (mode) => {
      const { done } = await concluded(mode, { stack });
      expect(done[1]).toMatchObject([expect.any(String), { stack }]);
    },
  );

  test.each(['rollback', 'remove'] as const)(
    'names in the event of a %s a bucket that is kept',
    async (mode) => {
      const released = 'You asked to keep it.';
      const resources = { bucket: { ...bucket, state: 'gone', released } } as const;
      const { result, closing, done, locks } = await concluded(mode, { keepBucket: true, resources });
      expect(result).toEqual({ status: mode === 'remove' ? 'removed' : 'failed' });
      expect(closing?.locks).toEqual(locks);
      expect(done[1]).toMatchObject([
        expect.any(String),
        { released: [{ type: 'AWS::S3::Bucket', arn: bucket.arn, reason: released }] },
      ]);
    },
  );

  test.each([
    ['rollback', 'Dataloop Integration Failed'],
    ['remove', 'Dataloop Integration Removed'],
  ] as const)('names every leftover of a %s, and keeps its locks', async (mode, detailType) => {
    const { result, closing, done } = await concluded(mode, { resources: { bucket } }, [refused]);
    expect(result).toEqual({ status: 'residue' });
    expect(closing).toMatchObject({ run: 2, status: 'residue', locks: [] });
    const residue = [
      {
        type: 'AWS::S3::Bucket',
        arn: bucket.arn,
        reason: expect.stringContaining('denied'),
        advice: expect.stringContaining('DELETE'),
      },
    ];
    expect(done[1]).toEqual([detailType, expect.objectContaining({ status: 'residue', residue })]);
  });

  test.each([
    ['an earlier run does not end a later one', undoOf('remove', 3)],
    ['a run that the journal has not begun ends nothing', undoOf('remove', 1)],
    ['nothing is ended that is not being undone', undefined],
  ] as const)('%s', async (_what, deprovision) => {
    const done: string[] = [];
    const record = recordOf({ status: 'removing', ...(deprovision ? { deprovision } : {}) });
    const closing = closeAndAnnounce(
      record,
      { mode: 'remove', run: 2, failures: [] },
      closingWith(async () => {
        done.push('closed');
        return record;
      }),
      async () => void done.push('published'),
    );
    expect([(await thrownBy(closing)).name, done]).toEqual(['IntegrationMovedOnError', []]);
  });

  test('closes with the very leftovers that the end comes to, and announces what was closed', async () => {
    const { closing, done } = await concluded('remove', { resources: { bucket } }, [refused]);
    const record = recordOf({ resources: { bucket } });
    expect(closing?.leftovers).toEqual(conclude(record, { mode: 'remove', failures: [refused] }).leftovers);
    expect(done[0]).toBe('closed');
  });

  const startedAt = '2026-11-23T00:00:01.000Z';
  const open = {
    CreateRole: { status: 'succeeded', startedAt, endedAt: startedAt, attempts: 1 },
    DeleteRole: { status: 'retrying', startedAt, attempts: 3 },
    DeleteBucket: { status: 'running', startedAt, attempts: 1 },
    Conclude: { status: 'running', startedAt, attempts: 1 },
  } as const;

  test('ends itself and every step that nobody ended, with the status', async () => {
    const ended: Closing[] = [];
    const record = recordOf({ status: 'removing', deprovision: undoOf('remove', 1), steps: open });
    const journal = closingWith(async (_id, closing) => {
      ended.push(closing);
      return recordOf({ status: closing.status });
    });
    const undo = { mode: 'remove', run: 1, failures: [], step: 'Conclude' } as const;
    await closeAndAnnounce(record, undo, journal, fakeBus([]));
    expect(ended).toMatchObject([
      { steps: { DeleteRole: 'failed', DeleteBucket: 'failed', Conclude: 'succeeded' } },
    ]);
    expect(Object.keys(ended[0]?.steps ?? {})).toHaveLength(3);
  });

  test.each<[string, (id: string) => Promise<JournalRecord | undefined>, string]>([
    ['of which there is no record', async () => undefined, 'removed'],
    [
      'of another integration',
      async (id) => recordOf({ id, parent: { ...parent, integrationId: 'int_1' } }),
      'removed',
    ],
    ['that is its own', async (id) => recordOf({ id, parent }), 'residue'],
    [
      'whose record cannot be read',
      () => Promise.reject(new ServiceError('RecordDamagedError', 'damaged')),
      'residue',
    ],
  ])('an entry of a bucket %s is disregarded where it is forged', async (_what, read, status) => {
    const addedBuckets = { [driverIdOf(1)]: addedTo('dataloop-b') };
    const record = recordOf({ status: 'removing', deprovision: undoOf('remove', 1), addedBuckets });
    const journal = closingWith(async (_id, closing) => closedAs(record, closing), {
      read,
      forgetAddedBucket: async () => ({ ...record, addedBuckets: {} }),
    });
    const undo = { mode: 'remove', run: 1, failures: [] } as const;
    expect(await closeAndAnnounce(record, undo, journal, fakeBus([]))).toEqual({ status });
  });

  test('has failed, too, where the watchdog ends the undo', async () => {
    const { closing } = await concluded('remove', { steps: open });
    expect(closing?.steps).toEqual({ DeleteRole: 'failed', DeleteBucket: 'failed', Conclude: 'failed' });
  });

  test('ends a step that began while the end was written', async () => {
    const record = recordOf({ status: 'removing', deprovision: undoOf('remove', 1) });
    const { DeleteBucket } = open;
    const ended: Closing[] = [];
    const journal = closingWith(async (_id, closing) => {
      ended.push(closing);
      return { ...record, status: closing.status, steps: ended.length === 1 ? { DeleteBucket } : {} };
    });
    await closeAndAnnounce(record, { mode: 'remove', run: 1, failures: [] }, journal, fakeBus([]));
    expect(ended.map(({ steps }) => steps)).toEqual([{}, { DeleteBucket: 'failed' }]);
  });

  test('announces no end that the journal did not take', async () => {
    const done: unknown[] = [];
    const closing = closeAndAnnounce(
      recordOf({ status: 'removing', deprovision: undoOf('remove', 1) }),
      { mode: 'remove', run: 1, failures: [] },
      closingWith(async () => undefined),
      fakeBus(done),
    );
    expect([(await thrownBy(closing)).name, done]).toEqual(['IntegrationMovedOnError', []]);
  });
});

describe('an added driver', () => {
  const driverId = driverIdOf(1);
  const added = addedTo('dataloop-b');
  const driverWith = (more: Partial<JournalRecord> = {}) =>
    driverRecord(driverId, { ...added, dataloop: { ...added.dataloop, driverName: 'Second' } }, more);
  const ids = { version: '1', integrationId, driverId, name: 'Second' };

  test('is announced as ready with its integration, once the journal says so', async () => {
    const done: unknown[] = [];
    const activate = async (id: string) => {
      done.push(`activate ${id}`);
      return driverWith({
        status: 'ready',
        resources: { bucket, access: { state: 'created', arn: 'arn:policy', origin: 'adopted' } },
      });
    };
    await announceReady(stepOf(driverWith()), activate, fakeBus(done));
    expect(done).toEqual([
      `activate ${driverId}`,
      [
        'Dataloop Driver Ready',
        {
          ...ids,
          resources: [
            { type: 'AWS::S3::Bucket', arn: bucket.arn },
            { type: 'AWS::IAM::ManagedPolicy', arn: 'arn:policy' },
          ],
        },
      ],
    ]);
  });

  test('that is being undone by now is not announced', async () => {
    const done: unknown[] = [];
    const announcing = announceReady(stepOf(driverWith()), async () => undefined, fakeBus(done));
    expect(await thrownBy(announcing)).toMatchObject({
      name: 'IntegrationMovedOnError',
      message: expect.stringContaining(driverId),
    });
    expect(done).toEqual([]);
  });

  async function concluded(
    mode: 'rollback' | 'remove',
    more: Partial<JournalRecord>,
    failures: Parameters<typeof closeAndAnnounce>[1]['failures'] = [],
  ) {
    const record = driverWith({
      status: mode === 'rollback' ? 'rolling-back' : 'removing',
      deprovision: undoOf(mode, 2),
      ...more,
    });
    const closings: Closing[] = [];
    const forgotten: { ids: readonly string[]; before: boolean }[] = [];
    const done: unknown[] = [];
    const result = await closeAndAnnounce(
      record,
      { mode, run: 2, failures },
      closingWith(
        async (_id, closing) => {
          closings.push(closing);
          return closedAs(record, closing);
        },
        {
          forgetAddedBucket: async (...ids) => {
            forgotten.push({ ids, before: closings.length === 0 });
            return undefined;
          },
        },
      ),
      fakeBus(done),
    );
    return { result, closing: closings[0], done, forgotten };
  }

  test('of which nothing is left is forgotten by its integration, and frees its own locks', async () => {
    const { result, closing, done, forgotten } = await concluded('remove', {
      resources: { access: { state: 'gone', arn: 'arn:policy' } },
    });
    // From its end on nobody looks after it any more.
    expect(forgotten).toEqual([{ ids: [integrationId, driverId], before: true }]);
    expect(result).toEqual({ status: 'removed' });
    expect(closing).toMatchObject({
      run: 2,
      status: 'removed',
      locks: [
        `driver#${integrationId}#project-1#Second`,
        'bucket#dataloop-b#Second',
        'created-bucket#dataloop-b',
      ],
    });
    expect(done).toEqual([['Dataloop Driver Removed', { ...ids, status: 'removed', residue: [] }]]);
  });

  test('that failed is announced with the reason, and forgotten, too', async () => {
    const error = { type: 'urn:x', title: 'Title', detail: 'Detail', step: 'GrantAccess' };
    const { closing, done, forgotten } = await concluded('rollback', { error });
    expect(closing).toMatchObject({ status: 'failed' });
    expect(forgotten).toEqual([{ ids: [integrationId, driverId], before: true }]);
    expect(done).toEqual([['Dataloop Driver Failed', { ...ids, status: 'failed', error, residue: [] }]]);
  });

  test.each([
    ['rollback', 'Dataloop Driver Failed'],
    ['remove', 'Dataloop Driver Removed'],
  ] as const)(
    'of which a %s left something is not forgotten, and keeps its locks',
    async (mode, detailType) => {
      const access = { state: 'created', arn: 'arn:policy', origin: 'adopted' } as const;
      const denied = { Error: 'AwsAccessDeniedError', Cause: '{"errorMessage":"denied"}' };
      const { result, closing, done, forgotten } = await concluded(mode, { resources: { access } }, [
        { step: 'RevokeAccess', error: denied },
      ]);
      expect(result).toEqual({ status: 'residue' });
      expect(closing).toMatchObject({ status: 'residue', locks: [] });
      expect(forgotten).toEqual([]);
      const residue = [
        {
          type: 'AWS::IAM::ManagedPolicy',
          arn: 'arn:policy',
          reason: 'AWS denied access: denied',
          advice: expect.stringMatching(
            /, or remove the bucket from the policy yourself\. Then send DELETE for this driver again\.$/,
          ),
        },
      ];
      expect(done).toEqual([[detailType, expect.objectContaining({ ...ids, status: 'residue', residue })]]);
    },
  );

  test('of which something is left keeps its integration from its end', async () => {
    const drivers = { [driverId]: added };
    expect(conclude(recordOf({ addedBuckets: drivers }), { mode: 'remove', failures: [] }).status).toBe(
      'residue',
    );
    expect(conclude(recordOf({ addedBuckets: {} }), { mode: 'remove', failures: [] }).status).toBe('removed');
  });

  test('of which something is left is named where the end of its integration is announced', async () => {
    const done: unknown[] = [];
    const closings: Closing[] = [];
    const record = recordOf({
      status: 'removing',
      deprovision: undoOf('remove', 1),
      addedBuckets: { [driverId]: added },
    });
    await closeAndAnnounce(
      record,
      { mode: 'remove', run: 1, failures: [] },
      closingWith(async (_id, closing) => {
        closings.push(closing);
        return { ...record, status: closing.status };
      }),
      fakeBus(done),
    );
    expect(closings).toEqual([{ run: 1, status: 'residue', leftovers: {}, steps: {}, locks: [] }]);
    const residue = [expect.objectContaining({ type: 'Dataloop::Driver', name: 'dataloop-b' })];
    expect(done).toEqual([
      [
        'Dataloop Integration Removed',
        { version: '1', integrationId, name: 'acme', status: 'residue', residue },
      ],
    ]);
  });

  describe('that is the last thing left of an integration', () => {
    const leftOf = (more: Partial<JournalRecord> = {}) =>
      recordOf({ status: 'residue', deprovision: undoOf('remove', 3), addedBuckets: {}, ...more });
    const removed = [
      'Dataloop Integration Removed',
      { version: '1', integrationId, name: 'acme', status: 'removed', residue: [] },
    ];

    /** The driver goes, and its integration is as given by then. */
    async function goneFrom(integration: JournalRecord, hasMovedOn = false) {
      const driver = driverWith({ status: 'removing', deprovision: undoOf('remove', 2) });
      const done: unknown[] = [];
      const journal = closingWith(
        async (id, { run, status, locks }) => {
          if (id === driverId) return { ...driver, status };
          done.push({ run, status, locks });
          return hasMovedOn ? undefined : { ...integration, status };
        },
        { forgetAddedBucket: async () => integration },
      );
      const result = await closeAndAnnounce(
        driver,
        { mode: 'remove', run: 2, failures: [] },
        journal,
        fakeBus(done),
      );
      expect(result).toEqual({ status: 'removed' });
      const own = ['Dataloop Driver Removed', { ...ids, status: 'removed', residue: [] }];
      expect(done.at(-1)).toEqual(own);
      return done.slice(0, -1);
    }

    test('ends it, with its locks and its event', async () => {
      const integration = leftOf();
      expect(await goneFrom(integration)).toEqual([
        { run: 3, status: 'removed', locks: locksOf(integration) },
        removed,
      ]);
    });

    test('ends it once more where the attempt before was cut off before the event', async () => {
      expect(await goneFrom(leftOf({ status: 'removed' }))).toContainEqual(removed);
    });

    test.each<[string, JournalRecord]>([
      ['another driver is left', leftOf({ addedBuckets: { [driverIdOf(2)]: addedTo('dataloop-c') } })],
      ['something else is left', leftOf({ resources: { bucket } })],
      ['it is ready', leftOf({ status: 'ready' })],
      ['its own undo has yet to end', leftOf({ status: 'removing' })],
    ])('is no end of it where %s', async (_where, integration) => {
      expect(await goneFrom(integration)).toEqual([]);
    });

    test('is announced of itself alone where the integration is removed once more meanwhile', async () => {
      expect(await goneFrom(leftOf(), true)).toEqual([expect.objectContaining({ status: 'removed' })]);
    });

    test('ends it, too, where it goes while the end of the integration is written', async () => {
      const record = leftOf({ status: 'removing', addedBuckets: { [driverId]: added } });
      const done: unknown[] = [];
      const journal = closingWith(async (_id, { status, locks }) => {
        done.push({ status, locks });
        return { ...record, status, addedBuckets: {} };
      });
      const undo = { mode: 'remove', run: 3, failures: [] } as const;
      expect(await closeAndAnnounce(record, undo, journal, fakeBus(done))).toEqual({ status: 'removed' });
      expect(done).toEqual([
        { status: 'residue', locks: [] },
        { status: 'removed', locks: locksOf(record) },
        removed,
      ]);
    });
  });
});

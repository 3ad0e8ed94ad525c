import { describe, expect, test } from '@jest/globals';
import { announceReady, type Closing, closeAndAnnounce } from '../../../src/domain/announcements.ts';
import { eventDetails, type Publish } from '../../../src/domain/events.ts';
import type { IntegrationRecord } from '../../../src/domain/journal.ts';
import { locksOf } from '../../../src/domain/lifecycle.ts';
import { integrationId, recordOf, stepOf, thrownBy } from './fakes.ts';

/** The bus, which takes only what the published contract allows. */
function fakeBus(done: unknown[]): Publish {
  return async (detailType, detail) => {
    done.push([detailType, eventDetails[detailType].parse(detail)]);
  };
}

const bucket = { state: 'created', arn: 'arn:aws:s3:::dataloop-acme' } as const;

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

  test('announces nothing of an integration that is being undone by now', async () => {
    const done: unknown[] = [];
    const announcing = announceReady(stepOf(recordOf()), async () => undefined, fakeBus(done));
    expect((await thrownBy(announcing)).name).toBe('IntegrationMovedOnError');
    expect(done).toEqual([]);
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
    more: Partial<IntegrationRecord>,
    failures: Parameters<typeof closeAndAnnounce>[1]['failures'] = [],
  ) {
    const record = recordOf({
      status: mode === 'rollback' ? 'rolling-back' : 'removing',
      deprovision: { mode, run: 2 },
      ...more,
    });
    const closings: Closing[] = [];
    const done: unknown[] = [];
    const result = await closeAndAnnounce(
      stepOf(record),
      { mode, run: 2, failures },
      async (closing) => {
        closings.push(closing);
        done.push('closed');
        return { ...record, status: closing.status, resources: closing.resources };
      },
      fakeBus(done),
    );
    return { result, closing: closings[0], done, locks: locksOf(record) };
  }

  test('ends a rollback that left nothing as failed, frees its locks, and says why it failed', async () => {
    const { result, closing, done, locks } = await concluded('rollback', { error });
    expect(result).toEqual({ status: 'failed' });
    expect(closing).toMatchObject({ status: 'failed', locks });
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
    expect(closing).toMatchObject({ status: 'removed', locks });
    expect(done[1]).toEqual([
      'Dataloop Integration Removed',
      { version: '1', integrationId, name: 'acme', status: 'removed', residue: [] },
    ]);
  });

  test.each([
    ['rollback', 'Dataloop Integration Failed'],
    ['remove', 'Dataloop Integration Removed'],
  ] as const)('names every leftover of a %s, and keeps its locks', async (mode, detailType) => {
    const { result, closing, done } = await concluded(mode, { resources: { bucket } }, [refused]);
    expect(result).toEqual({ status: 'residue' });
    expect(closing).toMatchObject({ status: 'residue', locks: [] });
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
    ['an earlier run does not end a later one', { mode: 'remove', run: 3 }],
    ['nothing is ended that is not being undone', undefined],
  ] as const)('%s', async (_what, deprovision) => {
    const done: string[] = [];
    const record = recordOf({ status: 'removing', ...(deprovision ? { deprovision } : {}) });
    const closing = closeAndAnnounce(
      stepOf(record),
      { mode: 'remove', run: 2, failures: [] },
      async () => {
        done.push('closed');
        return record;
      },
      async () => void done.push('published'),
    );
    expect([(await thrownBy(closing)).name, done]).toEqual(['IntegrationMovedOnError', []]);
  });

  test('announces no end that the journal did not take', async () => {
    const done: unknown[] = [];
    const closing = closeAndAnnounce(
      stepOf(recordOf({ status: 'removing', deprovision: { mode: 'remove', run: 1 } })),
      { mode: 'remove', run: 1, failures: [] },
      async () => undefined,
      fakeBus(done),
    );
    expect([(await thrownBy(closing)).name, done]).toEqual(['IntegrationMovedOnError', []]);
  });
});

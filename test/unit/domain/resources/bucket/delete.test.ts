import { describe, expect, test } from '@jest/globals';
import { ownerTag } from '../../../../../src/domain/model/desired-state.ts';
import type { JournalRecord } from '../../../../../src/domain/model/record.ts';
import { createBucket } from '../../../../../src/domain/resources/bucket/bucket.ts';
import {
  deleteBucket,
  isKept,
  releaseCreatedBucket,
} from '../../../../../src/domain/resources/bucket/delete.ts';
import { ServiceError } from '../../../../../src/errors.ts';
import { type BucketWorld, fakeS3 } from '../../fake-s3.ts';
import {
  account,
  everyInterruption,
  integrationId,
  journalOf,
  knowing,
  ours,
  type Passage,
  recordOf,
  retried,
  stepOf,
  theirs,
  thrownBy,
} from '../../fakes.ts';

const arn = 'arn:aws:s3:::dataloop-acme';
const intended = knowing({ bucket: { state: 'intended', arn, region: 'eu-west-1' } });
const created = knowing({ bucket: { state: 'created', arn, region: 'eu-west-1' } });
const addedBucketId = 'drv_01M85CZQP0Y0YS5TZMSXQSHEJR';
const parent = { integrationId, dataloopIntegrationId: 'dataloop-1' };

describe('DeleteBucket', () => {
  test('looks at nothing that the journal does not know', async () => {
    const events: string[] = [];
    const { s3, addresses } = fakeS3(events, { holder: 'account', tags: ours });
    await deleteBucket(stepOf(recordOf(), events), s3);
    expect([events, addresses]).toEqual([[], []]);
  });

  test('deletes what is ours, and a second time does nothing', async () => {
    const events: string[] = [];
    const journal = journalOf(created, events);
    const { s3 } = fakeS3(events, { holder: 'account', tags: ours });
    expect(await deleteBucket(journal.step(), s3)).toEqual({ outcome: 'removed' });
    expect(await deleteBucket(journal.step(), s3)).toEqual({ outcome: 'nothing to remove' });
    expect(events).toEqual(['delete', 'journal bucket gone']);
  });

  test('keeps a bucket that is not empty and says why, until it is empty', async () => {
    const journal = journalOf(created);
    const { s3, world } = fakeS3([], { holder: 'account', tags: ours, objects: 1 });
    await deleteBucket(journal.step(), s3);
    expect(world).toMatchObject({ holder: 'account', objects: 1 });
    expect(journal.record().resources.bucket).toMatchObject({
      state: 'created',
      residue: {
        reason: 'The bucket is not empty. This service never deletes objects.',
        advice:
          'The bucket still holds objects. To keep it, send DELETE with ?keepBucket=true. To delete it, empty it and ' +
          'send DELETE for this integration again.',
      },
    });

    world.objects = 0;
    await deleteBucket(journal.step(), s3);
    expect(world.holder).toBe('nobody');
    expect(journal.record().resources.bucket).toEqual({ state: 'gone', arn, region: 'eu-west-1' });
  });

  describe('while something of ours still names the bucket', () => {
    const roleArn = 'arn:aws:iam::111111111111:role/dataloop-acme';
    const policyArn = 'arn:aws:iam::111111111111:policy/dataloop-acme';
    const bucket = { state: 'created', arn, region: 'eu-west-1' } as const;
    const role = { state: 'created', arn: roleArn } as const;
    const policy = { state: 'intended', arn: policyArn } as const;
    const access = { state: 'created', arn: policyArn, origin: 'adopted' } as const;
    const addedBucket = { id: addedBucketId, parent } as const;

    test.each<[string, Partial<JournalRecord>, string]>([
      ['its role', { resources: { bucket, role } }, roleArn],
      ['its policy, which may exist', { resources: { bucket, policy } }, policyArn],
      ['both', { resources: { bucket, role, policy } }, `${policyArn} and ${roleArn}`],
      ['the policy that grants the access', { ...addedBucket, resources: { bucket, access } }, policyArn],
    ])('keeps it, and says that %s comes first', async (_what, more, arns) => {
      const record = recordOf(more);
      const journal = journalOf(record);
      const { s3, world } = fakeS3([], { holder: 'account', tags: { [ownerTag]: record.id } });
      expect((await deleteBucket(journal.step(), s3)).outcome).toMatch(/^left: /);
      expect(world.holder).toBe('account');
      const { reason, advice } = journal.record().resources.bucket?.residue ?? {};
      expect(reason).toContain(`access to it by ${arns}.`);
      expect(advice).toMatch(/other entries of residue say\. Then send DELETE for this .* again\.$/);
    });

    test.each<[string, Partial<JournalRecord>]>([
      [
        'is gone',
        { resources: { bucket, role: { ...role, state: 'gone' }, policy: { ...policy, state: 'gone' } } },
      ],
      ['never was', { resources: { bucket } }],
      ['names only added buckets', { resources: { bucket, policy2: role } }],
      ['is the integration’s, and not this bucket’s', { ...addedBucket, resources: { bucket, role } }],
    ])('deletes it where that %s', async (_what, more) => {
      const record = recordOf(more);
      const { s3, world } = fakeS3([], { holder: 'account', tags: { [ownerTag]: record.id } });
      expect(await deleteBucket(stepOf(record), s3)).toEqual({ outcome: 'removed' });
      expect(world.holder).toBe('nobody');
    });

    test('does not keep what is not there', async () => {
      const { s3 } = fakeS3([]);
      const journal = journalOf(knowing({ bucket: { ...bucket, state: 'intended' }, role }));
      expect(await retried(() => deleteBucket(journal.step(), s3))).toEqual({ outcome: 'does not exist' });
    });
  });

  test('does not call a bucket that it made gone where S3 refuses to show it', async () => {
    const events: string[] = [];
    const { s3 } = fakeS3(events, { holder: 'another-account', tags: ours });
    const error = await thrownBy(deleteBucket(stepOf(created, events), s3));
    expect(error.name).toBe('AwsAccessDeniedError');
    expect(events).toEqual([]);
  });

  test('does not believe at once that a bucket is gone that S3 does not show', async () => {
    const events: string[] = [];
    const journal = journalOf(created, events);
    const { s3, world } = fakeS3(events);
    expect((await thrownBy(deleteBucket(journal.step(), s3))).name).toBe('AwsNotYetConsistentError');
    Object.assign(world, { holder: 'account', tags: ours });
    expect(await deleteBucket(journal.step(), s3)).toEqual({ outcome: 'removed' });
    expect(events).toEqual(['journal bucket not seen', 'delete', 'journal bucket gone']);
  });

  test('does not take S3’s word at once that there was nothing to delete', async () => {
    const journal = journalOf(created);
    const { s3 } = fakeS3([], { holder: 'account', tags: ours });
    const denying: typeof s3 = { ...s3, deleteBucket: async () => 'absent' };
    expect((await thrownBy(deleteBucket(journal.step(), denying))).name).toBe('AwsNotYetConsistentError');
    expect(journal.record().resources.bucket).toMatchObject({ state: 'created', absentLooks: 1 });
  });

  test('does not take a refusal for a bucket of others either, where it may have made it', async () => {
    const { s3 } = fakeS3([], { holder: 'another-account', tags: ours });
    expect((await thrownBy(deleteBucket(stepOf(intended), s3))).name).toBe('AwsAccessDeniedError');
  });

  test('has nothing to do with a bucket of another account that took the name first', async () => {
    const events: string[] = [];
    const journal = journalOf(recordOf(), events);
    const { s3 } = fakeS3(events);
    const taken: typeof s3 = { ...s3, createBucket: async () => 'exists-in-another-account' };
    expect((await thrownBy(createBucket(journal.step(), taken))).name).toBe('BucketNameTakenError');
    expect(journal.record().resources.bucket).toMatchObject({
      state: 'gone',
      leftAlone: 'It belongs to another AWS account.',
    });
    expect(await deleteBucket(journal.step(), s3)).toEqual({ outcome: 'nothing to remove' });
    expect(events).toEqual(['journal bucket intended', 'journal bucket gone']);
  });

  test('looks in the region that the journal names, wherever the service stands by now', async () => {
    const { s3, addresses } = fakeS3([], { holder: 'account', tags: ours });
    const elsewhere = knowing({ bucket: { state: 'created', arn, region: 'us-west-2' } });
    await deleteBucket(stepOf(elsewhere), s3);
    expect(addresses.length).toBeGreaterThan(0);
    for (const address of addresses) {
      expect(address).toEqual({ name: 'dataloop-acme', region: 'us-west-2', ownerAccountId: '111111111111' });
    }
  });

  test('further attempts of DeleteBucket end as an undisturbed one', async () => {
    const beginUndo = (passage: Passage) => {
      const journal = journalOf(created, [], passage);
      const { s3, world } = fakeS3([], { holder: 'account', tags: ours }, passage);
      return { journal, world, attempt: () => deleteBucket(journal.step(), s3) };
    };
    const interruptions = await everyInterruption(beginUndo, async ({ attempt, journal, world }, where) => {
      await retried(attempt);
      expect([where, world.holder, journal.record().resources.bucket]).toEqual([
        where,
        'nobody',
        { state: 'gone', arn, region: 'eu-west-1' },
      ]);
    });
    expect(interruptions).toBe(8);
  });

  describe('a bucket that is not empty', () => {
    const reasonOf = async (world: Partial<BucketWorld>) => {
      const journal = journalOf(created);
      const { s3 } = fakeS3([], { holder: 'account', tags: ours, objects: 1, ...world });
      await deleteBucket(journal.step(), s3);
      return journal.record().resources.bucket?.residue?.reason;
    };
    const object = (key: string, isLatest = true) => ({ key, isLatest });

    test('is said to hold what people do not see: Dataloop’s folder, older versions, delete markers', async () => {
      const versions = [
        object('.dataloop/thumbnails/1.webp'),
        object('raw/.dataloop/2.webp'),
        object('1.jpg'),
        object('1.jpg', false),
      ];
      expect(await reasonOf({ inside: { versions, deleteMarkers: 3 } })).toBe(
        "The bucket is not empty. Among the first 1,000 entries are 1 object, 2 objects in Dataloop's hidden folder " +
          '.dataloop/, 1 older version and 3 delete markers. This service never deletes objects.',
      );
      const hidden = { versions: [object('.dataloop/1.webp')], deleteMarkers: 0 };
      expect(await reasonOf({ inside: hidden })).toContain("are 1 object in Dataloop's hidden folder");
    });

    test('is left, too, where its objects may not be listed', async () => {
      const journal = journalOf(created);
      const { s3 } = fakeS3([], { holder: 'account', tags: ours, objects: 1 });
      const refusing: typeof s3 = {
        ...s3,
        listObjectVersions: () => Promise.reject(new ServiceError('AwsAccessDeniedError', 'no')),
      };
      expect((await deleteBucket(journal.step(), refusing)).outcome).toMatch(
        /^left: The bucket is not empty/,
      );
    });
  });
});

describe('a bucket that its owner keeps', () => {
  const tagged = { ...ours, team: 'labelling' };

  test('loses our tag and nothing else, is named as released, and is released once', async () => {
    const events: string[] = [];
    const journal = journalOf(created, events);
    const { s3, world } = fakeS3(events, { holder: 'account', tags: tagged, objects: 3 });
    expect(await releaseCreatedBucket(journal.step(), s3)).toEqual({ outcome: 'released' });
    expect(await releaseCreatedBucket(journal.step(), s3)).toEqual({ outcome: 'nothing to release' });
    expect(events).toEqual(['journal bucket created', 'tag', 'journal bucket gone']);
    expect(world).toMatchObject({ holder: 'account', objects: 3, tags: { team: 'labelling' } });
    expect(journal.record().resources.bucket).toEqual({
      state: 'gone',
      arn,
      region: 'eu-west-1',
      released: expect.stringContaining('You asked to keep it.'),
    });
  });

  test('is deleted by nobody after that: it is not ours any more', async () => {
    const journal = journalOf(created);
    const { s3, world } = fakeS3([], { holder: 'account', tags: ours });
    await releaseCreatedBucket(journal.step(), s3);
    expect(await deleteBucket(journal.step(), s3)).toEqual({ outcome: 'nothing to remove' });
    expect(world.holder).toBe('account');
  });

  test('is released after a residue, too', async () => {
    const journal = journalOf(created);
    const { s3 } = fakeS3([], { holder: 'account', tags: ours, objects: 1 });
    await deleteBucket(journal.step(), s3);
    expect(journal.record().resources.bucket?.residue).toBeDefined();
    await releaseCreatedBucket(journal.step(), s3);
    expect(journal.record().resources.bucket).not.toHaveProperty('residue');
  });

  describe('of a deployment that denies plain HTTP', () => {
    const settings = { ...account, denyPlainHttp: true };
    const released = async (policy: BucketWorld['policy']) => {
      const events: string[] = [];
      const { s3, world } = fakeS3(events, { holder: 'account', tags: ours, policy });
      await releaseCreatedBucket(stepOf(created, [], settings), s3);
      return { events, world };
    };

    test('loses our policy before the tag', async () => {
      const { bucketPolicy } = stepOf(created, [], settings).desired;
      expect((await released(bucketPolicy)).events).toEqual(['delete policy', 'tag']);
    });

    test('keeps a policy that somebody else wrote', async () => {
      const policy = { Version: '2012-10-17' as const, Statement: [{ Sid: 'Theirs' }] };
      const { events, world } = await released(policy);
      expect([events, world.policy]).toEqual([['tag'], policy]);
    });
  });

  test('is not released while Dataloop may use it', async () => {
    const role = { state: 'created', arn: 'arn:aws:iam::111111111111:role/dataloop-acme' } as const;
    const journal = journalOf(recordOf({ resources: { ...created.resources, role } }));
    const { s3, world } = fakeS3([], { holder: 'account', tags: ours });
    await releaseCreatedBucket(journal.step(), s3);
    expect(world.tags).toEqual(ours);
    expect(journal.record().resources.bucket?.residue?.reason).toContain(role.arn);
  });

  test('that has lost our tag before is released, and one that may be somebody else’s is left alone', async () => {
    const known = journalOf(created);
    const { s3 } = fakeS3([], { holder: 'account', tags: theirs });
    await releaseCreatedBucket(known.step(), s3);
    expect(known.record().resources.bucket?.released).toContain('does not carry the tag');
    const unknown = journalOf(intended);
    await releaseCreatedBucket(unknown.step(), s3);
    expect(unknown.record().resources.bucket).toMatchObject({ state: 'gone', leftAlone: expect.any(String) });
  });

  test('is not called released where S3 still shows our tag, or does not show the bucket', async () => {
    const journal = journalOf(created);
    const { s3 } = fakeS3([], { holder: 'account', tags: ours });
    const late: typeof s3 = { ...s3, getBucketTagging: async () => ours };
    expect((await thrownBy(releaseCreatedBucket(journal.step(), late))).name).toBe(
      'AwsNotYetConsistentError',
    );
    const gone = fakeS3([]).s3;
    expect((await thrownBy(releaseCreatedBucket(journal.step(), gone))).name).toBe(
      'AwsNotYetConsistentError',
    );
    expect(journal.record().resources.bucket).toMatchObject({ state: 'created' });
  });

  test.each([
    ['known as created', created],
    ['only intended', intended],
  ])('is released by further attempts, whatever call was cut off: %s', async (_state, record) => {
    const begin = (passage: Passage) => {
      const journal = journalOf(record, [], passage);
      const { s3, world } = fakeS3([], { holder: 'account', tags: tagged }, passage);
      return { journal, world, attempt: () => releaseCreatedBucket(journal.step(), s3) };
    };
    const interruptions = await everyInterruption(begin, async ({ attempt, journal, world }, where) => {
      await retried(attempt);
      const { state, released } = journal.record().resources.bucket ?? {};
      expect([where, world.tags, state, typeof released]).toEqual([
        where,
        { team: 'labelling' },
        'gone',
        'string',
      ]);
    });
    expect(interruptions).toBeGreaterThan(8);
  });

  describe('is kept', () => {
    const added = { id: addedBucketId, parent };
    test.each<[string, Partial<JournalRecord>, Partial<JournalRecord> | undefined, boolean]>([
      ['if DELETE said so', {}, { keepBucket: true }, true],
      ['not if DELETE said nothing', {}, {}, false],
      ['not if DELETE said the opposite last', { keepBucket: true }, { keepBucket: false }, false],
      ['if DELETE of its integration said so', added, { keepBucket: true }, true],
      [
        'not if its own DELETE said the opposite',
        { ...added, keepBucket: false },
        { keepBucket: true },
        false,
      ],
      ['by its own DELETE', { ...added, keepBucket: true }, {}, true],
    ])('%s', async (_what, own, inJournal, kept) => {
      const record = recordOf(own);
      const read = async (id: string) =>
        id === integrationId && inJournal ? recordOf({ ...inJournal, id }) : record;
      expect(await isKept(record, { read })).toBe(kept);
    });
  });
});

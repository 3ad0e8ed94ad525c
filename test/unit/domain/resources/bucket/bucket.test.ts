import { describe, expect, test } from '@jest/globals';
import { ownerTag } from '../../../../../src/domain/model/desired-state.ts';
import type { JournalRecord } from '../../../../../src/domain/model/record.ts';
import {
  createBucket,
  deleteBucket,
  refuseForeignBucket,
} from '../../../../../src/domain/resources/bucket/bucket.ts';
import { type BucketWorld, fakeS3 } from '../../fake-s3.ts';
import {
  account,
  everyInterruption,
  fencedStepOf,
  integrationId,
  journalOf,
  knowing,
  ours,
  type Passage,
  recordOf,
  requestOf,
  retried,
  stepOf,
  theirs,
  thrownBy,
} from '../../fakes.ts';

const arn = 'arn:aws:s3:::dataloop-acme';
const intended = knowing({ bucket: { state: 'intended', arn, region: 'eu-west-1' } });
const created = knowing({ bucket: { state: 'created', arn, region: 'eu-west-1' } });

describe('CreateBucket', () => {
  test('journals the intent before it creates, and the outcome before it configures', async () => {
    const events: string[] = [];
    await createBucket(stepOf(recordOf(), events), fakeS3(events).s3);
    expect(events).toEqual([
      'journal bucket intended',
      'create',
      'journal bucket created',
      'set public-access block',
      'enforce ownership',
      'encrypt',
      'set CORS',
    ]);
  });

  test('makes the bucket with its owner tag and Dataloop’s origin, and writes no policy', async () => {
    const { s3, world } = fakeS3([]);
    expect(await createBucket(stepOf(recordOf()), s3)).toEqual({ bucketArn: arn });
    expect(world).toMatchObject({
      tags: ours,
      cors: [expect.objectContaining({ AllowedOrigins: ['https://console.dataloop.ai'] })],
    });
    expect(world.policy).toBeUndefined();
  });

  test('writes the plan’s policy where the deployment denies plain HTTP', async () => {
    const events: string[] = [];
    const { s3, world } = fakeS3(events);
    const step = stepOf(recordOf(), events, { ...account, denyPlainHttp: true });
    await createBucket(step, s3);
    expect(events.slice(-3)).toEqual(['encrypt', 'set policy', 'set CORS']);
    expect(world.policy).toEqual(step.desired.bucketPolicy);
    expect(JSON.stringify(world.policy)).toContain('aws:SecureTransport');
  });

  test('writes no CORS rule where the request wants none', async () => {
    const events: string[] = [];
    const request = requestOf({ bucket: { name: 'dataloop-acme', cors: false } });
    await createBucket(stepOf(recordOf({ request })), fakeS3(events).s3);
    expect(events).not.toContain('set CORS');
    expect(events).toContain('encrypt');
  });

  test('makes every call in the requested region, and for a bucket of this account only', async () => {
    const { s3, addresses } = fakeS3([]);
    const request = requestOf({ bucket: { name: 'dataloop-acme', region: 'us-east-1' } });
    const journal = journalOf(recordOf({ request }));
    await createBucket(journal.step(), s3);
    const address = { name: 'dataloop-acme', region: 'us-east-1', ownerAccountId: '111111111111' };
    expect(new Set(addresses.map((used) => JSON.stringify(used)))).toEqual(
      new Set([JSON.stringify(address)]),
    );
    expect(journal.record().resources.bucket).toEqual({ state: 'created', arn, region: 'us-east-1' });
  });

  test.each([
    ['in this account', { holder: 'account', tags: theirs }],
    ['in this account, with a tag that looks like ours', { holder: 'account', tags: ours }],
    ['in another account', { holder: 'another-account' }],
  ] as const)('touches no bucket that was there before: %s', async (_where, before) => {
    const events: string[] = [];
    const error = await thrownBy(createBucket(stepOf(recordOf(), events), fakeS3(events, before).s3));
    expect(error).toMatchObject({
      name: 'BucketNameTakenError',
      message: expect.stringContaining('dataloop-acme'),
    });
    expect(events).toEqual([]);
  });

  test('goes on with its own bucket when the answer to an earlier attempt was lost', async () => {
    const events: string[] = [];
    await createBucket(stepOf(intended, events), fakeS3(events, { holder: 'account', tags: ours }).s3);
    expect(events.slice(0, 2)).toEqual(['journal bucket created', 'set public-access block']);
  });

  test('does not use a bucket with our tag that has a policy of others', async () => {
    const events: string[] = [];
    const policy = { Version: '2012-10-17' as const, Statement: [] };
    const before: BucketWorld = { holder: 'account', tags: ours, policy };
    const error = await thrownBy(createBucket(stepOf(intended, events), fakeS3(events, before).s3));
    expect([error.name, events]).toEqual(['BucketChangedError', []]);
  });

  test('goes on with a bucket that has the policy which an earlier attempt wrote', async () => {
    const step = stepOf(intended);
    const desired = { ...step.desired, bucketPolicy: { Version: '2012-10-17' as const, Statement: [] } };
    const before: BucketWorld = { holder: 'account', tags: ours, policy: desired.bucketPolicy };
    await createBucket({ ...step, desired }, fakeS3([], before).s3);
  });

  test('leaves a bucket alone that somebody else made between our intent and our create', async () => {
    const events: string[] = [];
    const { s3 } = fakeS3(events, { holder: 'account', tags: theirs });
    expect((await thrownBy(createBucket(stepOf(intended, events), s3))).name).toBe('BucketNameTakenError');
    expect(events).toEqual([]);
  });

  test('leaves a bucket alone that appeared between its look and its create', async () => {
    const events: string[] = [];
    const { s3 } = fakeS3(events, { holder: 'account', tags: theirs });
    const lateSight: typeof s3 = {
      ...s3,
      headBucket: async () => ({ holder: 'nobody', region: undefined }),
    };
    expect((await thrownBy(createBucket(stepOf(recordOf(), events), lateSight))).name).toBe(
      'BucketNameTakenError',
    );
    expect(events).toEqual(['journal bucket intended', 'create']);
  });

  test('makes a bucket again that vanished, and keeps knowing it as created', async () => {
    const events: string[] = [];
    await createBucket(stepOf(created, events), fakeS3(events).s3);
    expect(events.slice(0, 2)).toEqual(['create', 'journal bucket created']);
  });

  test('creates nothing when the journal takes its intent no more', async () => {
    const events: string[] = [];
    const error = await thrownBy(createBucket(fencedStepOf(recordOf()), fakeS3(events).s3));
    expect(error.name).toBe('IntegrationMovedOnError');
    expect(events).toEqual([]);
  });
});

describe('access to a bucket', () => {
  const tagged = async (tags: Record<string, string>, record = recordOf()) => {
    const asked: unknown[] = [];
    await refuseForeignBucket(stepOf(record).desired, async (bucket) => {
      asked.push(bucket.name);
      return tags;
    });
    return asked;
  };

  test('is refused unless its tag says that it was made for this record', async () => {
    expect(await tagged(ours)).toEqual(['dataloop-acme']);
    for (const tags of [{}, theirs, { ...ours, [ownerTag]: 'int_OTHER' }]) {
      expect(await thrownBy(tagged(tags))).toMatchObject({
        name: 'BucketChangedError',
        message: expect.stringContaining(`${ownerTag}=${integrationId}`),
      });
    }
  });

  test('that is adopted asks for no tag', async () => {
    const { request } = recordOf();
    const adopting = { ...request, bucket: { ...request.bucket, mode: 'adopt' as const } };
    expect(await tagged({}, recordOf({ request: adopting }))).toEqual([]);
  });
});

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
        reason: expect.stringContaining('still holds objects'),
        advice: expect.stringContaining('DELETE'),
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
    const parent = { integrationId, dataloopIntegrationId: 'dataloop-1' };
    const role = { state: 'created', arn: roleArn } as const;
    const policy = { state: 'intended', arn: policyArn } as const;
    const access = { state: 'created', arn: policyArn, origin: 'adopted' } as const;
    const addedBucket = { id: 'drv_01M85CZQP0Y0YS5TZMSXQSHEJR', parent } as const;

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
});

describe('whatever call is cut off, before it took effect or after', () => {
  const begin = (passage: Passage) => {
    const journal = journalOf(recordOf(), [], passage);
    const events: string[] = [];
    const { s3, world } = fakeS3(events, { holder: 'nobody' }, passage);
    return { journal, s3, world, events, attempt: () => createBucket(journal.step(), s3) };
  };

  test('the undo of CreateBucket leaves no bucket behind', async () => {
    const interruptions = await everyInterruption(begin, async ({ journal, s3, world }, where) => {
      await retried(() => deleteBucket(journal.step(), s3));
      expect([where, world.holder]).toEqual([where, 'nobody']);
      expect([undefined, 'gone']).toContain(journal.record().resources.bucket?.state);
    });
    expect(interruptions).toBeGreaterThan(10);
  });

  test('a second attempt of CreateBucket ends as an undisturbed one', async () => {
    const undisturbed = begin((call) => call());
    await undisturbed.attempt();
    await everyInterruption(begin, async ({ attempt, journal, world, events }, where) => {
      await attempt();
      expect([where, world]).toEqual([where, undisturbed.world]);
      expect(journal.record()).toEqual(undisturbed.journal.record());
      expect(events.filter((event) => event === 'create')).toHaveLength(1);
    });
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
});

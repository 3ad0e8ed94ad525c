import { describe, expect, test } from '@jest/globals';
import { ownerTag } from '../../../../../src/domain/model/desired-state.ts';
import { createBucket, refuseForeignBucket } from '../../../../../src/domain/resources/bucket/bucket.ts';
import { deleteBucket } from '../../../../../src/domain/resources/bucket/delete.ts';
import { ServiceError } from '../../../../../src/errors.ts';
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
    expect(events).toEqual(['journal bucket intended', 'create', 'journal bucket created', 'set CORS']);
  });

  test('writes each setting that a new bucket of the account does not have', async () => {
    const events: string[] = [];
    const { s3, world } = fakeS3(events, { holder: 'nobody', isAsBefore: true });
    await createBucket(stepOf(recordOf(), events), s3);
    expect(events.slice(-4)).toEqual(['set public-access block', 'enforce ownership', 'encrypt', 'set CORS']);
    expect(world).toMatchObject({
      block: { BlockPublicAcls: true, RestrictPublicBuckets: true },
      ownership: 'BucketOwnerEnforced',
      encryption: { algorithm: 'AES256' },
    });
  });

  const denied = (what: string) => () =>
    Promise.reject(new ServiceError('AwsAccessDeniedError', `No ${what}.`));
  const wanting = (bucket: object) =>
    recordOf({ request: requestOf({ bucket: { name: 'dataloop-acme', ...bucket } }) });

  test.each(['putPublicAccessBlock', 'putBucketOwnershipControls', 'putBucketEncryption'] as const)(
    'needs no right to say again what AWS does by default: %s',
    async (call) => {
      const { s3 } = fakeS3([]);
      const step = stepOf(recordOf());
      await expect(createBucket(step, { ...s3, [call]: denied(call) })).resolves.toEqual({ bucketArn: arn });
      const { s3: before } = fakeS3([], { holder: 'nobody', isAsBefore: true });
      const error = await thrownBy(createBucket(stepOf(recordOf()), { ...before, [call]: denied(call) }));
      expect(error.message).toBe(`No ${call}.`);
    },
  );

  test.each([
    ['putBucketPolicy', 'denyPlainHttp=false'],
    ['putBucketCors', 'bucket.cors: false'],
  ] as const)('that may not %s says what does without it', async (call, without) => {
    const { s3 } = fakeS3([]);
    const step = stepOf(recordOf(), [], { ...account, denyPlainHttp: true });
    const error = await thrownBy(createBucket(step, { ...s3, [call]: denied(call) }));
    expect([error.name, error.message]).toEqual(['AwsAccessDeniedError', expect.stringContaining(without)]);
  });

  test('with a key writes the encryption, and what it reads then is the key', async () => {
    const events: string[] = [];
    const kmsKeyArn = 'arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab';
    const step = stepOf(recordOf(), events);
    const desired = { ...step.desired, bucket: { ...step.desired.bucket, kmsKeyArn } };
    const { s3, world } = fakeS3(events);
    await createBucket({ ...step, desired }, s3);
    expect(world.encryption).toEqual({ algorithm: 'aws:kms', kmsKeyId: kmsKeyArn });
    expect(events.filter((event) => event === 'encrypt')).toHaveLength(1);
  });

  test('is tried again where S3 does not show yet what was written', async () => {
    const { s3 } = fakeS3([]);
    const late: typeof s3 = { ...s3, getBucketCors: async () => undefined };
    expect(await thrownBy(createBucket(stepOf(wanting({})), late))).toMatchObject({
      name: 'AwsNotYetConsistentError',
      message: expect.stringContaining('the CORS rules of the bucket dataloop-acme'),
    });
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
    expect(events.slice(-2)).toEqual(['set policy', 'set CORS']);
    expect(world.policy).toEqual(step.desired.bucketPolicy);
    expect(JSON.stringify(world.policy)).toContain('aws:SecureTransport');
  });

  test('writes no CORS rule where the request wants none', async () => {
    const events: string[] = [];
    const request = requestOf({ bucket: { name: 'dataloop-acme', cors: false } });
    await createBucket(stepOf(recordOf({ request })), fakeS3(events).s3);
    expect(events).toEqual(['create']);
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

  test('changes nothing at a bucket that was put in the place of ours while its settings are looked at', async () => {
    const events: string[] = [];
    const { s3, world } = fakeS3(events);
    const replacing: typeof s3 = {
      ...s3,
      getPublicAccessBlock: async (address) => {
        Object.assign(world, {
          tags: theirs,
          ownership: 'ObjectWriter',
          encryption: undefined,
          cors: undefined,
        });
        return s3.getPublicAccessBlock(address);
      },
    };
    const thrown = await thrownBy(createBucket(stepOf(recordOf(), events), replacing));
    expect(thrown.name).toBe('BucketNameTakenError');
    expect(events).toEqual(['journal bucket intended', 'create', 'journal bucket created']);
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
});

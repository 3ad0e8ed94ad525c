import { describe, expect, test } from '@jest/globals';
import type { CorsRule, PublicAccessBlock } from '../../../../../src/domain/model/record.ts';
import { adoptBucket, releaseBucket } from '../../../../../src/domain/resources/bucket/adopt.ts';
import { closed } from '../../../../../src/domain/resources/bucket/public-access.ts';
import { ServiceError } from '../../../../../src/errors.ts';
import { type BucketWorld, fakeS3 } from '../../fake-s3.ts';
import {
  everyInterruption,
  fencedStepOf,
  integrationId,
  journalOf,
  type Passage,
  recordOf,
  requestOf,
  retried,
  stepOf,
  theirs,
  thrownBy,
} from '../../fakes.ts';

const arn = 'arn:aws:s3:::acme-photos';
const halfOpen: PublicAccessBlock = { ...closed, RestrictPublicBuckets: false };
const theirRules: CorsRule[] = [
  { ID: 'theirs', AllowedMethods: ['GET'], AllowedOrigins: ['https://example.com'] },
];
const ourRule: CorsRule = {
  ID: `dataloop-cross-account-${integrationId}`,
  AllowedMethods: ['GET', 'HEAD', 'PUT', 'POST'],
  AllowedOrigins: ['https://console.dataloop.ai'],
  AllowedHeaders: ['*'],
  ExposeHeaders: ['ETag'],
  MaxAgeSeconds: 3000,
};
const inUse = { state: 'created', arn, region: 'eu-west-1', origin: 'adopted' } as const;

const adopting = (more: object = {}) =>
  recordOf({ request: requestOf({ bucket: { name: 'acme-photos', mode: 'adopt', ...more } }) });

const asUsual: BucketWorld = {
  holder: 'account',
  region: 'eu-west-1',
  tags: { team: 'theirs' },
  block: closed,
  cors: undefined,
};
const bucketWith = (events: string[], before: Partial<BucketWorld> = {}, passage?: Passage) =>
  fakeS3(events, { ...asUsual, ...before }, passage);

describe('CreateBucket of a bucket that is adopted', () => {
  test.each([
    ['putBucketCors', {}, 'bucket.cors: false'],
    ['putPublicAccessBlock', { blockPublicAccess: true }, 'omit bucket.blockPublicAccess'],
  ] as const)('that may not %s says what does without it', async (call, more, without) => {
    const { s3 } = bucketWith([], { block: halfOpen });
    const denied = () => Promise.reject(new ServiceError('AwsAccessDeniedError', 'No.'));
    const closedOrNot = call === 'putBucketCors' ? { getPublicAccessBlock: async () => closed } : {};
    const error = await thrownBy(
      adoptBucket(journalOf(adopting(more), []).step(), { ...s3, ...closedOrNot, [call]: denied }),
    );
    expect([error.name, error.message]).toEqual(['AwsAccessDeniedError', expect.stringContaining(without)]);
  });

  test('journals what was there before it writes, and adds one rule behind theirs', async () => {
    const events: string[] = [];
    const journal = journalOf(adopting(), events);
    const { s3, world } = bucketWith(events, { cors: theirRules });
    expect(await adoptBucket(journal.step(), s3)).toEqual({ bucketArn: arn });
    expect(events).toEqual([
      'journal bucket intended',
      'journal bucket intended',
      'set CORS',
      'journal bucket created',
    ]);
    expect(world).toEqual({ ...asUsual, cors: [...theirRules, ourRule] });
    expect(journal.record().resources.bucket).toEqual({
      ...inUse,
      changes: { cors: { before: theirRules, after: [...theirRules, ourRule] } },
    });
  });

  test.each<[string, object, Partial<BucketWorld>]>([
    ['CORS is not asked for', { cors: false }, { cors: theirRules }],
    [
      'a rule allows it already, for all subdomains and in other words',
      {},
      {
        cors: [
          ...theirRules,
          {
            AllowedMethods: ['POST', 'PUT', 'GET', 'HEAD', 'DELETE'],
            AllowedOrigins: ['https://*.dataloop.ai'],
            AllowedHeaders: ['x-a', '*'],
            ExposeHeaders: ['x-b', 'etag'],
          },
        ],
      },
    ],
  ])('writes nothing where %s', async (_why, more, before) => {
    const events: string[] = [];
    const journal = journalOf(adopting(more), events);
    const { s3, world } = bucketWith(events, before);
    await adoptBucket(journal.step(), s3);
    expect(events).toEqual(['journal bucket intended', 'journal bucket created']);
    expect(world).toEqual({ ...asUsual, ...before });
    expect(journal.record().resources.bucket).toMatchObject(inUse);
    expect(await releaseBucket(journal.step(), s3)).toEqual({ outcome: 'nothing was changed' });
    expect(world).toEqual({ ...asUsual, ...before });
  });

  test.each<[string, Partial<CorsRule>]>([
    ['another origin', { AllowedOrigins: ['https://console.dataloop.ai.evil.example'] }],
    ['one method less', { AllowedMethods: ['GET', 'HEAD', 'POST'] }],
    ['some headers only', { AllowedHeaders: ['content-type'] }],
    ['no header to be read', { ExposeHeaders: [] }],
  ])('is not content with a rule that allows %s', async (_what, less) => {
    const { s3, world } = bucketWith([], { cors: [{ ...ourRule, ...less }] });
    await adoptBucket(stepOf(adopting()), s3);
    expect(world.cors).toEqual([{ ...ourRule, ...less }, ourRule]);
  });

  test.each<[string, Partial<BucketWorld>, string]>([
    ['that does not exist', { holder: 'nobody', region: undefined }, 'does not exist'],
    ['of another account', { holder: 'another-account', region: 'eu-west-1' }, 'another AWS account'],
    [
      'in another region, as S3 says with an error',
      { holder: 'another-region', region: 'us-east-1' },
      'is in us-east-1. It was left unchanged. Send bucket.region "us-east-1"',
    ],
    [
      'in another region of which S3 does not say which',
      { holder: 'another-region', region: undefined },
      'is in another region than eu-west-1',
    ],
    [
      'in another region, as S3 says with the bucket',
      { holder: 'account', region: 'us-east-1' },
      'is in us-east-1',
    ],
    ['made for another integration', { tags: theirs }, 'belongs to the integration int_0000'],
    ['that has no public-access block', { block: undefined }, 'bucket.blockPublicAccess: true'],
    ['that is half open', { block: halfOpen }, 'bucket.blockPublicAccess: true'],
    [
      'that is half open where the account is open in the same way',
      { block: halfOpen, accountBlock: halfOpen },
      'bucket.blockPublicAccess: true',
    ],
    [
      'that is open where the account’s block may not be read',
      { block: undefined, accountBlock: new ServiceError('AwsAccessDeniedError', 'No.') },
      'bucket.blockPublicAccess: true',
    ],
  ])('refuses a bucket %s, and writes nothing', async (_what, before, message) => {
    const events: string[] = [];
    const { s3 } = bucketWith(events, before);
    expect(await thrownBy(adoptBucket(stepOf(adopting(), events), s3))).toMatchObject({
      name: 'BucketNotAdoptableError',
      message: expect.stringContaining(message),
    });
    expect(events).toEqual([]);
  });

  test('takes S3 at its word where it does not say the region', async () => {
    const { s3, world } = bucketWith([], { holder: 'account', region: undefined });
    await adoptBucket(stepOf(adopting()), s3);
    expect(world.cors).toEqual([ourRule]);
  });

  test('refuses one rule more than S3 takes, before it writes', async () => {
    const events: string[] = [];
    const many = Array.from({ length: 100 }, () => theirRules[0] ?? ourRule);
    const { s3, world } = bucketWith(events, { cors: many });
    expect(await thrownBy(adoptBucket(stepOf(adopting(), events), s3))).toMatchObject({
      name: 'BucketNotAdoptableError',
      message: expect.stringContaining('100 CORS rules'),
    });
    expect(world.cors).toBe(many);
  });

  test.each([undefined, halfOpen])('closes a bucket that has %j, where it is asked to', async (block) => {
    const events: string[] = [];
    const journal = journalOf(adopting({ blockPublicAccess: true, cors: false }), events);
    const { s3, world } = bucketWith(events, { block });
    await adoptBucket(journal.step(), s3);
    expect(events.slice(1)).toEqual([
      'journal bucket intended',
      'set public-access block',
      'journal bucket created',
    ]);
    expect(world.block).toEqual(closed);
    await releaseBucket(journal.step(), s3);
    expect(world.block).toEqual(block);
  });

  test.each<[string, object, Partial<BucketWorld>]>([
    ['alone', {}, { block: undefined, accountBlock: closed }],
    ['alone, even on request', { blockPublicAccess: true }, { block: undefined, accountBlock: closed }],
    ['together with its own', {}, { block: halfOpen, accountBlock: { RestrictPublicBuckets: true } }],
  ])(
    'takes a bucket that the account closes %s, and does not write its block',
    async (_how, more, before) => {
      const events: string[] = [];
      const journal = journalOf(adopting({ ...more, cors: false }), events);
      const { s3, world } = bucketWith(events, before);
      await adoptBucket(journal.step(), s3);
      expect(events.slice(1)).toEqual(['journal bucket created']);
      await releaseBucket(journal.step(), s3);
      expect(world.block).toEqual(before.block);
    },
  );

  test('asks again for the account’s block where AWS does not answer; on request it closes the bucket', async () => {
    const accountBlock = new ServiceError('AwsUnavailableError', 'Later.');
    const open = { block: undefined, accountBlock };
    expect(await thrownBy(adoptBucket(stepOf(adopting()), bucketWith([], open).s3))).toBe(accountBlock);
    const { s3, world } = bucketWith([], open);
    await adoptBucket(stepOf(adopting({ blockPublicAccess: true })), s3);
    expect(world.block).toEqual(closed);
  });

  test('does not write where the journal takes nothing any more', async () => {
    const events: string[] = [];
    const { s3 } = bucketWith(events);
    const fenced = fencedStepOf(adopting());
    expect((await thrownBy(adoptBucket(fenced, s3))).name).toBe('IntegrationMovedOnError');
    expect(events).toEqual([]);
  });

  test('takes what somebody wrote between two attempts for what was there before', async () => {
    const journal = journalOf(adopting());
    const { s3, world } = bucketWith([], { cors: theirRules });
    const cutOff: typeof s3 = { ...s3, putBucketCors: () => Promise.reject(new Error('cut off')) };
    await thrownBy(adoptBucket(journal.step(), cutOff));
    world.cors = [...theirRules, { AllowedMethods: ['PUT'], AllowedOrigins: ['https://new.example'] }];
    const found = world.cors;
    await adoptBucket(journal.step(), s3);
    await releaseBucket(journal.step(), s3);
    expect(world.cors).toEqual(found);
  });

  test('looks at nothing while an earlier call may still change it: that would be taken for the original', async () => {
    const inFlightCalls = { 'execution/CreateBucket/1': { step: 'CreateBucket', until: 100_000 } } as const;
    const journal = journalOf({ ...adopting(), inFlightCalls });
    const { s3, world } = bucketWith([], { cors: theirRules });
    const again = (begunAt: number) =>
      journal.step(['provisioning'], { callId: 'execution/CreateBucket/2', attempt: 2, begunAt });
    expect((await thrownBy(adoptBucket(again(50_000), s3))).name).toBe('EarlierCallOpenError');
    expect([journal.record().resources.bucket, world.cors]).toEqual([undefined, theirRules]);
    await adoptBucket(again(200_000), s3);
    expect(journal.record().resources.bucket?.changes?.cors?.before).toEqual(theirRules);
  });

  test('waits for an earlier call that may still write something else', async () => {
    const journal = journalOf(adopting());
    const { s3, world } = bucketWith([], { cors: theirRules });
    const cutOff: typeof s3 = { ...s3, putBucketCors: () => Promise.reject(new Error('cut off')) };
    await thrownBy(adoptBucket(journal.step(), cutOff));
    world.cors = [];
    const inFlightCalls = { 'execution/CreateBucket/1': { step: 'CreateBucket', until: 100_000 } } as const;
    const open = journalOf({ ...journal.record(), inFlightCalls });
    const again = (begunAt: number) =>
      open.step(['provisioning'], { callId: 'execution/CreateBucket/2', attempt: 2, begunAt });
    expect((await thrownBy(adoptBucket(again(50_000), s3))).name).toBe('EarlierCallOpenError');
    await adoptBucket(again(200_000), s3);
    expect(world.cors).toEqual([ourRule]);
  });
});

describe('DeleteBucket of a bucket that was adopted', () => {
  const adopted = async (before: Partial<BucketWorld>, more: object = {}) => {
    const journal = journalOf(adopting(more));
    const { s3, world } = bucketWith([], before);
    await adoptBucket(journal.step(), s3);
    return { journal, s3, world };
  };

  test.each([[undefined], [theirRules]])(
    'puts back the rules %j, and a second time does nothing',
    async (cors) => {
      const { journal, s3, world } = await adopted({ cors });
      expect(await releaseBucket(journal.step(), s3)).toEqual({ outcome: 'restored' });
      expect(world).toEqual({ ...asUsual, cors });
      expect(await releaseBucket(journal.step(), s3)).toEqual({ outcome: 'nothing to restore' });
      expect(journal.record().resources.bucket).toMatchObject({ state: 'gone' });
      expect(journal.record().resources.bucket?.leftAlone).toBeUndefined();
    },
  );

  test('of which the journal can no longer be read is left until our rule is gone', async () => {
    const { s3, world } = await adopted({ cors: theirRules });
    const before = structuredClone(world);
    const request = adopting({ blockPublicAccess: true });
    const journal = journalOf(recordOf({ ...request, resources: { bucket: { state: 'intended' } } }));
    await releaseBucket(journal.step(), s3);
    expect(world).toEqual(before);
    expect(journal.record().resources.bucket).toMatchObject({
      state: 'intended',
      residue: {
        reason: expect.stringContaining('resource_bucket'),
        advice: expect.stringContaining('Remove that rule yourself'),
      },
    });
    // As the advice says.
    world.cors = theirRules;
    await retried(() => releaseBucket(journal.step(), s3));
    expect(journal.record().resources.bucket).toMatchObject({
      state: 'gone',
      leftAlone: expect.stringContaining('open it yourself'),
    });
  });

  test.each<[string, (world: BucketWorld) => void, string]>([
    [
      'a rule beside ours',
      (world) => {
        world.cors = [...(world.cors ?? []), ...theirRules];
      },
      'CORS rules',
    ],
    [
      'no rule any more but theirs',
      (world) => {
        world.cors = theirRules;
      },
      'CORS rules',
    ],
    [
      'another public-access block',
      (world) => {
        world.block = { ...closed, BlockPublicPolicy: false };
      },
      'public-access block',
    ],
  ])('leaves alone what somebody changed since, %s, and reports it', async (_what, change, reason) => {
    const { journal, s3, world } = await adopted({ block: halfOpen }, { blockPublicAccess: true });
    change(world);
    const { cors, block } = world;
    await retried(() => releaseBucket(journal.step(), s3));
    const isCors = reason === 'CORS rules';
    // What nobody changed is put back all the same.
    expect([world.cors, world.block]).toEqual(isCors ? [cors, halfOpen] : [undefined, block]);
    expect(journal.record().resources.bucket).toMatchObject({
      state: 'gone',
      leftAlone: expect.stringContaining(reason),
    });
  });

  test('does not write the rules that a forged record calls the original, but what stands less ours', async () => {
    const { journal, s3, world } = await adopted({ cors: theirRules });
    const anySite = [{ AllowedMethods: ['GET'], AllowedOrigins: ['*'] }];
    const after = [...(world.cors ?? [])];
    const bucket = { ...inUse, changes: { cors: { before: anySite, after } } };
    const forged = journalOf({ ...journal.record(), resources: { bucket } });
    expect(await releaseBucket(forged.step(), s3)).toEqual({ outcome: 'restored' });
    expect(world.cors).toEqual(theirRules);
  });

  test.each([
    ['that nobody asked to close', {}, { before: halfOpen, after: closed }],
    ['that was never closed', { blockPublicAccess: true }, { before: undefined, after: halfOpen }],
    ['that was closed before', { blockPublicAccess: true }, { before: closed, after: closed }],
  ])('does not open a bucket %s, whatever the record says', async (_what, request, change) => {
    const bucket = { ...inUse, changes: { publicAccessBlock: change } };
    const { s3, world } = bucketWith([], { block: change.after });
    const forged = journalOf({ ...adopting(request), resources: { bucket } });
    expect(await thrownBy(releaseBucket(forged.step(), s3))).toMatchObject({
      name: 'RecordDamagedError',
      message: expect.stringContaining('resource_bucket.changes.publicAccessBlock'),
    });
    expect(world.block).toEqual(change.after);
  });

  test('looks again where what was there before is to be seen: S3 may show the write later', async () => {
    const { journal, s3, world } = await adopted({ cors: theirRules });
    const written = world.cors;
    world.cors = theirRules;
    expect((await thrownBy(releaseBucket(journal.step(), s3))).name).toBe('AwsNotYetConsistentError');
    world.cors = written;
    expect(await releaseBucket(journal.step(), s3)).toEqual({ outcome: 'restored' });
    expect(world.cors).toEqual(theirRules);
  });

  test.each<[string, 'getBucketCors' | 'getPublicAccessBlock', object]>([
    ['rules', 'getBucketCors', {}],
    ['public-access block', 'getPublicAccessBlock', { cors: false, blockPublicAccess: true }],
  ])('is not done while S3 still shows the %s that we wrote', async (_what, read, more) => {
    const { journal, s3, world } = await adopted({ block: halfOpen }, { blockPublicAccess: true, ...more });
    const { cors, block } = world;
    const written = read === 'getBucketCors' ? cors : block;
    const slow: typeof s3 = { ...s3, [read]: async () => written };
    expect((await thrownBy(releaseBucket(journal.step(), slow))).name).toBe('AwsNotYetConsistentError');
    expect(journal.record().resources.bucket?.state).toBe('created');
    await retried(() => releaseBucket(journal.step(), s3));
    expect(world).toEqual({ ...asUsual, block: halfOpen });
    expect(journal.record().resources.bucket).toMatchObject({ state: 'gone' });
  });

  test('has nothing to do for a bucket that somebody deleted since', async () => {
    const { journal, s3, world } = await adopted({});
    Object.assign(world, { holder: 'nobody', region: undefined });
    await retried(() => releaseBucket(journal.step(), s3));
    expect(journal.record().resources.bucket?.state).toBe('gone');
  });

  test.each(['another-account', 'another-region'] as const)(
    'says so where S3 shows the bucket no more (%s)',
    async (holder) => {
      const { journal, s3, world } = await adopted({});
      Object.assign(world, { holder, region: undefined });
      expect(await thrownBy(releaseBucket(journal.step(), s3))).toMatchObject({
        name: 'AwsAccessDeniedError',
        message: expect.stringContaining('acme-photos'),
      });
    },
  );

  test('looks at nothing that the journal does not know', async () => {
    const s3 = bucketWith([], {}, () => Promise.reject(new Error('looked'))).s3;
    expect(await releaseBucket(stepOf(adopting()), s3)).toEqual({ outcome: 'nothing to restore' });
  });
});

describe('whatever call is cut off, before it took effect or after', () => {
  const before = { block: halfOpen, cors: theirRules };
  const begin = (passage: Passage) => {
    const journal = journalOf(adopting({ blockPublicAccess: true }), [], passage);
    const { s3, world } = bucketWith([], before, passage);
    return { journal, s3, world, attempt: () => adoptBucket(journal.step(), s3) };
  };

  test('the undo leaves the bucket as it was', async () => {
    const interruptions = await everyInterruption(begin, async ({ journal, s3, world }, where) => {
      await retried(() => releaseBucket(journal.step(), s3));
      expect([where, world]).toEqual([where, { ...asUsual, ...before }]);
      expect([undefined, 'gone']).toContain(journal.record().resources.bucket?.state);
      expect(journal.record().resources.bucket?.leftAlone).toBeUndefined();
    });
    expect(interruptions).toBe(20);
  });

  test('a second attempt ends as an undisturbed one, and its undo leaves the bucket as it was', async () => {
    await everyInterruption(begin, async ({ attempt, journal, s3, world }, where) => {
      await attempt();
      expect([where, world.cors, world.block]).toEqual([where, [...theirRules, ourRule], closed]);
      await retried(() => releaseBucket(journal.step(), s3));
      expect([where, world]).toEqual([where, { ...asUsual, ...before }]);
    });
  });

  test('further attempts of the undo end as an undisturbed one', async () => {
    const undisturbed = begin((call) => call());
    await undisturbed.attempt();
    const adopted = undisturbed.journal.record();
    const beginUndo = (passage: Passage) => {
      const journal = journalOf(adopted, [], passage);
      const { s3, world } = bucketWith([], { cors: [...theirRules, ourRule] }, passage);
      return { journal, world, attempt: () => releaseBucket(journal.step(), s3) };
    };
    const interruptions = await everyInterruption(beginUndo, async ({ attempt, journal, world }, where) => {
      await retried(attempt);
      expect([where, world, journal.record().resources.bucket?.state]).toEqual([
        where,
        { ...asUsual, ...before },
        'gone',
      ]);
      expect(journal.record().resources.bucket?.leftAlone).toBeUndefined();
    });
    expect(interruptions).toBe(16);
  });
});

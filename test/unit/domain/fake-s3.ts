/** S3 with one bucket name. Each effect is noted, and each address. */
import type { PolicyDocument } from '../../../src/domain/model/permission-policy.ts';
import type { CorsRule, PublicAccessBlock } from '../../../src/domain/model/record.ts';
import { closed } from '../../../src/domain/resources/bucket/public-access.ts';
import type { BucketAddress, S3 } from '../../../src/domain/resources/bucket/s3.ts';
import { ServiceError } from '../../../src/errors.ts';
import type { Passage, Tags } from './fakes.ts';

/** What stands under the bucket's name. */
export interface BucketWorld {
  holder: Awaited<ReturnType<S3['headBucket']>>['holder'];
  region?: string | undefined;
  tags?: Tags;
  objects?: number;
  block?: PublicAccessBlock | undefined;
  /** That of the account, or how it is refused. */
  accountBlock?: PublicAccessBlock | ServiceError;
  cors?: readonly CorsRule[] | undefined;
  policy?: PolicyDocument | undefined;
  /** What S3 lists of it, beside its objects. */
  inside?: Partial<Awaited<ReturnType<S3['listObjectVersions']>>>;
  ownership?: string | undefined;
  encryption?: Awaited<ReturnType<S3['getBucketEncryption']>>;
  /** New buckets of the account are as they were before 2023: open, with ACLs, and not encrypted. */
  isAsBefore?: boolean;
}

type Calls = Omit<
  S3,
  'countBuckets' | 'getObjectLockConfiguration' | 'getBucketVersioning' | 'getBucketRequestPayment'
>;

export function fakeS3(
  events: string[],
  before: BucketWorld = { holder: 'nobody' },
  passage: Passage = (call) => call(),
) {
  const world = { ...before };
  const addresses: BucketAddress[] = [];
  const look = <T>(address: BucketAddress, see: () => T) =>
    passage(async () => {
      addresses.push(address);
      return see();
    });
  const change = <T>(address: BucketAddress, effect: string, make: () => T) =>
    look(address, () => {
      events.push(effect);
      return make();
    });
  const s3: Calls = {
    headBucket: (address) => look(address, () => ({ holder: world.holder, region: world.region })),
    hasObjects: (address) => look(address, () => Boolean(world.objects)),
    getBucketTagging: (address) => look(address, () => world.tags ?? {}),
    putBucketTagging: (address, tags) =>
      change(address, 'tag', () => {
        world.tags = tags;
      }),
    listObjectVersions: (address) =>
      look(address, () => ({
        versions: Array.from({ length: world.objects ?? 0 }, (_, index) => ({
          key: `${index}.jpg`,
          isLatest: true,
        })),
        deleteMarkers: 0,
        ...world.inside,
      })),
    getPublicAccessBlock: (address) => look(address, () => world.block),
    // No passage: a step that closes the bucket anyway goes on without this answer.
    getAccountPublicAccessBlock: async () => {
      if (world.accountBlock instanceof ServiceError) throw world.accountBlock;
      return world.accountBlock;
    },
    getBucketCors: (address) => look(address, () => world.cors),
    createBucket: (address, tags) =>
      change(address, 'create', () => {
        if (world.holder !== 'nobody') return 'exists-in-account';
        const asNow = {
          block: closed,
          ownership: 'BucketOwnerEnforced',
          encryption: { algorithm: 'AES256', kmsKeyId: undefined },
        };
        Object.assign(world, { holder: 'account', tags }, world.isAsBefore ? {} : asNow);
        return 'created';
      }),
    putPublicAccessBlock: (address, block) =>
      change(address, 'set public-access block', () => {
        world.block = block;
      }),
    getBucketOwnershipControls: (address) => look(address, () => world.ownership),
    putBucketOwnershipControls: (address) =>
      change(address, 'enforce ownership', () => {
        world.ownership = 'BucketOwnerEnforced';
      }),
    getBucketEncryption: (address) => look(address, () => world.encryption),
    putBucketEncryption: (address, kmsKeyArn) =>
      change(address, 'encrypt', () => {
        world.encryption = { algorithm: kmsKeyArn ? 'aws:kms' : 'AES256', kmsKeyId: kmsKeyArn };
      }),
    getBucketPolicy: (address) => look(address, () => world.policy && JSON.stringify(world.policy)),
    putBucketPolicy: (address, policy) =>
      change(address, 'set policy', () => {
        world.policy = policy;
      }),
    deleteBucketPolicy: (address) =>
      change(address, 'delete policy', () => {
        world.policy = undefined;
      }),
    putBucketCors: (address, rules) =>
      change(address, 'set CORS', () => {
        world.cors = rules;
      }),
    deleteBucket: (address) =>
      change(address, 'delete', () => {
        if (world.holder !== 'account') return 'absent';
        if (world.objects) return 'not-empty';
        world.holder = 'nobody';
        return 'removed';
      }),
  };
  return { s3, world, addresses };
}

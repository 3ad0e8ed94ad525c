/** What is looked at before something is adopted: what would fail is an error, what may stop Dataloop a warning. */
import { describe, expect, test } from '@jest/globals';
import {
  type AdoptionReads,
  adoptedBucketChecks,
  adoptedRoleFindings,
} from '../../../../src/domain/preflight/adopted.ts';
import { findingsOf, findingView } from '../../../../src/domain/preflight/checks.ts';
import { closed } from '../../../../src/domain/resources/bucket/public-access.ts';
import { ServiceError } from '../../../../src/errors.ts';
import { asUsual, recordOf, requestOf, stepOf } from '../fakes.ts';

const keyArn = 'arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const otherArn = 'arn:aws:kms:eu-west-1:111111111111:key/other';

const { desired: plain } = stepOf(
  recordOf({
    request: requestOf({
      bucket: { name: 'acme-photos', mode: 'adopt' },
      role: { name: 'AcmeLabelling', mode: 'adopt' },
    }),
  }),
);
const withKey = { ...plain, bucket: { ...plain.bucket, kmsKeyArn: keyArn } };

const reads = (more: Partial<AdoptionReads> = {}): AdoptionReads => ({
  ...asUsual,
  headBucket: async () => ({ holder: 'account', region: 'eu-west-1' }),
  getBucketTagging: async () => ({}),
  getPublicAccessBlock: async () => closed,
  getAccountPublicAccessBlock: async () => undefined,
  describeKey: async (arn) => ({ state: 'Enabled', encryptsSymmetrically: true, arn }),
  getRole: async () => ({
    arn: plain.role.arn,
    uniqueId: 'AROA1',
    tags: {},
    trustPolicy: '{"Version":"2012-10-17","Statement":[]}',
    permissionsBoundaryArn: 'arn:aws:iam::111111111111:policy/team',
  }),
  ...more,
});
const findings = async (more: Partial<AdoptionReads> = {}, desired = plain) =>
  (await findingsOf(adoptedBucketChecks(desired, reads(more)))).map(findingView);

describe('a bucket before it is adopted', () => {
  test('of which nothing but the default is set is fine', async () => {
    expect(await findings()).toEqual([]);
  });

  test('that cannot be adopted is told alone, and nothing else of it is read', async () => {
    const refused = () => Promise.reject(new Error('It must not be read.'));
    const more = {
      headBucket: async () => ({ holder: 'nobody' as const, region: undefined }),
      getBucketPolicy: refused,
    };
    expect((await findings(more)).map(({ type }) => type)).toEqual([
      'urn:dataloop-cross-account:problem:bucket-not-adoptable',
    ]);
  });

  const encryptedWith = (kmsKeyId: string | undefined, algorithm = 'aws:kms') => ({
    getBucketEncryption: async () => ({ algorithm, kmsKeyId }),
  });
  const resolving = (arn: string) => ({
    describeKey: async () => ({ state: 'Enabled', encryptsSymmetrically: true, arn }),
  });

  test.each([
    ['its ARN', keyArn, 'aws:kms'],
    ['its id', '1234abcd-12ab-34cd-56ef-1234567890ab', 'aws:kms'],
    ['an alias', 'alias/acme', 'aws:kms:dsse'],
    ['the ARN of an alias', 'arn:aws:kms:eu-west-1:111111111111:alias/acme', 'aws:kms'],
  ])('may name the key of the request by %s', async (_how, id, algorithm) => {
    expect(await findings({ ...encryptedWith(id, algorithm), ...resolving(keyArn) }, withKey)).toEqual([]);
  });

  test.each([
    ['that the request does not name', plain, `Send bucket.kmsKeyArn: "${otherArn}".`],
    ['other than the one that the request names', withKey, `not with ${keyArn}`],
  ])('with a key %s is an error at the field, with the key’s ARN', async (_what, desired, said) => {
    const found = await findings({ ...encryptedWith('alias/other'), ...resolving(otherArn) }, desired);
    expect(found).toEqual([
      expect.objectContaining({
        severity: 'error',
        pointer: '/bucket/kmsKeyArn',
        resource: { type: 'AWS::KMS::Key', arn: otherArn },
        detail: expect.stringContaining(said),
      }),
    ]);
  });

  test('with a key that the service may not see is named as the bucket names it', async () => {
    const describeKey = () => Promise.reject(new ServiceError('AwsAccessDeniedError', 'Hidden.'));
    const [found] = await findings({ ...encryptedWith(undefined), describeKey });
    expect(found).toMatchObject({
      severity: 'error',
      detail: expect.stringContaining(':alias/aws/s3, which the request'),
    });
  });

  test.each<[string, Partial<AdoptionReads>, string]>([
    [
      'a policy that denies',
      {
        getBucketPolicy: async () =>
          JSON.stringify({
            Statement: [
              {
                Sid: 'OnlyFromVpc',
                Effect: 'Deny',
                Principal: '*',
                Action: 's3:*',
                Condition: { StringNotEquals: { 'aws:SourceVpce': 'vpce-1' } },
              },
            ],
          }),
      },
      'statement "OnlyFromVpc" denies access by aws:SourceVpce',
    ],
    [
      'Object Lock',
      {
        getObjectLockConfiguration: async () => ({
          isEnabled: true,
          retention: '30 days in governance mode',
        }),
      },
      'has Object Lock with a default retention of 30 days in governance mode',
    ],
    ['versions', { getBucketVersioning: async () => 'Enabled' }, 'keeps versions'],
    ['requesters who pay', { getBucketRequestPayment: async () => 'Requester' }, 'makes requesters pay'],
  ])('with %s has a warning', async (_what, more, said) => {
    expect(await findings(more)).toEqual([
      expect.objectContaining({
        severity: 'warning',
        type: 'urn:dataloop-cross-account:problem:bucket-settings',
        detail: expect.stringContaining(said),
      }),
    ]);
  });

  const rules = (count: number) =>
    Array.from({ length: count }, () => ({
      AllowedMethods: ['GET'],
      AllowedOrigins: ['https://example.com'],
    }));

  test('must have room for a CORS rule, where one is needed', async () => {
    const full = { getBucketCors: async () => rules(100) };
    expect(await findings(full)).toEqual([
      expect.objectContaining({
        severity: 'error',
        pointer: '/bucket/cors',
        detail: expect.stringContaining('100 CORS rules'),
      }),
    ]);
    expect(await findings({ getBucketCors: async () => rules(99) })).toEqual([]);
    expect(await findings(full, { ...plain, corsOrigins: [] })).toEqual([]);
  });

  test.each([
    'getBucketEncryption',
    'getBucketPolicy',
    'getBucketCors',
    'getObjectLockConfiguration',
    'getBucketVersioning',
    'getBucketRequestPayment',
  ] as const)('of which %s does not answer now is not written to before it does', async (call) => {
    const failing = () => Promise.reject(new ServiceError('AwsUnavailableError', 'Slow down.'));
    const found = await findings({ [call]: failing });
    expect(found.map(({ severity, detail }) => [severity, detail])).toEqual([['unknown', 'Slow down.']]);
  });

  test('of which a setting cannot be read has a warning', async () => {
    const getBucketVersioning = () => Promise.reject(new ServiceError('AwsAccessDeniedError', 'No.'));
    expect(await findings({ getBucketVersioning })).toEqual([
      expect.objectContaining({ severity: 'warning' }),
    ]);
  });
});

describe('a role before it is adopted', () => {
  const about = { subject: { type: 'AWS::IAM::Role', arn: plain.role.arn }, pointer: '/role/name' };
  const trusting = (length: number) => ({
    getRole: async () => ({
      arn: plain.role.arn,
      uniqueId: 'AROA1',
      tags: {},
      trustPolicy: JSON.stringify({ Version: '2012-10-17', Statement: [{ Sid: 'x'.repeat(length) }] }),
      permissionsBoundaryArn: 'arn:aws:iam::111111111111:policy/team',
    }),
  });
  const attached = (count: number) => ({
    listAttachedRolePolicies: async () => Array.from({ length: count }, (_, index) => `arn:${index}`),
  });

  test.each<[string, Partial<AdoptionReads>, string | undefined]>([
    ['has room', { ...trusting(1_000), ...attached(9) }, undefined],
    ['may have no room in its trust policy', trusting(2_000), 'warning'],
    ['has no room in its trust policy', trusting(4_000), 'error'],
    ['may have no room for a policy', attached(10), 'warning'],
    ['has no room for a policy', attached(20), 'error'],
  ])('%s', async (_what, more, severity) => {
    const found = await adoptedRoleFindings(plain, reads(more), about);
    expect(found.map((each) => [each.severity, each.error.name])).toEqual(
      severity ? [[severity, 'RoleNotAdoptableError']] : [],
    );
  });
});

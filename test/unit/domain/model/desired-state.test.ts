import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { matchesPattern, parseRequest } from '../../../../src/domain/model/allowed.ts';
import { desiredState, ownerTag, trustPolicy } from '../../../../src/domain/model/desired-state.ts';
import type { PolicyDocument } from '../../../../src/domain/model/permission-policy.ts';
import { account, body, integrationId, requestOf } from '../fakes.ts';

const plan = (more?: object, settings = account) => desiredState(integrationId, requestOf(more), settings);

const listOf = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const statementSchema = z.object({
  Effect: z.enum(['Allow', 'Deny']),
  Action: listOf,
  Resource: listOf,
  Condition: z
    .object({
      StringLike: z.object({ 's3:prefix': listOf }).optional(),
      Bool: z.object({ 'aws:SecureTransport': z.string() }).optional(),
      StringEquals: z.object({ 'aws:ResourceAccount': z.string() }).optional(),
    })
    .optional(),
});

/** One call as IAM sees it. */
interface Call {
  readonly action: string;
  readonly resource: string;
  readonly prefix?: string;
  readonly secure?: boolean;
  /** The account that owns the bucket. */
  readonly owner?: string;
}

/** Decides a call by a document alone, as IAM would: wildcards, the conditions that are used, deny first. */
function decide({ Statement }: PolicyDocument, call: Call): 'allowed' | 'denied' | 'not allowed' {
  const applying = Statement.map((statement) => statementSchema.parse(statement)).filter(
    ({ Action, Resource, Condition }) =>
      Action.some((pattern) => matchesPattern(call.action, pattern)) &&
      Resource.some((pattern) => matchesPattern(call.resource, pattern)) &&
      (Condition?.StringLike?.['s3:prefix'].some((pattern) => matchesPattern(call.prefix ?? '', pattern)) ??
        true) &&
      (Condition?.Bool === undefined ||
        Condition.Bool['aws:SecureTransport'] === String(call.secure ?? true)) &&
      (Condition?.StringEquals === undefined ||
        Condition.StringEquals['aws:ResourceAccount'] === (call.owner ?? account.accountId)),
  );
  if (applying.some(({ Effect }) => Effect === 'Deny')) return 'denied';
  return applying.length > 0 ? 'allowed' : 'not allowed';
}

const bucketArn = 'arn:aws:s3:::dataloop-acme';
const list = (prefix: string): Call => ({ action: 's3:ListBucket', resource: bucketArn, prefix });
const on = (action: string, key: string): Call => ({
  action: `s3:${action}`,
  resource: `${bucketArn}/${key}`,
});

describe('names', () => {
  test('come from the request and the deployment', () => {
    const { bucket, policy, role, driver, tags } = plan();
    expect(bucket).toEqual({
      name: 'dataloop-acme',
      arn: bucketArn,
      region: 'eu-west-1',
      prefix: '',
      kmsKeyArn: undefined,
      mode: 'create',
      blockPublicAccess: false,
    });
    expect(policy.arn).toBe('arn:aws:iam::111111111111:policy/dataloop-cross-account/test/dataloop-acme');
    expect(role.arn).toBe('arn:aws:iam::111111111111:role/dataloop-cross-account/test/dataloop-acme');
    expect(driver).toEqual({ name: 'acme', projectId: 'project-1', allowDelete: true });
    expect(tags).toEqual({ [ownerTag]: integrationId });
  });

  test('are those that the request gives', () => {
    const { bucket, policy, role, driver, description } = plan({
      description: 'Images for the team',
      bucket: { name: 'dataloop-acme', region: 'us-west-2' },
      role: { name: 'dataloop-reader' },
      dataloop: { projectId: 'project-2', driverName: 'Images' },
    });
    expect([bucket.region, policy.name, role.name, driver.name, driver.projectId, description]).toEqual([
      'us-west-2',
      'dataloop-reader',
      'dataloop-reader',
      'Images',
      'project-2',
      'Images for the team',
    ]);
  });

  test('of what is adopted are its own; the policy is named after the integration', () => {
    const {
      bucket,
      role,
      policy,
      adoptedDataloopIntegrationId: adoptedIntegrationId,
    } = plan({
      bucket: { name: 'acme-photos', mode: 'adopt', blockPublicAccess: true },
      role: { name: 'AcmeLabelling', mode: 'adopt' },
      dataloop: { ...body.dataloop, integrationId: 'waiting-1' },
    });
    expect(bucket).toMatchObject({
      arn: 'arn:aws:s3:::acme-photos',
      mode: 'adopt',
      blockPublicAccess: true,
    });
    expect(role).toEqual({
      name: 'AcmeLabelling',
      arn: 'arn:aws:iam::111111111111:role/team/AcmeLabelling',
      mode: 'adopt',
    });
    expect(policy.name).toBe('dataloop-acme');
    expect(adoptedIntegrationId).toBe('waiting-1');
  });

  test('of an adopted role are still known where a later deployment does not name it any more', () => {
    const request = requestOf({ role: { name: 'AcmeLabelling', mode: 'adopt' } });
    const later = desiredState(integrationId, request, { ...account, adoptableRoleArns: [] });
    expect(later.role.arn).toBe('arn:aws:iam::111111111111:role/AcmeLabelling');
  });

  test('are of the deployment’s partition, in ARNs and in every policy', () => {
    const inChina = plan({ bucket: { ...body.bucket, prefix: 'raw/' } }, { ...account, partition: 'aws-cn' });
    const text = JSON.stringify(inChina);
    expect(text).toContain('arn:aws-cn:s3:::dataloop-acme/raw/*');
    expect(text.replaceAll(account.permissionsBoundaryArn, '')).not.toContain('arn:aws:');
  });

  test('at Dataloop tell two integrations of one name apart', () => {
    const another = desiredState('int_00000000000000000000000000', requestOf(), account);
    expect(plan().dataloopIntegrationName).toContain(integrationId);
    expect(another.dataloopIntegrationName).not.toBe(plan().dataloopIntegrationName);
  });

  test('and all else are the same for the same request, whenever it is planned', () => {
    const more = { tags: { a: '1' }, bucket: { ...body.bucket, prefix: 'raw/' } };
    expect(plan(more)).toEqual(plan(structuredClone(more)));
  });
});

test('the tags of the deployment are on everything, whatever a request says; a role has no others', () => {
  const { tags, roleTags } = plan(
    { tags: { team: 'theirs', unit: 'a' } },
    { ...account, defaultTags: { team: 'data' } },
  );
  expect(tags).toEqual({ team: 'data', unit: 'a', [ownerTag]: integrationId });
  expect(roleTags).toEqual({ team: 'data', [ownerTag]: integrationId });
});

test('the customer’s tags stand beside ours', () => {
  expect(plan({ tags: { team: 'a' } }).tags).toEqual({ team: 'a', [ownerTag]: integrationId });
});

test('CORS is for Dataloop’s console, and only where it is wanted', () => {
  expect(plan().corsOrigins).toEqual(['https://console.dataloop.ai']);
  expect(plan({ bucket: { ...body.bucket, cors: false } }).corsOrigins).toEqual([]);
});

describe('the permission policy of a whole bucket', () => {
  const { permissionPolicy } = plan();

  test('is the one statement of Dataloop’s guide, over TLS and in this account', () => {
    expect(permissionPolicy.Statement).toEqual([
      {
        Sid: 'AllowListBucket',
        Effect: 'Allow',
        Action: ['s3:ListBucket', 's3:GetObject', 's3:PutObject', 's3:DeleteObject'],
        Resource: [bucketArn, `${bucketArn}/*`],
        Condition: {
          Bool: { 'aws:SecureTransport': 'true' },
          StringEquals: { 'aws:ResourceAccount': '111111111111' },
        },
      },
    ]);
  });

  test.each([
    ['over plain HTTP', { ...on('GetObject', 'x'), secure: false }],
    ['to who takes the name of a bucket that is gone', { ...on('PutObject', 'x'), owner: '333333333333' }],
    ['another bucket', { action: 's3:GetObject', resource: 'arn:aws:s3:::other/x' }],
    ['a bucket whose name only begins alike', { action: 's3:GetObject', resource: `${bucketArn}-2/x` }],
    ['the bucket’s policy', { action: 's3:PutBucketPolicy', resource: bucketArn }],
    ['the bucket itself', { action: 's3:DeleteBucket', resource: bucketArn }],
    ['older versions of an object', on('DeleteObjectVersion', 'x')],
    ['an object’s ACL', on('PutObjectAcl', 'x')],
  ])('opens nothing else: not %s', (_what, call) => {
    expect(decide(permissionPolicy, call)).toBe('not allowed');
  });
});

describe('the permission policy of one folder', () => {
  const { permissionPolicy } = plan({ bucket: { ...body.bucket, prefix: 'raw/2026/' } });

  test.each([list('raw/2026/'), on('GetObject', 'raw/2026/x')])(
    'allows nothing over plain HTTP or in another account: %j',
    (call) => {
      expect(decide(permissionPolicy, { ...call, secure: false })).toBe('not allowed');
      expect(decide(permissionPolicy, { ...call, owner: '333333333333' })).toBe('not allowed');
    },
  );

  test.each([
    ['lists it', list('raw/2026/')],
    ['lists deeper ones', list('raw/2026/a/b/')],
    ['reads in it', on('GetObject', 'raw/2026/x')],
    ['writes deep in it', on('PutObject', 'raw/2026/a/b/x')],
    ['deletes in it', on('DeleteObject', 'raw/2026/x')],
  ])('%s', (_what, call) => {
    expect(decide(permissionPolicy, call)).toBe('allowed');
  });

  test.each([
    ['list the whole bucket', list('')],
    ['list the folder above', list('raw/')],
    ['list a folder whose name begins alike', list('raw/2026-secret/')],
    ['list all whose names begin alike', list('raw/2026')],
    ['read beside it', on('GetObject', 'raw/x')],
    ['read what begins alike', on('GetObject', 'raw/2026-secret/x')],
    ['write elsewhere', on('PutObject', 'other/raw/2026/x')],
  ])('does not %s', (_what, call) => {
    expect(decide(permissionPolicy, call)).toBe('not allowed');
  });
});

test.each([undefined, 'raw/'])(
  'without allowDelete no object can be deleted, all else can (folder: %s)',
  (prefix) => {
    const { permissionPolicy } = plan({
      dataloop: { projectId: 'project-1', allowDelete: false },
      bucket: { ...body.bucket, ...(prefix ? { prefix } : {}) },
    });
    expect(decide(permissionPolicy, on('DeleteObject', 'raw/x'))).toBe('not allowed');
    for (const call of [list('raw/'), on('GetObject', 'raw/x'), on('PutObject', 'raw/x')]) {
      expect(decide(permissionPolicy, call)).toBe('allowed');
    }
  },
);

describe('the bucket policy', () => {
  const { bucketPolicy = { Version: '2012-10-17', Statement: [] } } = plan(
    {},
    { ...account, denyPlainHttp: true },
  );

  test('is none, unless the deployment denies plain HTTP to everybody', () => {
    expect(plan().bucketPolicy).toBeUndefined();
    expect(bucketPolicy.Statement).toHaveLength(1);
  });

  test('denies everybody plain HTTP, on the bucket and on its objects', () => {
    for (const call of [list(''), on('GetObject', 'x')]) {
      expect(decide(bucketPolicy, { ...call, secure: false })).toBe('denied');
    }
    expect(bucketPolicy.Statement).toEqual([expect.objectContaining({ Principal: '*' })]);
  });

  test('opens nothing to anybody', () => {
    expect(decide(bucketPolicy, on('GetObject', 'x'))).toBe('not allowed');
  });
});

test('the trust policy is the guide’s: one user, one action', () => {
  expect(trustPolicy('arn:aws:iam::222222222222:user/x')).toEqual({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::222222222222:user/x' }, Action: 'sts:AssumeRole' },
    ],
  });
});

describe('a KMS key', () => {
  const kmsKeyArn = 'arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab';
  const keyed = (arn: string, more: object = {}) =>
    desiredState(
      integrationId,
      requestOfKey({ bucket: { ...body.bucket, kmsKeyArn: arn, ...more } }, arn),
      account,
    );
  const requestOfKey = (more: object, arn: string) =>
    parseRequest(
      { ...body, ...more },
      {
        ...account,
        region: arn.split(':')[3] ?? '',
        regions: [arn.split(':')[3] ?? ''],
        kmsKeyArns: [arn],
      },
    );

  test.each([{}, { prefix: 'raw/' }])(
    'is used for objects, through S3 of its region, and nothing else is (%j)',
    (more) => {
      const { permissionPolicy, bucket } = keyed(kmsKeyArn, more);
      expect(bucket.kmsKeyArn).toBe(kmsKeyArn);
      expect(permissionPolicy.Statement.at(-1)).toEqual({
        Sid: 'AllowUseOfKey',
        Effect: 'Allow',
        Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
        Resource: kmsKeyArn,
        Condition: { StringEquals: { 'kms:ViaService': 's3.eu-west-1.amazonaws.com' } },
      });
    },
  );

  test('of China is used through S3 of China', () => {
    const { permissionPolicy } = keyed('arn:aws-cn:kms:cn-north-1:111111111111:key/x');
    expect(permissionPolicy.Statement.at(-1)).toMatchObject({
      Condition: { StringEquals: { 'kms:ViaService': 's3.cn-north-1.amazonaws.com.cn' } },
    });
  });

  test('that nobody names is in no policy', () => {
    expect(JSON.stringify(plan().permissionPolicy)).not.toContain('kms');
  });
});

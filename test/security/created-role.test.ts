/**
 * What Dataloop gets: a session of the role that the service creates. What was granted works, and nothing else
 * does, also after somebody attached more to the role. Each call is simulated, and made with the real session.
 */
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import {
  AttachRolePolicyCommand,
  CreateUserCommand,
  DeleteRolePermissionsBoundaryCommand,
  DetachRolePolicyCommand,
  PutRolePolicyCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import {
  CreateKeyCommand,
  DecryptCommand,
  EncryptCommand,
  KMSClient,
  PutKeyPolicyCommand,
} from '@aws-sdk/client-kms';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  DeletePublicAccessBlockCommand,
  GetBucketPolicyCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketAclCommand,
  PutBucketCorsCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { AssumeRoleCommand } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { IntegrationAnswer } from '../../local/observe/api-client.ts';
import { ownerTag } from '../../src/domain/model/desired-state.ts';
import { dataloopSession, roleArnOf } from '../integration/dataloop-session.ts';
import {
  client,
  connect,
  deployment,
  disconnect,
  environment,
  foreignClient,
  iam,
  params,
  s3,
  settled,
  uniqueName,
} from '../integration/deployment.ts';
import { policyOf } from '../integration/policy-documents.ts';
import { type Document, documentSchema } from '../policy-document.ts';
import { expectRefused } from './refusal.ts';
import { accountId } from './resolve.ts';
import { type Session, sessionWith } from './sessions.ts';
import { isAllowed, type Policies, type SimulatedCall } from './simulator.ts';
import { everything, trust } from './targets.ts';
import { arnOf, boundary, codeBucket } from './template.ts';

const administratorArn = 'arn:aws:iam::aws:policy/AdministratorAccess';
const kmsKeyArn = String(params['kmsKeyArns']);
const name = uniqueName('role');
const Bucket = `dataloop-${name}`;
const other = uniqueName('other');
const otherBucket = `dataloop-${other}`;
const folderName = uniqueName('folder');
const folderBucket = `dataloop-${folderName}`;
const keepName = uniqueName('keep');
const keepBucket = `dataloop-${keepName}`;
const outside = uniqueName('production');
const deploymentBucket = codeBucket();

interface Connected {
  integration: IntegrationAnswer;
  session: Session;
  policies: Policies;
}
const connected = new Map<string, Connected>();
const at = (what: string): Connected => {
  const found = connected.get(what);
  if (!found) throw new Error(`${what} is not connected.`);
  return found;
};

async function connectAs(what: string, more: Record<string, unknown> = {}): Promise<void> {
  const integration = await settled((await connect(what, more)).integrationId);
  expect(integration.error).toBeUndefined();
  connected.set(what, {
    integration,
    session: sessionWith(await dataloopSession(integration)),
    policies: { identity: [await policyOf(integration)], boundary: boundary() },
  });
}

let otherKeyArn = '';

beforeAll(async () => {
  const { projectId } = environment.sandbox;
  await s3.send(
    new CreateBucketCommand({
      Bucket: outside,
      CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' },
    }),
  );
  await s3.send(new PutObjectCommand({ Bucket: outside, Key: 'theirs', Body: 'x' }));
  await connectAs(name, { bucket: { name: Bucket, kmsKeyArn } });
  await connectAs(other);
  await connectAs(folderName, { bucket: { name: folderBucket, prefix: 'raw/' } });
  await connectAs(keepName, { dataloop: { projectId, allowDelete: false } });
  for (const [target, Key] of [
    [Bucket, 'theirs'],
    [otherBucket, 'theirs'],
    [folderBucket, 'raw/deep/theirs'],
    [folderBucket, 'secret/theirs'],
    [folderBucket, 'rawer'],
    [keepBucket, 'theirs'],
  ]) {
    await s3.send(new PutObjectCommand({ Bucket: target, Key, Body: 'x' }));
  }
  const { KeyMetadata } = await new KMSClient(client).send(new CreateKeyCommand({}));
  otherKeyArn = KeyMetadata?.Arn ?? '';
});

afterAll(async () => {
  await s3.send(new DeleteObjectCommand({ Bucket: outside, Key: 'theirs' }));
  await s3.send(new DeleteBucketCommand({ Bucket: outside }));
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: folderBucket }));
  for (const [target, Key] of [
    [Bucket, 'theirs'],
    [Bucket, 'mine'],
    [otherBucket, 'theirs'],
    ...Contents.map((object): [string, string] => [folderBucket, object.Key ?? '']),
  ]) {
    await s3.send(new DeleteObjectCommand({ Bucket: target, Key }));
  }
  // Without the right to delete, Dataloop's permission test leaves its files behind.
  const { Contents: kept = [] } = await s3.send(new ListObjectsV2Command({ Bucket: keepBucket }));
  for (const { Key } of kept) await s3.send(new DeleteObjectCommand({ Bucket: keepBucket, Key }));
  for (const { integration } of connected.values()) {
    expect((await disconnect(integration.integrationId)).status).toBe('removed');
  }
});

interface Try {
  readonly what: string;
  readonly call: SimulatedCall;
  readonly make: (session: Session) => Promise<unknown>;
}

const bucketArn = (bucket: string) => `arn:aws:s3:::${bucket}`;
const objectArn = (bucket: string, key: string) => `${bucketArn(bucket)}/${key}`;
const list = (bucket: string, Prefix?: string): Pick<Try, 'call' | 'make'> => ({
  call: {
    action: 's3:ListBucket',
    resource: bucketArn(bucket),
    context: Prefix === undefined ? {} : { 's3:prefix': Prefix },
  },
  make: (session) => session.s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix })),
});
const get = (bucket: string, Key: string): Pick<Try, 'call' | 'make'> => ({
  call: { action: 's3:GetObject', resource: objectArn(bucket, Key) },
  make: (session) => session.s3.send(new GetObjectCommand({ Bucket: bucket, Key })),
});
const put = (bucket: string, Key: string): Pick<Try, 'call' | 'make'> => ({
  call: { action: 's3:PutObject', resource: objectArn(bucket, Key) },
  make: (session) => session.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x' })),
});
const remove = (bucket: string, Key: string): Pick<Try, 'call' | 'make'> => ({
  call: { action: 's3:DeleteObject', resource: objectArn(bucket, Key) },
  make: (session) => session.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key })),
});
/** The emulator takes the word of a proxy in front of it for the way on which a call came. */
function overPlainHttp({ credentials }: Session): S3Client {
  const plain = new S3Client({ ...client, credentials, forcePathStyle: true });
  plain.middlewareStack.add(
    (next) => (args) => {
      const { request } = args;
      const headers: unknown =
        typeof request === 'object' && request !== null ? Reflect.get(request, 'headers') : undefined;
      if (typeof headers !== 'object' || headers === null) throw new Error('The request has no headers.');
      Reflect.set(headers, 'x-forwarded-proto', 'http');
      return next(args);
    },
    { step: 'build', name: 'overPlainHttp' },
  );
  return plain;
}
const plain = { 'aws:SecureTransport': 'false' };
const overHttp = (bucket: string): readonly Try[] => [
  {
    what: 'list over plain HTTP',
    call: { action: 's3:ListBucket', resource: bucketArn(bucket), context: plain },
    make: (session) => overPlainHttp(session).send(new ListObjectsV2Command({ Bucket: bucket })),
  },
  {
    what: 'read over plain HTTP',
    call: { action: 's3:GetObject', resource: objectArn(bucket, 'theirs'), context: plain },
    make: (session) => overPlainHttp(session).send(new GetObjectCommand({ Bucket: bucket, Key: 'theirs' })),
  },
  {
    what: 'write over plain HTTP',
    call: { action: 's3:PutObject', resource: objectArn(bucket, 'mine'), context: plain },
    make: (session) =>
      overPlainHttp(session).send(new PutObjectCommand({ Bucket: bucket, Key: 'mine', Body: 'x' })),
  },
];
const onBucket = (what: string, action: string, make: Try['make']): Try => ({
  what,
  call: { action: `s3:${action}`, resource: bucketArn(Bucket) },
  make,
});
const onObject = (what: string, action: string, make: Try['make']): Try => ({
  what,
  call: { action: `s3:${action}`, resource: objectArn(Bucket, 'theirs') },
  make,
});

async function expectAllowed(what: string, { call, make }: Pick<Try, 'call' | 'make'>): Promise<void> {
  const { policies, session } = at(what);
  await expect(isAllowed(policies, call)).resolves.toBe(true);
  await make(session);
}

async function expectDenied(
  what: string,
  { call, make }: Pick<Try, 'call' | 'make'>,
  more: readonly Document[] = [],
): Promise<void> {
  const { policies, session } = at(what);
  const identity = [...policies.identity, ...more];
  await expect(isAllowed({ ...policies, identity }, call)).resolves.toBe(false);
  await expectRefused(make(session));
}

test.each<Try>([
  { what: 'list the bucket', ...list(Bucket) },
  { what: 'list a folder of it', ...list(Bucket, 'a/b/') },
  { what: 'read an object', ...get(Bucket, 'theirs') },
  { what: 'write an object', ...put(Bucket, 'mine') },
  { what: 'delete an object', ...remove(Bucket, 'mine') },
])('Dataloop may $what', (granted) => expectAllowed(name, granted));

const refused: readonly Try[] = [
  { what: 'list another bucket of the service', ...list(otherBucket) },
  { what: 'read in another bucket of the service', ...get(otherBucket, 'theirs') },
  { what: 'write into another bucket of the service', ...put(otherBucket, 'mine') },
  { what: 'delete in another bucket of the service', ...remove(otherBucket, 'theirs') },
  { what: 'list a bucket of the customer’s', ...list(outside) },
  {
    what: 'list all buckets',
    call: { action: 's3:ListAllMyBuckets', resource: '*' },
    make: (session) => session.s3.send(new ListBucketsCommand({})),
  },
  onBucket('read the bucket’s policy', 'GetBucketPolicy', (session) =>
    session.s3.send(new GetBucketPolicyCommand({ Bucket })),
  ),
  onBucket('change the bucket’s policy', 'PutBucketPolicy', (session) =>
    session.s3.send(new PutBucketPolicyCommand({ Bucket, Policy: everything })),
  ),
  onBucket('delete the bucket’s policy', 'DeleteBucketPolicy', (session) =>
    session.s3.send(new DeleteBucketPolicyCommand({ Bucket })),
  ),
  onBucket('change the bucket’s ACL', 'PutBucketAcl', (session) =>
    session.s3.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' })),
  ),
  onBucket('open the bucket to the public', 'PutBucketPublicAccessBlock', (session) =>
    session.s3.send(new DeletePublicAccessBlockCommand({ Bucket })),
  ),
  onBucket('let other websites in', 'PutBucketCORS', (session) =>
    session.s3.send(
      new PutBucketCorsCommand({
        Bucket,
        CORSConfiguration: { CORSRules: [{ AllowedMethods: ['GET'], AllowedOrigins: ['*'] }] },
      }),
    ),
  ),
  onBucket('switch versions on', 'PutBucketVersioning', (session) =>
    session.s3.send(
      new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }),
    ),
  ),
  onBucket('list versions', 'ListBucketVersions', (session) =>
    session.s3.send(new ListObjectVersionsCommand({ Bucket })),
  ),
  onBucket('delete the bucket', 'DeleteBucket', (session) =>
    session.s3.send(new DeleteBucketCommand({ Bucket })),
  ),
  onObject('tag an object', 'PutObjectTagging', (session) =>
    session.s3.send(
      new PutObjectTaggingCommand({ Bucket, Key: 'theirs', Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }),
    ),
  ),
  onObject('read an object’s tags', 'GetObjectTagging', (session) =>
    session.s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'theirs' })),
  ),
  onObject('publish an object', 'PutObjectAcl', (session) =>
    session.s3.send(new PutObjectAclCommand({ Bucket, Key: 'theirs', ACL: 'public-read' })),
  ),
  {
    what: 'copy an object from another bucket',
    call: { action: 's3:GetObject', resource: objectArn(otherBucket, 'theirs') },
    make: (session) =>
      session.s3.send(new CopyObjectCommand({ Bucket, Key: 'mine', CopySource: `${otherBucket}/theirs` })),
  },
  {
    what: 'create an IAM user',
    call: { action: 'iam:CreateUser', resource: `arn:aws:iam::${accountId}:user/thief` },
    make: (session) => session.iam.send(new CreateUserCommand({ UserName: 'thief' })),
  },
  {
    what: 'give its own role more',
    call: {
      action: 'iam:PutRolePolicy',
      resource: `arn:aws:iam::${accountId}:role/dataloop-cross-account/${deployment.stage}/dataloop-${name}`,
    },
    make: (session) =>
      session.iam.send(
        new PutRolePolicyCommand({
          RoleName: `dataloop-${name}`,
          PolicyName: 'more',
          PolicyDocument: everything,
        }),
      ),
  },
  {
    what: 'take its own boundary off',
    call: {
      action: 'iam:DeleteRolePermissionsBoundary',
      resource: `arn:aws:iam::${accountId}:role/dataloop-cross-account/${deployment.stage}/dataloop-${name}`,
    },
    make: (session) =>
      session.iam.send(new DeleteRolePermissionsBoundaryCommand({ RoleName: `dataloop-${name}` })),
  },
  {
    what: 'let others into its own role',
    call: {
      action: 'iam:UpdateAssumeRolePolicy',
      resource: `arn:aws:iam::${accountId}:role/dataloop-cross-account/${deployment.stage}/dataloop-${name}`,
    },
    make: (session) =>
      session.iam.send(
        new UpdateAssumeRolePolicyCommand({ RoleName: `dataloop-${name}`, PolicyDocument: trust }),
      ),
  },
  {
    what: 'go on to a role of the service',
    call: { action: 'sts:AssumeRole', resource: arnOf('CreateRoleRole') },
    make: (session) =>
      session.sts.send(new AssumeRoleCommand({ RoleArn: arnOf('CreateRoleRole'), RoleSessionName: 'on' })),
  },
  {
    what: 'read the service’s secret',
    call: {
      action: 'secretsmanager:GetSecretValue',
      resource: `arn:aws:secretsmanager:${client.region}:${accountId}:secret:dataloop-cross-account/${deployment.stage}/dataloop-AbCdEf`,
    },
    make: (session) =>
      session.secrets.send(
        new GetSecretValueCommand({ SecretId: `dataloop-cross-account/${deployment.stage}/dataloop` }),
      ),
  },
  {
    what: 'read the journal',
    call: { action: 'dynamodb:Scan', resource: arnOf('Table') },
    make: (session) => session.dynamodb.send(new ScanCommand({ TableName: deployment.outputs.TableName })),
  },
  {
    what: 'encrypt with the key',
    call: { action: 'kms:Encrypt', resource: kmsKeyArn },
    make: (session) =>
      session.kms.send(new EncryptCommand({ KeyId: kmsKeyArn, Plaintext: Buffer.from('x') })),
  },
  {
    what: 'decrypt with the key but through S3',
    call: { action: 'kms:Decrypt', resource: kmsKeyArn },
    make: (session) =>
      session.kms.send(new DecryptCommand({ KeyId: kmsKeyArn, CiphertextBlob: Buffer.from('x') })),
  },
];

test.each([...refused, ...overHttp(Bucket)])('Dataloop may not $what', (attempt) =>
  expectDenied(name, attempt),
);

test('an adopted role, which has no boundary of ours, gets nothing over plain HTTP or in another account either', async () => {
  const { identity } = at(name).policies;
  const { call } = put(Bucket, 'mine');
  await expect(isAllowed({ identity }, call)).resolves.toBe(true);
  for (const context of [plain, { 'aws:ResourceAccount': '333333333333' }]) {
    await expect(isAllowed({ identity }, { ...call, context })).resolves.toBe(false);
  }
});

test('who takes the name of a bucket that is gone receives nothing', async () => {
  const gone = uniqueName('gone');
  const goneBucket = `dataloop-${gone}`;
  await connectAs(gone);
  await s3.send(new DeleteBucketCommand({ Bucket: goneBucket }));
  const stranger = new S3Client({ ...foreignClient, forcePathStyle: true });
  const CreateBucketConfiguration = { LocationConstraint: 'eu-west-1' } as const;
  await stranger.send(new CreateBucketCommand({ Bucket: goneBucket, CreateBucketConfiguration }));
  await stranger.send(new DeletePublicAccessBlockCommand({ Bucket: goneBucket }));
  await stranger.send(
    new PutBucketPolicyCommand({ Bucket: goneBucket, Policy: JSON.stringify(lettingIn(goneBucket, {})) }),
  );
  try {
    for (const granted of [list(goneBucket), put(goneBucket, 'mine')]) {
      const context = { 'aws:ResourceAccount': '333333333333' };
      await expectDenied(gone, { ...granted, call: { ...granted.call, context } });
    }
  } finally {
    await stranger.send(new DeleteBucketCommand({ Bucket: goneBucket }));
  }
});

/** The policy of a bucket that lets everybody in who meets a condition. */
const lettingIn = (bucket: string, Condition: object): Document => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: '*',
      Action: 's3:*',
      Resource: [bucketArn(bucket), `${bucketArn(bucket)}/*`],
      Condition,
    },
  ],
});

// S3 takes none that is open to the public.
const ofTheAccount = { StringEquals: { 'aws:PrincipalAccount': accountId } };
describe.each<[string, object]>([
  ['everybody of the account', ofTheAccount],
  ['whoever has a tag', { ...ofTheAccount, StringLike: { [`aws:PrincipalTag/${ownerTag}`]: 'int_*' } }],
])('where the policy of a bucket lets in %s', (_whom, Condition) => {
  const buckets = [outside, otherBucket];
  beforeAll(async () => {
    for (const each of buckets) {
      const Policy = JSON.stringify(lettingIn(each, Condition));
      await s3.send(new PutBucketPolicyCommand({ Bucket: each, Policy }));
    }
  });
  afterAll(async () => {
    for (const each of buckets) await s3.send(new DeleteBucketPolicyCommand({ Bucket: each }));
  });
  const letIn = (bucket: string, { call, make }: Pick<Try, 'call' | 'make'>) => ({
    call: {
      ...call,
      context: {
        ...call.context,
        'aws:PrincipalAccount': accountId,
        [`aws:PrincipalTag/${ownerTag}`]: 'int_1',
      },
      resourcePolicy: lettingIn(bucket, Condition),
    },
    make,
  });
  const onOther = (action: string, make: Try['make']) => ({
    call: { action: `s3:${action}`, resource: bucketArn(otherBucket) },
    make,
  });

  test.each<Try>([
    { what: 'list it', ...list(outside) },
    { what: 'read in it', ...get(outside, 'theirs') },
    { what: 'write into it', ...put(outside, 'mine') },
    { what: 'delete in it', ...remove(outside, 'theirs') },
  ])('Dataloop may not $what outside of the pattern', (attempt) =>
    expectDenied(name, letIn(outside, attempt)),
  );

  test.each<Try>([
    {
      what: 'read the policy of',
      ...onOther('GetBucketPolicy', (session) =>
        session.s3.send(new GetBucketPolicyCommand({ Bucket: otherBucket })),
      ),
    },
    {
      what: 'write the policy of',
      ...onOther('PutBucketPolicy', (session) =>
        session.s3.send(new PutBucketPolicyCommand({ Bucket: otherBucket, Policy: everything })),
      ),
    },
    {
      what: 'delete',
      ...onOther('DeleteBucket', (session) =>
        session.s3.send(new DeleteBucketCommand({ Bucket: otherBucket })),
      ),
    },
  ])('Dataloop may not $what a bucket within the pattern', (attempt) =>
    expectDenied(name, letIn(otherBucket, attempt)),
  );

  // Otherwise the refusals would prove nothing.
  test('a boundary that merely does not allow would let Dataloop in', async () => {
    const { identity } = at(name).policies;
    const { call } = letIn(outside, get(outside, 'theirs'));
    const Statement = [{ Effect: 'Allow', Action: 's3:GetObject', Resource: `${bucketArn(Bucket)}/*` }];
    const allowing = { Version: '2012-10-17', Statement };
    await expect(isAllowed({ identity, boundary: allowing }, call)).resolves.toBe(true);
  });
});

test('a key policy that lets everybody in gives Dataloop no other key, and this one through S3 only', async () => {
  const open = { Effect: 'Allow', Principal: '*', Action: 'kms:*', Resource: '*' };
  const resourcePolicy = { Version: '2012-10-17', Statement: [open] };
  const asked = (action: string, resource: string, context: Record<string, string> = {}) =>
    isAllowed(at(name).policies, { action, resource, context, resourcePolicy });
  const throughS3 = { 'kms:ViaService': 's3.eu-west-1.amazonaws.com' };
  await expect(asked('kms:Decrypt', kmsKeyArn, throughS3)).resolves.toBe(true);
  await expect(asked('kms:Decrypt', kmsKeyArn)).resolves.toBe(false);
  await expect(asked('kms:Encrypt', kmsKeyArn, throughS3)).resolves.toBe(false);
  await expect(asked('kms:Decrypt', otherKeyArn, throughS3)).resolves.toBe(false);
  await new KMSClient(client).send(
    new PutKeyPolicyCommand({ KeyId: otherKeyArn, Policy: JSON.stringify(resourcePolicy) }),
  );
  await expectDenied(name, {
    call: { action: 'kms:Decrypt', resource: otherKeyArn, resourcePolicy },
    make: (session) =>
      session.kms.send(new DecryptCommand({ KeyId: otherKeyArn, CiphertextBlob: Buffer.from('x') })),
  });
});

test('Dataloop may use the key through S3, and no other key', async () => {
  const { policies } = at(name);
  const throughS3 = (resource: string, via = 's3.eu-west-1.amazonaws.com') =>
    isAllowed(policies, { action: 'kms:Decrypt', resource, context: { 'kms:ViaService': via } });
  await expect(throughS3(kmsKeyArn)).resolves.toBe(true);
  await expect(throughS3(kmsKeyArn, 'dynamodb.eu-west-1.amazonaws.com')).resolves.toBe(false);
  await expect(throughS3(otherKeyArn)).resolves.toBe(false);
  await expectDenied(name, {
    call: { action: 'kms:Decrypt', resource: otherKeyArn },
    make: (session) =>
      session.kms.send(new DecryptCommand({ KeyId: otherKeyArn, CiphertextBlob: Buffer.from('x') })),
  });
});

describe('one folder', () => {
  test.each<Try>([
    { what: 'list it', ...list(folderBucket, 'raw/') },
    { what: 'list what lies deeper', ...list(folderBucket, 'raw/deep/') },
    { what: 'read in it', ...get(folderBucket, 'raw/deep/theirs') },
    { what: 'write into it', ...put(folderBucket, 'raw/deep/mine') },
    { what: 'delete in it', ...remove(folderBucket, 'raw/deep/mine') },
  ])('Dataloop may $what', (granted) => expectAllowed(folderName, granted));

  test.each<Try>([
    { what: 'list the whole bucket', ...list(folderBucket) },
    { what: 'list the root', ...list(folderBucket, '') },
    { what: 'list another folder', ...list(folderBucket, 'secret/') },
    { what: 'list what only begins like it', ...list(folderBucket, 'rawer') },
    { what: 'read in another folder', ...get(folderBucket, 'secret/theirs') },
    { what: 'read what only begins like it', ...get(folderBucket, 'rawer') },
    { what: 'write into another folder', ...put(folderBucket, 'secret/mine') },
    { what: 'delete in another folder', ...remove(folderBucket, 'secret/theirs') },
  ])('Dataloop may not $what', (attempt) => expectDenied(folderName, attempt));
});

describe('where nothing is to be deleted', () => {
  test('Dataloop may read and write', async () => {
    await expectAllowed(keepName, get(keepBucket, 'theirs'));
    await expectAllowed(keepName, put(keepBucket, 'mine'));
  });

  test('Dataloop may not delete', () => expectDenied(keepName, remove(keepBucket, 'theirs')));
});

describe('after somebody gave the role everything', () => {
  const all = documentSchema.parse(JSON.parse(everything));
  const RoleName = () => roleArnOf(at(other).integration).split('/').at(-1);

  beforeAll(async () => {
    await iam.send(new AttachRolePolicyCommand({ RoleName: RoleName(), PolicyArn: administratorArn }));
  });
  afterAll(async () => {
    await iam.send(new DetachRolePolicyCommand({ RoleName: RoleName(), PolicyArn: administratorArn }));
  });

  test.each<Try>([
    ...refused.filter(({ call }) => !call.action.startsWith('s3:')),
    onBucket('change the bucket’s policy', 'PutBucketPolicy', (session) =>
      session.s3.send(new PutBucketPolicyCommand({ Bucket: otherBucket, Policy: everything })),
    ),
    onBucket('delete the bucket', 'DeleteBucket', (session) =>
      session.s3.send(new DeleteBucketCommand({ Bucket: otherBucket })),
    ),
  ])('the boundary still holds: Dataloop may not $what', (attempt) => expectDenied(other, attempt, [all]));

  test('the boundary still holds: no bucket outside of the pattern', async () => {
    await expectDenied(other, list(outside), [all]);
    await expectDenied(other, get(outside, 'theirs'), [all]);
  });

  test.each(overHttp(otherBucket))('the boundary still holds: Dataloop may not $what', (attempt) =>
    expectDenied(other, attempt, [all]),
  );

  test.each<Try>([
    { what: 'list', ...list(deploymentBucket) },
    { what: 'read in', ...get(deploymentBucket, 'code.zip') },
    { what: 'write into', ...put(deploymentBucket, 'code.zip') },
  ])(
    'the boundary still holds: Dataloop may not $what the deployment bucket, which the pattern matches',
    (attempt) => expectDenied(other, attempt, [all]),
  );
});

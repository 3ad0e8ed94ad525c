/** Every call that the service makes is known by name, and none that it does not make passes for one. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as events from '@aws-sdk/client-eventbridge';
import * as iam from '@aws-sdk/client-iam';
import * as kms from '@aws-sdk/client-kms';
import * as s3 from '@aws-sdk/client-s3';
import * as secrets from '@aws-sdk/client-secrets-manager';
import * as states from '@aws-sdk/client-sfn';
import * as sqs from '@aws-sdk/client-sqs';
import * as sts from '@aws-sdk/client-sts';
import * as document from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { getAccountPublicAccessBlock } from '../../../src/clients/aws/account-public-access.ts';
import { type Fixture, reset, startFixture } from './fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
beforeEach(() => reset(fixture));
afterAll(() => fixture.stop());

type Clients = Fixture['clients'];
const name = 'f3k9x2';
const arn = `arn:aws:iam::111111111111:policy/${name}`;
const key = { TableName: name, Key: { pk: 'integration#1' } };
const bucket = { Bucket: name, ExpectedBucketOwner: '111111111111' };

const sent: Record<string, (clients: Clients) => Promise<unknown>> = {
  'iam:CreatePolicy': ({ iam: client }) =>
    client.send(new iam.CreatePolicyCommand({ PolicyName: name, PolicyDocument: '{}' })),
  'iam:GetPolicy': ({ iam: client }) => client.send(new iam.GetPolicyCommand({ PolicyArn: arn })),
  'iam:GetPolicyVersion': ({ iam: client }) =>
    client.send(new iam.GetPolicyVersionCommand({ PolicyArn: arn, VersionId: 'v1' })),
  'iam:ListAttachedRolePolicies': ({ iam: client }) =>
    client.send(new iam.ListAttachedRolePoliciesCommand({ RoleName: name })),
  'iam:ListRolePolicies': ({ iam: client }) =>
    client.send(new iam.ListRolePoliciesCommand({ RoleName: name })),
  'iam:GetAccountSummary': ({ iam: client }) => client.send(new iam.GetAccountSummaryCommand({})),
  'kms:DescribeKey': ({ kms: client }) => client.send(new kms.DescribeKeyCommand({ KeyId: name })),
  'iam:ListEntitiesForPolicy': ({ iam: client }) =>
    client.send(new iam.ListEntitiesForPolicyCommand({ PolicyArn: arn })),
  'iam:ListInstanceProfilesForRole': ({ iam: client }) =>
    client.send(new iam.ListInstanceProfilesForRoleCommand({ RoleName: name })),
  'iam:ListPolicyVersions': ({ iam: client }) =>
    client.send(new iam.ListPolicyVersionsCommand({ PolicyArn: arn })),
  'iam:CreatePolicyVersion': ({ iam: client }) =>
    client.send(new iam.CreatePolicyVersionCommand({ PolicyArn: arn, PolicyDocument: '{}' })),
  'iam:DeletePolicyVersion': ({ iam: client }) =>
    client.send(new iam.DeletePolicyVersionCommand({ PolicyArn: arn, VersionId: 'v2' })),
  'iam:DeletePolicy': ({ iam: client }) => client.send(new iam.DeletePolicyCommand({ PolicyArn: arn })),
  'iam:CreateRole': ({ iam: client }) =>
    client.send(new iam.CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: '{}' })),
  'iam:GetRole': ({ iam: client }) => client.send(new iam.GetRoleCommand({ RoleName: name })),
  'iam:AttachRolePolicy': ({ iam: client }) =>
    client.send(new iam.AttachRolePolicyCommand({ RoleName: name, PolicyArn: arn })),
  'iam:DetachRolePolicy': ({ iam: client }) =>
    client.send(new iam.DetachRolePolicyCommand({ RoleName: name, PolicyArn: arn })),
  'iam:UpdateAssumeRolePolicy': ({ iam: client }) =>
    client.send(new iam.UpdateAssumeRolePolicyCommand({ RoleName: name, PolicyDocument: '{}' })),
  'iam:PutRolePermissionsBoundary': ({ iam: client }) =>
    client.send(new iam.PutRolePermissionsBoundaryCommand({ RoleName: name, PermissionsBoundary: arn })),
  'iam:DeleteRole': ({ iam: client }) => client.send(new iam.DeleteRoleCommand({ RoleName: name })),
  's3:PutBucketTagging': ({ s3: client }) =>
    client.send(
      new s3.PutBucketTaggingCommand({ ...bucket, Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }),
    ),
  's3:DeleteBucketTagging': ({ s3: client }) => client.send(new s3.DeleteBucketTaggingCommand(bucket)),
  's3:ListObjectVersions': ({ s3: client }) => client.send(new s3.ListObjectVersionsCommand(bucket)),
  's3:DeleteBucketPolicy': ({ s3: client }) => client.send(new s3.DeleteBucketPolicyCommand(bucket)),
  's3:GetObjectLockConfiguration': ({ s3: client }) =>
    client.send(new s3.GetObjectLockConfigurationCommand(bucket)),
  's3:GetBucketVersioning': ({ s3: client }) => client.send(new s3.GetBucketVersioningCommand(bucket)),
  's3:GetBucketRequestPayment': ({ s3: client }) =>
    client.send(new s3.GetBucketRequestPaymentCommand(bucket)),
  's3:GetBucketOwnershipControls': ({ s3: client }) =>
    client.send(new s3.GetBucketOwnershipControlsCommand(bucket)),
  's3:HeadBucket': ({ s3: client }) => client.send(new s3.HeadBucketCommand(bucket)),
  's3:CreateBucket': ({ s3: client }) =>
    client.send(
      new s3.CreateBucketCommand({
        Bucket: name,
        CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' },
      }),
    ),
  's3:GetBucketTagging': ({ s3: client }) => client.send(new s3.GetBucketTaggingCommand(bucket)),
  's3:ListObjectsV2': ({ s3: client }) => client.send(new s3.ListObjectsV2Command({ ...bucket, MaxKeys: 1 })),
  's3:ListBuckets': ({ s3: client }) => client.send(new s3.ListBucketsCommand({ MaxBuckets: 10_000 })),
  's3:GetBucketPolicy': ({ s3: client }) => client.send(new s3.GetBucketPolicyCommand(bucket)),
  's3:GetBucketCors': ({ s3: client }) => client.send(new s3.GetBucketCorsCommand(bucket)),
  's3:GetBucketEncryption': ({ s3: client }) => client.send(new s3.GetBucketEncryptionCommand(bucket)),
  's3:GetPublicAccessBlock': ({ s3: client }) => client.send(new s3.GetPublicAccessBlockCommand(bucket)),
  's3:GetAccountPublicAccessBlock': ({ s3: client }) =>
    // The answer of an empty page has no settings.
    getAccountPublicAccessBlock(() => client)({
      name,
      region: 'eu-west-1',
      ownerAccountId: '111111111111',
    }).catch(() => undefined),
  's3:DeleteBucketCors': ({ s3: client }) => client.send(new s3.DeleteBucketCorsCommand(bucket)),
  's3:DeletePublicAccessBlock': ({ s3: client }) =>
    client.send(new s3.DeletePublicAccessBlockCommand(bucket)),
  's3:PutBucketCors': ({ s3: client }) =>
    client.send(
      new s3.PutBucketCorsCommand({
        ...bucket,
        CORSConfiguration: { CORSRules: [{ AllowedMethods: ['GET'], AllowedOrigins: ['*'] }] },
      }),
    ),
  's3:PutBucketEncryption': ({ s3: client }) =>
    client.send(
      new s3.PutBucketEncryptionCommand({ ...bucket, ServerSideEncryptionConfiguration: { Rules: [] } }),
    ),
  's3:PutBucketOwnershipControls': ({ s3: client }) =>
    client.send(new s3.PutBucketOwnershipControlsCommand({ ...bucket, OwnershipControls: { Rules: [] } })),
  's3:PutBucketPolicy': ({ s3: client }) =>
    client.send(new s3.PutBucketPolicyCommand({ ...bucket, Policy: '{}' })),
  's3:PutPublicAccessBlock': ({ s3: client }) =>
    client.send(
      new s3.PutPublicAccessBlockCommand({
        ...bucket,
        PublicAccessBlockConfiguration: { BlockPublicAcls: true },
      }),
    ),
  's3:DeleteBucket': ({ s3: client }) => client.send(new s3.DeleteBucketCommand(bucket)),
  'sts:GetCallerIdentity': ({ sts: client }) => client.send(new sts.GetCallerIdentityCommand({})),
  'dynamodb:GetItem': ({ dynamodb: client }) => client.send(new document.GetCommand(key)),
  'dynamodb:PutItem': ({ dynamodb: client }) =>
    client.send(new document.PutCommand({ TableName: name, Item: { pk: 'integration#1' } })),
  'dynamodb:UpdateItem': ({ dynamodb: client }) => client.send(new document.UpdateCommand(key)),
  'dynamodb:DeleteItem': ({ dynamodb: client }) => client.send(new document.DeleteCommand(key)),
  'dynamodb:BatchGetItem': ({ dynamodb: client }) =>
    client.send(new document.BatchGetCommand({ RequestItems: { [name]: { Keys: [key.Key] } } })),
  'dynamodb:Query': ({ dynamodb: client }) =>
    client.send(new document.QueryCommand({ TableName: name, KeyConditionExpression: 'pk = pk' })),
  'dynamodb:TransactWriteItems': ({ dynamodb: client }) =>
    client.send(new document.TransactWriteCommand({ TransactItems: [{ Delete: key }] })),
  'states:StartExecution': ({ states: client }) =>
    client.send(new states.StartExecutionCommand({ stateMachineArn: arn, name, input: '{}' })),
  'states:DescribeExecution': ({ states: client }) =>
    client.send(new states.DescribeExecutionCommand({ executionArn: arn })),
  'states:StopExecution': ({ states: client }) =>
    client.send(new states.StopExecutionCommand({ executionArn: arn })),
  'states:SendTaskSuccess': ({ states: client }) =>
    client.send(new states.SendTaskSuccessCommand({ taskToken: 'token', output: `"${name}"` })),
  'events:PutEvents': ({ events: client }) =>
    client.send(new events.PutEventsCommand({ Entries: [{ Detail: `"${name}"` }] })),
  'sqs:SendMessage': ({ sqs: client }) =>
    client.send(new sqs.SendMessageCommand({ QueueUrl: `https://127.0.0.1:1/1/${name}`, MessageBody: '{}' })),
  'secretsmanager:GetSecretValue': ({ secrets: client }) =>
    client.send(new secrets.GetSecretValueCommand({ SecretId: name })),
};

/** Commands of the document client by the operation they send. */
const documentCommands: Record<string, string> = {
  GetItem: 'Get',
  PutItem: 'Put',
  UpdateItem: 'Update',
  DeleteItem: 'Delete',
  TransactWriteItems: 'TransactWrite',
  BatchGetItem: 'BatchGet',
};

describe('a call to AWS', () => {
  test.each(Object.entries(sent))('is known: %s', async (operation, send) => {
    await fixture.proxy.open(name);
    const before = (await fixture.proxy.calls()).length;
    try {
      await send(fixture.clients);
      // Some name nobody.
      const calls = [...(await fixture.proxy.calls()).slice(before), ...(await fixture.proxy.calls(name))];
      expect(calls).toHaveLength(1);
      expect(calls).toMatchObject([{ operation, attempt: 1, outcome: 'forwarded', status: 200 }]);
      expect(fixture.emulator.seen).toHaveLength(1);
    } finally {
      await fixture.proxy.close(name);
    }
  });

  test('of every kind that the service makes is in this table', () => {
    const folder = join(import.meta.dirname, '../../../src/clients/aws');
    const source = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(folder, file), 'utf8'))
      .join('\n');
    const made = [...source.matchAll(/\bnew (\w+)Command\(/g)].map(([, command = '']) => command);
    expect(made.length).toBeGreaterThan(20);
    const tried = Object.keys(sent).map((operation) => operation.split(':')[1] ?? '');
    const commands = new Set(tried.map((operation) => documentCommands[operation] ?? operation));
    expect(made.filter((command) => !commands.has(command))).toEqual([]);
  });

  test('keeps its host, for the signature, and its body', async () => {
    await sent['iam:CreateRole']?.(fixture.clients);
    expect(fixture.emulator.seen).toMatchObject([
      {
        headers: {
          host: `127.0.0.1:${fixture.proxy.emulatorPort}`,
          authorization: expect.stringContaining('/iam/aws4_request'),
        },
        body: expect.stringContaining(`RoleName=${name}`),
      },
    ]);
  });
});

/** Operation of a request as it is recorded. */
async function recorded(method: string, path: string, service?: string): Promise<string | undefined> {
  const authorization = `AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/${service}/aws4_request`;
  await fixture.proxy.open(name);
  try {
    const url = `https://127.0.0.1:${fixture.proxy.emulatorPort}${path}`;
    await fetch(url, { method, headers: service === undefined ? {} : { authorization } });
    return (await fixture.proxy.calls(name))[0]?.operation;
  } finally {
    await fixture.proxy.close(name);
  }
}

describe('an operation of S3', () => {
  test.each([
    ['GET', `/${name}?location`, 's3:GetBucketLocation'],
    ['GET', `/${name}?list-type=2&prefix=a`, 's3:ListObjectsV2'],
    ['DELETE', `/${name}?cors`, 's3:DeleteBucketCors'],
    ['PUT', `/${name}/folder/key?x-id=PutObject`, 's3:PutObject'],
    ['GET', `/${name}/folder/key?tagging`, 's3:GetObjectTagging'],
  ])('is told from method and sub-resource: %s %s', async (method, path, operation) => {
    expect(await recorded(method, path, 's3')).toBe(operation);
  });

  test('that nobody knows is visibly unknown, and no other', async () => {
    expect(await recorded('PUT', `/${name}?novelty`, 's3')).toBe(`s3:unknown PUT /${name}?novelty`);
  });
});

test.each([
  ['cloudformation', 'unknown:cloudformation:unknown GET /f3k9x2'],
  [undefined, 'unknown:unsigned:unknown GET /f3k9x2'],
])('a call to a service that nothing here should call is visible: %s', async (service, operation) => {
  expect(await recorded('GET', `/${name}`, service)).toBe(operation);
  expect(fixture.emulator.seen).toHaveLength(1);
});

describe('a call to Dataloop', () => {
  const id = '665f1c2e9b1d8a0012345678';
  test.each([
    ['GET', `/projects/${name}`, 'GET /projects/{id}'],
    ['GET', `/orgs/${name}/integrations`, 'GET /orgs/{id}/integrations'],
    ['POST', `/orgs/${name}/integrations`, 'POST /orgs/{id}/integrations'],
    ['PATCH', `/orgs/${name}/integrations`, 'PATCH /orgs/{id}/integrations'],
    ['GET', `/orgs/${name}/integrations/${id}`, 'GET /orgs/{id}/integrations/{id}'],
    ['DELETE', `/orgs/${name}/integrations/${id}`, 'DELETE /orgs/{id}/integrations/{id}'],
    ['GET', `/drivers?projectId=${name}`, 'GET /drivers'],
    ['POST', `/drivers?${name}`, 'POST /drivers'],
    ['POST', `/drivers/test?${name}`, 'POST /drivers/test'],
    ['GET', `/drivers/${name}/test`, 'GET /drivers/{id}/test'],
    ['DELETE', `/drivers/${name}`, 'DELETE /drivers/{id}'],
    ['GET', `/elsewhere/${name}`, `unknown GET /api/v1/elsewhere/${name}`],
  ])('is known: %s %s', async (method, path, operation) => {
    await fixture.proxy.open(name);
    await fetch(`${fixture.apiUrl}${path}`, { method });
    expect(await fixture.proxy.calls(name)).toMatchObject([
      { service: 'dataloop', operation: `dataloop:${operation}` },
    ]);
    await fixture.proxy.close(name);
  });

  test('to log in lies beside the API', async () => {
    await fixture.proxy.open(name);
    const { origin } = new URL(fixture.apiUrl);
    await fetch(`${origin}/token?default`, { method: 'POST', body: JSON.stringify({ username: name }) });
    expect(await fixture.proxy.calls(name)).toMatchObject([{ operation: 'dataloop:POST /token' }]);
    await fixture.proxy.close(name);
  });
});

/** The local AWS refuses what AWS refuses: without that, no other test here would prove least privilege. */
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateAccessKeyCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeletePolicyCommand,
  DeleteRoleCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  IAMClient,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { SendTaskSuccessCommand, SFNClient } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  client,
  connect,
  control,
  deployment,
  disconnect,
  iam,
  requestFor,
  s3,
  settled,
  stepStatus,
  uniqueName,
  until,
} from './deployment.ts';

const UserName = uniqueName('tester');
const account = '111111111111';
let AccessKeyId = '';
let tester = client;

beforeAll(async () => {
  await iam.send(new CreateUserCommand({ UserName }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  AccessKeyId = AccessKey?.AccessKeyId ?? '';
  tester = {
    ...client,
    credentials: { accessKeyId: AccessKeyId, secretAccessKey: AccessKey?.SecretAccessKey ?? '' },
  };
});

afterAll(async () => {
  await iam.send(new DeleteUserPolicyCommand({ UserName, PolicyName: 'only' }));
  await iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }));
  await iam.send(new DeleteUserCommand({ UserName }));
});

async function mayOnly(...statements: object[]): Promise<void> {
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: statements });
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: 'only', PolicyDocument }));
}

const denied = { message: expect.stringContaining('not authorized') };
const trust = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
});

test('a role is created only with the boundary and under the path that the policy names', async () => {
  const boundary = deployment.outputs.PermissionsBoundaryArn;
  await mayOnly({
    Effect: 'Allow',
    Action: 'iam:CreateRole',
    Resource: `arn:aws:iam::${account}:role/here/*`,
    Condition: { StringEquals: { 'iam:PermissionsBoundary': boundary } },
  });
  const own = new IAMClient(tester);
  const role = { RoleName: uniqueName('boundary'), AssumeRolePolicyDocument: trust };
  await expect(own.send(new CreateRoleCommand({ ...role, Path: '/here/' }))).rejects.toMatchObject(denied);
  const other = { ...role, Path: '/here/', PermissionsBoundary: 'arn:aws:iam::aws:policy/ReadOnlyAccess' };
  await expect(own.send(new CreateRoleCommand(other))).rejects.toMatchObject(denied);
  const elsewhere = { ...role, Path: '/there/', PermissionsBoundary: boundary };
  await expect(own.send(new CreateRoleCommand(elsewhere))).rejects.toMatchObject(denied);
  await own.send(new CreateRoleCommand({ ...role, Path: '/here/', PermissionsBoundary: boundary }));
  await iam.send(new DeleteRoleCommand({ RoleName: role.RoleName }));
});

test('a policy is created only under its path, and deleted only with its tag', async () => {
  const PolicyDocument = trustless();
  await mayOnly(
    {
      Effect: 'Allow',
      Action: ['iam:CreatePolicy', 'iam:TagPolicy'],
      Resource: `arn:aws:iam::${account}:policy/here/*`,
    },
    {
      Effect: 'Allow',
      Action: 'iam:DeletePolicy',
      Resource: '*',
      Condition: { StringEquals: { 'aws:ResourceTag/mine': 'yes' } },
    },
  );
  const own = new IAMClient(tester);
  const PolicyName = uniqueName('tagged');
  const elsewhere = new CreatePolicyCommand({ PolicyName, Path: '/there/', PolicyDocument });
  await expect(own.send(elsewhere)).rejects.toMatchObject(denied);
  const tagged = { PolicyName, Path: '/here/', PolicyDocument, Tags: [{ Key: 'mine', Value: 'yes' }] };
  const { Policy } = await own.send(new CreatePolicyCommand(tagged));
  const untagged = { PolicyName: `${PolicyName}-2`, Path: '/here/', PolicyDocument };
  const { Policy: other } = await own.send(new CreatePolicyCommand(untagged));
  await expect(own.send(new DeletePolicyCommand({ PolicyArn: other?.Arn }))).rejects.toMatchObject(denied);
  await own.send(new DeletePolicyCommand({ PolicyArn: Policy?.Arn }));
  await iam.send(new DeletePolicyCommand({ PolicyArn: other?.Arn }));
});

test('an event is published only with the source that the policy names', async () => {
  await mayOnly({
    Effect: 'Allow',
    Action: 'events:PutEvents',
    Resource: '*',
    Condition: { StringEquals: { 'events:source': 'mine' } },
  });
  const own = new EventBridgeClient(tester);
  const event = { EventBusName: deployment.outputs.EventBusName, DetailType: 'x', Detail: '{}' };
  const put = (...sources: string[]) =>
    own.send(new PutEventsCommand({ Entries: sources.map((Source) => ({ ...event, Source })) }));
  await expect(put('theirs')).rejects.toMatchObject(denied);
  await expect(put('mine')).resolves.toMatchObject({ FailedEntryCount: 0 });
});

test('a waiting task is answered only by who may answer for its state machine', async () => {
  const name = uniqueName('token');
  await control.set(name, { userArnDelaySeconds: 'never' });
  const { integrationId } = await connect(name);
  await until(integrationId, (now) => stepStatus(now, 'RequestIamUser') === 'waiting');
  const { Item } = await new DynamoDBClient(client).send(
    new GetItemCommand({
      TableName: deployment.outputs.TableName,
      Key: { pk: { S: `token#${integrationId}` } },
    }),
  );
  const answer = new SendTaskSuccessCommand({ taskToken: Item?.['taskToken']?.S, output: '{}' });
  const mayAnswer = (Resource: string) =>
    mayOnly({ Effect: 'Allow', Action: 'states:SendTaskSuccess', Resource });
  const own = new SFNClient(tester);
  await mayAnswer(deployment.outputs.DeprovisionStateMachineArn);
  await expect(own.send(answer)).rejects.toMatchObject(denied);
  await mayAnswer(deployment.outputs.ProvisionStateMachineArn);
  await expect(own.send(answer)).resolves.toBeDefined();
  // The workflow is awake, and Dataloop names nobody to trust: it is undone.
  expect((await settled(integrationId)).status).toBe('failed');
});

test('callers without permission are refused at a bucket', async () => {
  const name = uniqueName('closed');
  const { integrationId } = await connect(name);
  await until(integrationId, ({ status }) => status === 'ready');
  const Bucket = requestFor(name).bucket.name;
  await expect(s3.send(new HeadBucketCommand({ Bucket }))).resolves.toBeDefined();
  await mayOnly({ Effect: 'Allow', Action: 'sts:GetCallerIdentity', Resource: '*' });
  const stranger = new S3Client({ ...tester, forcePathStyle: true });
  await expect(stranger.send(new HeadBucketCommand({ Bucket }))).rejects.toMatchObject({
    $metadata: { httpStatusCode: 403 },
  });
  await disconnect(integrationId);
});

function trustless(): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }],
  });
}

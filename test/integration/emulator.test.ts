/** The local AWS refuses what AWS refuses: without that, no other test here would prove least privilege. */
import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
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
  GetRoleCommand,
  GetUserCommand,
  IAMClient,
  PutRolePermissionsBoundaryCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeletePublicAccessBlockCommand,
  HeadBucketCommand,
  PutBucketPolicyCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { SendTaskSuccessCommand, SFNClient } from '@aws-sdk/client-sfn';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until as untilSeen } from '../until.ts';
import {
  client,
  connect,
  control,
  deployment,
  disconnect,
  foreignClient,
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

test('the roles of a stack are made with the rights of who deploys it, and get their boundary', async () => {
  const RoleName = uniqueName('of-a-stack');
  const cloudFormation = new CloudFormationClient(tester);
  const PermissionsBoundary = deployment.outputs.PermissionsBoundaryArn;
  const Properties = { RoleName, PermissionsBoundary, AssumeRolePolicyDocument: JSON.parse(trust) };
  const TemplateBody = JSON.stringify({ Resources: { Role: { Type: 'AWS::IAM::Role', Properties } } });
  const deployed = async (StackName: string): Promise<string> => {
    await cloudFormation.send(
      new CreateStackCommand({ StackName, TemplateBody, Capabilities: ['CAPABILITY_NAMED_IAM'] }),
    );
    return untilSeen(`the end of ${StackName}`, async () => {
      const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
      const status = Stacks?.[0]?.StackStatus ?? '';
      return !status.endsWith('_IN_PROGRESS') && status;
    });
  };
  const stacks = { Effect: 'Allow', Action: 'cloudformation:*', Resource: '*' };
  const roles = (Action: string[]) => ({
    Effect: 'Allow',
    Action,
    Resource: `arn:aws:iam::${account}:role/${RoleName}`,
  });

  await mayOnly(stacks);
  const [refused, taken] = [uniqueName('refused'), uniqueName('taken')];
  expect(await deployed(refused)).toMatch(/^ROLLBACK_COMPLETE|^CREATE_FAILED/);
  const { StackEvents = [] } = await cloudFormation.send(
    new DescribeStackEventsCommand({ StackName: refused }),
  );
  const reasons = StackEvents.map(({ ResourceStatusReason }) => ResourceStatusReason ?? '');
  expect(reasons.join()).toContain('not authorized to perform: iam:CreateRole');
  await expect(iam.send(new GetRoleCommand({ RoleName }))).rejects.toMatchObject({
    name: 'NoSuchEntityException',
  });
  await cloudFormation.send(new DeleteStackCommand({ StackName: refused }));

  const creating = ['iam:CreateRole', 'iam:GetRole', 'iam:PutRolePolicy', 'iam:TagRole'];
  await mayOnly(stacks, roles([...creating, 'iam:DeleteRole', 'iam:DeleteRolePolicy']));
  expect(await deployed(taken)).toBe('CREATE_COMPLETE');
  const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
  expect(Role?.PermissionsBoundary?.PermissionsBoundaryArn).toBe(PermissionsBoundary);
  await cloudFormation.send(new DeleteStackCommand({ StackName: taken }));
  await untilSeen(`${RoleName} is gone`, async () => {
    const found = await iam.send(new GetRoleCommand({ RoleName })).catch(() => undefined);
    return found === undefined;
  });
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

test('a bucket is created with an object ownership only by who may set one', async () => {
  await mayOnly({ Effect: 'Allow', Action: ['s3:CreateBucket', 's3:ListBucket'], Resource: '*' });
  const own = new S3Client({ ...tester, forcePathStyle: true });
  const Bucket = uniqueName('ownership');
  const wanted = { Bucket, CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } } as const;
  const withOwnership = new CreateBucketCommand({ ...wanted, ObjectOwnership: 'BucketOwnerEnforced' });
  await expect(own.send(withOwnership)).rejects.toMatchObject(denied);
  await expect(own.send(new CreateBucketCommand(wanted))).resolves.toBeDefined();
  await s3.send(new DeleteBucketCommand({ Bucket }));
});

test('a bucket is known as its owner’s, who need not be the caller', async () => {
  const stranger = new S3Client({ ...foreignClient, forcePathStyle: true });
  const own = new S3Client({ ...tester, forcePathStyle: true });
  const buckets = [uniqueName('own'), uniqueName('stranger')] as const;
  for (const [index, by] of [s3, stranger].entries()) {
    const Bucket = buckets[index];
    const CreateBucketConfiguration = { LocationConstraint: 'eu-west-1' } as const;
    await by.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
    await by.send(new DeletePublicAccessBlockCommand({ Bucket }));
    const letIn = { Effect: 'Allow', Principal: '*', Action: 's3:*', Resource: `arn:aws:s3:::${Bucket}` };
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [letIn] });
    await by.send(new PutBucketPolicyCommand({ Bucket, Policy }));
  }
  const [mine, theirs] = buckets;
  const look = (Bucket: string) => own.send(new HeadBucketCommand({ Bucket }));
  const all = { Effect: 'Allow', Action: 's3:*', Resource: '*' };
  await mayOnly(all);
  await expect(look(theirs)).resolves.toBeDefined();
  await mayOnly(all, {
    Effect: 'Deny',
    Action: 's3:*',
    Resource: '*',
    Condition: { StringNotEquals: { 'aws:ResourceAccount': account } },
  });
  await expect(look(mine)).resolves.toBeDefined();
  await expect(look(theirs)).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
  await s3.send(new DeleteBucketCommand({ Bucket: mine }));
  await stranger.send(new DeleteBucketCommand({ Bucket: theirs }));
});

test('a bucket policy that lets everybody in reaches past a boundary that merely does not allow', async () => {
  const Bucket = uniqueName('open');
  const CreateBucketConfiguration = { LocationConstraint: 'eu-west-1' } as const;
  await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
  const letIn = {
    Effect: 'Allow',
    Principal: '*',
    Action: 's3:*',
    Resource: `arn:aws:s3:::${Bucket}`,
    Condition: { StringEquals: { 'aws:PrincipalAccount': account } },
  };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [letIn] });
  await s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
  const RoleName = uniqueName('bounded');
  const { User } = await iam.send(new GetUserCommand({ UserName }));
  const mayAssume = { Effect: 'Allow', Principal: { AWS: User?.Arn }, Action: 'sts:AssumeRole' };
  await iam.send(
    new CreateRoleCommand({
      RoleName,
      AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [mayAssume] }),
    }),
  );
  await mayOnly({ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' });
  const within = async (boundary: string) => {
    const PermissionsBoundary = `arn:aws:iam::${account}:policy/${boundary}`;
    await iam.send(new PutRolePermissionsBoundaryCommand({ RoleName, PermissionsBoundary }));
    const { Credentials } = await new STSClient(tester).send(
      new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${account}:role/${RoleName}`, RoleSessionName: 'x' }),
    );
    const credentials = {
      accessKeyId: Credentials?.AccessKeyId ?? '',
      secretAccessKey: Credentials?.SecretAccessKey ?? '',
      sessionToken: Credentials?.SessionToken ?? '',
    };
    const bounded = new S3Client({ ...client, credentials, forcePathStyle: true });
    return bounded.send(new HeadBucketCommand({ Bucket }));
  };
  const boundaries = [
    ['allows', { Effect: 'Allow', Action: 'ec2:*', Resource: '*' }],
    ['denies', { Effect: 'Deny', NotAction: 'ec2:*', Resource: '*' }],
  ] as const;
  const named = boundaries.map(([does, statement]) => ({ name: uniqueName(does), statement }));
  for (const { name, statement } of named) {
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    await iam.send(new CreatePolicyCommand({ PolicyName: name, PolicyDocument }));
  }
  const [allowing, denying] = named.map(({ name }) => name);
  await expect(within(allowing ?? '')).resolves.toBeDefined();
  await expect(within(denying ?? '')).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
  await iam.send(new DeleteRoleCommand({ RoleName }));
  for (const { name } of named) {
    await iam.send(new DeletePolicyCommand({ PolicyArn: `arn:aws:iam::${account}:policy/${name}` }));
  }
  await s3.send(new DeleteBucketCommand({ Bucket }));
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

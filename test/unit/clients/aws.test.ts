/** AWS clients: what is sent, and what each answer means. */

import { DynamoDBClient, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  DeletePolicyCommand,
  DeletePolicyVersionCommand,
  EntityAlreadyExistsException,
  GetRoleCommand,
  IAMClient,
  ListPolicyVersionsCommand,
  NoSuchEntityException,
} from '@aws-sdk/client-iam';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  GetBucketTaggingCommand,
  HeadBucketCommand,
  PutBucketPolicyCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SendTaskSuccessCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { awsErrorCode, mapAwsError } from '../../../src/clients/aws/errors.ts';
import { publisher } from '../../../src/clients/aws/events.ts';
import { policyRemover, roleCreator, roleReader } from '../../../src/clients/aws/iam.ts';
import { registrar, stepJournal } from '../../../src/clients/aws/journal.ts';
import { bucketCreator, bucketRemover } from '../../../src/clients/aws/s3.ts';
import { readSecret } from '../../../src/clients/aws/secrets.ts';
import { answerTask, deprovisionStarter } from '../../../src/clients/aws/step-functions.ts';
import { integrationId, recordOf, thrownBy } from '../domain/fakes.ts';

const awsError = (name: string, status = 400, message = name) =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } });

describe('errors', () => {
  test.each([
    [awsError('Throttling'), 'AwsUnavailableError'],
    [awsError('SlowDown', 503), 'AwsUnavailableError'],
    [awsError('Unheard', 500), 'AwsUnavailableError'],
    [Object.assign(new Error('socket hang up'), { name: 'TimeoutError' }), 'AwsUnavailableError'],
    [awsError('OperationAborted', 409), 'AwsConflictError'],
    [awsError('ConcurrentModificationException', 409), 'AwsConflictError'],
    [awsError('DeleteConflictException', 409), 'AwsConflictError'],
    [awsError('NoSuchBucket', 404), 'AwsNotYetConsistentError'],
    [
      awsError('MalformedPolicyDocumentException', 400, 'Invalid principal in policy: "AWS":"x"'),
      'AwsNotYetConsistentError',
    ],
    [awsError('MalformedPolicyDocumentException', 400, 'Syntax errors in policy.'), 'AwsRequestRefusedError'],
    [awsError('LimitExceededException', 409), 'AwsQuotaExceededError'],
    [awsError('TooManyBuckets', 400), 'AwsQuotaExceededError'],
    [awsError('AccessDenied', 403), 'AwsAccessDeniedError'],
    [awsError('Unknown', 403), 'AwsAccessDeniedError'],
    [awsError('InvalidInput', 400), 'AwsRequestRefusedError'],
  ])('%s becomes %s', (error, name) => {
    const mapped = mapAwsError(error, 'create role x');
    expect(mapped).toMatchObject({ name, cause: error, message: expect.stringContaining('create role x') });
  });

  test('are known by Code before name, without the suffix that only some carry', () => {
    expect(awsErrorCode({ Code: 'EntityAlreadyExists', name: 'EntityAlreadyExistsException' })).toBe(
      'EntityAlreadyExists',
    );
    expect(awsErrorCode({ name: 'NoSuchEntityException' })).toBe('NoSuchEntity');
    expect(awsErrorCode(undefined)).toBe('Unknown');
  });
});

describe('S3', () => {
  const mock = mockClient(S3Client);
  const address = { name: 'dataloop-acme', region: 'eu-west-1', ownerAccountId: '111111111111' };
  const regions: string[] = [];
  const clientFor = (region: string) => {
    regions.push(region);
    return new S3Client({ region });
  };
  const s3 = { ...bucketCreator(clientFor), ...bucketRemover(clientFor) };
  beforeEach(() => {
    mock.reset();
  });

  test.each([
    [404, 'nobody'],
    [403, 'another-account'],
  ])('a HeadBucket that answers %i means %s', async (status, holder) => {
    mock.on(HeadBucketCommand).rejects(awsError('Unknown', status));
    expect(await s3.holderOf(address)).toBe(holder);
  });

  test('a bucket in another region is somebody’s, and a 5xx is tried again', async () => {
    mock.on(HeadBucketCommand).rejects(awsError('Unknown', 301));
    expect((await thrownBy(s3.holderOf(address))).name).toBe('BucketNameTakenError');
    mock.on(HeadBucketCommand).rejects(awsError('Unknown', 503));
    expect((await thrownBy(s3.holderOf(address))).name).toBe('AwsUnavailableError');
  });

  test('every call on a bucket names its owner and goes to its region', async () => {
    mock
      .on(HeadBucketCommand)
      .resolves({})
      .on(PutBucketPolicyCommand)
      .resolves({})
      .on(GetBucketTaggingCommand)
      .resolves({ TagSet: [] });
    regions.length = 0;
    await s3.holderOf({ ...address, region: 'us-west-2' });
    await s3.setPolicy({ ...address, region: 'us-west-2' }, { Version: '2012-10-17', Statement: [] });
    await s3.tagsOf({ ...address, region: 'us-west-2' });
    for (const call of mock.calls())
      expect(call.args[0].input).toMatchObject({ ExpectedBucketOwner: '111111111111' });
    expect(new Set(regions)).toEqual(new Set(['us-west-2']));
  });

  test('a bucket is created with its tags, and with a location everywhere but in us-east-1', async () => {
    mock.on(CreateBucketCommand).resolves({});
    await s3.create(address, { owner: 'us' });
    await s3.create({ ...address, region: 'us-east-1' }, { owner: 'us' });
    const [first, second] = mock.commandCalls(CreateBucketCommand).map((call) => call.args[0].input);
    expect(first?.CreateBucketConfiguration).toEqual({
      LocationConstraint: 'eu-west-1',
      Tags: [{ Key: 'owner', Value: 'us' }],
    });
    expect(second?.CreateBucketConfiguration).toEqual({ Tags: [{ Key: 'owner', Value: 'us' }] });
  });

  test('a name that is taken is told from one of our own account', async () => {
    mock.on(CreateBucketCommand).rejects(awsError('BucketAlreadyExists', 409));
    expect((await thrownBy(s3.create(address, {}))).name).toBe('BucketNameTakenError');
    mock.on(CreateBucketCommand).rejects(awsError('BucketAlreadyOwnedByYou', 409));
    expect(await s3.create(address, {})).toBe('exists-in-account');
  });

  test('deleting is done when the bucket is gone, and refused while it is not empty', async () => {
    mock.on(DeleteBucketCommand).rejects(awsError('NoSuchBucket', 404));
    expect(await s3.delete(address)).toBe('deleted');
    mock.on(DeleteBucketCommand).rejects(awsError('BucketNotEmpty', 409));
    expect(await s3.delete(address)).toBe('not-empty');
    mock.on(DeleteBucketCommand).rejects(awsError('OperationAborted', 409));
    expect((await thrownBy(s3.delete(address))).name).toBe('AwsConflictError');
  });

  test('a bucket without tags has none', async () => {
    mock.on(GetBucketTaggingCommand).rejects(awsError('NoSuchTagSet', 404));
    expect(await s3.tagsOf(address)).toEqual({});
  });
});

describe('IAM', () => {
  const mock = mockClient(IAMClient);
  const client = new IAMClient({});
  const role = {
    name: 'r',
    path: '/p/',
    description: 'd',
    trust: { Version: '2012-10-17', Statement: [] } as const,
    permissionsBoundaryArn: 'arn:boundary',
    tags: { a: 'b' },
  };
  beforeEach(() => {
    mock.reset();
  });

  test('a role is created with boundary, path and tags in the one call', async () => {
    mock.on(CreateRoleCommand).resolves({});
    await roleCreator(client).createRole(role);
    expect(mock.commandCalls(CreateRoleCommand)[0]?.args[0].input).toMatchObject({
      PermissionsBoundary: 'arn:boundary',
      Path: '/p/',
      Tags: [{ Key: 'a', Value: 'b' }],
    });
  });

  test('a role that exists is said to, and one that is not there is undefined', async () => {
    mock.on(CreateRoleCommand).rejects(new EntityAlreadyExistsException({ message: 'x', $metadata: {} }));
    expect(await roleCreator(client).createRole(role)).toBe('exists');
    mock.on(GetRoleCommand).rejects(new NoSuchEntityException({ message: 'x', $metadata: {} }));
    expect(await roleReader(client).findRole('r')).toBeUndefined();
  });

  test('a role that is not seen yet is attached to later', async () => {
    mock
      .on(AttachRolePolicyCommand)
      .rejects(new NoSuchEntityException({ message: 'x', $metadata: { httpStatusCode: 404 } }));
    const thrown = await thrownBy(roleCreator(client).attachPolicy('r', 'arn:p'));
    expect(thrown).toMatchObject({ name: 'AwsNotYetConsistentError', retryable: true });
  });

  test('a policy loses its other versions before it is deleted', async () => {
    mock.on(ListPolicyVersionsCommand).resolves({
      Versions: [
        { VersionId: 'v1', IsDefaultVersion: true },
        { VersionId: 'v2', IsDefaultVersion: false },
      ],
    });
    mock.on(DeletePolicyVersionCommand).resolves({}).on(DeletePolicyCommand).resolves({});
    await policyRemover(client).deletePolicy('arn:p');
    expect(mock.commandCalls(DeletePolicyVersionCommand).map((call) => call.args[0].input.VersionId)).toEqual(
      ['v2'],
    );
    expect(mock.commandCalls(DeletePolicyCommand)).toHaveLength(1);
  });
});

describe('Step Functions', () => {
  const mock = mockClient(SFNClient);
  const client = new SFNClient({});
  beforeEach(() => {
    mock.reset();
  });

  test('an execution that was started before counts as started', async () => {
    mock.on(StartExecutionCommand).rejects(awsError('ExecutionAlreadyExists'));
    await deprovisionStarter(client, 'arn:machine').startDeprovisioning('n', {
      integrationId,
      mode: 'remove',
    });
    expect(mock.commandCalls(StartExecutionCommand)[0]?.args[0].input.name).toBe('n');
  });

  test.each(['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'])(
    'a task that ended in %s waits no longer',
    async (name) => {
      mock.on(SendTaskSuccessCommand).rejects(awsError(name));
      expect(await answerTask(client, 'token', {})).toBe(false);
    },
  );

  test('an error of answering carries no task token', async () => {
    mock.on(SendTaskSuccessCommand).rejects(awsError('AccessDenied', 403, 'no'));
    const thrown = await thrownBy(answerTask(client, 'SECRET-TOKEN', {}));
    expect(thrown.message).not.toContain('SECRET-TOKEN');
  });
});

test('an event that EventBridge answers 200 to and does not take is an error', async () => {
  const mock = mockClient(EventBridgeClient);
  mock
    .on(PutEventsCommand)
    .resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException' }] });
  const detail = { version: '1', integrationId, name: 'acme', resources: [] } as const;
  const publishing = publisher(new EventBridgeClient({}), 'bus')('Dataloop Integration Ready', {
    ...detail,
    resources: [],
  });
  expect(await thrownBy(publishing)).toMatchObject({ name: 'AwsUnavailableError', retryable: true });
});

test('a secret that is not there says how to put it there', async () => {
  const mock = mockClient(SecretsManagerClient);
  mock.on(GetSecretValueCommand).rejects(awsError('ResourceNotFoundException'));
  const thrown = await thrownBy(readSecret(new SecretsManagerClient({}), 'the-secret'));
  expect(thrown).toMatchObject({
    name: 'DataloopCredentialsError',
    message: expect.stringContaining('put-secret-value'),
  });
  expect(thrown.message).toContain('the-secret');
});

describe('the journal', () => {
  const mock = mockClient(DynamoDBDocumentClient);
  const table = { client: DynamoDBDocumentClient.from(new DynamoDBClient({})), name: 'table' };
  const registration = {
    record: recordOf(),
    locks: ['name#acme', 'bucket#b#d'],
    idempotency: { key: 'k', expiresAt: 9 },
  };
  const held = (pk: string, id: string) => ({
    Code: 'ConditionalCheckFailed',
    Item: { pk: { S: pk }, integrationId: { S: id }, requestHash: { S: 'h' } },
  });
  const cancelled = (...CancellationReasons: object[]) =>
    new TransactionCanceledException({
      message: 'x',
      $metadata: { httpStatusCode: 400 },
      CancellationReasons,
    });
  beforeEach(() => {
    mock.reset();
  });

  test('registers record, locks and key in one transaction, each only where it is free', async () => {
    mock.on(TransactWriteCommand).resolves({});
    expect(await registrar(table).register(registration)).toEqual({ outcome: 'registered' });
    const items = mock.commandCalls(TransactWriteCommand)[0]?.args[0].input.TransactItems ?? [];
    expect(items.map(({ Put }) => Put?.Item?.['pk'])).toEqual([
      'idempotency#k',
      'lock#name#acme',
      'lock#bucket#b#d',
      `integration#${integrationId}`,
    ]);
    for (const { Put } of items) expect(Put?.ConditionExpression).toContain('attribute_not_exists(pk)');
  });

  test('knows what stood in the way, beside items that did not', async () => {
    mock
      .on(TransactWriteCommand)
      .rejects(cancelled({ Code: 'None' }, held('lock#name#acme', 'int_1'), { Code: 'None' }));
    expect(await registrar(table).register(registration)).toEqual({ outcome: 'locked', by: 'int_1' });
    mock
      .on(TransactWriteCommand)
      .rejects(cancelled(held('idempotency#k', 'int_1'), held('lock#name#acme', 'int_1'), { Code: 'None' }));
    expect(await registrar(table).register(registration)).toMatchObject({
      outcome: 'repeated',
      integrationId: 'int_1',
    });
  });

  test('takes its own transaction, whose answer was lost, for done', async () => {
    mock.on(TransactWriteCommand).rejects(cancelled({ Code: 'None' }, held('lock#name#acme', integrationId)));
    expect(await registrar(table).register(registration)).toEqual({ outcome: 'registered' });
  });

  test('is tried again after a conflict of transactions', async () => {
    mock.on(TransactWriteCommand).rejects(cancelled({ Code: 'TransactionConflict' }));
    expect((await thrownBy(registrar(table).register(registration))).name).not.toBe(
      'IdempotencyKeyReusedError',
    );
  });

  test('lets no step begin in an integration that has moved on', async () => {
    mock.on(UpdateCommand).rejects(awsError('ConditionalCheckFailedException'));
    const call = {
      integrationId,
      step: 'CreateRole',
      callId: 'c',
      attempt: 1,
      startedAt: recordOf().createdAt,
      openUntil: 1,
    } as const;
    const thrown = await thrownBy(stepJournal(table).beginStep(call, ['provisioning']));
    expect(thrown).toMatchObject({ name: 'IntegrationMovedOnError', retryable: false });
    expect(mock.commandCalls(UpdateCommand)[0]?.args[0].input.ExpressionAttributeValues).toMatchObject({
      ':status0': 'provisioning',
      ':until': 1,
    });
  });
});

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import {
  deleteTaskToken,
  readTaskToken,
  saveTaskToken,
} from '../../../../../src/clients/aws/journal/task-tokens.ts';
import { integrationId, journalOf, recordOf } from '../../../domain/fakes.ts';
import { sdkError } from '../sdk-answers.ts';

const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }));
const dynamo = mockClient(client);
const table = { client, name: 'journal' };
const Key = { pk: `token#${integrationId}` };
const taskToken = 'a-very-secret-task-token';
const { call } = journalOf(recordOf()).step(['provisioning'], { step: 'RequestIamUser', attempt: 2 });

beforeEach(() => {
  dynamo.reset();
  jest.useFakeTimers({ now: new Date('2026-11-23T00:00:00Z') });
});
afterEach(() => {
  jest.useRealTimers();
});

test('a token is an item of its own, which expires after the longest wait', async () => {
  dynamo.on(PutCommand).resolves({});
  await saveTaskToken(table, call, taskToken);
  expect(dynamo.call(0).args[0].input).toEqual({
    TableName: 'journal',
    Item: {
      ...Key,
      integrationId,
      taskToken,
      startedAt: call.startedAt,
      attempt: 2,
      expiresAt: Date.parse('2026-11-30T00:00:00Z') / 1000,
    },
    ConditionExpression:
      'attribute_not_exists(startedAt) OR startedAt < :startedAt OR ' +
      '(startedAt = :startedAt AND (attempt < :attempt OR attempt = :attempt))',
    ExpressionAttributeValues: { ':startedAt': call.startedAt, ':attempt': 2 },
  });
});

test('the token of a later attempt stays, and the earlier one learns it', async () => {
  dynamo.on(PutCommand).rejects(sdkError('ConditionalCheckFailedException', 400));
  await expect(saveTaskToken(table, call, taskToken)).rejects.toMatchObject({
    name: 'IntegrationMovedOnError',
    message: expect.not.stringContaining(taskToken),
  });
});

test('a token that was not saved is an error, which does not show it', async () => {
  dynamo.on(PutCommand).rejects(sdkError('ProvisionedThroughputExceededException', 400));
  await expect(saveTaskToken(table, call, taskToken)).rejects.toMatchObject({
    name: 'AwsUnavailableError',
    message: expect.not.stringContaining(taskToken),
  });
});

test('a token is read as it was last written', async () => {
  dynamo
    .on(GetCommand, { TableName: 'journal', Key, ConsistentRead: true })
    .resolves({ Item: { ...Key, taskToken } });
  await expect(readTaskToken(table, integrationId)).resolves.toBe(taskToken);
});

test('a workflow that does not wait has no token', async () => {
  dynamo.on(GetCommand).resolves({});
  await expect(readTaskToken(table, integrationId)).resolves.toBeUndefined();
});

test('an item that holds no token is refused, and not shown', async () => {
  dynamo.on(GetCommand).resolves({ Item: { ...Key, taskToken: [taskToken] } });
  await expect(readTaskToken(table, integrationId)).rejects.toMatchObject({
    name: 'RecordDamagedError',
    message: expect.not.stringContaining(taskToken),
  });
});

test('a token is deleted once the workflow has gone on, and that may be repeated', async () => {
  dynamo.on(DeleteCommand).resolvesOnce({}).rejects(sdkError('ConditionalCheckFailedException', 400));
  await deleteTaskToken(table, integrationId);
  await expect(deleteTaskToken(table, integrationId)).resolves.toBeUndefined();
  expect(dynamo.call(0).args[0].input).toMatchObject({ TableName: 'journal', Key });
});

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
} from '@aws-sdk/lib-dynamodb';
import { beforeEach, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { findAwaited } from '../../../../../src/clients/aws/journal/awaited-answers.ts';
import {
  begunJournal,
  forgetAddress,
  keepAddress,
  readAwaited,
} from '../../../../../src/clients/aws/journal/stack-requests.ts';
import { statuses } from '../../../../../src/domain/model/record.ts';
import { integrationId } from '../../../domain/fakes.ts';
import { address, stack, stackRequest } from '../../../domain/stacks.ts';
import { sdkError } from '../sdk-answers.ts';

const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }));
const dynamo = mockClient(client);
const table = { client, name: 'journal' };

beforeEach(() => {
  dynamo.reset();
});

const kept = async (request = stackRequest()) => {
  dynamo.on(PutCommand).resolves({});
  await keepAddress(table, request, integrationId);
  const { Item = {} } = dynamo.commandCalls(PutCommand).at(-1)?.args[0].input ?? {};
  return Item;
};

test('an address is an item of its own, which expires, and no status of a record finds it', async () => {
  const item = await kept();
  expect(item).toMatchObject({ pk: `answer#${integrationId}#made`, integrationId, address });
  expect(statuses).not.toContain(item['status']);
  const hours = (Number(item['expiresAt']) * 1000 - Date.now()) / 3_600_000;
  expect(hours).toBeGreaterThan(1.5);
  expect(hours).toBeLessThan(2.5);
});

test('a removal waits beside a creation', async () => {
  const removal = await kept(stackRequest({ RequestType: 'Delete', PhysicalResourceId: integrationId }));
  expect(removal['pk']).toBe(`answer#${integrationId}#removed`);
});

test('what was kept is read again, and forgotten where nobody has put another in its place', async () => {
  const Item = await kept();
  dynamo
    .on(GetCommand)
    .resolves({})
    .on(GetCommand, { Key: { pk: Item['pk'] } })
    .resolves({ Item });
  const [awaited, ...others] = await readAwaited(table, integrationId);
  expect(others).toEqual([]);
  expect(awaited).toMatchObject({ address, request: { id: 'request-1', type: 'Create', stack } });
  if (!awaited) throw new Error('Nothing is awaited.');
  dynamo.on(DeleteCommand).resolvesOnce({}).rejects(sdkError('ConditionalCheckFailedException', 400));
  await forgetAddress(table, integrationId, awaited);
  expect(dynamo.commandCalls(DeleteCommand)[0]?.args[0].input).toMatchObject({
    Key: { pk: `answer#${integrationId}#made` },
    ConditionExpression: 'address = :address',
    ExpressionAttributeValues: { ':address': address },
  });
  await expect(forgetAddress(table, integrationId, awaited)).resolves.toBeUndefined();
});

test('an item that this service cannot have written is answered nowhere', async () => {
  dynamo.on(GetCommand).resolves({ Item: { address, request: { id: 'x' } } });
  await expect(readAwaited(table, integrationId)).resolves.toEqual([]);
});

test('all that wait are found, each once', async () => {
  const other = 'drv_01M85CZQP0Y0YS5TZMSXQSHEJR';
  dynamo
    .on(QueryCommand)
    .resolvesOnce({ Items: [{ integrationId }, { integrationId }], LastEvaluatedKey: { pk: 'x' } })
    .resolvesOnce({ Items: [{ integrationId: other }] });
  await expect(findAwaited(table)).resolves.toEqual([integrationId, other]);
});

test('what a stack withdrew is known until no event of it can come any more', async () => {
  dynamo.on(PutCommand).resolves({}).on(GetCommand).resolves({});
  const journal = begunJournal(table);
  await expect(journal.isWithdrawn(stack)).resolves.toBe(false);
  await journal.withdraw(stack);
  const { Item = {} } = dynamo.commandCalls(PutCommand)[0]?.args[0].input ?? {};
  expect(Item['pk']).toMatch(/^stack#[0-9a-f]{64}#withdrawn$/);
  expect((Number(Item['expiresAt']) * 1000 - Date.now()) / 3_600_000).toBeCloseTo(6, 1);
  dynamo.on(GetCommand, { Key: { pk: Item['pk'] }, ConsistentRead: true }).resolves({ Item });
  await expect(journal.isWithdrawn(stack)).resolves.toBe(true);
  const expired = { ...Item, expiresAt: Math.floor(Date.now() / 1000) - 1 };
  dynamo.on(GetCommand, { Key: { pk: Item['pk'] }, ConsistentRead: true }).resolves({ Item: expired });
  await expect(journal.isWithdrawn(stack)).resolves.toBe(false);
});

test('what a stack has begun is known under a key that nobody can shape', async () => {
  dynamo
    .on(PutCommand)
    .resolves({})
    .on(GetCommand)
    .resolves({ Item: { requestId: 'r', integrationId } });
  const journal = begunJournal(table);
  await journal.writeBegun(stack, { requestId: 'r', recordId: integrationId });
  const { Item = {} } = dynamo.commandCalls(PutCommand)[0]?.args[0].input ?? {};
  expect(Item).toMatchObject({ requestId: 'r', integrationId, expiresAt: expect.any(Number) });
  expect(Item['pk']).toMatch(/^stack#[0-9a-f]{64}$/);
  await expect(journal.readBegun(stack)).resolves.toEqual({ requestId: 'r', recordId: integrationId });
});

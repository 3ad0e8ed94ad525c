import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BatchGetCommand, DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { integrationLister } from '../../../../../src/clients/aws/journal/queries.ts';
import { type JournalRecord, toStored } from '../../../../../src/domain/model/record.ts';
import { recordOf } from '../../../domain/fakes.ts';
import { sdkError } from '../sdk-answers.ts';

const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }));
const dynamo = mockClient(client);
const lister = integrationLister({ client, name: 'journal' });
beforeEach(() => {
  dynamo.reset();
});
const throttled = sdkError('ProvisionedThroughputExceededException', 400);

describe('the newest ids', () => {
  const asked = () => dynamo.commandCalls(QueryCommand).map((call) => call.args[0].input);

  const newer = [`int_${'2'.repeat(26)}`, `int_${'1'.repeat(26)}`];
  const driver = `drv_${'3'.repeat(26)}`;

  test('are asked of the index, newest first, no more than are wanted, and none of a driver', async () => {
    dynamo
      .on(QueryCommand)
      .resolves({ Items: [...newer, driver].map((integrationId) => ({ integrationId })) });
    await expect(lister.newestIds('ready', undefined, 26)).resolves.toEqual(newer);
    expect(asked()).toEqual([
      {
        TableName: 'journal',
        IndexName: 'byStatus',
        KeyConditionExpression: '#status = :status',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':status': 'ready' },
        ProjectionExpression: 'integrationId',
        ScanIndexForward: false,
        Limit: 26,
      },
    ]);
  });

  test('before an id are older than it', async () => {
    dynamo.on(QueryCommand).resolves({});
    await expect(lister.newestIds('ready', 'int_2', 26)).resolves.toEqual([]);
    expect(asked()).toMatchObject([
      {
        KeyConditionExpression: '#status = :status AND integrationId < :before',
        ExpressionAttributeValues: { ':status': 'ready', ':before': 'int_2' },
      },
    ]);
  });

  test('of a table that is busy are asked for again', async () => {
    dynamo.on(QueryCommand).rejects(throttled);
    await expect(lister.newestIds('ready', undefined, 1)).rejects.toMatchObject({
      name: 'AwsUnavailableError',
    });
  });
});

describe('records', () => {
  const ids = ['int_00000000000000000000000001', 'int_00000000000000000000000002'] as const;
  const one = recordOf({ id: ids[0] });
  const two = recordOf({ id: ids[1] });
  const item = (record: JournalRecord) => ({ pk: `integration#${record.id}`, ...toStored(record) });
  const keys = (...ids: string[]) => ({ journal: { Keys: ids.map((id) => ({ pk: `integration#${id}` })) } });
  const asked = () => dynamo.commandCalls(BatchGetCommand).map((call) => call.args[0].input.RequestItems);

  test('are read at once and as they were last written, also what DynamoDB left out at first', async () => {
    dynamo
      .on(BatchGetCommand)
      .resolvesOnce({ Responses: { journal: [item(two)] }, UnprocessedKeys: keys(ids[0]) })
      .resolves({ Responses: { journal: [item(one)] } });
    await expect(lister.readAll([ids[0], ids[1]])).resolves.toEqual({ records: [two, one], damaged: [] });
    expect(asked()).toEqual([
      { journal: { ...keys(ids[0], ids[1]).journal, ConsistentRead: true } },
      { journal: { ...keys(ids[0]).journal, ConsistentRead: true } },
    ]);
  });

  test('that DynamoDB leaves out again and again are asked for another time', async () => {
    dynamo.on(BatchGetCommand).resolves({ Responses: {}, UnprocessedKeys: keys(ids[0]) });
    await expect(lister.readAll([ids[0]])).rejects.toMatchObject({ name: 'AwsUnavailableError' });
    expect(asked()).toHaveLength(5);
  });

  test('of no ids are none, and nothing is asked', async () => {
    await expect(lister.readAll([])).resolves.toEqual({ records: [], damaged: [] });
    expect(dynamo.calls()).toEqual([]);
  });

  test('that somebody damaged are named, and hide no others', async () => {
    const broken = { ...item(one), status: 'half-done' };
    const foreign = { ...item(two), integrationId: ids[0] };
    dynamo
      .on(BatchGetCommand)
      .resolvesOnce({ Responses: { journal: [broken, item(two)] } })
      .resolves({ Responses: { journal: [foreign] } });
    await expect(lister.readAll(ids)).resolves.toEqual({ records: [two], damaged: [ids[0]] });
    await expect(lister.readAll([ids[1]])).resolves.toEqual({ records: [], damaged: [ids[1]] });
  });
});

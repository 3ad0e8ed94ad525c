import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BatchGetCommand, DynamoDBDocumentClient, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { lockReader } from '../../../../../src/clients/aws/journal/locks.ts';
import { activeFinder, integrationLister } from '../../../../../src/clients/aws/journal/queries.ts';
import type { JournalRecord } from '../../../../../src/domain/model/record.ts';
import { toStored } from '../../../../../src/domain/model/stored-record.ts';
import { recordOf } from '../../../domain/fakes.ts';
import { sdkError } from '../sdk-answers.ts';

const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }));
const dynamo = mockClient(client);
const table = { client, name: 'journal' };
const lister = integrationLister(table);
const throttled = sdkError('ProvisionedThroughputExceededException', 400);
beforeEach(() => {
  dynamo.reset();
});

describe('finding what is active', () => {
  const random = jest.spyOn(Math, 'random');
  afterEach(() => void random.mockReset());
  afterAll(() => random.mockRestore());
  /** What chance draws, one after the other. */
  const drawing = (...numbers: number[]) => {
    for (const number of numbers) random.mockReturnValueOnce(number);
  };
  const queries = () => dynamo.commandCalls(QueryCommand).map((call) => call.args[0].input);
  const ids = (...all: string[]) => ({ Items: all.map((id) => ({ integrationId: id })) });
  const of = (status: string) => ({ ExpressionAttributeValues: { ':status': status } });

  test('asks the index by status, for just the states in which something is still to happen', async () => {
    dynamo
      .on(QueryCommand, of('provisioning'))
      .resolves(ids('int_1', 'int_2'))
      .on(QueryCommand, of('rolling-back'))
      .resolves({})
      .on(QueryCommand, of('removing'))
      .resolves(ids('int_3'));
    drawing(0.1, 0.2, 0.3);
    await expect(activeFinder(table).findActive()).resolves.toEqual(['int_3', 'int_1', 'int_2']);
    expect(queries()).toEqual(
      ['removing', 'rolling-back', 'provisioning'].map((status) => ({
        TableName: 'journal',
        IndexName: 'byStatus',
        KeyConditionExpression: '#status = :status',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':status': status },
        ProjectionExpression: 'integrationId',
      })),
    );
  });

  test('reads on where an answer is one page of several', async () => {
    const first = { pk: 'integration#int_1', status: 'removing' };
    const second = { pk: 'integration#int_2', status: 'removing' };
    dynamo
      .on(QueryCommand)
      .resolves(ids())
      .on(QueryCommand, of('removing'))
      .resolvesOnce({ ...ids('int_1'), LastEvaluatedKey: first })
      // A page may be empty and still not be the last one.
      .resolvesOnce({ ...ids(), LastEvaluatedKey: second })
      .resolves(ids('int_3'));
    drawing(0.1, 0.2);
    await expect(activeFinder(table).findActive()).resolves.toEqual(['int_1', 'int_3']);
    const starts = queries()
      .filter((query) => query.ExpressionAttributeValues?.[':status'] === 'removing')
      .map((query) => query.ExclusiveStartKey);
    expect(starts).toEqual([undefined, first, second]);
  });

  test('is in another order each time, with the undos first: no end of the list is always left out', async () => {
    dynamo
      .on(QueryCommand, of('removing'))
      .resolves(ids('int_1', 'int_2'))
      .on(QueryCommand, of('rolling-back'))
      .resolves(ids('int_3'))
      .on(QueryCommand, of('provisioning'))
      .resolves(ids('int_4', 'int_5'));
    drawing(0.7, 0.9, 0.8, 0.2, 0.1);
    await expect(activeFinder(table).findActive()).resolves.toEqual([
      'int_1',
      'int_3',
      'int_2',
      'int_5',
      'int_4',
    ]);
    drawing(0.9, 0.1, 0.2, 0.1, 0.2);
    await expect(activeFinder(table).findActive()).resolves.toEqual([
      'int_2',
      'int_3',
      'int_1',
      'int_4',
      'int_5',
    ]);
  });

  test('is an error where one state could not be asked for: a part is not all', async () => {
    dynamo.on(QueryCommand).resolves(ids('int_1')).on(QueryCommand, of('removing')).rejects(throttled);
    await expect(activeFinder(table).findActive()).rejects.toMatchObject({
      name: 'AwsUnavailableError',
      message: expect.stringContaining('removing'),
    });
  });
});

describe('the newest ids', () => {
  const asked = () => dynamo.commandCalls(QueryCommand).map((call) => call.args[0].input);

  const newer = [`int_${'2'.repeat(26)}`, `int_${'1'.repeat(26)}`];

  test('are asked of the index, newest first, no more than are wanted, and none of a driver', async () => {
    dynamo.on(QueryCommand).resolves({ Items: newer.map((integrationId) => ({ integrationId })) });
    await expect(lister.newestIds('ready', undefined, 26)).resolves.toEqual(newer);
    expect(asked()).toEqual([
      {
        TableName: 'journal',
        IndexName: 'byStatus',
        // Between these lie the ids of integrations, and none of a driver.
        KeyConditionExpression: '#status = :status AND integrationId BETWEEN :from AND :to',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':status': 'ready', ':from': 'int_', ':to': 'int_~' },
        ProjectionExpression: 'integrationId',
        ScanIndexForward: false,
        Limit: 26,
      },
    ]);
  });

  test('before an id are older than it', async () => {
    dynamo.on(QueryCommand).resolves({ Items: [{ integrationId: 'int_2' }, { integrationId: 'int_1' }] });
    await expect(lister.newestIds('ready', 'int_2', 26)).resolves.toEqual(['int_1']);
    expect(asked()).toMatchObject([
      { ExpressionAttributeValues: { ':status': 'ready', ':from': 'int_', ':to': 'int_2' }, Limit: 27 },
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
    const broken = { ...item(one), request: 'half-done' };
    const foreign = { ...item(two), integrationId: ids[0] };
    dynamo
      .on(BatchGetCommand)
      .resolvesOnce({ Responses: { journal: [broken, item(two)] } })
      .resolves({ Responses: { journal: [foreign] } });
    await expect(lister.readAll(ids)).resolves.toEqual({ records: [two], damaged: [ids[0]] });
    await expect(lister.readAll([ids[1]])).resolves.toEqual({ records: [], damaged: [ids[1]] });
  });
});

describe('a lock', () => {
  test('names its holder, by a read that sees the latest write', async () => {
    dynamo
      .on(GetCommand)
      .resolves({ Item: { pk: 'lock#name#acme', integrationId: 'int_1', requestHash: 'x' } });
    await expect(lockReader(table).lockHolder('name#acme')).resolves.toBe('int_1');
    expect(dynamo.call(0).args[0].input).toEqual({
      TableName: 'journal',
      Key: { pk: 'lock#name#acme' },
      ConsistentRead: true,
    });
  });

  test('that is free has none', async () => {
    dynamo.on(GetCommand).resolves({});
    await expect(lockReader(table).lockHolder('name#acme')).resolves.toBeUndefined();
  });
});

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { activeFinder } from '../../../../../src/clients/aws/journal/queries.ts';
import { sdkError } from '../sdk-answers.ts';

const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }));
const dynamo = mockClient(client);
const table = { client, name: 'journal' };
const throttled = sdkError('ProvisionedThroughputExceededException', 400);
beforeEach(() => {
  dynamo.reset();
});

describe('finding what is active', () => {
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
    await expect(activeFinder(table).findActive()).resolves.toEqual(['int_1', 'int_2', 'int_3']);
    expect(queries()).toEqual(
      ['provisioning', 'rolling-back', 'removing'].map((status) => ({
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
    await expect(activeFinder(table).findActive()).resolves.toEqual(['int_1', 'int_3']);
    const starts = queries()
      .filter((query) => query.ExpressionAttributeValues?.[':status'] === 'removing')
      .map((query) => query.ExclusiveStartKey);
    expect(starts).toEqual([undefined, first, second]);
  });

  test('is an error where one state could not be asked for: a part is not all', async () => {
    dynamo.on(QueryCommand).resolves(ids('int_1')).on(QueryCommand, of('removing')).rejects(throttled);
    await expect(activeFinder(table).findActive()).rejects.toMatchObject({
      name: 'AwsUnavailableError',
      message: expect.stringContaining('removing'),
    });
  });
});

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { lockReader, standingReader } from '../../../../../src/clients/aws/journal/queries.ts';
import { recordOf } from '../../../domain/fakes.ts';
import { sdkError } from '../sdk-answers.ts';

const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }));
const dynamo = mockClient(client);
const table = { client, name: 'journal' };
beforeEach(() => {
  dynamo.reset();
});

describe('integrations of which something stands', () => {
  const of = (status: string) => ({ ExpressionAttributeValues: { ':status': status } });
  const ids = (...all: string[]) => ({ Items: all.map((integrationId) => ({ integrationId })) });

  test('are those of every status in which something may, each read again and named once', async () => {
    dynamo
      .on(QueryCommand)
      .resolves({})
      .on(QueryCommand, of('ready'))
      .resolves(ids('int_1', 'int_2'))
      .on(QueryCommand, of('removing'))
      .resolves(ids('int_2', 'int_3'))
      .on(QueryCommand, of('residue'))
      .resolves(ids('int_4'));
    const read: string[] = [];
    const records = {
      read: async (integrationId: string) => {
        read.push(integrationId);
        // One is removed by now, one is not there at all.
        if (integrationId === 'int_3') return recordOf({ id: integrationId, status: 'removed' });
        return integrationId === 'int_4' ? undefined : recordOf({ id: integrationId, status: 'ready' });
      },
    };
    const found = await standingReader(table, records).standingIntegrations();
    expect(found.map(({ id: integrationId }) => integrationId).sort()).toEqual(['int_1', 'int_2']);
    expect(read.sort()).toEqual(['int_1', 'int_2', 'int_3', 'int_4']);
    const asked = dynamo
      .commandCalls(QueryCommand)
      .map((call) => call.args[0].input.ExpressionAttributeValues?.[':status']);
    expect(asked.sort()).toEqual(['provisioning', 'ready', 'removing', 'residue', 'rolling-back']);
  });

  test('are not known where one status cannot be asked for', async () => {
    dynamo
      .on(QueryCommand)
      .resolves({})
      .on(QueryCommand, of('ready'))
      .rejects(sdkError('ThrottlingException', 400));
    const reading = standingReader(table, { read: async () => undefined }).standingIntegrations();
    await expect(reading).rejects.toMatchObject({ name: 'AwsUnavailableError' });
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

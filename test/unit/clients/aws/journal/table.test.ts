import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { deleteOwnItem, journalTable } from '../../../../../src/clients/aws/journal/table.ts';
import { answering, sdkError } from '../sdk-answers.ts';

const environment = { ...process.env };
beforeEach(() => {
  Object.assign(process.env, {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'example',
  });
});
afterEach(() => {
  process.env = { ...environment };
});

test('an optional field that is undefined is left out of the item', async () => {
  const { client, name } = journalTable('journal');
  const { requestHandler } = answering(200, '{}', { 'content-type': 'application/x-amz-json-1.0' });
  let body = '';
  client.config.requestHandler = {
    ...client.config.requestHandler,
    handle: async (request) => {
      body = new TextDecoder().decode(request.body);
      return requestHandler.handle();
    },
  };
  await client.send(
    new PutCommand({ TableName: name, Item: { pk: 'x', step: { status: 'running', endedAt: undefined } } }),
  );
  expect(JSON.parse(body)).toHaveProperty('Item.step', { M: { status: { S: 'running' } } });
});

test('an item is deleted only by the integration that holds it', async () => {
  const table = journalTable('journal');
  const dynamo = mockClient(table.client);
  dynamo.on(DeleteCommand).resolves({});
  await deleteOwnItem(table, { pk: 'lock#name#acme' }, 'int_A', 'release the lock');
  expect(dynamo.call(0).args[0].input).toMatchObject({
    TableName: 'journal',
    Key: { pk: 'lock#name#acme' },
    ConditionExpression: 'attribute_not_exists(pk) OR integrationId = :id',
    ExpressionAttributeValues: { ':id': 'int_A' },
  });
});

test('a deletion that is forbidden says what it was for', async () => {
  const table = journalTable('journal');
  mockClient(table.client).on(DeleteCommand).rejects(sdkError('AccessDeniedException', 400));
  await expect(
    deleteOwnItem(table, { pk: 'lock#name#acme' }, 'int_A', 'release the lock'),
  ).rejects.toMatchObject({
    name: 'AwsAccessDeniedError',
    message: expect.stringContaining('release the lock'),
  });
});

import { expect, test } from '@jest/globals';
import { S3Client } from '@aws-sdk/client-s3';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { holderOf } from '../../../../src/clients/aws/s3.ts';
import { registrar } from '../../../../src/clients/aws/journal.ts';
const wire = (statusCode: number, headers: Record<string,string>, body = '') => ({
  handle: async () => ({ response: { statusCode, headers, body: new TextEncoder().encode(body), reason: '' } }),
});
test.each([200, 404, 403, 301, 400])('head %s', async (status) => {
  const c = new S3Client({ region: 'eu-west-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' }, requestHandler: wire(status, {}) });
  try { console.log(status, await holderOf(() => c, { name: 'bbb', region: 'eu-west-1', ownerAccountId: '111111111111' })); } catch (e) { console.log(status, e instanceof Error && e.name, e); }
});
test('ddb', async () => {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' }, requestHandler: wire(400, {'content-type': 'application/x-amz-json-1.0'}, JSON.stringify({__type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException', Message: 'x', CancellationReasons: [{Code:'ConditionalCheckFailed', Item: {pk:{S:'lock#a'}, integrationId:{S:'int_B'}, requestHash:{S:'h'}}, Message:'y'},{Code:'None'}]})) }));
  const r = await registrar({ client, name: 't' }).register({ locks: ['a'], idempotency: undefined, record: { integrationId: 'int_A', name: 'n' } as never });
  expect(r).toEqual({outcome:'locked', by: 'int_B'});
});

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { noticeJournal } from '../../../../../src/clients/aws/journal/notices.ts';
import { sdkError } from '../sdk-answers.ts';

const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }));
const dynamo = mockClient(client);
const journal = noticeJournal({ client, name: 'journal' });
const notice = { expiresAt: Date.parse('2026-12-28T12:00:00Z'), days: 30 } as const;
const Key = { pk: `notice#api-key#${notice.expiresAt}#30` };

beforeEach(() => {
  dynamo.reset();
});

test('a notice is an item of its own, which goes a month after the end of its key', async () => {
  dynamo.on(PutCommand).resolves({});
  await journal.keepNotice(notice);
  expect(dynamo.call(0).args[0].input).toEqual({
    TableName: 'journal',
    Item: { ...Key, expiresAt: Date.parse('2027-01-27T12:00:00Z') / 1000 },
  });
});

test('a notice was given if its item is there; a table that does not answer says nothing', async () => {
  dynamo
    .on(GetCommand, { TableName: 'journal', Key, ConsistentRead: true })
    .resolvesOnce({})
    .resolvesOnce({ Item: Key })
    .rejects(sdkError('ThrottlingException', 400));
  expect([await journal.wasTold(notice), await journal.wasTold(notice)]).toEqual([false, true]);
  await expect(journal.wasTold(notice)).rejects.toMatchObject({ name: 'AwsUnavailableError' });
});

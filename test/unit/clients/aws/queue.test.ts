import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeEach, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { pollScheduler } from '../../../../src/clients/aws/queue.ts';
import { sdkError } from './sdk-answers.ts';

const client = new SQSClient({ region: 'eu-west-1' });
const sqs = mockClient(client);
beforeEach(() => {
  sqs.reset();
});

const queueUrl = 'https://sqs.eu-west-1.amazonaws.com/111111111111/polls';
const schedulePoll = pollScheduler(client, queueUrl);

test('a poll is a message that shows up after its delay', async () => {
  sqs.on(SendMessageCommand).resolves({ MessageId: '1' });
  await schedulePoll({ integrationId: 'int_A', count: 3 }, 16);
  expect(sqs.call(0).args[0].input).toEqual({
    QueueUrl: queueUrl,
    MessageBody: '{"integrationId":"int_A","count":3}',
    DelaySeconds: 16,
  });
});

test('a poll that was not taken is an error: nobody would look again', async () => {
  sqs.on(SendMessageCommand).rejects(sdkError('ServiceUnavailable', 503));
  await expect(schedulePoll({ integrationId: 'int_A', count: 0 }, 2)).rejects.toMatchObject({
    name: 'AwsUnavailableError',
  });
});

/** Amazon SQS: polls for Dataloop's late answer. */
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Callback } from '../../domain/resources/dataloop/integration.ts';
import { awsCall } from './errors.ts';
import { clientSettings } from './settings.ts';

/** The queue's URL only names the queue; where the service is reached is the environment's business. */
export const queueClient = () => new SQSClient({ ...clientSettings, useQueueUrlAsEndpoint: false });

export function pollScheduler(client: SQSClient, queueUrl: string): Callback['schedulePoll'] {
  return async (poll, delaySeconds) => {
    await awsCall('schedule a poll', () =>
      client.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: JSON.stringify(poll),
          DelaySeconds: delaySeconds,
        }),
      ),
    );
  };
}

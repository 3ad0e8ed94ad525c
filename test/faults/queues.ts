/** No queue holds a forgotten message: polls come to their end, and nothing is a dead letter. */
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs';
import { until } from '../until.ts';
import { clientsAt, type Place } from './clients.ts';

/** The service's own queues. */
export async function queueUrls(place: Place): Promise<string[]> {
  const all = await clientsAt(place).sqs.send(
    new ListQueuesCommand({ QueueNamePrefix: 'dataloop-cross-account-' }),
  );
  return all.QueueUrls ?? [];
}

/**
 * All messages of a queue that can be seen; they are taken out.
 * @param WaitTimeSeconds how long it is waited for one more
 */
export async function takeMessages(
  place: Place,
  QueueUrl: string | undefined,
  WaitTimeSeconds = 0,
): Promise<string[]> {
  const { sqs } = clientsAt(place);
  const found: string[] = [];
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds }),
    );
    if (Messages.length === 0) return found;
    for (const { Body = '', ReceiptHandle } of Messages) {
      found.push(Body);
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }
}

/** Dead letters, and whose they are. They are taken out. */
async function deadLetters(place: Place): Promise<string[]> {
  const queueUrl = (await queueUrls(place)).find((url) => url.includes('DeadLetter'));
  return takeMessages(place, queueUrl);
}

/** Messages of each queue that has any: visible, delayed, or being worked on. */
async function messages(place: Place): Promise<Map<string, number>> {
  const { sqs } = clientsAt(place);
  const found = new Map<string, number>();
  for (const QueueUrl of await queueUrls(place)) {
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
    );
    const count = Object.entries(Attributes ?? {})
      .filter(([name]) => name.startsWith('ApproximateNumberOfMessages'))
      .reduce((sum, [, value]) => sum + Number(value), 0);
    if (count > 0) found.set(QueueUrl.split('/').at(-1) ?? QueueUrl, count);
  }
  return found;
}

/**
 * A poll comes at most a minute after the one before; the last one finds that nobody waits.
 * @param mayBeDead integrations of which a function was refused for good: an event of theirs is a dead letter
 */
export async function queueViolations(
  { environment }: { environment: Place },
  mayBeDead: readonly string[],
): Promise<string[]> {
  const unexpected = (await deadLetters(environment)).filter(
    (body) => !mayBeDead.some((integrationId) => body.includes(integrationId)),
  );
  if (unexpected.length > 0) return unexpected.map((body) => `A dead letter: ${body.slice(0, 4_000)}`);
  let left = new Map<string, number>();
  try {
    await until(
      'the queues are empty',
      async () => {
        left = await messages(environment);
        return left.size === 0;
      },
      { everyMs: 500 },
    );
    return [];
  } catch {
    return [...left].map(([name, count]) => `${count} messages are left in ${name}`);
  }
}

/** Takes dead letters out that are about these records, and leaves the others. */
export async function takeDeadLettersOf(place: Place, ids: readonly string[]): Promise<void> {
  const { sqs } = clientsAt(place);
  const QueueUrl = (await queueUrls(place)).find((url) => url.includes('DeadLetter'));
  for (;;) {
    // Those that stay are seen again a little later.
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 10 }),
    );
    if (Messages.length === 0) return;
    for (const { Body = '', ReceiptHandle } of Messages) {
      if (ids.some((id) => Body.includes(id)))
        await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }
}

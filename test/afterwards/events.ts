/** Keeps events that pass, in a queue: nobody could read them afterwards. */
import {
  DeleteRuleCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { clientsAt, type Place } from '../faults/clients.ts';
import { takeMessages } from '../faults/queues.ts';

/** Which events are kept, and the name of the queue and of the rules that send them there. */
export interface Kept {
  readonly name: string;
  readonly buses: readonly string[];
  readonly pattern: object;
}

/** Every event on the service's bus and on the account's. */
export const everyEvent = (eventBusName: string): Kept => ({
  name: 'kept-events',
  buses: ['default', eventBusName],
  pattern: { source: [{ prefix: '' }] },
});

const eventsAt = ({ endpointUrl: endpoint, region, credentials }: Place) =>
  new EventBridgeClient({ endpoint, region, credentials });

export async function keepEvents(place: Place, { name, buses, pattern }: Kept): Promise<void> {
  const { sqs } = clientsAt(place);
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  const Arn = Attributes?.['QueueArn'];
  const mayPut = {
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: Arn,
  };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [mayPut] });
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
  for (const EventBusName of buses) {
    const EventPattern = JSON.stringify(pattern);
    await eventsAt(place).send(new PutRuleCommand({ EventBusName, Name: name, EventPattern }));
    await eventsAt(place).send(
      new PutTargetsCommand({ EventBusName, Rule: name, Targets: [{ Id: 'queue', Arn }] }),
    );
  }
}

/** All events that have passed since they were taken last, as JSON. */
export async function takeEvents(place: Place, { name }: Kept): Promise<string[]> {
  const { QueueUrl } = await clientsAt(place).sqs.send(new GetQueueUrlCommand({ QueueName: name }));
  // The last may still be on their way.
  return takeMessages(place, QueueUrl, 1);
}

/** All that have passed since they were taken last; then no more are kept. */
export async function stopKeeping(place: Place, kept: Kept): Promise<string[]> {
  const { name, buses } = kept;
  const { sqs } = clientsAt(place);
  for (const EventBusName of buses) {
    await eventsAt(place).send(new RemoveTargetsCommand({ EventBusName, Rule: name, Ids: ['queue'] }));
    await eventsAt(place).send(new DeleteRuleCommand({ EventBusName, Name: name }));
  }
  const left = await takeEvents(place, kept);
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: name }));
  await sqs.send(new DeleteQueueCommand({ QueueUrl }));
  return left;
}

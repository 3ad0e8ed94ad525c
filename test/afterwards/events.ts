/** Keeps every event that passes, on the service's bus and on the account's: nobody could read them afterwards. */
import {
  DeleteRuleCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { clientsAt, type Place } from '../faults/clients.ts';

const name = 'kept-events';
const buses = (eventBusName: string) => ['default', eventBusName];
const eventsAt = ({ endpointUrl: endpoint, region, credentials }: Place) =>
  new EventBridgeClient({ endpoint, region, credentials });

export async function keepEvents(place: Place, eventBusName: string): Promise<void> {
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
  for (const EventBusName of buses(eventBusName)) {
    const EventPattern = JSON.stringify({ source: [{ prefix: '' }] });
    await eventsAt(place).send(new PutRuleCommand({ EventBusName, Name: name, EventPattern }));
    await eventsAt(place).send(
      new PutTargetsCommand({ EventBusName, Rule: name, Targets: [{ Id: 'queue', Arn }] }),
    );
  }
}

/** All events that have passed, as JSON; then no more are kept. */
export async function takeEvents(place: Place, eventBusName: string): Promise<string[]> {
  const { sqs } = clientsAt(place);
  for (const EventBusName of buses(eventBusName)) {
    await eventsAt(place).send(new RemoveTargetsCommand({ EventBusName, Rule: name, Ids: ['queue'] }));
    await eventsAt(place).send(new DeleteRuleCommand({ EventBusName, Name: name }));
  }
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: name }));
  const found: string[] = [];
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 0 }),
    );
    if (Messages.length === 0) break;
    for (const { Body = '', ReceiptHandle } of Messages) {
      found.push(Body);
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }
  await sqs.send(new DeleteQueueCommand({ QueueUrl }));
  return found;
}

/** The callback: events of the service's own bus, real and forged. */
import { createHash } from 'node:crypto';
import {
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
  PutEventsCommand,
} from '@aws-sdk/client-eventbridge';
import { GetRoleCommand } from '@aws-sdk/client-iam';
import {
  GetFunctionRecursionConfigCommand,
  LambdaClient,
  PutFunctionRecursionConfigCommand,
} from '@aws-sdk/client-lambda';
import { GetExecutionHistoryCommand } from '@aws-sdk/client-sfn';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as z from 'zod';
import { eventDetails, eventSource } from '../../src/domain/api/events.ts';
import { type Kept, keepEvents, stopKeeping, takeEvents } from '../afterwards/events.ts';
import { queueUrls, takeMessages } from '../faults/queues.ts';
import { until as untilSeen } from '../until.ts';
import {
  client,
  connect,
  control,
  deployment,
  disconnect,
  environment,
  iam,
  settled,
  stepFunctions,
  stepStatus,
  uniqueName,
  until,
} from './deployment.ts';
import { faults, faultyName } from './faulty.ts';
import { waitingFor } from './issued-events.ts';

const events = new EventBridgeClient(client);
const lambda = new LambdaClient(client);
const sqs = new SQSClient(client);
const bus = { EventBusName: deployment.outputs.EventBusName };
const ours: Kept = {
  name: 'test-events',
  buses: [bus.EventBusName],
  pattern: { source: [eventSource] },
};

const eventSchema = z.object({
  source: z.literal(eventSource),
  'detail-type': z.string(),
  detail: z.looseObject({ integrationId: z.string() }),
});

beforeAll(() => keepEvents(environment, ours));
afterAll(() => stopKeeping(environment, ours));

test('an integration’s life is told in events of the published shape', async () => {
  const name = uniqueName('told');
  const { integrationId } = await connect(name);
  const ready = await settled(integrationId);
  await disconnect(integrationId);
  const failing = uniqueName('toldfail');
  await control.set(failing, { driverTest: 'fail' });
  const failed = await settled((await connect(failing)).integrationId);

  const all = (await takeEvents(environment, ours)).map((text) => eventSchema.parse(JSON.parse(text)));
  const typesOf = (id: string) =>
    all.filter(({ detail }) => detail.integrationId === id).map((event) => event['detail-type']);
  expect(typesOf(ready.integrationId)).toEqual([
    'Dataloop IAM User Issued',
    'Dataloop Integration Ready',
    'Dataloop Integration Removed',
  ]);
  expect(typesOf(failed.integrationId)).toEqual(['Dataloop IAM User Issued', 'Dataloop Integration Failed']);
  for (const event of all) {
    const type = z
      .enum(Object.keys(eventDetails) as (keyof typeof eventDetails)[])
      .parse(event['detail-type']);
    expect(eventDetails[type].safeParse(event.detail)).toMatchObject({ success: true });
  }
  const failure = all.find(
    (event) =>
      event['detail-type'] === 'Dataloop Integration Failed' &&
      event.detail.integrationId === failed.integrationId,
  );
  expect(failure?.detail).toMatchObject({ error: { step: 'TestDriver' } });
});

test('a forged event wakes nothing that it could use: the role trusts whom Dataloop names', async () => {
  const name = uniqueName('forged');
  await control.set(name, { userArnDelaySeconds: 'never' });
  const { integrationId } = await connect(name);
  const waiting = await until(integrationId, (now) => stepStatus(now, 'RequestIamUser') === 'waiting');
  const attacker = 'arn:aws:iam::666666666666:user/attacker';
  const dataloopId = waiting.resources.find(({ type }) => type === 'Dataloop::Integration')?.id;

  await events.send(
    new PutEventsCommand({
      Entries: [
        {
          ...bus,
          Source: eventSource,
          DetailType: 'Dataloop IAM User Issued',
          Detail: JSON.stringify({
            version: '1',
            integrationId,
            dataloopIntegrationId: dataloopId,
            userArn: attacker,
          }),
        },
      ],
    }),
  );

  // Woken by it, CreateRole asks Dataloop, which has named nobody yet, and is tried again.
  await until(integrationId, (now) => stepStatus(now, 'CreateRole') === 'retrying');
  await control.set(name, { userArnDelaySeconds: 0 });
  const ready = await settled(integrationId);
  expect(ready.status).toBe('ready');
  const { Role } = await iam.send(new GetRoleCommand({ RoleName: `dataloop-${name}` }));
  const trust = decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '');
  expect(trust).toContain(`arn:aws:iam::${environment.sandbox.accountId}:user/`);
  expect(trust).not.toContain(attacker);
  await disconnect(integrationId);
});

test('an event that is lost: the poll finds what it would have said', async () => {
  const name = await faultyName('lost');
  const { Rules = [] } = await events.send(new ListRulesCommand(bus));
  const Name = Rules.find(({ EventPattern }) => EventPattern?.includes('Dataloop IAM User Issued'))?.Name;
  const issued = { ...bus, Name };
  await events.send(new DisableRuleCommand(issued));
  try {
    const { integrationId } = await connect(name);
    await until(integrationId, (now) => stepStatus(now, 'RequestIamUser') === 'waiting');
    // Published when nobody listened.
    const published = (await faults.calls(name)).filter(({ operation }) => operation === 'events:PutEvents');
    expect(published.length).toBeGreaterThan(0);
    await events.send(new EnableRuleCommand(issued));
    const ready = await settled(integrationId);
    expect(ready.status).toBe('ready');
    expect((await faults.calls(name)).map((call) => call.function)).toContain('pollIamUser');
    expect((await disconnect(integrationId)).status).toBe('removed');
  } finally {
    await events.send(new EnableRuleCommand(issued));
  }
});

test('the poll goes on for as long as the workflow waits: Lambda does not stop it as a recursive loop', async () => {
  const name = uniqueName('rounds');
  const { integrationId } = await waitingFor(name);
  const FunctionName = `dataloop-cross-account-${deployment.stage}-pollIamUser`;
  const queues = await queueUrls(environment);
  const QueueUrl = queues.find((url) => url.includes('PollQueue'));
  const deadLetterUrl = queues.find((url) => url.includes('DeadLetter'));
  // One more look, as the sixteenth of a chain asks for it: none other follows.
  const look = { integrationId, count: 16, isExtra: true };
  const key = createHash('sha256').update(FunctionName).digest('hex').slice(0, 8);
  const StringValue = `Root=1-00000000-000000000000000000000000;Lineage=1:${key}:16`;
  const send = () =>
    sqs.send(
      new SendMessageCommand({
        QueueUrl,
        MessageBody: JSON.stringify(look),
        MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue } },
      }),
    );
  const setting = (RecursiveLoop: 'Allow' | 'Terminate') =>
    lambda.send(new PutFunctionRecursionConfigCommand({ FunctionName, RecursiveLoop }));
  const { RecursiveLoop } = await lambda.send(new GetFunctionRecursionConfigCommand({ FunctionName }));
  expect(RecursiveLoop).toBe('Allow');
  const dead: string[] = [];
  try {
    // As it would be without the setting: the look does not take place.
    await setting('Terminate');
    await send();
    await untilSeen('the message is a dead letter', async () => {
      dead.push(...(await takeMessages(environment, deadLetterUrl)));
      return dead.length > 0;
    });
  } finally {
    await setting('Allow');
  }
  expect(dead).toEqual([JSON.stringify(look)]);
  await control.set(name, { userArnDelaySeconds: 0 });
  await send();
  expect((await settled(integrationId)).status).toBe('ready');
  expect(await takeMessages(environment, deadLetterUrl)).toEqual([]);
  await disconnect(integrationId);
});

test('that the API key ends is told to the queue that has the alarm', async () => {
  const DetailType = 'Dataloop API Key Expires' satisfies keyof typeof eventDetails;
  const detail = { version: '1', secretId: 'secret', expiresAt: '2027-01-01T00:00:00.000Z', daysLeft: 30 };
  const Entries = [{ ...bus, Source: eventSource, DetailType, Detail: JSON.stringify(detail) }];
  await events.send(new PutEventsCommand({ Entries }));
  const queue = (await queueUrls(environment)).find((url) => url.includes('DeadLetter'));
  const told: string[] = [];
  await untilSeen('the event lies in the queue', async () => {
    told.push(...(await takeMessages(environment, queue)));
    return told.length > 0;
  });
  expect(told.map((message) => JSON.parse(message))).toEqual([
    expect.objectContaining({ 'detail-type': DetailType, detail }),
  ]);
});

test('no task token and no credential of Dataloop is in the execution’s own data', async () => {
  const name = uniqueName('secret');
  const { integrationId, links } = await connect(name);
  await settled(integrationId);
  const history = JSON.stringify(
    await stepFunctions.send(
      new GetExecutionHistoryCommand({ executionArn: links.execution, maxResults: 1000 }),
    ),
  );
  expect(history).toContain('CreateRole');
  expect(history).not.toContain(environment.sandbox.token);
  await disconnect(integrationId);
});

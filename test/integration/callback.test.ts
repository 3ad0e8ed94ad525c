/** The callback: events of the service's own bus, real and forged. */
import {
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
  PutEventsCommand,
} from '@aws-sdk/client-eventbridge';
import { GetRoleCommand } from '@aws-sdk/client-iam';
import { GetExecutionHistoryCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as z from 'zod';
import { eventDetails, eventSource } from '../../src/domain/api/events.ts';
import { type Kept, keepEvents, stopKeeping, takeEvents } from '../afterwards/events.ts';
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

const events = new EventBridgeClient(client);
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

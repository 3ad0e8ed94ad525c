/** The callback when events repeat, come late or early, go astray or meet a token that is of no use any more. */
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { expect, test } from '@jest/globals';
import type { IntegrationAnswer } from '../../../local/api-client.ts';
import { eventSource } from '../../../src/domain/events.ts';
import { changes, takeSnapshot } from '../../faults/snapshot.ts';
import {
  client,
  connect,
  control,
  deployment,
  disconnect,
  environment,
  read,
  settled,
  stepStatus,
  until,
} from '../deployment.ts';
import { expectPromiseKept, faults, faultyName } from '../faulty.ts';

const events = new EventBridgeClient(client);
const bus = { EventBusName: deployment.outputs.EventBusName };

const dataloopIdOf = ({ resources }: IntegrationAnswer): string =>
  resources.find(({ type }) => type === 'Dataloop::Integration')?.id ?? '';

/** Puts "Dataloop IAM User Issued" on the bus, as the service does. */
async function publish(
  integrationId: string,
  dataloopIntegrationId: string,
  times = 1,
  userArn = `arn:aws:iam::${environment.sandbox.accountId}:user/dataloop`,
): Promise<void> {
  const entry = {
    ...bus,
    Source: eventSource,
    DetailType: 'Dataloop IAM User Issued',
    Detail: JSON.stringify({ version: '1', integrationId, dataloopIntegrationId, userArn }),
  };
  await events.send(new PutEventsCommand({ Entries: Array.from({ length: times }, () => entry) }));
}

/** Waits until the resuming function has dealt with so many events of a scope, by what it reads first. */
async function untilResumed(name: string, count: number): Promise<void> {
  const deadline = Date.now() + 30_000;
  const looks = async () =>
    (await faults.calls(name)).filter(
      (call) => call.function === 'resumeProvisioning' && call.operation === 'dynamodb:GetItem',
    ).length;
  while ((await looks()) < count) {
    if (Date.now() > deadline) throw new Error(`${count} events were not dealt with.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function waiting(name: string): Promise<IntegrationAnswer> {
  await control.set(name, { userArnDelaySeconds: 'never' });
  const { integrationId } = await connect(name);
  return until(integrationId, (now) => stepStatus(now, 'RequestIamUser') === 'waiting');
}

/** The last write of all: the end of the undo's last step. */
const concluded = (integrationId: string): Promise<IntegrationAnswer> =>
  until(integrationId, (now) => stepStatus(now, 'Conclude') === 'succeeded');

const standing = (name: string) => takeSnapshot(environment, (each) => each.includes(name));

test('duplicate: five times the same event is one', async () => {
  const name = await faultyName('duplicate');
  const integration = await waiting(name);
  await control.set(name, { userArnDelaySeconds: 0 });
  await publish(integration.integrationId, dataloopIdOf(integration), 5);
  const ready = await settled(integration.integrationId);
  expect(ready.status).toBe('ready');
  await untilResumed(name, 5);
  await expectPromiseKept(ready);
  expect((await disconnect(ready.integrationId)).status).toBe('removed');
});

test('late: after the roll-back and after the removal it changes nothing', async () => {
  const [stopped, removed] = [await faultyName('late-failed'), await faultyName('late-removed')];
  const one = await waiting(stopped);
  await disconnect(one.integrationId);
  const failed = await concluded(one.integrationId);
  const other = await settled((await connect(removed)).integrationId);
  await disconnect(other.integrationId);
  const gone = await concluded(other.integrationId);

  await publish(one.integrationId, dataloopIdOf(one));
  await publish(other.integrationId, dataloopIdOf(other));
  await untilResumed(stopped, 1);
  await untilResumed(removed, 2);

  expect(await read(one.integrationId)).toEqual(failed);
  expect(await read(other.integrationId)).toEqual(gone);
  expect([...(await standing(stopped)), ...(await standing(removed))]).toEqual([]);
});

test('late: after the time-out it changes nothing', async () => {
  const name = await faultyName('late-timeout');
  const integration = await waiting(name);
  await settled(integration.integrationId);
  const failed = await concluded(integration.integrationId);
  expect(failed).toMatchObject({
    status: 'failed',
    error: { type: 'urn:dataloop-cross-account:problem:iam-user-timeout' },
  });
  await publish(integration.integrationId, dataloopIdOf(integration));
  await untilResumed(name, 1);
  expect(await read(integration.integrationId)).toEqual(failed);
  await expectPromiseKept(failed);
});

test('early: before the function that asks for it has ended, it is taken', async () => {
  const name = await faultyName('early');
  await faults.addRule({
    scope: name,
    function: 'requestIamUser',
    operation: 'dynamodb:UpdateItem',
    // The end of the step, written when the event has long been out.
    call: 4,
    fault: { kind: 'latency', ms: 2_000 },
  });
  const ready = await settled((await connect(name)).integrationId);
  expect(ready.error).toBeUndefined();
  expect(ready.status).toBe('ready');
  const calls = await faults.calls(name);
  const resumed = calls.find(({ operation }) => operation === 'states:SendTaskSuccess');
  const written = calls.find(({ function: caller, fault }) => caller === 'requestIamUser' && fault);
  expect(resumed?.sequence).toBeGreaterThan(written?.sequence ?? Number.POSITIVE_INFINITY);
  expect((await disconnect(ready.integrationId)).status).toBe('removed');
});

test('early: before there is anything to wake, it wakes nothing and the true one comes', async () => {
  const name = await faultyName('too-early');
  const { integrationId } = await connect(name);
  await publish(integrationId, 'not-yet-known');
  const ready = await settled(integrationId);
  expect(ready.status).toBe('ready');
  await expectPromiseKept(ready);
  expect((await disconnect(integrationId)).status).toBe('removed');
});

test('replayed for another integration: neither the one nor the other is changed', async () => {
  const [first, second] = [await faultyName('replayed-from'), await faultyName('replayed-to')];
  const ready = await settled((await connect(first)).integrationId);
  const integration = await waiting(second);
  const before = await standing(first);

  await publish(integration.integrationId, dataloopIdOf(ready));
  await untilResumed(second, 1);

  expect((await read(integration.integrationId)).status).toBe('provisioning');
  expect(stepStatus(await read(integration.integrationId), 'RequestIamUser')).toBe('waiting');
  expect(changes(before, await standing(first))).toEqual([]);
  await disconnect(integration.integrationId);
  expect((await disconnect(ready.integrationId)).status).toBe('removed');
});

test('a token that is expired or already used is not tried for ever: the poll, or the time-out, goes on', async () => {
  const name = await faultyName('used-token');
  const rule = await faults.addRule({
    scope: name,
    function: 'resumeProvisioning',
    operation: 'states:SendTaskSuccess',
    fault: { kind: 'error', status: 400, code: 'TaskTimedOut', message: 'Task Timed Out' },
  });
  const { integrationId } = await connect(name);
  const failed = await settled(integrationId);
  expect(failed).toMatchObject({
    status: 'failed',
    error: { type: 'urn:dataloop-cross-account:problem:iam-user-timeout' },
  });
  const tried = (await faults.calls(name)).filter(({ fault }) => fault === rule).length;
  // Once for each event; polls come ever more slowly.
  expect(tried).toBeGreaterThan(1);
  expect(tried).toBeLessThan(10);
  await expectPromiseKept(failed);
});

/** The callback when events repeat, come late or early, go astray or meet a token that is of no use any more. */
import { expect, test } from '@jest/globals';
import type { IntegrationAnswer } from '../../../local/observe/api-client.ts';
import { changes, takeSnapshot } from '../../faults/snapshot.ts';
import {
  connect,
  control,
  disconnect,
  environment,
  read,
  settled,
  stepStatus,
  until,
} from '../deployment.ts';
import { expectPromiseKept, faults, faultyName } from '../faulty.ts';
import { dataloopIdOf, publishIssued, untilCalled, waitingFor } from '../issued-events.ts';

/** The last write of all: the end of the undo's last step. */
const concluded = (integrationId: string): Promise<IntegrationAnswer> =>
  until(integrationId, (now) => stepStatus(now, 'Conclude') === 'succeeded');

const untilResumed = (name: string, count: number) => untilCalled(name, 'resumeProvisioning', count);

const standing = (name: string) => takeSnapshot(environment, (each) => each.includes(name));

test('duplicate: five times the same event is one', async () => {
  const name = await faultyName('duplicate');
  const integration = await waitingFor(name);
  await control.set(name, { userArnDelaySeconds: 0 });
  await publishIssued(integration.integrationId, dataloopIdOf(integration), 5);
  const ready = await settled(integration.integrationId);
  expect(ready.status).toBe('ready');
  await untilResumed(name, 5);
  await expectPromiseKept(ready);
  expect((await disconnect(ready.integrationId)).status).toBe('removed');
});

test('late: after the roll-back and after the removal it changes nothing', async () => {
  const [stopped, removed] = [await faultyName('late-failed'), await faultyName('late-removed')];
  const one = await waitingFor(stopped);
  await disconnect(one.integrationId);
  const failed = await concluded(one.integrationId);
  const other = await settled((await connect(removed)).integrationId);
  await disconnect(other.integrationId);
  const gone = await concluded(other.integrationId);

  await publishIssued(one.integrationId, dataloopIdOf(one));
  await publishIssued(other.integrationId, dataloopIdOf(other));
  await untilResumed(stopped, 1);
  await untilResumed(removed, 2);

  expect(await read(one.integrationId)).toEqual(failed);
  expect(await read(other.integrationId)).toEqual(gone);
  expect([...(await standing(stopped)), ...(await standing(removed))]).toEqual([]);
});

test('late: after the time-out it changes nothing', async () => {
  const name = await faultyName('late-timeout');
  const integration = await waitingFor(name);
  await settled(integration.integrationId);
  const failed = await concluded(integration.integrationId);
  expect(failed).toMatchObject({
    status: 'failed',
    error: { type: 'urn:dataloop-cross-account:problem:iam-user-timeout' },
  });
  await publishIssued(integration.integrationId, dataloopIdOf(integration));
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
  await publishIssued(integrationId, 'not-yet-known');
  const ready = await settled(integrationId);
  expect(ready.status).toBe('ready');
  await expectPromiseKept(ready);
  expect((await disconnect(integrationId)).status).toBe('removed');
});

test('replayed for another integration: neither the one nor the other is changed', async () => {
  const [first, second] = [await faultyName('replayed-from'), await faultyName('replayed-to')];
  const ready = await settled((await connect(first)).integrationId);
  const integration = await waitingFor(second);
  const before = await standing(first);

  await publishIssued(integration.integrationId, dataloopIdOf(ready));
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

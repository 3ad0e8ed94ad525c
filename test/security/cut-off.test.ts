/**
 * DELETE cuts Dataloop off before it asks Dataloop for anything, and before it waits: with a session that Dataloop has
 * already, while Dataloop is down, hangs, or holds up the provisioning that is to be undone. The order of the calls says
 * so, and no clock.
 */
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, StartExecutionCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { expect, test } from '@jest/globals';
import { addedDriverViewSchema } from '../../src/domain/api/responses.ts';
import { beganEarlier, forgeRemoval, recordItem } from '../faults/journal.ts';
import type { Fault } from '../faults/proxy/faults.ts';
import { dataloopSession } from '../integration/dataloop-session.ts';
import {
  api,
  connect,
  control,
  deployment,
  environment,
  read,
  settled,
  stepFunctions,
  untilStatus,
} from '../integration/deployment.ts';
import { expectPromiseKept, faults, faultyName, untilHeld } from '../integration/faulty.ts';
import { forced } from '../service.ts';
import { until } from '../until.ts';
import { expectRefused } from './refusal.ts';
import { type Session, sessionWith } from './sessions.ts';

const list = ({ s3 }: Session, Bucket: string) => s3.send(new ListObjectsV2Command({ Bucket }));

/** Waits until the session may not use the bucket any more, and sees that it is refused and not told that nothing is there. */
async function untilRefused(session: Session, bucket: string): Promise<void> {
  await until(`${bucket} is closed to Dataloop`, () =>
    list(session, bucket).then(
      () => false,
      () => true,
    ),
  );
  await expectRefused(list(session, bucket));
}

/** @returns the last call that came before the request, by its number */
async function remove(name: string, path: string): Promise<number> {
  const last = (await faults.calls(name)).at(-1)?.sequence ?? 0;
  expect((await api.request('DELETE', `${path}${forced}`)).status).toBe(202);
  return last;
}

/** Of the undo: what ends the access, and what has to come after it. */
const later = /^(awaitOpenCalls|deleteDriver|deleteIntegration|deleteBucket)$/;

/**
 * The access had ended before anything of the undo waited, and before anybody asked Dataloop for the removal.
 * @param since the last call before the request
 */
async function expectAccessFirst(
  name: string,
  since: number,
  caller: string,
  operation: RegExp,
): Promise<void> {
  const calls = (await faults.calls(name)).filter(({ sequence }) => sequence > since);
  const ended = calls.find((call) => call.function === caller && operation.test(call.operation));
  expect(ended?.outcome).toBe('forwarded');
  const early = calls.filter(
    (call) =>
      call.sequence < (ended?.sequence ?? 0) &&
      (later.test(call.function ?? '') ||
        // What is known by its worker alone, such as a log-in, may be for another integration.
        (call.operation.startsWith('dataloop:') &&
          call.attributedBy !== 'worker' &&
          // It began before the request, and goes on when its execution is stopped.
          call.function !== 'testDriver')),
  );
  expect(early.map((call) => `${call.function} ${call.operation}`)).toEqual([]);
}

async function ready(what: string) {
  const name = await faultyName(what);
  const integration = await settled((await connect(name)).integrationId);
  expect(integration.status).toBe('ready');
  return { name, integration, session: sessionWith(await dataloopSession(integration)) };
}

test.each<[string, Fault]>([
  ['answers with 503', { kind: 'unavailable' }],
  ['does not answer', { kind: 'hang' }],
])('an integration, while Dataloop %s', async (_how, fault) => {
  const { name, integration, session } = await ready('cutoff');
  const { integrationId } = integration;
  await list(session, `dataloop-${name}`);
  await faults.addRule({ scope: name, operation: 'dataloop:*', fault });

  const since = await remove(name, `/integrations/${integrationId}`);
  await untilRefused(session, `dataloop-${name}`);

  expect(await read(integrationId)).toMatchObject({ status: 'removing' });
  expect((await control.standing()).drivers.some((driver) => driver.name === name)).toBe(true);
  await faults.clearRules(name);
  const removed = await untilStatus(integrationId, ['removed', 'residue']);
  expect(removed).toMatchObject({ status: 'removed', residue: [] });
  await expectAccessFirst(name, since, 'deleteRole', /^iam:DeleteRole$/);
  await expectPromiseKept(removed);
});

test('a provisioning whose driver test hangs at Dataloop', async () => {
  const name = await faultyName('hanging');
  await faults.addRule({
    scope: name,
    function: 'testDriver',
    operation: 'dataloop:POST /drivers/test',
    fault: { kind: 'hold', name },
  });
  const { integrationId } = await connect(name);
  await untilHeld(name);
  const session = sessionWith(await dataloopSession(await read(integrationId)));
  await list(session, `dataloop-${name}`);

  const since = await remove(name, `/integrations/${integrationId}`);
  await untilRefused(session, `dataloop-${name}`);

  await faults.release(name);
  const failed = await settled(integrationId);
  expect(failed).toMatchObject({
    status: 'failed',
    residue: [],
    error: { type: 'urn:dataloop-cross-account:problem:removal-requested' },
  });
  await expectAccessFirst(name, since, 'deleteRole', /^iam:DeleteRole$/);
  await expectPromiseKept(failed);
});

test('an added bucket alone, while Dataloop answers with 503; then the integration with all its buckets', async () => {
  const { name, integration, session } = await ready('added');
  const path = `/integrations/${integration.integrationId}/drivers`;
  const [own, second, third] = [`dataloop-${name}`, `dataloop-${name}-2`, `dataloop-${name}-3`];
  const statusOf = async (driverId: string) =>
    (await recordItem({ environment, deployment }, driverId))?.status;
  const add = async (bucketName: string) => {
    const body = {
      bucket: { name: bucketName },
      dataloop: { projectId: environment.sandbox.projectId },
    };
    const added = addedDriverViewSchema.parse((await api.request('POST', path, { body })).body);
    await until(`${bucketName} is ready`, async () => (await statusOf(added.driverId)) === 'ready');
    await list(session, bucketName);
    return added;
  };
  const taken = await add(second);
  await add(third);
  await faults.addRule({ scope: name, operation: 'dataloop:*', fault: { kind: 'unavailable' } });

  const since = await remove(name, taken.links.self);
  await untilRefused(session, second);
  // Nobody else has lost anything.
  await list(session, own);
  await list(session, third);
  expect(await statusOf(taken.driverId)).toBe('removing');
  await expectAccessFirst(name, since, 'revokeAccess', /^iam:CreatePolicyVersion$/);

  await remove(name, `/integrations/${integration.integrationId}`);
  await untilRefused(session, own);
  await untilRefused(session, third);
  expect(await read(integration.integrationId)).toMatchObject({ status: 'removing' });

  await faults.clearRules(name);
  const removed = await untilStatus(integration.integrationId, ['removed', 'residue']);
  expect(removed).toMatchObject({ status: 'removed', residue: [] });
  expect(await statusOf(taken.driverId)).toBe('removed');
});

test('an undo that an earlier version started, whose input does not say what it is for', async () => {
  const { name, integration, session } = await ready('earlier');
  const { integrationId } = integration;
  // The journal has begun the removal, and whoever starts its execution is of an earlier version.
  await faults.addRule({
    scope: name,
    function: 'removeIntegration',
    operation: 'states:StartExecution',
    fault: { kind: 'refuse' },
  });
  const answer = await api.request('DELETE', `/integrations/${integrationId}${forced}`);
  expect(answer.status).toBeGreaterThanOrEqual(500);
  // Whatever looks for the execution finds the one that is started here, and starts no other.
  await beganEarlier({ environment, deployment }, integrationId);
  await stepFunctions.send(
    new StartExecutionCommand({
      stateMachineArn: deployment.outputs.DeprovisionStateMachineArn,
      name: `${integrationId}-remove-1`,
      input: JSON.stringify({ integrationId, mode: 'remove', run: 1 }),
    }),
  );

  await untilRefused(session, `dataloop-${name}`);
  const removed = await untilStatus(integrationId, ['removed', 'residue']);
  expect(removed).toMatchObject({ status: 'removed', residue: [] });
  // It waits first, as it did, and then ends the access before it asks Dataloop.
  const order = (await faults.calls(name)).flatMap((call) => call.function ?? []);
  const first = (caller: string) => order.indexOf(caller);
  expect(first('awaitOpenCalls')).toBeGreaterThan(-1);
  expect(first('deleteRole')).toBeGreaterThan(first('awaitOpenCalls'));
  expect(first('deleteDriver')).toBeGreaterThan(first('deleteRole'));
  await expectPromiseKept(removed);
});

test('an integration whose record says that an undo runs which has ended', async () => {
  const { name, integration, session } = await ready('ended');
  const { integrationId } = integration;
  // Its input names another record: so only DELETE can find out, and not the watchdog, which hears of its end.
  const recordId = `int_${'Z'.repeat(26)}`;
  const token = '0123456789ab';
  const { executionArn } = await stepFunctions.send(
    new StartExecutionCommand({
      stateMachineArn: deployment.outputs.DeprovisionStateMachineArn,
      name: `${integrationId}-remove-1-${token}`,
      input: JSON.stringify({ recordId, mode: 'remove', run: 1, kind: 'integration' }),
    }),
  );
  await stepFunctions.send(new StopExecutionCommand({ executionArn }));
  await until('the execution has ended', async () => {
    const { status } = await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
    return status === 'ABORTED';
  });
  await forgeRemoval({ environment, deployment }, integrationId, 1, token);
  await list(session, `dataloop-${name}`);

  await remove(name, `/integrations/${integrationId}`);
  await untilRefused(session, `dataloop-${name}`);

  const removed = await untilStatus(integrationId, ['removed', 'residue']);
  expect(removed).toMatchObject({ status: 'removed', residue: [] });
  const begun = (await faults.calls(name)).filter(
    (call) => call.operation === 'states:StartExecution' && call.function === 'removeIntegration',
  );
  // The forged run, which had ended, and the next one.
  expect(begun.length).toBe(2);
  await expectPromiseKept(removed);
});

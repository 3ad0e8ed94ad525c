/** Whatever ends an execution early, nobody has to ask for the undo. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
} from '@aws-sdk/client-eventbridge';
import { ListExecutionsCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { IntegrationAnswer } from '../../local/observe/api-client.ts';
import { journalItems } from '../faults/journal.ts';
import {
  api,
  client,
  connect,
  control,
  deployment,
  disconnect,
  environment,
  read,
  requestFor,
  settled,
  stepFunctions,
  stepStatus,
  until,
} from './deployment.ts';
import { age, expectPromiseKept, faults, faultyName, runSweep } from './faulty.ts';

const events = new EventBridgeClient(client);

/** The rule on Step Functions' own events. */
async function statusRule(): Promise<{ Name: string }> {
  const { Rules = [] } = await events.send(new ListRulesCommand({}));
  const found = Rules.find(({ EventPattern }) => EventPattern?.includes('Execution Status Change'));
  if (!found?.Name) throw new Error('The watchdog has no rule.');
  return { Name: found.Name };
}

async function loseStatusEvents(): Promise<void> {
  await events.send(new DisableRuleCommand(await statusRule()));
}

afterEach(async () => {
  await events.send(new EnableRuleCommand(await statusRule()));
});

const isRunning = (integration: IntegrationAnswer, step: string) =>
  stepStatus(integration, step) === 'running';

/** The undo's executions of an integration, newest first. */
async function undos(integrationId: string) {
  const { executions = [] } = await stepFunctions.send(
    new ListExecutionsCommand({ stateMachineArn: deployment.outputs.DeprovisionStateMachineArn }),
  );
  return executions.filter(({ name }) => name?.startsWith(integrationId));
}

/** An integration whose removal hangs in a step. */
async function removalHeldAt(name: string, caller: string, operation: string): Promise<string> {
  const { integrationId } = await connect(name);
  expect((await settled(integrationId)).status).toBe('ready');
  await faults.addRule({
    scope: name,
    function: caller,
    operation,
    times: 1,
    fault: { kind: 'latency', ms: 3_000 },
  });
  await api.request('DELETE', `/integrations/${integrationId}`);
  return integrationId;
}

describe('with the status event', () => {
  test('an undo that is stopped in the console is run again', async () => {
    const name = await faultyName('undo-stopped');
    const integrationId = await removalHeldAt(name, 'deleteRole', 'iam:GetRole');
    await until(integrationId, (now) => isRunning(now, 'DeleteRole'));
    const [first] = await undos(integrationId);

    await stepFunctions.send(new StopExecutionCommand({ executionArn: first?.executionArn }));

    const removed = await until(integrationId, ({ status }) => status === 'removed');
    await expectPromiseKept(removed);
    expect((await undos(integrationId)).map(({ name: each }) => each).sort()).toEqual([
      expect.stringMatching(`^${integrationId}-remove-1-`),
      expect.stringMatching(`^${integrationId}-remove-2-`),
    ]);
  });

  test('a state machine that cannot start its undo is rolled back all the same', async () => {
    const name = await faultyName('no-undo');
    await control.set(name, { driverTest: 'fail' });
    await faults.addRule({
      scope: name,
      function: 'rollBack',
      operation: 'states:StartExecution',
      fault: { kind: 'refuse' },
    });

    const failed = await settled((await connect(name)).integrationId);

    expect(failed).toMatchObject({ status: 'failed', error: { step: 'TestDriver' } });
    await expectPromiseKept(failed);
  });

  test('an undo that can never end is given up, with everything that stands named: all but the access', async () => {
    const name = await faultyName('given-up');
    const { integrationId } = await connect(name);
    await settled(integrationId);
    await faults.addRule({
      scope: name,
      function: 'awaitOpenCalls',
      operation: 'dynamodb:UpdateItem',
      fault: { kind: 'refuse' },
    });

    const left = await disconnect(integrationId);

    expect(left.status).toBe('residue');
    expect(left.residue.map(({ type }) => type).sort()).toEqual([
      'AWS::IAM::ManagedPolicy',
      'AWS::S3::Bucket',
      'Dataloop::Driver',
      'Dataloop::Integration',
    ]);
    await expectPromiseKept(left);
    // One run that was asked for, and five that the watchdog started.
    expect(await undos(integrationId)).toHaveLength(6);

    await faults.clearRules(name);
    const removed = await disconnect(integrationId);
    expect(removed.status).toBe('removed');
    await expectPromiseKept(removed);
  });
});

describe('without it, a sweep of the journal finds', () => {
  test('a provisioning that was stopped', async () => {
    const name = await faultyName('unreported');
    await control.set(name, { userArnDelaySeconds: 'never' });
    const { integrationId, links } = await connect(name);
    await until(integrationId, (now) => stepStatus(now, 'RequestIamUser') === 'waiting');
    await loseStatusEvents();
    await stepFunctions.send(new StopExecutionCommand({ executionArn: links.execution }));

    // What has just been written is left alone: its event may still be under way.
    expect(await runSweep()).toBeUndefined();
    await delay(500);
    expect((await read(integrationId)).status).toBe('provisioning');
    await age(integrationId);
    expect(await runSweep()).toBeUndefined();

    const failed = await settled(integrationId);
    expect(failed.status).toBe('failed');
    await expectPromiseKept(failed);
  });

  test('an undo that was stopped', async () => {
    const name = await faultyName('undo-unreported');
    const integrationId = await removalHeldAt(name, 'deletePolicy', 'iam:GetPolicy');
    await until(integrationId, (now) => isRunning(now, 'DeletePolicy'));
    await loseStatusEvents();
    const [first] = await undos(integrationId);
    await stepFunctions.send(new StopExecutionCommand({ executionArn: first?.executionArn }));
    await until(integrationId, (now) => !isRunning(now, 'DeletePolicy'));
    await age(integrationId);

    expect(await runSweep()).toBeUndefined();

    const removed = await until(integrationId, ({ status }) => status === 'removed');
    await expectPromiseKept(removed);
  });

  test('a request that was registered and never started', async () => {
    const name = await faultyName('unstarted');
    const rule = await faults.addRule({
      scope: name,
      function: 'startProvisioning',
      operation: 'states:StartExecution',
      fault: { kind: 'unavailable' },
    });
    const answer = await api.request('POST', '/integrations', { body: requestFor(name) });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    const calls = await faults.calls(name);
    expect(calls.filter(({ fault }) => fault === rule).length).toBeGreaterThan(0);
    const integrationId = await idOf(name);
    await age(integrationId);

    expect(await runSweep()).toBeUndefined();

    const failed = await settled(integrationId);
    expect(failed).toMatchObject({
      status: 'failed',
      error: { detail: expect.stringContaining('never started') },
    });
    // The name is free again.
    await faults.clearRules(name);
    const again = await settled((await connect(name)).integrationId);
    expect(again.status).toBe('ready');
    await disconnect(again.integrationId);
  });

  test('an undo that was journalled and never started', async () => {
    const name = await faultyName('undo-unstarted');
    const { integrationId } = await connect(name);
    await settled(integrationId);
    await faults.addRule({
      scope: name,
      function: 'removeIntegration',
      operation: 'states:StartExecution',
      fault: { kind: 'unavailable' },
    });
    expect((await api.request('DELETE', `/integrations/${integrationId}`)).status).toBe(503);
    expect((await read(integrationId)).status).toBe('removing');
    await age(integrationId);

    expect(await runSweep()).toBeUndefined();

    const removed = await until(integrationId, ({ status }) => status === 'removed');
    await expectPromiseKept(removed);
  });

  test('the others, although it cannot look at one of them', async () => {
    const [broken, other] = [await faultyName('sweep-broken'), await faultyName('sweep-other')];
    const ids: string[] = [];
    for (const name of [broken, other]) {
      await control.set(name, { userArnDelaySeconds: 'never' });
      const { integrationId } = await connect(name);
      await until(integrationId, (now) => stepStatus(now, 'RequestIamUser') === 'waiting');
      ids.push(integrationId);
    }
    await loseStatusEvents();
    for (const id of ids) {
      const { links } = await read(id);
      await stepFunctions.send(new StopExecutionCommand({ executionArn: links.execution }));
      await age(id);
    }
    await faults.addRule({
      scope: broken,
      function: 'sweep',
      operation: 'states:DescribeExecution',
      fault: { kind: 'refuse' },
    });

    expect(await runSweep()).toContain('could not check all integrations (1 failed)');

    expect((await settled(ids[1] ?? '')).status).toBe('failed');
    expect((await read(ids[0] ?? '')).status).toBe('provisioning');
    await faults.clearRules(broken);
    expect(await runSweep()).toBeUndefined();
    expect((await settled(ids[0] ?? '')).status).toBe('failed');
  });
});

/** The id of an integration whose request was answered with an error. */
async function idOf(name: string): Promise<string> {
  const items = await journalItems({ environment, deployment });
  const found = items.find((item) => item.pk.startsWith('integration#') && item.name === name);
  if (!found?.integrationId) throw new Error(`There is no integration "${name}".`);
  return found.integrationId;
}

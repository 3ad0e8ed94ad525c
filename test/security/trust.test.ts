/**
 * Nobody can choose whom the role trusts: not who forges, repeats or reorders events, not who answers the waiting
 * task in the service's place, not even a Dataloop that names something else than one IAM user.
 */
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { SendTaskSuccessCommand } from '@aws-sdk/client-sfn';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, test } from '@jest/globals';
import type { IntegrationAnswer } from '../../local/observe/api-client.ts';
import { changes, takeSnapshot } from '../faults/snapshot.ts';
import { roleArnOf, trustedBy } from '../integration/dataloop-session.ts';
import {
  client,
  connect,
  control,
  deployment,
  disconnect,
  environment,
  read,
  settled,
  stepFunctions,
  stepStatus,
  until,
} from '../integration/deployment.ts';
import { expectPromiseKept, faults, faultyName } from '../integration/faulty.ts';
import { dataloopIdOf, publishIssued, untilCalled, waitingFor } from '../integration/issued-events.ts';
import { physicalId } from './template.ts';

const attacker = 'arn:aws:iam::666666666666:user/attacker';
const events = new EventBridgeClient(client);
const lambda = new LambdaClient(client);

async function waiting(what: string): Promise<{ name: string; integration: IntegrationAnswer }> {
  const name = await faultyName(what);
  return { name, integration: await waitingFor(name) };
}

/** The event as a forger would write it. */
const publish = (detail: { integrationId: string; dataloopIntegrationId: string }, times: number) =>
  publishIssued(detail.integrationId, detail.dataloopIntegrationId, times, attacker);

async function tokenOf({ integrationId }: IntegrationAnswer): Promise<string> {
  const { Item } = await new DynamoDBClient(client).send(
    new GetItemCommand({
      TableName: deployment.outputs.TableName,
      Key: { pk: { S: `token#${integrationId}` } },
    }),
  );
  return Item?.['taskToken']?.S ?? '';
}

/** The role trusts the user whom Dataloop names for this integration, and nobody else. */
async function expectTrueTrust(ready: IntegrationAnswer): Promise<void> {
  expect(ready.error).toBeUndefined();
  expect(ready.status).toBe('ready');
  const { integrations } = await control.standing();
  const named = integrations.find(({ id }) => id === dataloopIdOf(ready));
  expect(await trustedBy(roleArnOf(ready))).toBe(
    named?.metadata.find(({ name }) => name === 'userArn')?.value,
  );
}

test.each([
  ['the attacker’s ARN', { userArn: attacker }],
  ['an ARN in every place', { Payload: { userArn: attacker }, roleArn: attacker, principal: attacker }],
  ['a text', attacker],
  ['nothing', null],
])(
  'a task result that is forged as %s: the workflow is awake, and trusts whom Dataloop names',
  async (_what, output) => {
    const { name, integration } = await waiting('result');
    await stepFunctions.send(
      new SendTaskSuccessCommand({ taskToken: await tokenOf(integration), output: JSON.stringify(output) }),
    );
    await until(integration.integrationId, (now) => stepStatus(now, 'CreateRole') === 'retrying');
    await control.set(name, { userArnDelaySeconds: 0 });
    const ready = await settled(integration.integrationId);
    await expectTrueTrust(ready);
    expect((await disconnect(ready.integrationId)).status).toBe('removed');
  },
);

test('events forged before, during and after, out of order and many times: the trust is as Dataloop says', async () => {
  const { name, integration } = await waiting('events');
  const { integrationId } = integration;
  // For what is not there yet, for another, for this one: each as often as EventBridge may deliver.
  await publish({ integrationId, dataloopIntegrationId: 'int-of-others' }, 3);
  await publish(
    { integrationId: 'int_00000000000000000000000000', dataloopIntegrationId: dataloopIdOf(integration) },
    3,
  );
  await untilCalled(name, 'resumeProvisioning', 3);
  expect(stepStatus(await read(integrationId), 'RequestIamUser')).toBe('waiting');

  await publish({ integrationId, dataloopIntegrationId: dataloopIdOf(integration) }, 5);
  await until(integrationId, (now) => stepStatus(now, 'CreateRole') === 'retrying');
  await publish({ integrationId, dataloopIntegrationId: dataloopIdOf(integration) }, 5);
  await control.set(name, { userArnDelaySeconds: 0 });
  const ready = await settled(integrationId);
  await expectTrueTrust(ready);

  const before = await takeSnapshot(environment, (each) => each.includes(name));
  await publish({ integrationId, dataloopIntegrationId: dataloopIdOf(ready) }, 5);
  await untilCalled(name, 'resumeProvisioning', 18);
  expect(changes(before, await takeSnapshot(environment, (each) => each.includes(name)))).toEqual([]);
  await expectTrueTrust(await read(integrationId));
  expect((await disconnect(integrationId)).status).toBe('removed');
});

test('a forged poll, and a forged end of its execution, change nothing of what is ready', async () => {
  const name = await faultyName('polls');
  const { integrationId: id } = await connect(name);
  const ready = await until(id, (now) => stepStatus(now, 'Activate') === 'succeeded');
  const before = await takeSnapshot(environment, (each) => each.includes(name));
  const sqs = new SQSClient({ ...client, useQueueUrlAsEndpoint: false });
  const { integrationId, links } = ready;
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: physicalId('PollQueue'),
      MessageBody: JSON.stringify({ integrationId, count: 0, userArn: attacker }),
    }),
  );
  for (const status of ['FAILED', 'ABORTED', 'TIMED_OUT']) {
    const Detail = JSON.stringify({
      executionArn: links.execution,
      stateMachineArn: deployment.outputs.ProvisionStateMachineArn,
      name: integrationId,
      status,
    });
    const { Entries } = await events.send(
      new PutEventsCommand({
        Entries: [{ Source: 'aws.states', DetailType: 'Step Functions Execution Status Change', Detail }],
      }),
    );
    expect(Entries).toMatchObject([{ ErrorCode: 'NotAuthorizedForSourceException' }]);
    // And if it came all the same?
    const answer = await lambda.send(
      new InvokeCommand({
        FunctionName: physicalId('ExecutionEndedLambdaFunction'),
        Payload: Buffer.from(`{"detail":${Detail}}`),
      }),
    );
    expect(answer.FunctionError).toBeUndefined();
  }
  await untilCalled(name, 'pollIamUser', 1);
  expect(await read(integrationId)).toEqual(ready);
  expect(changes(before, await takeSnapshot(environment, (each) => each.includes(name)))).toEqual([]);
  expect((await disconnect(integrationId)).status).toBe('removed');
});

describe('Dataloop itself names', () => {
  const { accountId } = environment.sandbox;
  test.each([
    ['a whole account', `arn:aws:iam::${accountId}:root`],
    ['an account id', accountId],
    ['everybody', '*'],
    ['a role', `arn:aws:iam::${accountId}:role/dataloop`],
    ['a user of another account', attacker],
    ['a user of another partition', `arn:aws-cn:iam::${accountId}:user/dataloop`],
    ['a user with a line break behind', `arn:aws:iam::${accountId}:user/dataloop\n`],
    ['a user with a look-alike letter', `arn:aws:iam::${accountId}:user/dаtaloop`],
    ['all its users', `arn:aws:iam::${accountId}:user/*`],
  ])('%s: it is refused, and no role is made', async (_what, userArn) => {
    const name = await faultyName('named');
    // Until Dataloop's words are replaced: its integration carries the id that the service gave.
    await control.set(name, { userArnDelaySeconds: 'never' });
    const { integrationId } = await connect(name);
    const body = JSON.stringify({
      id: 'named',
      name: `${name} ${integrationId}`,
      type: 'aws-cross',
      metadata: [
        { name: 'userArn', value: userArn },
        { name: 'status', value: 'waiting-trust' },
      ],
    });
    await faults.addRule({
      scope: name,
      function: 'createRole',
      operation: 'dataloop:GET /orgs/{id}/integrations/{id}',
      fault: { kind: 'rewrite', body },
    });
    await control.set(name, { userArnDelaySeconds: 0 });
    const failed = await settled(integrationId);
    expect(failed).toMatchObject({
      status: 'failed',
      error: {
        type: 'urn:dataloop-cross-account:problem:invalid-iam-user-arn',
        step: 'CreateRole',
        detail: expect.stringContaining('No trust was granted'),
      },
    });
    const calls = await faults.calls(name);
    expect(calls.map(({ operation }) => operation)).not.toContain('iam:CreateRole');
    await expectPromiseKept(failed);
  });
});

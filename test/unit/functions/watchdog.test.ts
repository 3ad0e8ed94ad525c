/** The watchdog as deployed, behind the schedule and behind Step Functions' own events. */
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient, GetCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import type { JournalRecord } from '../../../src/domain/model/record.ts';
import { toStored } from '../../../src/domain/model/stored-record.ts';
import { sdkError } from '../clients/aws/sdk-answers.ts';
import { undoOf } from '../domain/fake-undo.ts';
import { integrationId, recordOf, thrownBy } from '../domain/fakes.ts';
import { machineArn } from '../environment.ts';
import { lambdaContext } from '../runtime/lambda-context.ts';

const machine = machineArn('deprovision');
const executionOf = (name: string) => `arn:aws:states:eu-west-1:111111111111:execution:deprovision:${name}`;

const dynamo = mockClient(DynamoDBDocumentClient);
const stepFunctions = mockClient(SFNClient);
const bus = mockClient(EventBridgeClient);
const { handler: sweep } = await import('../../../functions/watch/sweep.ts');
const { handler: executionEnded } = await import('../../../functions/watch/execution-ended.ts');
const { logger } = await import('../../../src/runtime/log.ts');
const logs = {
  info: jest.spyOn(logger, 'info'),
  warn: jest.spyOn(logger, 'warn'),
  error: jest.spyOn(logger, 'error'),
};

beforeEach(() => {
  for (const mock of [dynamo, stepFunctions, bus]) mock.reset();
  for (const log of Object.values(logs)) log.mockReset().mockReturnValue(undefined);
  // No lock of an earlier version is to be filled.
  dynamo.on(GetCommand, { Key: { pk: 'fill#locks' } }).resolves({ Item: { passes: 2, status: 'ready' } });
  stepFunctions.on(StartExecutionCommand).resolves({});
  bus.on(PutEventsCommand).resolves({ Entries: [{ EventId: '1' }] });
});

/** A table with these records, which the index shows as active. */
function journalled(...records: readonly JournalRecord[]): void {
  dynamo
    .on(QueryCommand)
    .resolves({})
    .on(QueryCommand, { ExpressionAttributeValues: { ':status': 'removing' } })
    .resolves({ Items: records.map(({ id }) => ({ integrationId: id })) });
  for (const record of records) {
    const Key = { pk: `integration#${record.id}` };
    dynamo.on(GetCommand, { Key }).resolves({ Item: { ...Key, ...toStored(record) } });
  }
}
const removing = (more: Partial<JournalRecord> = {}) =>
  recordOf({ status: 'removing', deprovision: undoOf('remove', 2), ...more });
const starts = () => stepFunctions.commandCalls(StartExecutionCommand).map((call) => call.args[0].input);
const schedule = {};

describe('the sweep', () => {
  test('starts an undo that never began, and says so', async () => {
    journalled(removing());
    stepFunctions.on(DescribeExecutionCommand).rejects(sdkError('ExecutionDoesNotExist', 400));
    await sweep(schedule, lambdaContext);
    const name = `${integrationId}-remove-2`;
    const described = stepFunctions.commandCalls(DescribeExecutionCommand).map((call) => call.args[0].input);
    expect(described).toEqual([{ executionArn: executionOf(name) }]);
    expect(starts()).toMatchObject([{ stateMachineArn: machine, name }]);
    expect(logs.warn.mock.calls).toEqual([
      [
        'Sweep found an ended execution that no event reported',
        { recordId: integrationId, outcome: 'started' },
      ],
    ]);
  });

  test('leaves alone what has just been touched, by the clock of its own function', async () => {
    journalled(removing({ updatedAt: new Date().toISOString() }));
    await sweep(schedule, lambdaContext);
    expect(stepFunctions.calls()).toHaveLength(0);
  });

  test('fails where one could not be looked at, after all the others, so that it is tried again', async () => {
    const otherId = `int_${'2'.repeat(26)}`;
    const other = removing({ id: otherId });
    journalled(removing(), other);
    stepFunctions
      .on(DescribeExecutionCommand)
      .rejects(sdkError('ExecutionDoesNotExist', 400))
      .on(DescribeExecutionCommand, { executionArn: executionOf(`${integrationId}-remove-2`) })
      .rejects(sdkError('ThrottlingException', 400));
    expect(await thrownBy(sweep(schedule, lambdaContext))).toMatchObject({
      name: 'TryAgainError',
      message: expect.stringContaining('could not check all integrations (1 failed)'),
    });
    expect(starts()).toMatchObject([{ name: `${otherId}-remove-2` }]);
    expect(logs.error.mock.calls).toEqual([
      [
        'Sweep could not check an integration',
        expect.objectContaining({ recordId: integrationId, errorName: 'AwsUnavailableError' }),
      ],
    ]);
  });
});

describe('an execution that ended early', () => {
  const provisioning = recordOf();
  const eventOf = (more: object) => ({
    detail: {
      executionArn: executionOf(`${integrationId}-remove-2`),
      stateMachineArn: machine,
      name: `${integrationId}-remove-2`,
      status: 'ABORTED',
      input: JSON.stringify({ recordId: integrationId, mode: 'remove', run: 2 }),
      ...more,
    },
  });
  const written = () => dynamo.commandCalls(UpdateCommand).map((call) => call.args[0].input);

  test('of an undo is followed by another run of that undo', async () => {
    journalled(removing());
    dynamo
      .on(UpdateCommand)
      .resolves({ Attributes: toStored(removing({ deprovision: undoOf('remove', 3, 1) })) });
    await executionEnded(eventOf({}), lambdaContext);
    expect(starts()).toMatchObject([{ stateMachineArn: machine, name: `${integrationId}-remove-3` }]);
    expect(logs.info.mock.calls).toEqual([
      ['Execution ended early', expect.objectContaining({ status: 'ABORTED', outcome: 'run-again' })],
    ]);
  });

  test('of a provisioning is followed by a rollback', async () => {
    journalled(provisioning);
    const undone = recordOf({ status: 'rolling-back', deprovision: undoOf('rollback', 1) });
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(undone) });
    const { executionArn } = provisioning;
    const ofProvisioning = { executionArn, stateMachineArn: 'arn:provision', name: integrationId };
    await executionEnded(eventOf(ofProvisioning), lambdaContext);
    expect(starts()).toMatchObject([{ stateMachineArn: machine, name: `${integrationId}-rollback-1` }]);
  });

  test('of an earlier version is known by the name that its input had', async () => {
    journalled(removing());
    dynamo
      .on(UpdateCommand)
      .resolves({ Attributes: toStored(removing({ deprovision: undoOf('remove', 3, 1) })) });
    await executionEnded(
      eventOf({ input: JSON.stringify({ integrationId, mode: 'remove', run: 2 }) }),
      lambdaContext,
    );
    expect(starts()).toMatchObject([{ name: `${integrationId}-remove-3` }]);
  });

  test.each([
    ['is not told', { input: undefined }],
    ['was too long to tell', { input: null }],
    ['is of somebody else’s', { input: '{"mine":true}' }],
    ['names no id', { input: '{"recordId":"acme"}' }],
    ['is no JSON', { input: 'int_1' }],
  ])('is left alone where its input %s', async (_what, more) => {
    journalled(removing());
    await executionEnded(eventOf(more), lambdaContext);
    expect([dynamo.calls(), starts()]).toEqual([[], []]);
    expect(logs.info.mock.calls).toEqual([
      ['Execution ended early', expect.objectContaining({ outcome: 'nothing' })],
    ]);
  });

  test('too often is closed in the journal, announced on the bus and told as an error', async () => {
    const bucket = { state: 'created', arn: 'arn:aws:s3:::dataloop-acme' } as const;
    const exhausted = removing({ deprovision: undoOf('remove', 2, 100), resources: { bucket } });
    journalled(exhausted);
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored({ ...exhausted, status: 'residue' }) });
    await executionEnded(eventOf({}), lambdaContext);
    expect(written()).toMatchObject([
      {
        TableName: 'journal',
        Key: { pk: `integration#${integrationId}` },
        ConditionExpression: expect.stringContaining('#deprovision.#run = :run'),
        ExpressionAttributeValues: { ':to': 'residue', ':run': 2 },
      },
    ]);
    const entries = bus.commandCalls(PutEventsCommand).flatMap((call) => call.args[0].input.Entries ?? []);
    expect(entries).toMatchObject([{ EventBusName: 'bus', DetailType: 'Dataloop Integration Removed' }]);
    expect(starts()).toEqual([]);
    expect(logs.error.mock.calls).toEqual([
      ['Execution ended early', expect.objectContaining({ outcome: 'given-up' })],
    ]);
  });
});

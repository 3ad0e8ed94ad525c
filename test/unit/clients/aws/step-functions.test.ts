import {
  DescribeExecutionCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import {
  answerTask,
  deprovisionStarter,
  executionArnOf,
  executionStatus,
  provisionStarter,
  provisionStopper,
  undoEnded,
} from '../../../../src/clients/aws/step-functions.ts';
import { sdkError } from './sdk-answers.ts';

const client = new SFNClient({ region: 'eu-west-1' });
const stepFunctions = mockClient(client);
beforeEach(() => {
  stepFunctions.reset();
});

const stateMachineArn = 'arn:aws:states:eu-west-1:111111111111:stateMachine:provision';
const executionArn = 'arn:aws:states:eu-west-1:111111111111:execution:provision:int_A';
const sent = () => stepFunctions.calls().map((call) => call.args[0].input);

describe('starting', () => {
  test('a provisioning is named after its record, and knows nothing else', async () => {
    stepFunctions.on(StartExecutionCommand).resolves({});
    await provisionStarter(client, stateMachineArn).startProvisioning('int_A');
    // The second name is for the definition of an earlier version.
    const input = JSON.stringify({ recordId: 'int_A', integrationId: 'int_A' });
    expect(sent()).toEqual([{ stateMachineArn, name: 'int_A', input }]);
  });

  test('an undo runs under the given name', async () => {
    stepFunctions.on(StartExecutionCommand).resolves({});
    const input = { recordId: 'int_A', mode: 'remove', run: 2, kind: 'integration' } as const;
    await deprovisionStarter(client, stateMachineArn).startDeprovisioning('int_A-remove-2', input);
    expect(sent()).toMatchObject([
      { name: 'int_A-remove-2', input: JSON.stringify({ ...input, integrationId: 'int_A' }) },
    ]);
  });

  test('an execution that ran before counts as started', async () => {
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists', 400));
    const starter = provisionStarter(client, stateMachineArn);
    await expect(starter.startProvisioning('int_A')).resolves.toBeUndefined();
  });

  test('a start that Step Functions did not take is an error, tried again where that may help', async () => {
    stepFunctions
      .on(StartExecutionCommand)
      .rejectsOnce(sdkError('ExecutionLimitExceeded', 400))
      .rejects(sdkError('StateMachineDoesNotExist', 400));
    const { startProvisioning } = provisionStarter(client, stateMachineArn);
    await expect(startProvisioning('int_A')).rejects.toMatchObject({ name: 'AwsUnavailableError' });
    await expect(startProvisioning('int_A')).rejects.toMatchObject({ name: 'AwsRequestRefusedError' });
  });
});

describe('stopping', () => {
  test('the execution ends with the name of the reason', async () => {
    stepFunctions.on(StopExecutionCommand).resolves({});
    await provisionStopper(client).stopProvisioning(executionArn);
    expect(sent()).toMatchObject([{ executionArn, error: 'RemovalRequestedError' }]);
  });

  test.each([
    ['that never was', 'ExecutionDoesNotExist'],
    ['that has ended by itself', 'ValidationException'],
  ])('an execution %s counts as stopped', async (_what, name) => {
    stepFunctions.on(StopExecutionCommand).rejects(sdkError(name, 400));
    await expect(provisionStopper(client).stopProvisioning(executionArn)).resolves.toBeUndefined();
  });

  test('an execution that may not be stopped is an error', async () => {
    stepFunctions.on(StopExecutionCommand).rejects(sdkError('AccessDeniedException', 400));
    await expect(provisionStopper(client).stopProvisioning(executionArn)).rejects.toMatchObject({
      name: 'AwsAccessDeniedError',
    });
  });
});

describe('looking at an execution', () => {
  test.each([
    ['RUNNING', 'RUNNING'],
    ['SUCCEEDED', 'SUCCEEDED'],
    ['FAILED', 'FAILED'],
    ['TIMED_OUT', 'TIMED_OUT'],
    ['ABORTED', 'ABORTED'],
    // A redrive asked for by hand is about to run again.
    ['PENDING_REDRIVE', 'RUNNING'],
  ] as const)('that is %s says %s', async (status, expected) => {
    stepFunctions.on(DescribeExecutionCommand, { executionArn }).resolves({ status });
    await expect(executionStatus(client, executionArn)).resolves.toBe(expected);
    expect(sent()).toEqual([{ executionArn }]);
  });

  test.each([
    ['RUNNING', false],
    ['PENDING_REDRIVE', false],
    ['SUCCEEDED', true],
    ['FAILED', true],
    ['TIMED_OUT', true],
    ['ABORTED', true],
  ] as const)('of an undo that is %s says whether it has ended', async (status, expected) => {
    const undoArn = executionArnOf(stateMachineArn, 'int_A-remove-2');
    stepFunctions.on(DescribeExecutionCommand, { executionArn: undoArn }).resolves({ status });
    await expect(undoEnded(client, stateMachineArn)('int_A-remove-2')).resolves.toBe(expected);
    expect(sent()).toEqual([{ executionArn: undoArn }]);
  });

  test('of an undo that was just started and is not seen yet does not say that it has ended', async () => {
    stepFunctions.on(DescribeExecutionCommand).rejects(sdkError('ExecutionDoesNotExist', 400));
    await expect(undoEnded(client, stateMachineArn)('int_A-remove-2')).resolves.toBe(false);
  });

  test('that is not there says that it was never started', async () => {
    stepFunctions.on(DescribeExecutionCommand).rejects(sdkError('ExecutionDoesNotExist', 400));
    await expect(executionStatus(client, executionArn)).resolves.toBe('NOT_STARTED');
  });

  test('without an answer, or with one that lacks the status, says nothing: it is tried again', async () => {
    stepFunctions.on(DescribeExecutionCommand).rejectsOnce(sdkError('ThrottlingException', 400)).resolves({});
    await expect(executionStatus(client, executionArn)).rejects.toMatchObject({
      name: 'AwsUnavailableError',
      message: expect.stringContaining(executionArn),
    });
    await expect(executionStatus(client, executionArn)).rejects.toMatchObject({
      name: 'AwsUnavailableError',
      message: expect.stringContaining('lacks the status'),
    });
  });

  test.each(['AccessDeniedException', 'InvalidArn'])('that is refused (%s) is an error', async (name) => {
    stepFunctions.on(DescribeExecutionCommand).rejects(sdkError(name, 400));
    await expect(executionStatus(client, executionArn)).rejects.toMatchObject({ retryable: false });
  });

  test('in a state that nobody has heard of is an error, not an end', async () => {
    // The SDK's types know no such state.
    stepFunctions.on(DescribeExecutionCommand).resolves(JSON.parse('{"status":"PAUSED"}'));
    await expect(executionStatus(client, executionArn)).rejects.toThrow('RUNNING');
  });
});

test('the ARN of an execution follows from its machine and its name', () => {
  expect(executionArnOf(stateMachineArn, 'int_A')).toBe(executionArn);
});

describe('answering a waiting task', () => {
  const taskToken = 'a-very-secret-task-token';

  test('the task goes on with the output', async () => {
    stepFunctions.on(SendTaskSuccessCommand).resolves({});
    await expect(answerTask(client, taskToken, { userArn: 'arn' })).resolves.toBe(true);
    expect(sent()).toEqual([{ taskToken, output: '{"userArn":"arn"}' }]);
  });

  test.each(['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'])('%s: it waits no longer', async (name) => {
    stepFunctions.on(SendTaskSuccessCommand).rejects(sdkError(name, 400));
    await expect(answerTask(client, taskToken, {})).resolves.toBe(false);
  });

  test('a failed answer is tried again, and its error does not show the token', async () => {
    stepFunctions.on(SendTaskSuccessCommand).rejects(sdkError('ThrottlingException', 400));
    const answer = answerTask(client, taskToken, {});
    await expect(answer).rejects.toMatchObject({
      name: 'AwsUnavailableError',
      message: expect.not.stringContaining(taskToken),
    });
  });
});

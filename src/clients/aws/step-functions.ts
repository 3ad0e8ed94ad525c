/** AWS Step Functions: start and stop executions, answer a waiting task. */
import {
  DescribeExecutionCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import * as z from 'zod';
import type { EndStatus } from '../../domain/lifecycle/watchdog.ts';
import type { Workflows } from '../../domain/model/execution.ts';
import { awsCallOr, given } from './errors.ts';
import { clientSettings } from './settings.ts';

export const stepFunctionsClient = () => new SFNClient(clientSettings);

/** Starts an execution once: the name makes a repeated start, even of one that has ended, change nothing. */
async function startOnce(
  client: SFNClient,
  stateMachineArn: string,
  name: string,
  input: { readonly recordId: string },
): Promise<void> {
  // A deployment replaces functions first: until then, the definition of an earlier version reads the id by this name.
  const text = JSON.stringify({ ...input, integrationId: input.recordId });
  await awsCallOr(`start execution ${name}`, ['ExecutionAlreadyExists'], undefined, () =>
    client.send(new StartExecutionCommand({ stateMachineArn, name, input: text })),
  );
}

export function provisionStarter(
  client: SFNClient,
  stateMachineArn: string,
): Pick<Workflows, 'startProvisioning'> {
  return {
    startProvisioning: (recordId) => startOnce(client, stateMachineArn, recordId, { recordId }),
  };
}

export function deprovisionStarter(
  client: SFNClient,
  stateMachineArn: string,
): Pick<Workflows, 'startDeprovisioning'> {
  return { startDeprovisioning: (name, input) => startOnce(client, stateMachineArn, name, input) };
}

export function provisionStopper(client: SFNClient): Pick<Workflows, 'stopProvisioning'> {
  return {
    stopProvisioning: async (executionArn) => {
      // One that has ended by itself is refused as invalid; the journal keeps it from doing anything in any case.
      const ended = ['ExecutionDoesNotExist', 'ValidationException', 'Validation'];
      await awsCallOr(`stop execution ${executionArn}`, ended, undefined, () =>
        client.send(
          new StopExecutionCommand({
            executionArn,
            error: 'RemovalRequestedError',
            cause: 'DELETE was sent before the integration was ready.',
          }),
        ),
      );
    },
  };
}

const executionStatusSchema = z.enum([
  'RUNNING',
  'PENDING_REDRIVE',
  'SUCCEEDED',
  'FAILED',
  'TIMED_OUT',
  'ABORTED',
]);

/** Where an execution is; `NOT_STARTED` where there is none of that name. */
export async function executionStatus(
  client: SFNClient,
  executionArn: string,
): Promise<EndStatus | 'RUNNING'> {
  const what = `read execution ${executionArn}`;
  const answer = await awsCallOr(what, ['ExecutionDoesNotExist'], undefined, () =>
    client.send(new DescribeExecutionCommand({ executionArn })),
  );
  if (!answer) return 'NOT_STARTED';
  const status = executionStatusSchema.parse(given(answer.status, 'the status', what));
  // A redrive asked for by hand is about to run again.
  return status === 'PENDING_REDRIVE' ? 'RUNNING' : status;
}

/** Whether the execution of an undo has ended. One that was just started may not be seen yet: it has not ended. */
export const undoEnded = (client: SFNClient, stateMachineArn: string) => async (executionName: string) =>
  !['RUNNING', 'NOT_STARTED'].includes(
    await executionStatus(client, executionArnOf(stateMachineArn, executionName)),
  );

/** ARN of an execution, which Step Functions derives from the names. */
export const executionArnOf = (stateMachineArn: string, name: string): string =>
  `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;

/** Answers a waiting task. @returns false where it no longer waits: answered before, timed out, or ended */
export async function answerTask(client: SFNClient, taskToken: string, output: object): Promise<boolean> {
  const gone = ['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'];
  const answer = await awsCallOr('answer the waiting task', gone, 'gone' as const, () =>
    client.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output) })),
  );
  return answer !== 'gone';
}

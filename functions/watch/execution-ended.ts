import middy from '@middy/core';
import { deprovisionStateMachineArn } from '../../src/config.ts';
import { watchdog } from '../../src/deployed/watchdog.ts';
import { executionStatusEventSchema } from '../../src/domain/api/events.ts';
import { followUp } from '../../src/domain/lifecycle/watchdog.ts';
import { parseInput, recordIdOf } from '../../src/runtime/input.ts';
import { logger } from '../../src/runtime/log.ts';
import { endedByLambda } from '../../src/runtime/timeout.ts';

const deprovisionArn = deprovisionStateMachineArn();

/** Called by the rule on Step Functions' own status events: what was stopped or timed out is undone too. */
export const handler = middy(async (event: unknown): Promise<void> => {
  const { detail } = parseInput(executionStatusEventSchema, event, 'The status event of Step Functions');
  const { executionArn, stateMachineArn, name, status, input } = detail;
  const recordId = recordIdOf(input ?? '');
  const machine = stateMachineArn === deprovisionArn ? 'deprovision' : 'provision';
  const outcome = await followUp({ recordId, executionArn, executionName: name, status }, machine, watchdog);
  const message = 'Execution ended early';
  if (outcome === 'given-up') logger.error(message, { executionArn, status, outcome });
  else logger.info(message, { executionArn, status, outcome });
}, endedByLambda);

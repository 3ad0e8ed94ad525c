import middy from '@middy/core';
import { deprovisionJournal } from '../../src/clients/aws/journal.ts';
import { deprovisionStarter, stepFunctionsClient } from '../../src/clients/aws/step-functions.ts';
import { journalTable } from '../../src/clients/aws/table.ts';
import { deprovisionStateMachineArn, tableName } from '../../src/config.ts';
import { executionStatusEventSchema } from '../../src/domain/events.ts';
import { followUp } from '../../src/domain/lifecycle.ts';
import { logger } from '../../src/handlers/log.ts';

const deprovisionArn = deprovisionStateMachineArn();
const parts = {
  journal: deprovisionJournal(journalTable(tableName())),
  machine: deprovisionStarter(stepFunctionsClient(), deprovisionArn),
};

/** Called by the rule on Step Functions' own status events: what was stopped or timed out is undone too. */
export const handler = middy(async (event: unknown): Promise<void> => {
  const { executionArn, stateMachineArn, name, status } = executionStatusEventSchema.parse(event).detail;
  const machine = stateMachineArn === deprovisionArn ? 'deprovision' : 'provision';
  const outcome = await followUp({ executionArn, executionName: name, status }, machine, parts);
  const message = 'Execution ended early';
  if (outcome === 'given-up') logger.error(message, { executionArn, status, outcome });
  else logger.info(message, { executionArn, status, outcome });
});

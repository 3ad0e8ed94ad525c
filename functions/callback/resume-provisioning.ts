import middy from '@middy/core';
import { recordReader, settleStep } from '../../src/clients/aws/journal/record.ts';
import { deleteTaskToken, readTaskToken } from '../../src/clients/aws/journal/task-tokens.ts';
import { answerTask, stepFunctionsClient } from '../../src/clients/aws/step-functions.ts';
import { table } from '../../src/deployed/journal.ts';
import { iamUserIssuedEventSchema } from '../../src/domain/api/events.ts';
import { resumeProvisioning } from '../../src/domain/waiting/iam-user.ts';
import { parseInput } from '../../src/runtime/input.ts';
import { logger } from '../../src/runtime/log.ts';
import { endedByLambda } from '../../src/runtime/timeout.ts';

const stepFunctions = stepFunctionsClient();
const waiting = {
  ...recordReader(table),
  readTaskToken: (integrationId: string) => readTaskToken(table, integrationId),
  answerTask: (taskToken: string, output: object) => answerTask(stepFunctions, taskToken, output),
  settle: async (integrationId: string) => {
    await settleStep(table, integrationId, 'RequestIamUser', 'succeeded');
    await deleteTaskToken(table, integrationId);
  },
};

/** Called by the rule on "Dataloop IAM User Issued": wakes the workflow that waits for this integration. */
export const handler = middy(async (event: unknown): Promise<void> => {
  const { detail } = parseInput(iamUserIssuedEventSchema, event, 'The event from the bus');
  const outcome = await resumeProvisioning(detail, waiting);
  logger.info('IAM user issued', { integrationId: detail.integrationId, outcome });
}, endedByLambda);

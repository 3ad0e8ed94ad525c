import middy from '@middy/core';
import { findAwaited } from '../../src/clients/aws/journal/awaited-answers.ts';
import { recordReader } from '../../src/clients/aws/journal/record.ts';
import { forgetAddress, readAwaited } from '../../src/clients/aws/journal/stack-requests.ts';
import { sendAnswer } from '../../src/clients/aws/stack-answers.ts';
import { answerHosts } from '../../src/config.ts';
import { table } from '../../src/deployed/journal.ts';
import { answerDocument, answerEventSchema, isAnswerAddress } from '../../src/domain/api/stack.ts';
import { answerStack } from '../../src/domain/lifecycle/stack-resource.ts';
import { ServiceError } from '../../src/errors.ts';
import { parseInput } from '../../src/runtime/input.ts';
import { errorKeys, logger } from '../../src/runtime/log.ts';
import { endedByLambda } from '../../src/runtime/timeout.ts';

const hosts = answerHosts();
const parts: Parameters<typeof answerStack>[1] = {
  ...recordReader(table),
  readAwaited: (recordId) => readAwaited(table, recordId),
  forget: (recordId, awaited) => forgetAddress(table, recordId, awaited),
  send: async ({ request, address }, answer) => {
    // Whoever wrote the item, nothing goes anywhere else.
    const isTaken =
      isAnswerAddress(address, hosts) && (await sendAnswer(address, answerDocument(request, answer)));
    if (!isTaken) logger.warn('CloudFormation refused an answer', { ...request.stack });
  },
};

/**
 * Called by the rule on the ends of workflows: answers the stack that waits for one. And by a schedule, for answers that
 * were not taken.
 */
export const handler = middy(async (event: unknown): Promise<void> => {
  const ended = parseInput(answerEventSchema, event, 'The event from the bus');
  let failures = 0;
  for (const recordId of ended === undefined ? await findAwaited(table) : [ended]) {
    try {
      const sent = await answerStack(recordId, parts);
      if (sent > 0) logger.info('Stack answered', { recordId, sent });
    } catch (error) {
      failures += 1;
      logger.error('A stack could not be answered', { recordId, ...errorKeys(error) });
    }
  }
  // Thrown, so that Lambda tries again.
  if (failures > 0) {
    throw new ServiceError('TryAgainError', `${failures} stacks could not be answered. See the log.`);
  }
}, endedByLambda);

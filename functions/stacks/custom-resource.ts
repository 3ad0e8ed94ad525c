import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { recordReader } from '../../src/clients/aws/journal/record.ts';
import { begunJournal, keepAddress } from '../../src/clients/aws/journal/stack-requests.ts';
import { sendAnswer } from '../../src/clients/aws/stack-answers.ts';
import { answerHosts } from '../../src/config.ts';
import { boundedBy } from '../../src/deadline.ts';
import { table } from '../../src/deployed/journal.ts';
import { deployedStackMaker, deployedStackRemoval } from '../../src/deployed/stacks.ts';
import { answerDocument, isAnswerAddress, stackRequestSchema } from '../../src/domain/api/stack.ts';
import { takeStackRequest } from '../../src/domain/lifecycle/stack-resource.ts';
import { ServiceError } from '../../src/errors.ts';
import { parseInput } from '../../src/runtime/input.ts';
import { logger } from '../../src/runtime/log.ts';
import { endedByLambda } from '../../src/runtime/timeout.ts';

const hosts = answerHosts();
const make = deployedStackMaker();
const remove = deployedStackRemoval();

/** Called by CloudFormation for each resource of a stack that it creates, updates or deletes. */
export const handler = middy(async (event: unknown, context: Context): Promise<void> => {
  const request = parseInput(stackRequestSchema, event, 'The request of CloudFormation');
  if (!isAnswerAddress(request.address, hosts)) {
    throw new ServiceError(
      'InvalidInputError',
      'A request for a stack names an address that CloudFormation never waits at. Nothing was done. Find out who sent it.',
    );
  }
  const bound = boundedBy(context.getRemainingTimeInMillis());
  const answer = await takeStackRequest(request, {
    ...recordReader(table),
    ...begunJournal(table),
    make,
    remove: (record, asked) => remove(record, asked, bound),
    keepAddress: (asked, recordId) => keepAddress(table, asked, recordId),
  });
  const { type, resourceType, stack } = request;
  logger.info('Stack asked', { type, resourceType, ...stack, outcome: answer?.status ?? 'begun' });
  if (!answer) return;
  const isTaken = await sendAnswer(request.address, answerDocument(request, answer));
  if (!isTaken) logger.warn('CloudFormation refused an answer', { ...stack });
}, endedByLambda);

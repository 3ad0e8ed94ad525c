import middy from '@middy/core';
import { lockFiller } from '../../src/clients/aws/journal/fill-locks.ts';
import { activeFinder } from '../../src/clients/aws/journal/queries.ts';
import { pollScheduler, queueClient } from '../../src/clients/aws/queue.ts';
import { executionArnOf, executionStatus } from '../../src/clients/aws/step-functions.ts';
import { deprovisionStateMachineArn, pollQueueUrl } from '../../src/config.ts';
import { table } from '../../src/deployed/journal.ts';
import { stepFunctions, watchdog } from '../../src/deployed/watchdog.ts';
import { fillLocks } from '../../src/domain/lifecycle/fill-locks.ts';
import { sweep } from '../../src/domain/lifecycle/watchdog.ts';
import type { JournalRecord } from '../../src/domain/model/record.ts';
import { lookBesides } from '../../src/domain/waiting/iam-user.ts';
import { ServiceError } from '../../src/errors.ts';
import { errorKeys, logger } from '../../src/runtime/log.ts';
import { endedByLambda } from '../../src/runtime/timeout.ts';

const deprovisionArn = deprovisionStateMachineArn();
const filler = lockFiller(table);
const polls = { schedulePoll: pollScheduler(queueClient(), pollQueueUrl()) };
const parts = {
  ...watchdog,
  ...activeFinder(table),
  executionStatus: (executionArn: string) => executionStatus(stepFunctions, executionArn),
  undoExecutionArn: (executionName: string) => executionArnOf(deprovisionArn, executionName),
  onRunning: (record: JournalRecord) => lookBesides(record, polls),
  onFollowUp: (recordId: string, outcome: string) =>
    logger.warn('Sweep found an ended execution that no event reported', {
      recordId,
      outcome,
    }),
  onError: (recordId: string, error: unknown) =>
    logger.error('Sweep could not check an integration', { recordId, ...errorKeys(error) }),
};

/**
 * Called by a schedule: follows up what ended, or never began, without an event that said so. And fills locks that an
 * earlier version did not write, some at a time.
 */
export const handler = middy(async (): Promise<void> => {
  const failures = (await sweep(parts)) + (await fillLocks(filler, parts.now(), parts.onError));
  // Thrown, so that Lambda retries and the alarm on dead letters can fire.
  if (failures > 0) {
    throw new ServiceError(
      'TryAgainError',
      `The sweep could not check all integrations (${failures} failed). See its log.`,
    );
  }
}, endedByLambda);

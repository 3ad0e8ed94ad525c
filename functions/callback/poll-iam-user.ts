import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { noticeJournal } from '../../src/clients/aws/journal/notices.ts';
import { recordReader } from '../../src/clients/aws/journal/record.ts';
import { pollScheduler, queueClient } from '../../src/clients/aws/queue.ts';
import { callsOf } from '../../src/clients/calls.ts';
import { getIntegration } from '../../src/clients/dataloop/client.ts';
import { pollQueueUrl } from '../../src/config.ts';
import { boundedBy } from '../../src/deadline.ts';
import { deployedKeyEnd } from '../../src/deployed/api-key.ts';
import { announceIamUser, publish } from '../../src/deployed/bus.ts';
import { deployedDataloop } from '../../src/deployed/dataloop.ts';
import { table } from '../../src/deployed/journal.ts';
import { watchApiKey } from '../../src/domain/healthcheck/api-key.ts';
import { iamUserPollSchema, pollIamUser } from '../../src/domain/waiting/iam-user.ts';
import { parseInput, parseJsonInput } from '../../src/runtime/input.ts';
import { errorKeys, logger } from '../../src/runtime/log.ts';
import { endedByLambda } from '../../src/runtime/timeout.ts';

const parts = {
  ...recordReader(table),
  ...callsOf(deployedDataloop(), { getIntegration }),
  schedulePoll: pollScheduler(queueClient(), pollQueueUrl()),
  announceIamUser,
  onError: (error: unknown) => logger.warn('Poll failed, retrying', errorKeys(error)),
};

const batchSchema = z.object({ Records: z.array(z.object({ body: z.string().max(1_000) })).max(10) });

const keyWatch = { ...deployedKeyEnd(), ...noticeJournal(table), publish };

/** Once an hour: here, because this function reads the credentials anyway. */
const hourlySchema = z.object({ source: z.literal('aws.events') });

async function lookAtApiKey(): Promise<void> {
  const found = await watchApiKey(keyWatch, Date.now());
  if (found) logger.info('The API key was looked at', found);
}

/**
 * Called by the poll queue, one message at a time: asks Dataloop whether it has issued the IAM user. And once an hour by a
 * schedule: looks when the API key ends.
 */
export const handler = middy(async (event: unknown, context: Context): Promise<void> => {
  if (hourlySchema.safeParse(event).success) return lookAtApiKey();
  // Half of the time is left to schedule the next look, and to say what this one found.
  const bound = boundedBy(context.getRemainingTimeInMillis() / 2);
  for (const { body } of parseInput(batchSchema, event, 'The event from the poll queue').Records) {
    const poll = parseJsonInput(iamUserPollSchema, body, 'The message of the poll queue');
    const outcome = await pollIamUser(poll, { ...parts, bound });
    logger.info('Dataloop polled', { ...poll, outcome });
  }
}, endedByLambda);

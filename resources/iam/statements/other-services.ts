/** Logs, credentials, events and queues. */
import { dataloopSecret, deadLetterQueue, eventBus, logGroupOf, pollQueue } from '../references.ts';
import type { Statement } from '../statement.ts';

/** @param functionName as in serverless.yml */
export const WriteLogs = (functionName: string): Statement => ({
  Sid: 'WriteLogs',
  why: 'Writes to the function’s own log group. The stack creates the group, so no function may create any.',
  Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  Resource: logGroupOf(functionName),
});

export const DataloopCredentials: Statement = {
  Sid: 'DataloopCredentials',
  why: 'Reads the credentials for Dataloop’s API.',
  Action: 'secretsmanager:GetSecretValue',
  Resource: dataloopSecret,
};

export const Announce: Statement = {
  Sid: 'Announce',
  why: 'Publishes events, only under the service’s own name.',
  Action: 'events:PutEvents',
  Resource: eventBus,
  // Every entry of the call has this source, and there is at least one entry.
  Condition: {
    'ForAllValues:StringEquals': { 'events:source': 'dataloop-cross-account' },
    Null: { 'events:source': 'false' },
  },
};

export const SchedulePoll: Statement = {
  Sid: 'SchedulePoll',
  why: 'Schedules a look at Dataloop.',
  Action: 'sqs:SendMessage',
  Resource: pollQueue,
};

export const Polls: Statement = {
  Sid: 'Polls',
  why: 'Lambda reads the queue with the function’s role; the function schedules the next poll.',
  Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:SendMessage'],
  Resource: pollQueue,
};

export const Unhandled: Statement = {
  Sid: 'Unhandled',
  why: 'Lambda sends events that the function failed on to the dead-letter queue, with the function’s role.',
  Action: 'sqs:SendMessage',
  Resource: deadLetterQueue,
};

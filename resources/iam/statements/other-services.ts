/** Logs, credentials, events and queues; keys of the customer's own, and the network. */
import {
  dataKeys,
  dataloopSecret,
  deadLetterQueue,
  eventBus,
  functions,
  logGroupOf,
  pollQueue,
  secretKeys,
  viaService,
} from '../references.ts';
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

const through = (service: string) => ({ StringLike: { 'kms:ViaService': viaService(service) } });

export const UseTableKey: Statement = {
  Sid: 'UseTableKey',
  why: 'Reads and writes a table under a key of yours, through DynamoDB only.',
  Action: 'kms:Decrypt',
  Resource: dataKeys,
  Condition: through('dynamodb'),
  onlyIf: 'HasDataKey',
};

export const UseQueueKey: Statement = {
  Sid: 'UseQueueKey',
  why: 'Sends to and reads from queues under a key of yours, through SQS only.',
  Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
  Resource: dataKeys,
  Condition: through('sqs'),
  onlyIf: 'HasDataKey',
};

export const UseSecretKey: Statement = {
  Sid: 'UseSecretKey',
  why: 'Reads the credentials for Dataloop’s API under a key of yours, through Secrets Manager only.',
  Action: 'kms:Decrypt',
  Resource: secretKeys,
  Condition: through('secretsmanager'),
  onlyIf: 'HasSecretKey',
};

const networkActions = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

export const UseNetwork: Statement = {
  Sid: 'UseNetwork',
  why: 'Lambda connects the function to the VPC with its role. AWS has no narrower resource for it.',
  Action: networkActions,
  Resource: '*',
  onlyIf: 'UsesVpc',
};

export const KeepOffNetwork: Statement = {
  Sid: 'KeepOffNetwork',
  why: 'Takes UseNetwork away from the code of the functions: only Lambda itself may use it.',
  Effect: 'Deny',
  Action: networkActions,
  Resource: '*',
  Condition: { ArnLike: { 'lambda:SourceFunctionArn': functions } },
  onlyIf: 'UsesVpc',
};

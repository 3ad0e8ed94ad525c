/** Everything that a run has written anywhere, as text. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CloudWatchLogsClient,
  paginateDescribeLogGroups,
  paginateFilterLogEvents,
} from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { LambdaClient, paginateListFunctions } from '@aws-sdk/client-lambda';
import { paginateGetExecutionHistory, paginateListExecutions } from '@aws-sdk/client-sfn';
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { clientsAt } from '../faults/clients.ts';
import { queueUrls } from '../faults/queues.ts';
import { client, deployment, environment, stepFunctions } from '../integration/deployment.ts';
import { everyEvent, stopKeeping } from './events.ts';

/** Something that was written, and where. */
export interface Place {
  readonly name: string;
  readonly text: string;
}

const { outputs } = deployment;

export async function logEvents(): Promise<Place[]> {
  const logs = new CloudWatchLogsClient(client);
  const found: Place[] = [];
  for await (const { logGroups = [] } of paginateDescribeLogGroups({ client: logs }, {})) {
    for (const { logGroupName = '' } of logGroups) {
      for await (const { events = [] } of paginateFilterLogEvents({ client: logs }, { logGroupName })) {
        found.push(...events.map(({ message = '' }) => ({ name: `log ${logGroupName}`, text: message })));
      }
    }
  }
  return found;
}

export async function journalItems(): Promise<Place[]> {
  const found: Place[] = [];
  const dynamodb = new DynamoDBClient(client);
  for await (const { Items = [] } of paginateScan({ client: dynamodb }, { TableName: outputs.TableName })) {
    found.push(...Items.map((item) => ({ name: `item ${item['pk']?.S}`, text: JSON.stringify(item) })));
  }
  return found;
}

/** Events of all histories, each told by its type: input and output are in the first and the last of them. */
export async function executions(): Promise<Place[]> {
  const found: Place[] = [];
  for (const stateMachineArn of [
    outputs.ProvisionStateMachineArn,
    outputs.AddDriverStateMachineArn,
    outputs.DeprovisionStateMachineArn,
  ]) {
    const machine = stateMachineArn.split('-').at(-1);
    const pages = paginateListExecutions({ client: stepFunctions }, { stateMachineArn });
    for await (const { executions: listed = [] } of pages) {
      for (const { executionArn } of listed) {
        const history = paginateGetExecutionHistory(
          { client: stepFunctions },
          { executionArn, maxResults: 1_000 },
        );
        for await (const { events = [] } of history) {
          found.push(
            ...events.map((event) => ({
              name: `${event.type} of ${machine}`,
              text: JSON.stringify(event),
            })),
          );
        }
      }
    }
  }
  return found;
}

export async function deadLetters(): Promise<Place[]> {
  const { sqs } = clientsAt(environment);
  const found: Place[] = [];
  for (const QueueUrl of await queueUrls(environment)) {
    for (;;) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 600 }),
      );
      if (Messages.length === 0) break;
      found.push(...Messages.map(({ Body = '' }) => ({ name: 'message in a queue', text: Body })));
    }
  }
  return found;
}

export async function functionSettings(): Promise<Place[]> {
  const found: Place[] = [];
  for await (const { Functions = [] } of paginateListFunctions({ client: new LambdaClient(client) }, {})) {
    found.push(
      ...Functions.map((settings) => ({
        name: `settings of ${settings.FunctionName}`,
        text: JSON.stringify(settings),
      })),
    );
  }
  return found;
}

export async function events(): Promise<Place[]> {
  const all = await stopKeeping(environment, everyEvent(outputs.EventBusName));
  return all.map((text) => ({ name: 'event', text }));
}

/** A file of the run's folder, by lines; none where the run wrote none. */
export function linesOf(name: string, file: string): Place[] {
  const path = join(environment.folder, file);
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .map((text) => ({ name, text }));
}

export const template = (): Place[] => [
  { name: 'the packaged template', text: readFileSync(deployment.templateFile, 'utf8') },
];

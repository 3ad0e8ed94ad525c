/** Task tokens of waiting workflows: items of their own, which only the functions of the callback read. */
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import type { StepCall } from '../../../domain/model/record.ts';
import { ServiceError } from '../../../errors.ts';
import { awsCallOr } from '../errors.ts';
import { afterConflicts, deleteOwnItem, readItem, type Table } from './table.ts';

const tokenKey = (integrationId: string) => ({ pk: `token#${integrationId}` });
const tokenSchema = z.object({ taskToken: z.string() });

/** DynamoDB removes a token that nobody used after this many seconds: longer than any wait can be set to. */
const lifetimeSeconds = 7 * 86_400;

/**
 * The token of a later attempt stays: an earlier one, whose task has ended, may save its own late.
 * @throws ServiceError `IntegrationMovedOnError` where a later attempt waits
 */
export async function saveTaskToken(table: Table, call: StepCall, taskToken: string): Promise<void> {
  const { recordId: integrationId, startedAt, attempt } = call;
  const expiresAt = Math.floor(Date.now() / 1000) + lifetimeSeconds;
  const command = new PutCommand({
    TableName: table.name,
    Item: { ...tokenKey(integrationId), integrationId, taskToken, startedAt, attempt, expiresAt },
    // That of an earlier version does not say when its attempt began.
    ConditionExpression:
      'attribute_not_exists(startedAt) OR startedAt < :startedAt OR ' +
      '(startedAt = :startedAt AND (attempt < :attempt OR attempt = :attempt))',
    ExpressionAttributeValues: { ':startedAt': startedAt, ':attempt': attempt },
  });
  const saved = await awsCallOr('save the task token', ['ConditionalCheckFailed'], undefined, () =>
    afterConflicts(table, () => table.client.send(command)),
  );
  if (saved) return;
  throw new ServiceError(
    'IntegrationMovedOnError',
    `A later attempt of ${call.step} waits for integration ${integrationId}, so this one changed nothing.`,
  );
}

export async function readTaskToken(table: Table, integrationId: string): Promise<string | undefined> {
  const item = await readItem(table, 'read the task token', tokenKey(integrationId));
  if (item === undefined) return undefined;
  const parsed = tokenSchema.safeParse(item);
  if (parsed.success) return parsed.data.taskToken;
  throw new ServiceError(
    'RecordDamagedError',
    `Somebody changed the item "${tokenKey(integrationId).pk}" of the table: it holds no task token. The workflow waits until ` +
      'it times out, then it is rolled back.',
  );
}

export const deleteTaskToken = (table: Table, integrationId: string): Promise<void> =>
  deleteOwnItem(table, tokenKey(integrationId), integrationId, 'delete the task token');

/** Task tokens of waiting workflows: items of their own, which only the functions of the callback read. */
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { ServiceError } from '../../../errors.ts';
import { awsCall } from '../errors.ts';
import { afterConflicts, deleteOwnItem, type Table } from './table.ts';

const tokenKey = (integrationId: string) => ({ pk: `token#${integrationId}` });
const tokenSchema = z.object({ taskToken: z.string() });

/** DynamoDB removes a token that nobody used after this many seconds: longer than any wait can be set to. */
const lifetimeSeconds = 7 * 86_400;

export async function saveTaskToken(table: Table, integrationId: string, taskToken: string): Promise<void> {
  const expiresAt = Math.floor(Date.now() / 1000) + lifetimeSeconds;
  await awsCall('save the task token', () =>
    afterConflicts(table, () =>
      table.client.send(
        new PutCommand({
          TableName: table.name,
          Item: { ...tokenKey(integrationId), integrationId, taskToken, expiresAt },
        }),
      ),
    ),
  );
}

export async function readTaskToken(table: Table, integrationId: string): Promise<string | undefined> {
  const { Item } = await awsCall('read the task token', () =>
    table.client.send(
      new GetCommand({ TableName: table.name, Key: tokenKey(integrationId), ConsistentRead: true }),
    ),
  );
  if (!Item) return undefined;
  const parsed = tokenSchema.safeParse(Item);
  if (parsed.success) return parsed.data.taskToken;
  throw new ServiceError(
    'RecordDamagedError',
    `Somebody changed the item "${tokenKey(integrationId).pk}" of the table: it holds no task token. The workflow waits until ` +
      'it times out, then it is rolled back.',
  );
}

export const deleteTaskToken = (table: Table, integrationId: string): Promise<void> =>
  deleteOwnItem(table, tokenKey(integrationId), integrationId, 'delete the task token');

/** The service's DynamoDB table and what all its items share. */
import { setTimeout as delay } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { waitingFor } from '../../../spent.ts';
import { awsCall, awsErrorCode, mapAwsError } from '../errors.ts';
import { clientSettings } from '../settings.ts';

export interface Table {
  readonly client: DynamoDBDocumentClient;
  readonly name: string;
  /** Waits before a write is made again that met a transaction. Left out: a random time, longer each time. */
  readonly pause?: (attempt: number) => Promise<unknown>;
}

export function journalTable(name: string): Table {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(clientSettings), {
    marshallOptions: { removeUndefinedValues: true },
  });
  return { client, name };
}

const cancellationSchema = z.object({
  CancellationReasons: z.array(z.object({ Code: z.string().default('None'), Item: z.unknown().optional() })),
});

/** Why a transaction was cancelled, one reason a write; none for any other error. */
export const cancellationReasons = (error: unknown) =>
  awsErrorCode(error) === 'TransactionCanceled'
    ? (cancellationSchema.safeParse(error).data?.CancellationReasons ?? [])
    : [];

/** Reasons to cancel a transaction that pass by themselves. */
const passing = ['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'];

/** Whether a write, or a transaction, was refused only because it met another transaction on the same item. */
export function isConflict(error: unknown): boolean {
  if (awsErrorCode(error) === 'TransactionConflict') return true;
  const codes = cancellationReasons(error).flatMap(({ Code }) => (Code === 'None' ? [] : [Code]));
  return codes.length > 0 && codes.every((code) => passing.includes(code));
}

/** How often a write is made that meets transactions. All pauses take less than five seconds: functions have 20 and more. */
const attemptsInConflict = 8;

/** Callers who come at once meet in DynamoDB; each after a time of its own finds out who was first. */
const pauseBefore = (attempt: number) => delay(Math.random() * Math.min(50 * 2 ** attempt, 1_000));

/**
 * Makes a write. DynamoDB refuses one that meets a transaction on the same item, and the SDK does not try that again. So
 * every write of the journal goes through here.
 */
export async function afterConflicts<T>(
  { pause = pauseBefore }: Pick<Table, 'pause'>,
  write: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await waitingFor('awsMs', write);
    } catch (error) {
      if (!isConflict(error) || attempt === attemptsInConflict) throw error;
      await pause(attempt);
    }
  }
}

/** An item as it is now; undefined where there is none. */
export async function readItem(table: Table, what: string, Key: { pk: string }): Promise<unknown> {
  const command = new GetCommand({ TableName: table.name, Key, ConsistentRead: true });
  return (await awsCall(what, () => table.client.send(command))).Item;
}

/** Deletes an item that a record holds; one that is gone, or belongs to another record, is left alone. */
export async function deleteOwnItem(
  table: Table,
  Key: { pk: string },
  recordId: string,
  what: string,
): Promise<void> {
  try {
    await afterConflicts(table, () =>
      table.client.send(
        new DeleteCommand({
          TableName: table.name,
          Key,
          ConditionExpression: 'attribute_not_exists(pk) OR integrationId = :id',
          ExpressionAttributeValues: { ':id': recordId },
        }),
      ),
    );
  } catch (error) {
    if (awsErrorCode(error) !== 'ConditionalCheckFailed') throw mapAwsError(error, what);
  }
}

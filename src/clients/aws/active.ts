/** Integrations by their status, by an index of the journal's table. */
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { type ActiveFinder, activeStatuses, type Status } from '../../domain/journal.ts';
import { awsCall } from './errors.ts';
import type { Table } from './table.ts';

/** Index of the table by status and id, eventually consistent: who finds a record here reads it again. */
export const statusIndex = 'byStatus';
const activeItemsSchema = z.array(z.object({ integrationId: z.string() }));

/** Ids of all integrations that are in a status. */
export async function idsByStatus(table: Table, status: Status): Promise<readonly string[]> {
  const found: string[] = [];
  let start: Record<string, unknown> | undefined;
  do {
    const page = await awsCall(`find integrations that are ${status}`, () =>
      table.client.send(
        new QueryCommand({
          TableName: table.name,
          IndexName: statusIndex,
          KeyConditionExpression: '#status = :status',
          ExpressionAttributeNames: { '#status': 'status' },
          ExpressionAttributeValues: { ':status': status },
          ProjectionExpression: 'integrationId',
          ...(start ? { ExclusiveStartKey: start } : {}),
        }),
      ),
    );
    found.push(...activeItemsSchema.parse(page.Items ?? []).map(({ integrationId }) => integrationId));
    start = page.LastEvaluatedKey;
  } while (start);
  return found;
}

export function activeFinder(table: Table): ActiveFinder {
  return {
    findActive: async () => {
      const found: string[] = [];
      for (const status of activeStatuses) found.push(...(await idsByStatus(table, status)));
      return found;
    },
  };
}

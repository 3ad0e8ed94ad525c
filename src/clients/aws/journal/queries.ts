/** Integrations by their status, by an index of the journal's table. */
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { type ActiveFinder, activeStatuses, type Status } from '../../../domain/model/record.ts';
import { awsCall } from '../errors.ts';
import type { Table } from './table.ts';

const itemsSchema = z.array(z.object({ integrationId: z.string() }));

/**
 * Query of the ids that are in a status, in their order. The index is eventually consistent: who finds a record here
 * reads it again.
 * @param before an id; those from it on are left out
 */
export const statusQuery = (table: Table, status: Status, before?: string) => ({
  TableName: table.name,
  IndexName: 'byStatus',
  KeyConditionExpression: `#status = :status${before ? ' AND integrationId < :before' : ''}`,
  ExpressionAttributeNames: { '#status': 'status' },
  ExpressionAttributeValues: { ':status': status, ...(before ? { ':before': before } : {}) },
  ProjectionExpression: 'integrationId',
});

/** Ids in an answer to it. */
export const idsIn = (items: unknown = []): string[] =>
  itemsSchema.parse(items).map(({ integrationId }) => integrationId);

/** Ids of all integrations that are in a status. */
export async function idsByStatus(table: Table, status: Status): Promise<readonly string[]> {
  const found: string[] = [];
  let start: Record<string, unknown> | undefined;
  do {
    const page = await awsCall(`find integrations that are ${status}`, () =>
      table.client.send(
        new QueryCommand({
          ...statusQuery(table, status),
          ...(start ? { ExclusiveStartKey: start } : {}),
        }),
      ),
    );
    found.push(...idsIn(page.Items));
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

/** Reads of the journal beyond one record: by status, by page, and many records at once. */

import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import type { IntegrationLister } from '../../../domain/api/queries.ts';
import { type ActiveFinder, activeStatuses, type Status } from '../../../domain/model/record.ts';
import { awsCall } from '../errors.ts';
import { readRecords } from './records.ts';
import type { Table } from './table.ts';

const itemsSchema = z.array(z.object({ integrationId: z.string() }));

interface Range {
  readonly from: string;
  readonly to: string;
}

/**
 * Query of the ids that are in a status, in their order. The index is eventually consistent: who finds a record here
 * reads it again.
 * @param range of ids, its ends included; undefined: all
 */
export const statusQuery = (table: Table, status: Status, range?: Range) => ({
  TableName: table.name,
  IndexName: 'byStatus',
  KeyConditionExpression: `#status = :status${range ? ' AND integrationId BETWEEN :from AND :to' : ''}`,
  ExpressionAttributeNames: { '#status': 'status' },
  ExpressionAttributeValues: {
    ':status': status,
    ...(range ? { ':from': range.from, ':to': range.to } : {}),
  },
  ProjectionExpression: 'integrationId',
});

/** Where the ids of integrations lie in the index; those of added buckets lie elsewhere. */
const integrations: Range = { from: 'int_', to: 'int_~' };

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

const inRandomOrder = (ids: readonly string[]): string[] =>
  ids
    .map((id) => ({ id, at: Math.random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ id }) => id);

/** Of the undos, and of the rest, in another order each time: whoever ends before the last of them never leaves out the same. */
export function activeFinder(table: Table): ActiveFinder {
  return {
    findActive: async () => {
      const undos: string[] = [];
      const others: string[] = [];
      for (const status of activeStatuses) {
        (status === 'provisioning' ? others : undos).push(...(await idsByStatus(table, status)));
      }
      return [...inRandomOrder(undos), ...inRandomOrder(others)];
    },
  };
}

export function integrationLister(table: Table): IntegrationLister {
  return {
    newestIds: async (status, before, limit) => {
      const { Items } = await awsCall(`list integrations that are ${status}`, () =>
        table.client.send(
          new QueryCommand({
            ...statusQuery(table, status, { ...integrations, ...(before ? { to: before } : {}) }),
            ScanIndexForward: false,
            // The range contains the id that the last page ended with.
            Limit: before ? limit + 1 : limit,
          }),
        ),
      );
      return idsIn(Items).filter((id) => id !== before);
    },
    readAll: (ids) => readRecords(table, ids),
  };
}

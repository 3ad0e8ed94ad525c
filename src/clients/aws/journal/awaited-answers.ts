/** Finds who waits for an answer of a stack's resource, by the index of the table. */
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { awsCall } from '../errors.ts';
import { awaitedStatus } from './stack-requests.ts';
import type { Table } from './table.ts';

const idsSchema = z.array(z.object({ integrationId: z.string() }));

/** Ids of all records about which an answer is waited for. */
export async function findAwaited(table: Table): Promise<readonly string[]> {
  const found = new Set<string>();
  let start: Record<string, unknown> | undefined;
  do {
    const page = await awsCall('find who waits for an answer', () =>
      table.client.send(
        new QueryCommand({
          TableName: table.name,
          IndexName: 'byStatus',
          KeyConditionExpression: '#status = :status',
          ExpressionAttributeNames: { '#status': 'status' },
          ExpressionAttributeValues: { ':status': awaitedStatus },
          ProjectionExpression: 'integrationId',
          ...(start ? { ExclusiveStartKey: start } : {}),
        }),
      ),
    );
    for (const { integrationId } of idsSchema.parse(page.Items ?? [])) found.add(integrationId);
    start = page.LastEvaluatedKey;
  } while (start);
  return [...found];
}

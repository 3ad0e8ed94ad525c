/** Many records at once, by their ids. */
import { BatchGetCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import type { JournalRecord } from '../../../domain/model/record.ts';
import { ServiceError } from '../../../errors.ts';
import { awsCall } from '../errors.ts';
import { recordKey, toRecord } from './item.ts';
import type { Table } from './table.ts';

/** How often DynamoDB is asked for what it has left out of its answers. */
const attemptsToRead = 5;

const keySchema = z.looseObject({ pk: z.string() });

/** Most that one call of DynamoDB reads. */
const atOnce = 100;

/** The records that can be read. */
export async function readAllRecords(
  table: Table,
  ids: readonly string[],
): Promise<readonly JournalRecord[]> {
  const pages = Array.from({ length: Math.ceil(ids.length / atOnce) }, (_page, index) =>
    ids.slice(index * atOnce, (index + 1) * atOnce),
  );
  const read = await Promise.all(pages.map((page) => readRecords(table, page)));
  return read.flatMap(({ records }) => records);
}

/** @param ids at most 100 */
export async function readRecords(table: Table, ids: readonly string[]) {
  const records: JournalRecord[] = [];
  const damaged: string[] = [];
  const idOf = new Map(ids.map((id) => [recordKey(id).pk, id]));
  let keys: Record<string, unknown>[] = ids.map(recordKey);
  for (let attempt = 1; keys.length > 0; attempt += 1) {
    if (attempt > attemptsToRead) {
      throw new ServiceError(
        'AwsUnavailableError',
        'DynamoDB did not return all records. Send the request again.',
      );
    }
    const { Responses, UnprocessedKeys } = await awsCall('read integrations', () =>
      table.client.send(
        new BatchGetCommand({ RequestItems: { [table.name]: { Keys: keys, ConsistentRead: true } } }),
      ),
    );
    for (const item of Responses?.[table.name] ?? []) {
      const id = idOf.get(keySchema.parse(item).pk) ?? '';
      try {
        records.push(toRecord(item, id));
      } catch (error) {
        if (!(error instanceof ServiceError) || error.name !== 'RecordDamagedError') throw error;
        damaged.push(id);
      }
    }
    keys = UnprocessedKeys?.[table.name]?.Keys ?? [];
  }
  return { records, damaged };
}

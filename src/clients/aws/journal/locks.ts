/** Locks: who holds one, and what their items are. */
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import type { JournalRecord } from '../../../domain/model/record.ts';
import { heldStatus } from '../../../domain/model/stored-record.ts';
import type { PlanReads } from '../../../domain/preflight/dry-run.ts';
import { awsCall } from '../errors.ts';
import { lockKey } from './record.ts';
import type { Table } from './table.ts';

/** The items of a record's locks, of all of them in their order. */
export const lockItems = (
  locks: readonly string[],
  { id, requestHash }: Pick<JournalRecord, 'id' | 'requestHash'>,
): Record<string, unknown>[] =>
  locks.map((lock, index) => ({
    ...lockKey(lock),
    integrationId: id,
    requestHash,
    ...(index === 0 ? { status: heldStatus } : {}),
  }));

const lockSchema = z.object({ integrationId: z.string() });

export function lockReader(table: Table): Pick<PlanReads, 'lockHolder'> {
  return {
    lockHolder: async (lock) => {
      const { Item } = await awsCall(`read the lock ${lock}`, () =>
        table.client.send(
          new GetCommand({ TableName: table.name, Key: lockKey(lock), ConsistentRead: true }),
        ),
      );
      return Item && lockSchema.parse(Item).integrationId;
    },
  };
}

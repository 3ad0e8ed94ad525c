/** Integrations of which something stands, and who holds a lock. */
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { type RecordReader, standingStatuses } from '../../domain/model/record.ts';
import type { LockReader, StandingReader } from '../../domain/preflight/dry-run.ts';
import { awsCall } from './errors.ts';
import { idsByStatus } from './journal/queries.ts';
import { lockKey } from './journal/record.ts';
import type { Table } from './journal/table.ts';

/** @param records reads what the index, which is eventually consistent, only names */
export function standingReader(table: Table, records: RecordReader): StandingReader {
  return {
    standingIntegrations: async () => {
      const ids = await Promise.all(standingStatuses.map((status) => idsByStatus(table, status)));
      // One that changes its status meanwhile may be named twice.
      const read = await Promise.all([...new Set(ids.flat())].map((id) => records.read(id)));
      return read.flatMap((record) => (record && standingStatuses.includes(record.status) ? [record] : []));
    },
  };
}

const lockSchema = z.object({ integrationId: z.string() });

export function lockReader(table: Table): LockReader {
  return {
    lockHolder: async (lock) => {
      const { Item } = await awsCall(`look at the lock ${lock}`, () =>
        table.client.send(
          new GetCommand({ TableName: table.name, Key: lockKey(lock), ConsistentRead: true }),
        ),
      );
      return Item && lockSchema.parse(Item).integrationId;
    },
  };
}

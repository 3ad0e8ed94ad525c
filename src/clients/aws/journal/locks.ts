/** Locks: who holds one, and what their items are. */
import * as z from 'zod';
import type { JournalRecord } from '../../../domain/model/record.ts';
import { heldStatus } from '../../../domain/model/stored-record.ts';
import type { PlanReads } from '../../../domain/preflight/dry-run.ts';
import { lockKey } from './item.ts';
import { readItem, type Table } from './table.ts';

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
      const item = await readItem(table, `read the lock ${lock}`, lockKey(lock));
      return item === undefined ? undefined : lockSchema.parse(item).integrationId;
    },
  };
}

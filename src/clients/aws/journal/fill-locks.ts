/** Fills locks that an earlier version did not write. How far it is, is an item of its own. */
import { PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { fillProgressSchema, type LockFiller } from '../../../domain/lifecycle/fill-locks.ts';
import { mayLackLocks } from '../../../domain/model/stored-record.ts';
import { awsCall, awsErrorCode } from '../errors.ts';
import { recordKey, toRecord } from './item.ts';
import { lockItems } from './locks.ts';
import { idsIn, statusQuery } from './queries.ts';
import { afterConflicts, readItem, type Table } from './table.ts';

const progressKey = { pk: 'fill#locks' };

export function lockFiller(table: Table): LockFiller {
  return {
    readProgress: async () =>
      fillProgressSchema.safeParse(await readItem(table, 'read which locks are filled', progressKey)).data,
    writeProgress: async (progress) => {
      const command = new PutCommand({ TableName: table.name, Item: { ...progressKey, ...progress } });
      await awsCall('note which locks are filled', () => table.client.send(command));
    },
    oldestIds: async (status, after, limit) => {
      // The range contains the id that the last look ended with.
      const range = { from: after ?? 'drv_', to: 'int_~' };
      const command = new QueryCommand({ ...statusQuery(table, status, range), Limit: limit + 1 });
      const { Items } = await awsCall('find whose locks to fill', () => table.client.send(command));
      return idsIn(Items)
        .filter((id) => id !== after)
        .slice(0, limit);
    },
    readEarlier: async (recordId) => {
      const item = await readItem(table, 'read whose locks to fill', recordKey(recordId));
      return mayLackLocks(item) ? toRecord(item, recordId) : undefined;
    },
    fillLocks: async (record, locks) => {
      for (const Item of lockItems(locks, record)) {
        const command = new PutCommand({
          TableName: table.name,
          Item,
          ConditionExpression: 'attribute_not_exists(pk) OR integrationId = :own',
          ExpressionAttributeValues: { ':own': record.id },
        });
        await awsCall('fill a lock', async () => {
          try {
            await afterConflicts(table, () => table.client.send(command));
          } catch (error) {
            // Somebody else holds it.
            if (awsErrorCode(error) !== 'ConditionalCheckFailed') throw error;
          }
        });
      }
    },
  };
}

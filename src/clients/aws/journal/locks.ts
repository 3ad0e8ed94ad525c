/** Who holds a lock. */
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import type { PlanReads } from '../../../domain/preflight/dry-run.ts';
import { awsCall } from '../errors.ts';
import { lockKey } from './record.ts';
import type { Table } from './table.ts';

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

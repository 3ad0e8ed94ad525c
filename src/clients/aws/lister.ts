/** Pages of integrations, by the journal's index of statuses. */
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { IntegrationLister } from '../../domain/api/queries.ts';
import { isIntegrationId } from '../../domain/model/record.ts';
import { awsCall } from './errors.ts';
import { idsIn, statusQuery } from './journal/queries.ts';
import type { Table } from './journal/table.ts';
import { readRecords } from './records.ts';

export function integrationLister(table: Table): IntegrationLister {
  return {
    newestIds: async (status, before, limit) => {
      const { Items } = await awsCall(`list integrations that are ${status}`, () =>
        table.client.send(
          new QueryCommand({
            ...statusQuery(table, status, before),
            ScanIndexForward: false,
            Limit: limit,
          }),
        ),
      );
      // Added drivers sort behind the integrations, whose pages they are no part of.
      return idsIn(Items).filter(isIntegrationId);
    },
    readAll: (ids) => readRecords(table, ids),
  };
}

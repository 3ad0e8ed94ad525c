/** How it is found out whether a removal takes the storage of drivers that are not ours, as deployed. */

import type { Table } from '../clients/aws/journal/table.ts';
import { readRecords } from '../clients/aws/records.ts';
import { driverCounter, driverFinder } from '../clients/dataloop/client.ts';
import { deployedDataloop } from '../deployed/dataloop.ts';
import type { ForeignDriverReads } from '../domain/resources/dataloop/foreign-drivers.ts';

/** Most that one call of DynamoDB reads. */
const atOnce = 100;

export function deployedForeignDriverReads(table: Table): ForeignDriverReads {
  const dataloop = deployedDataloop();
  return {
    ...driverFinder(dataloop),
    ...driverCounter(dataloop),
    readRecords: async (ids) => {
      const pages = Array.from({ length: Math.ceil(ids.length / atOnce) }, (_page, index) =>
        ids.slice(index * atOnce, (index + 1) * atOnce),
      );
      const read = await Promise.all(pages.map((page) => readRecords(table, page)));
      return read.flatMap(({ records }) => records);
    },
  };
}

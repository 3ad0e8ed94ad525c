/** Preflight's finding, in the record. */
import { changeRecord } from './item.ts';
import type { Table } from './table.ts';

/** Where the integration lives at Dataloop. */
export async function writeOrganization(
  table: Table,
  recordId: string,
  organizationId: string,
): Promise<void> {
  await changeRecord(table, recordId, 'record the organisation', {
    UpdateExpression: 'SET #dataloop = :dataloop',
    ConditionExpression: 'attribute_exists(pk)',
    names: { '#dataloop': 'dataloop' },
    values: { ':dataloop': { organizationId } },
  });
}

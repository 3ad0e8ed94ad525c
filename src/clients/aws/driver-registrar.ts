/** How a driver that is added gets into the journal: as an integration does, and the integration is told of it. */
import type { Register } from '../../domain/lifecycle/undo.ts';
import { now, recordKey, updateRecord } from './journal/record.ts';
import { registrar, type Tell } from './journal/registration.ts';
import type { Table } from './journal/table.ts';

/** @param pause waits before a write is tried again that met another transaction */
export const driverRegistrar = (table: Table, pause?: (attempt: number) => Promise<unknown>): Register =>
  registrar(table, pause, tellIntegration(table));

/** Refused where the integration is not ready. */
const tellIntegration =
  (table: Table): Tell =>
  async ({ record: { integrationId: driverId, parent }, added }) => {
    if (!parent || !added) return undefined;
    await withDrivers(table, parent.integrationId);
    return {
      TableName: table.name,
      Key: recordKey(parent.integrationId),
      UpdateExpression: 'SET #drivers.#driver = :added, #updatedAt = :now',
      ConditionExpression: '#status = :ready',
      ExpressionAttributeNames: {
        '#drivers': 'drivers',
        '#driver': driverId,
        '#status': 'status',
        '#updatedAt': 'updatedAt',
      },
      ExpressionAttributeValues: { ':added': added, ':ready': 'ready', ':now': now() },
    };
  };

/** The map that the transaction writes into: records of before there were such drivers have none. */
async function withDrivers(table: Table, integrationId: string): Promise<void> {
  await updateRecord(table, integrationId, `add a driver to ${integrationId}`, {
    UpdateExpression: 'SET #drivers = if_not_exists(#drivers, :none)',
    ConditionExpression: 'attribute_exists(pk)',
    names: { '#drivers': 'drivers' },
    values: { ':none': {} },
  });
}

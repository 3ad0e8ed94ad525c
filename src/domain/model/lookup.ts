/** From an id that a caller sent to the record of an integration or of an added bucket, or a clear error. */
import { ServiceError } from '../../errors.ts';
import { isIntegrationId } from './ids.ts';
import type { JournalRecord } from './record.ts';

/** @param fields what of its item cannot be as this service wrote it */
export function recordDamaged(recordId: string, fields: string): ServiceError {
  return new ServiceError(
    'RecordDamagedError',
    `Somebody changed the record of integration ${recordId}: the item "integration#${recordId}" of the table has ` +
      `invalid fields (${fields}). Correct them, or restore the item from a backup of the table (point-in-time recovery). ` +
      'Until then the service does nothing for this integration.',
  );
}

export function integrationNotFound(integrationId: string): ServiceError {
  const named = isIntegrationId(integrationId) ? `integration ${integrationId}` : 'integration of this id';
  return new ServiceError(
    'IntegrationNotFoundError',
    `There is no ${named} in this deployment. Check the id.`,
  );
}

/** @throws ServiceError `IntegrationNotFoundError` where there is none of this id, or it is of something else */
export function asIntegration(record: JournalRecord | undefined, id: string): JournalRecord {
  if (record?.kind !== 'integration') throw integrationNotFound(id);
  return record;
}

/** @throws ServiceError `DriverNotFoundError` where the integration has no such driver, or had none */
export function asAddedBucket(
  record: JournalRecord | undefined,
  integrationId: string,
): JournalRecord & { readonly parent: NonNullable<JournalRecord['parent']> } {
  const parent = record?.parent;
  if (record && parent?.integrationId === integrationId) return { ...record, parent };
  throw new ServiceError(
    'DriverNotFoundError',
    'This integration has no added driver of this id. GET /integrations/{integrationId} lists them.',
  );
}

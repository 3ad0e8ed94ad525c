/** From an id that a caller sent to the record of an integration or of an added bucket, or a clear 404. */
import { ServiceError } from '../../errors.ts';
import type { JournalRecord } from './record.ts';
import { isIntegrationId } from './record.ts';

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

/** A record as one item of the table: its key, how it is read, and how it is changed. */
import { UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { recordDamaged } from '../../../domain/model/lookup.ts';
import type { JournalRecord, Status } from '../../../domain/model/record.ts';
import { storedRecordSchema } from '../../../domain/model/stored-record.ts';
import { placesOf } from '../../../errors.ts';
import { awsErrorCode, mapAwsError } from '../errors.ts';
import type { withRoom } from './room.ts';
import { afterConflicts, type Table } from './table.ts';

export const recordKey = (recordId: string) => ({ pk: `integration#${recordId}` });
export const lockKey = (lock: string) => ({ pk: `lock#${lock}` });

/** @throws ServiceError `RecordDamagedError` for an item that this service did not write */
export function toRecord(item: unknown, recordId: string): JournalRecord {
  const parsed = storedRecordSchema.safeParse(item);
  if (parsed.success && parsed.data.id === recordId) return parsed.data;
  throw recordDamaged(recordId, parsed.success ? 'integrationId' : placesOf(parsed.error));
}

export const now = () => new Date().toISOString();

/** `#status IN (:status0, …)` with its values. */
export function statusIn(statuses: readonly Status[]) {
  const values = Object.fromEntries(statuses.map((status, index) => [`:status${index}`, status]));
  return { condition: `#status IN (${Object.keys(values).join(', ')})`, values };
}

type Update = Pick<UpdateCommandInput, 'UpdateExpression' | 'ConditionExpression'> & {
  names: Record<string, string>;
  values?: Record<string, unknown>;
};

/** An update of the record, and the room that `inItem` makes for it; undefined where its condition did not hold. */
async function sendUpdate(
  table: Table,
  recordId: string,
  what: string,
  { names, values, ...update }: Update,
  inItem: typeof withRoom,
  ReturnValues: 'ALL_NEW' | 'NONE',
): Promise<{ readonly Attributes?: unknown } | undefined> {
  const Key = recordKey(recordId);
  const command = new UpdateCommand({
    TableName: table.name,
    Key,
    ...update,
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
    ReturnValues,
  });
  const write = () => afterConflicts(table, () => table.client.send(command));
  try {
    return await inItem(table, Key, write);
  } catch (error) {
    if (awsErrorCode(error) === 'ConditionalCheckFailed') return undefined;
    throw mapAwsError(error, what);
  }
}

const asItIs: typeof withRoom = (_table, _key, write) => write();

/** @returns the record after the update; undefined where its condition did not hold */
export async function updateRecord(
  table: Table,
  recordId: string,
  what: string,
  update: Update,
  inItem = asItIs,
): Promise<JournalRecord | undefined> {
  const written = await sendUpdate(table, recordId, what, update, inItem, 'ALL_NEW');
  return written && toRecord(written.Attributes, recordId);
}

/** For who does not read the record. @returns whether the condition held */
export const changeRecord = async (
  table: Table,
  recordId: string,
  what: string,
  update: Update,
): Promise<boolean> => (await sendUpdate(table, recordId, what, update, asItIs, 'NONE')) !== undefined;

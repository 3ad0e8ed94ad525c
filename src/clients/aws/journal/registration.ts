/** How a new integration gets into the journal: its record, its locks and the caller's key, or none of them. */
import { PutCommand, TransactWriteCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import type {
  Idempotency,
  Register,
  Registration,
  RegistrationOutcome,
} from '../../../domain/lifecycle/start.ts';
import { toStored } from '../../../domain/model/stored-record.ts';
import { ServiceError } from '../../../errors.ts';
import { awsErrorCode, mapAwsError } from '../errors.ts';
import { changeRecord, now, recordKey } from './item.ts';
import { lockItems } from './locks.ts';
import { fullReserve } from './reserve.ts';
import { afterConflicts, cancellationReasons, isConflict, type Table } from './table.ts';

/** What holds a key or a lock, and what it was asked for. */
interface Holder {
  /** Of the record. */
  readonly id: string;
  readonly requestHash: string;
}

const idempotencyItem = ({ key, expiresAt }: Idempotency, { id, requestHash }: Holder) => ({
  pk: `idempotency#${key}`,
  integrationId: id,
  requestHash,
  expiresAt,
});

/** How long a place is kept for a record at most: longer than any provisioning is open. */
const placeSeconds = 7 * 86_400;

/** A caller's place, which a record has while it is open. */
const placeItem = (key: string, { id, requestHash }: Holder) => ({
  pk: `place#${key}`,
  integrationId: id,
  requestHash,
  expiresAt: Math.floor(Date.now() / 1000) + placeSeconds,
});

/**
 * A put where there is nothing yet. DynamoDB removes expired items when it gets to it, so they count as nothing.
 * @param over records whose items count as nothing, too
 */
function putOnce(table: Table, Item: Record<string, unknown>, over: readonly string[] = []) {
  const expires = Item['expiresAt'] !== undefined;
  const holders = Object.fromEntries(over.map((id, index) => [`:over${index}`, id]));
  const values = { ...(expires ? { ':now': Math.floor(Date.now() / 1000) } : {}), ...holders };
  return {
    TableName: table.name,
    Item,
    ConditionExpression: [
      'attribute_not_exists(pk)',
      ...(expires ? ['expiresAt < :now'] : []),
      ...(over.length > 0 ? [`integrationId IN (${Object.keys(holders).join(', ')})`] : []),
    ].join(' OR '),
    ...(Object.keys(values).length > 0 ? { ExpressionAttributeValues: values } : {}),
  };
}

type Update = Omit<UpdateCommandInput, 'UpdateExpression'> & { readonly UpdateExpression: string };
/** What else is written at once with a registration, where anything is. */
export type Tell = (registration: Registration) => Promise<Update | undefined>;
const nobody: Tell = async () => undefined;

/** @param tell refused, it makes the outcome `not-ready` */
export function registrar(table: Table, tell = nobody): Register {
  return {
    register: (registration) => register(table, registration, tell),
    remember: (idempotency, holder) => remember(table, idempotency, holder),
  };
}

async function register(table: Table, registration: Registration, tell: Tell): Promise<RegistrationOutcome> {
  const { record, locks, over, place, idempotency } = registration;
  const { id } = record;
  const puts = [
    ...(idempotency ? [putOnce(table, idempotencyItem(idempotency, record))] : []),
    ...lockItems(locks, record).map((item) => putOnce(table, item, over)),
    putOnce(table, { ...recordKey(id), ...toStored(record), reserve: fullReserve() }),
    ...(place ? [putOnce(table, placeItem(place.key, record), place.before ? [place.before] : [])] : []),
  ];
  const told = await tell(registration);
  try {
    await afterConflicts(table, () =>
      table.client.send(
        new TransactWriteCommand({
          TransactItems: [
            ...puts.map((put) => ({
              Put: { ...put, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const },
            })),
            ...(told ? [{ Update: told }] : []),
          ],
        }),
      ),
    );
    return { outcome: 'registered' };
  } catch (error) {
    const all = heldItems(error);
    const held = all.filter(({ pk }) => !pk.startsWith('place#'));
    const [first = all[0]] = held;
    if (!first && told && isRefused(error, puts.length)) return { outcome: 'not-ready' };
    if (!first) throw registrationError(error, record.name);
    // Our own transaction, whose answer was lost.
    if (first.integrationId === id) return { outcome: 'registered' };
    const repeated = held.find(({ pk }) => pk.startsWith('idempotency#'));
    if (held.length === 0) return { outcome: 'place-taken', by: first.integrationId };
    return repeated
      ? { outcome: 'repeated', recordId: repeated.integrationId, requestHash: repeated.requestHash }
      : { outcome: 'locked', by: first.integrationId };
  }
}

async function remember(table: Table, idempotency: Idempotency, holder: Holder): Promise<boolean> {
  try {
    await afterConflicts(table, () =>
      table.client.send(new PutCommand(putOnce(table, idempotencyItem(idempotency, holder)))),
    );
    return true;
  } catch (error) {
    if (awsErrorCode(error) === 'ConditionalCheckFailed') return false;
    throw mapAwsError(error, `remember the Idempotency-Key for integration ${holder.id}`);
  }
}

/** Errors carry items as DynamoDB writes them, also through the document client. */
const text = z.object({ S: z.string() }).transform(({ S }) => S);
const heldItemSchema = z.object({ pk: text, integrationId: text, requestHash: text });

/** The error of a transaction that no held item explains. */
function registrationError(error: unknown, name: string): ServiceError {
  if (isConflict(error)) {
    return new ServiceError(
      'AwsConflictError',
      `DynamoDB is busy with another request for "${name}". Send the request again.`,
      { cause: error },
    );
  }
  return mapAwsError(error, `register integration ${name}`);
}

/** Whether a transaction was refused by the condition of one of its writes. */
const isRefused = (error: unknown, index: number): boolean =>
  cancellationReasons(error)[index]?.Code === 'ConditionalCheckFailed';

/** The items that blocked a transaction. */
const heldItems = (error: unknown): z.infer<typeof heldItemSchema>[] =>
  cancellationReasons(error).flatMap(({ Item }) => {
    const item = heldItemSchema.safeParse(Item);
    return item.success ? [item.data] : [];
  });

export const addedBucketRegistrar = (table: Table): Register => registrar(table, tellIntegration(table));

/** Refused where the integration is not ready. */
const tellIntegration =
  (table: Table): Tell =>
  async ({ record: { id: addedBucketId, parent }, added }) => {
    if (!parent || !added) return undefined;
    await withAddedBuckets(table, parent.integrationId);
    return {
      TableName: table.name,
      Key: recordKey(parent.integrationId),
      UpdateExpression: 'SET #drivers.#driver = :added, #updatedAt = :now',
      ConditionExpression: '#status = :ready',
      ExpressionAttributeNames: {
        '#drivers': 'drivers',
        '#driver': addedBucketId,
        '#status': 'status',
        '#updatedAt': 'updatedAt',
      },
      ExpressionAttributeValues: { ':added': added, ':ready': 'ready', ':now': now() },
    };
  };

/** The map that the transaction writes into: records of before there were such drivers have none. */
async function withAddedBuckets(table: Table, integrationId: string): Promise<void> {
  await changeRecord(table, integrationId, `add a driver to ${integrationId}`, {
    UpdateExpression: 'SET #drivers = if_not_exists(#drivers, :none)',
    ConditionExpression: 'attribute_exists(pk)',
    names: { '#drivers': 'drivers' },
    values: { ':none': {} },
  });
}

/** An integration's side of its added drivers: the lock of its policies, and what they are to grant. */
import { DeleteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { JournalRecord, Status, StepCall } from '../../../domain/model/record.ts';
import { attributeOf } from '../../../domain/model/resource-keys.ts';
import type { AccessJournal } from '../../../domain/resources/role/shared-policies.ts';
import { functionLifetimeSeconds, graceSeconds } from '../../../domain/saga/in-flight-calls.ts';
import { ServiceError } from '../../../errors.ts';
import { awsCallOr } from '../errors.ts';
import { changeRecord, now, statusIn, updateRecord } from './item.ts';
import { movedOn, recordReader } from './record.ts';
import { maximumClockErrorMs } from './room.ts';
import { afterConflicts, type Table } from './table.ts';

const names = { '#lock': 'accessLock', '#by': 'by', '#updatedAt': 'updatedAt' };
const isHolder = '#lock.#by = :by';

/** @throws ServiceError `AccessLockedError` for a call whose lock has ended */
function held(record: JournalRecord | undefined, integrationId: string): JournalRecord {
  if (record) return record;
  throw new ServiceError(
    'AccessLockedError',
    `Another call writes the policies of integration ${integrationId}.`,
  );
}

/** When a lock counts as free, whoever holds it. */
const ended = ({ begunAt }: StepCall) => ({
  // What its last holder has sent may take effect a little later.
  ':free': begunAt - graceSeconds * 1000,
  // No function lives longer by any clock: a lock until then is forged.
  ':latest': begunAt + functionLifetimeSeconds * 1000 + maximumClockErrorMs,
});

/**
 * Whose turn it is to write the policies of an integration: an item of its own, and so a short one. DynamoDB charges a
 * write that is refused for the whole item, and the record of an integration is long: hundreds that wait there would
 * use up what the one needs that has its turn.
 */
const turnKey = (integrationId: string) => ({ pk: `turn#${integrationId}` });
const turnNames = { '#by': 'by' };
/** DynamoDB removes a turn that nobody ended after this many seconds. */
const turnSeconds = 86_400;

/** @throws ServiceError `AccessLockedError` while another call has its turn */
async function takeTurn(table: Table, integrationId: string, call: StepCall): Promise<void> {
  const taken = await awsCallOr('wait for its turn', ['ConditionalCheckFailed'], undefined, () =>
    afterConflicts(table, () =>
      table.client.send(
        new UpdateCommand({
          TableName: table.name,
          Key: turnKey(integrationId),
          UpdateExpression: 'SET #by = :by, #until = :until, expiresAt = :expiresAt',
          ConditionExpression:
            'attribute_not_exists(pk) OR #by = :by OR NOT #until BETWEEN :free AND :latest',
          ExpressionAttributeNames: { ...turnNames, '#until': 'until' },
          ExpressionAttributeValues: {
            ...ended(call),
            ':by': call.callId,
            ':until': call.aliveUntil,
            ':expiresAt': Math.floor(call.aliveUntil / 1000) + turnSeconds,
          },
        }),
      ),
    ),
  );
  if (!taken) held(undefined, integrationId);
}

async function endTurn(table: Table, integrationId: string, { callId }: StepCall): Promise<void> {
  await awsCallOr('end its turn', ['ConditionalCheckFailed'], undefined, () =>
    afterConflicts(table, () =>
      table.client.send(
        new DeleteCommand({
          TableName: table.name,
          Key: turnKey(integrationId),
          ConditionExpression: '#by = :by',
          ExpressionAttributeNames: turnNames,
          ExpressionAttributeValues: { ':by': callId },
        }),
      ),
    ),
  );
}

export function accessJournal(table: Table): AccessJournal {
  const { read } = recordReader(table);

  async function lock(
    integrationId: string,
    call: StepCall,
    during: readonly Status[],
  ): Promise<JournalRecord> {
    const { condition, values } = statusIn(during);
    const record = await updateRecord(table, integrationId, `lock the policies of ${integrationId}`, {
      UpdateExpression: 'SET #lock = :lock, #updatedAt = :now',
      ConditionExpression: `${condition} AND (${isHolder} OR NOT #lock.#until BETWEEN :free AND :latest)`,
      names: { ...names, '#until': 'until', '#status': 'status' },
      values: {
        ...values,
        ...ended(call),
        ':lock': { by: call.callId, until: call.aliveUntil },
        ':by': call.callId,
        ':now': now(),
      },
    });
    if (record) return record;
    const standing = await read(integrationId);
    if (!standing || !during.includes(standing.status)) throw movedOn(integrationId, during);
    return held(undefined, integrationId);
  }

  return {
    lock: async (integrationId, call, during) => {
      await takeTurn(table, integrationId, call);
      return lock(integrationId, call, during).catch(async (error: unknown) => {
        // What went wrong is what people must hear of.
        await endTurn(table, integrationId, call).catch(() => undefined);
        throw error;
      });
    },

    unlock: async (integrationId, call) => {
      await changeRecord(table, integrationId, `unlock the policies of ${integrationId}`, {
        UpdateExpression: 'SET #updatedAt = :now REMOVE #lock',
        ConditionExpression: isHolder,
        names,
        values: { ':by': call.callId, ':now': now() },
      });
      await endTurn(table, integrationId, call);
    },

    place: async (integrationId, { callId }, addedBucketId, policy) => {
      const placed = await updateRecord(table, integrationId, `record the access of ${addedBucketId}`, {
        UpdateExpression: policy
          ? 'SET #drivers.#driver.#placedIn = :policy, #updatedAt = :now'
          : 'SET #updatedAt = :now REMOVE #drivers.#driver.#placedIn',
        ConditionExpression: `${isHolder} AND attribute_exists(#drivers.#driver)`,
        names: { ...names, '#drivers': 'drivers', '#driver': addedBucketId, '#placedIn': 'placedIn' },
        values: { ':by': callId, ':now': now(), ...(policy ? { ':policy': policy } : {}) },
      });
      return held(placed, integrationId);
    },

    writePolicy: async (integrationId, { callId }, key, policy) => {
      const written = await updateRecord(table, integrationId, `record the ${key} of ${integrationId}`, {
        UpdateExpression: 'SET #policy = :policy, #updatedAt = :now',
        // DeletePolicy holds no lock: what it has deleted is made again for an integration that is ready, and no other.
        ConditionExpression: `${isHolder} AND (#status = :ready OR attribute_not_exists(#policy) OR #policy.#state <> :gone)`,
        names: { ...names, '#policy': attributeOf(key), '#state': 'state', '#status': 'status' },
        values: { ':by': callId, ':policy': policy, ':now': now(), ':ready': 'ready', ':gone': 'gone' },
      });
      return held(written, integrationId);
    },
  };
}

/** An integration's side of its added drivers: the lock of its policies, and what they are to grant. */
import type { JournalRecord } from '../../../domain/model/record.ts';
import { attributeOf } from '../../../domain/model/resource-keys.ts';
import type { AccessJournal } from '../../../domain/resources/role/shared-policies.ts';
import { functionLifetimeSeconds, graceSeconds } from '../../../domain/saga/in-flight-calls.ts';
import { ServiceError } from '../../../errors.ts';
import { movedOn, now, recordReader, statusIn, updateRecord } from './record.ts';
import { maximumClockErrorMs } from './room.ts';
import type { Table } from './table.ts';

const names = { '#lock': 'accessLock', '#by': 'by', '#updatedAt': 'updatedAt' };
const isHolder = '#lock.#by = :by';

/** @throws ServiceError `EarlierCallOpenError` for a call whose lock has ended */
function held(record: JournalRecord | undefined, integrationId: string): JournalRecord {
  if (record) return record;
  throw new ServiceError(
    'EarlierCallOpenError',
    `Another call holds the lock on the policies of integration ${integrationId}. The service waits for it.`,
  );
}

export function accessJournal(table: Table): AccessJournal {
  const { read } = recordReader(table);
  return {
    lock: async (integrationId, { callId, begunAt, aliveUntil }, during) => {
      const { condition, values } = statusIn(during);
      const record = await updateRecord(table, integrationId, `lock the policies of ${integrationId}`, {
        UpdateExpression: 'SET #lock = :lock, #updatedAt = :now',
        ConditionExpression: `${condition} AND (${isHolder} OR NOT #lock.#until BETWEEN :free AND :latest)`,
        names: { ...names, '#until': 'until', '#status': 'status' },
        values: {
          ...values,
          ':lock': { by: callId, until: aliveUntil },
          ':by': callId,
          // What its last holder has sent may take effect a little later.
          ':free': begunAt - graceSeconds * 1000,
          // No function lives longer by any clock: a lock until then is forged.
          ':latest': begunAt + functionLifetimeSeconds * 1000 + maximumClockErrorMs,
          ':now': now(),
        },
      });
      if (record) return record;
      const standing = await read(integrationId);
      if (!standing || !during.includes(standing.status)) throw movedOn(integrationId, during);
      return held(undefined, integrationId);
    },

    unlock: async (integrationId, { callId }) => {
      await updateRecord(table, integrationId, `unlock the policies of ${integrationId}`, {
        UpdateExpression: 'SET #updatedAt = :now REMOVE #lock',
        ConditionExpression: isHolder,
        names,
        values: { ':by': callId, ':now': now() },
      });
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

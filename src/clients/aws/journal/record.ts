/**
 * The journal in Amazon DynamoDB. One item an integration: its record, steps and resources change on paths of
 * their own, so that parallel steps never overwrite each other, every write can be refused by status in the
 * same call, and the role of each function names the attributes that it writes. Items beside it: `lock#…`, `idempotency#…` and `token#…`.
 */
import { randomBytes } from 'node:crypto';
import type { UndoJournal } from '../../../domain/lifecycle/undo.ts';
import { isRecordId } from '../../../domain/model/ids.ts';
import {
  type InFlightCall,
  mostRuns,
  type RecordReader,
  type ResourceRecord,
  type Status,
  type StepCall,
  type StepJournal,
  statuses,
} from '../../../domain/model/record.ts';
import { attributeOf } from '../../../domain/model/resource-keys.ts';
import type { StepName } from '../../../domain/model/steps.ts';
import { ServiceError } from '../../../errors.ts';
import { changeRecord, now, recordKey, statusIn, toRecord, updateRecord } from './item.ts';
import { maximumClockErrorMs, withRoom, withRoomForStep } from './room.ts';
import { readItem, type Table } from './table.ts';

export function recordReader(table: Table): RecordReader {
  return {
    read: async (recordId) => {
      // Whatever else a caller names is no key of the table: longer ones DynamoDB refuses.
      if (!isRecordId(recordId)) return undefined;
      const item = await readItem(table, `read integration ${recordId}`, recordKey(recordId));
      return item === undefined ? undefined : toRecord(item, recordId);
    },
  };
}

export function movedOn(recordId: string, during: readonly Status[]): ServiceError {
  return new ServiceError(
    'IntegrationMovedOnError',
    `Integration ${recordId} is no longer ${during.join(' or ')}, so this step changed nothing.`,
  );
}

/**
 * States in which a resource may be for each that is written. It only goes forward: the write of a function that
 * is dead, which DynamoDB carries out late, must not undo what a later attempt has journalled.
 */
const statesBefore = {
  intended: ['intended'],
  created: ['intended', 'created'],
  gone: ['intended', 'created', 'gone'],
} as const satisfies Record<ResourceRecord['state'], readonly ResourceRecord['state'][]>;

/** The call is over, however its step stands. Nothing that anybody is shown has changed, nor has the time of it. */
async function endCall(table: Table, { recordId, step, callId }: StepCall): Promise<void> {
  await changeRecord(table, recordId, `end step ${step}`, {
    UpdateExpression: 'REMOVE #open.#call',
    ConditionExpression: 'attribute_exists(pk)',
    names: { '#open': 'openCalls', '#call': callId },
  });
}

/**
 * The step's entry is an earlier one, or this very attempt's, sent again. The write of a function that is dead, which
 * DynamoDB carries out late, must not begin anew what a later attempt has begun, or what has ended. An entry that is later
 * than any clock can be wrong, or has no time, is forged.
 */
const isNoLaterAttempt =
  '(NOT #steps.#step.#startedAt BETWEEN :startedAt AND :latest OR ' +
  '(#steps.#step.#startedAt = :startedAt AND (#steps.#step.#attempts < :attempt OR ' +
  '(#steps.#step.#attempts = :attempt AND #steps.#step.#status = :running))))';

/**
 * No later attempt of the step has begun: a late write must not put an older id in the place of the one that this has made.
 */
const ofLatestAttempt = ({ step, startedAt, attempt, begunAt }: StepCall) => ({
  condition:
    '(NOT #steps.#step.#startedAt BETWEEN :startedAt AND :latest OR ' +
    '(#steps.#step.#startedAt = :startedAt AND NOT #steps.#step.#attempts >= :next))',
  names: { '#steps': 'steps', '#step': step, '#startedAt': 'startedAt', '#attempts': 'attempts' },
  values: {
    ':startedAt': startedAt,
    ':latest': new Date(begunAt + maximumClockErrorMs).toISOString(),
    ':next': attempt + 1,
  },
});

export function stepJournal(table: Table): StepJournal {
  return {
    beginStep: async (call, during, endsIn = []) => {
      const { recordId, step, startedAt, attempt } = call;
      const what = `begin step ${step}`;
      const opening = {
        expression: '#open.#call = :call',
        names: { '#open': 'openCalls', '#call': call.callId, '#status': 'status' },
        values: { ':call': { step, until: call.aliveUntil } satisfies InFlightCall },
      };
      const begun = statusIn(during);
      const update = {
        UpdateExpression: `SET #steps.#step = :step, ${opening.expression}, #updatedAt = :now`,
        ConditionExpression: `${begun.condition} AND ${isNoLaterAttempt}`,
        names: {
          ...opening.names,
          '#updatedAt': 'updatedAt',
          '#steps': 'steps',
          '#step': step,
          '#startedAt': 'startedAt',
          '#attempts': 'attempts',
        },
        values: {
          ...opening.values,
          ...begun.values,
          ':now': now(),
          ':step': { status: 'running', startedAt, attempts: attempt },
          ':startedAt': startedAt,
          ':latest': new Date(call.begunAt + maximumClockErrorMs).toISOString(),
          ':attempt': attempt,
          ':running': 'running',
        },
      };
      // RollBack begins an undo.
      const inItem = step === 'RollBack' ? withRoom : withRoomForStep;
      const record = await updateRecord(table, recordId, what, update, inItem);
      if (record) return record;
      const ended = statusIn(endsIn);
      // The step ended together with the status, and nobody may read one without the other.
      const again =
        endsIn.length > 0 &&
        (await updateRecord(table, recordId, what, {
          UpdateExpression: `SET ${opening.expression}`,
          ConditionExpression: ended.condition,
          names: opening.names,
          values: { ...opening.values, ...ended.values },
        }));
      if (!again) throw movedOn(recordId, [...during, ...endsIn]);
      return again;
    },

    endStep: async (call, status, endedAt, written) => {
      const what = `end step ${call.step}`;
      const more = Object.entries({ ...(endedAt === undefined ? {} : { endedAt }), ...written });
      const ended = await changeRecord(table, call.recordId, what, {
        UpdateExpression: `SET #steps.#step.#status = :ended, #updatedAt = :now${more.map(([name]) => `, #steps.#step.#${name} = :${name}`).join('')} REMOVE #open.#call`,
        // A later attempt, or the answer to a waiting step, may have written its own entry meanwhile.
        ConditionExpression:
          '#steps.#step.#status = :running AND #steps.#step.#attempts = :attempt AND #steps.#step.#startedAt = :startedAt',
        names: {
          '#open': 'openCalls',
          '#call': call.callId,
          '#steps': 'steps',
          '#step': call.step,
          '#status': 'status',
          '#attempts': 'attempts',
          '#startedAt': 'startedAt',
          '#updatedAt': 'updatedAt',
          ...Object.fromEntries(more.map(([name]) => [`#${name}`, name])),
        },
        values: {
          ':ended': status,
          ':running': 'running',
          ':attempt': call.attempt,
          ':startedAt': call.startedAt,
          ':now': now(),
          ...Object.fromEntries(more.map(([name, value]) => [`:${name}`, value])),
        },
      });
      if (!ended) await endCall(table, call);
    },

    endCall: (call) => endCall(table, call),

    writeResource: async (call, key, resource, during) => {
      const { recordId } = call;
      const { condition, values } = statusIn(during);
      const before = statesBefore[resource.state];
      const named = Object.fromEntries(before.map((state) => [`:${state}`, state]));
      const latest = resource.state === 'created' ? ofLatestAttempt(call) : undefined;
      const written = await changeRecord(table, recordId, `record the ${key}`, {
        UpdateExpression: 'SET #resource = :resource, #updatedAt = :now',
        ConditionExpression:
          `${condition} AND (attribute_not_exists(#resource) OR ` +
          `#resource.#state IN (${Object.keys(named).join(', ')})` +
          `${latest ? ` AND (#resource.#state = :intended OR ${latest.condition})` : ''})`,
        names: {
          ...latest?.names,
          '#resource': attributeOf(key),
          '#state': 'state',
          '#status': 'status',
          '#updatedAt': 'updatedAt',
        },
        values: { ...values, ...named, ...latest?.values, ':resource': resource, ':now': now() },
      });
      if (written) return;
      // Which of the two conditions was it?
      const isDuring = await changeRecord(table, recordId, `record the ${key}`, {
        UpdateExpression: 'SET #updatedAt = :now',
        ConditionExpression: condition,
        names: { '#status': 'status', '#updatedAt': 'updatedAt' },
        values: { ...values, ':now': now() },
      });
      if (!isDuring) throw movedOn(recordId, during);
      // Another attempt of the step has gone further: what this one would write is out of date.
    },
  };
}

export function deprovisionJournal(table: Table): UndoJournal {
  return {
    ...recordReader(table),
    failStep: (recordId, step) => settleStep(table, recordId, step, 'failed'),
    beginDeprovision: (recordId, { from, to, mode, run, restarts = 0, error }) => {
      // A status that is none is read as residue.
      const others = statuses.filter((status) => !from.includes(status));
      const among = statusIn(from.includes('residue') ? others : from);
      const condition = from.includes('residue')
        ? `attribute_exists(pk) AND NOT ${among.condition}`
        : among.condition;
      // Nothing was undone before a provisioning, whatever the record says.
      const isNext = !from.includes('provisioning');
      const update = {
        UpdateExpression:
          `SET #status = :to, #deprovision = :deprovision, #updatedAt = :now${error ? ', #error = :error' : ''} ` +
          'REMOVE #leftovers',
        // The run number makes of two who want to start the same run one.
        ConditionExpression: isNext
          ? `${condition} AND NOT (#deprovision.#run >= :run AND #deprovision.#run < :most)`
          : condition,
        names: {
          '#status': 'status',
          '#deprovision': 'deprovision',
          '#leftovers': 'leftovers',
          ...(isNext ? { '#run': 'run' } : {}),
          '#updatedAt': 'updatedAt',
          ...(error ? { '#error': 'error' } : {}),
        },
        values: {
          ...among.values,
          ...(isNext ? { ':run': run, ':most': mostRuns } : {}),
          ':to': to,
          ':deprovision': { mode, run, restarts, token: randomBytes(6).toString('hex') },
          ':now': now(),
          ...(error ? { ':error': error } : {}),
        },
      };
      return updateRecord(table, recordId, `start the undo of ${recordId}`, update, withRoom);
    },
  };
}

/** Writes what `DELETE` says of a record's bucket, where anything of it is left. */
export async function writeKeepBucket(table: Table, recordId: string, keepBucket: boolean): Promise<void> {
  const ended = statusIn(['failed', 'removed']);
  await changeRecord(table, recordId, 'record whether the bucket is kept', {
    UpdateExpression: 'SET #keepBucket = :keepBucket, #updatedAt = :now',
    ConditionExpression: `attribute_exists(pk) AND NOT ${ended.condition}`,
    names: { '#keepBucket': 'keepBucket', '#status': 'status', '#updatedAt': 'updatedAt' },
    values: { ...ended.values, ':keepBucket': keepBucket, ':now': now() },
  });
}

/** Writes the end of a step that its own function does not write: one that waits, or that was cut off. */
export async function settleStep(
  table: Table,
  recordId: string,
  step: StepName,
  to: 'succeeded' | 'failed',
): Promise<void> {
  await changeRecord(table, recordId, `settle step ${step}`, {
    UpdateExpression: 'SET #steps.#step.#status = :to, #steps.#step.#endedAt = :now, #updatedAt = :now',
    ConditionExpression: '#steps.#step.#status IN (:running, :waiting, :retrying)',
    names: {
      '#steps': 'steps',
      '#step': step,
      '#status': 'status',
      '#endedAt': 'endedAt',
      '#updatedAt': 'updatedAt',
    },
    values: {
      ':running': 'running',
      ':waiting': 'waiting',
      ':retrying': 'retrying',
      ':to': to,
      ':now': now(),
    },
  });
}

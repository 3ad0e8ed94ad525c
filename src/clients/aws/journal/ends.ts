/** How a record becomes ready and how its undo ends, in the journal: the last steps and the status in one write. */
import type { Closing, ClosingJournal } from '../../../domain/lifecycle/conclude.ts';
import type { JournalRecord, StepEnds } from '../../../domain/model/record.ts';
import { lockKey, now, statusIn, updateRecord } from './item.ts';
import { recordReader } from './record.ts';
import { withRoom } from './room.ts';
import { deleteOwnItem, type Table } from './table.ts';

/** How steps end, as a part of the write that changes the status: nobody reads one without the other. */
function stepEnds(ends: StepEnds) {
  const all = Object.entries(ends);
  return {
    // What has ended stays as it ended.
    expression: all
      .map(
        (_end, index) =>
          `, #steps.#step${index}.#status = :end${index}` +
          `, #steps.#step${index}.#endedAt = if_not_exists(#steps.#step${index}.#endedAt, :now)`,
      )
      .join(''),
    names: {
      ...(all.length > 0 ? { '#steps': 'steps', '#endedAt': 'endedAt' } : {}),
      ...Object.fromEntries(all.map(([step], index) => [`#step${index}`, step])),
    },
    values: Object.fromEntries(all.map(([, end], index) => [`:end${index}`, end])),
  };
}

/**
 * Ready: the status and the end of Activate, in one write. From here on only `DELETE` changes it; repeated, it changes
 * nothing.
 * @param others how other steps end that are still open
 */
export async function activate(
  table: Table,
  recordId: string,
  others: StepEnds = {},
): Promise<JournalRecord | undefined> {
  const { condition, values } = statusIn(['provisioning', 'ready']);
  const ends = stepEnds({ ...others, Activate: 'succeeded' });
  return updateRecord(table, recordId, `activate ${recordId}`, {
    UpdateExpression: `SET #status = :to, #updatedAt = :now${ends.expression}`,
    // Carried out late, when the workflow has given it up, it must not call ready what is about to be rolled back.
    ConditionExpression: `${condition} AND attribute_not_exists(#steps.#rollBack)`,
    names: { ...ends.names, '#rollBack': 'RollBack', '#status': 'status', '#updatedAt': 'updatedAt' },
    values: { ...values, ...ends.values, ':to': 'ready', ':now': now() },
  });
}

/** The end of undos, in the journal. */
export const closingJournal = (table: Table): ClosingJournal => ({
  ...recordReader(table),
  close: (recordId, closing) => closeIntegration(table, recordId, closing),
  forgetAddedBucket: (integrationId, addedBucketId) =>
    updateRecord(table, integrationId, `forget the driver ${addedBucketId}`, {
      UpdateExpression: 'SET #updatedAt = :now REMOVE #drivers.#driver',
      ConditionExpression: 'attribute_exists(#drivers)',
      names: { '#drivers': 'drivers', '#driver': addedBucketId, '#updatedAt': 'updatedAt' },
      values: { ':now': now() },
    }),
});

/**
 * Ends an undo: where nothing is left the locks, then in one write the status, why each leftover is there, and the end of
 * each step that is still open. Repeatable. The status comes last, because from then on nobody looks after the integration any more.
 */
async function closeIntegration(
  table: Table,
  recordId: string,
  { run, status, leftovers, steps, locks }: Closing,
): Promise<JournalRecord | undefined> {
  for (const lock of locks) {
    await deleteOwnItem(table, lockKey(lock), recordId, `release ${lock}`);
  }
  // Of what was left, only drivers may have been, which went later.
  const during = statusIn(['rolling-back', 'removing', 'residue', status]);
  const ends = stepEnds(steps);
  const update = {
    UpdateExpression: `SET #status = :to, #leftovers = :leftovers, #updatedAt = :now${ends.expression}`,
    ConditionExpression: `${during.condition} AND #deprovision.#run = :run`,
    names: {
      ...ends.names,
      '#status': 'status',
      '#leftovers': 'leftovers',
      '#updatedAt': 'updatedAt',
      '#deprovision': 'deprovision',
      '#run': 'run',
    },
    values: {
      ...during.values,
      ...ends.values,
      ':run': run,
      ':to': status,
      ':leftovers': leftovers,
      ':now': now(),
    },
  };
  // The watchdog gives up undos that an earlier version could not write.
  return updateRecord(table, recordId, `close ${recordId}`, update, withRoom);
}

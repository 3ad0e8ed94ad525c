/** How an undo starts: a rollback after a failure, a removal after DELETE. */
import { undoExecutionName, type Workflows } from '../model/execution.ts';
import { asIntegration } from '../model/lookup.ts';
import {
  type JournalRecord,
  mostRuns,
  openSteps,
  type RecordedError,
  type RecordReader,
  type Status,
  statuses,
} from '../model/record.ts';
import { forwardSteps, type StepName } from '../model/steps.ts';
import { describeFailure, type ErrorOutput, recordedError } from '../saga/failure.ts';

export interface UndoJournal extends RecordReader {
  /**
   * Moves a record to its undo and gives the undo its run number, in one write.
   * @returns the record as it then is, or undefined when it is in none of `from` (or at another run) any more
   */
  beginDeprovision(
    recordId: string,
    change: {
      readonly from: readonly Status[];
      readonly to: 'rolling-back' | 'removing';
      readonly mode: 'rollback' | 'remove';
      readonly run: number;
      /** How often the watchdog has started this undo again. */
      readonly restarts?: number;
      readonly error?: RecordedError;
    },
  ): Promise<JournalRecord | undefined>;
  /** Marks a step as failed that began and whose end nobody will write any more. */
  failStep(recordId: string, step: StepName): Promise<void>;
}

export interface UndoParts {
  readonly journal: UndoJournal;
  readonly machine: Pick<Workflows, 'startDeprovisioning'>;
}

export const isUndone = (status: Status): status is 'rolling-back' | 'removing' =>
  status === 'rolling-back' || status === 'removing';

/** Number of the run that comes after those of a record. */
export const nextRun = ({ deprovision }: Pick<JournalRecord, 'deprovision'>): number =>
  deprovision && deprovision.run < mostRuns ? deprovision.run + 1 : 1;

/** Whether an execution is of a run before the current one. Somebody may redrive it while a later one is at work. */
export function isEarlierRun(executionName: string, { deprovision }: JournalRecord): boolean {
  const [, run] = /-(?:rollback|remove)-(\d+)(?:-[0-9a-f]+)?$/.exec(executionName) ?? [];
  return run !== undefined && deprovision !== undefined && Number(run) < deprovision.run;
}

/**
 * Starts the current undo, also when somebody else began it: whoever did may have died before the start. A
 * second start changes nothing.
 */
export async function startUndo(record: JournalRecord, machine: UndoParts['machine']): Promise<void> {
  const { deprovision: undo, id: recordId, status, kind } = record;
  if (!undo || !isUndone(status)) return;
  const { mode, run } = undo;
  await machine.startDeprovisioning(undoExecutionName(record), { recordId, mode, run, kind });
}

/** Moves a record to its undo, where it is in one of the given states, and starts the undo. */
export async function beginUndo(
  recordId: string,
  change: Parameters<UndoJournal['beginDeprovision']>[1],
  { journal, machine }: UndoParts,
): Promise<JournalRecord | undefined> {
  const begun = await journal.beginDeprovision(recordId, change);
  const record = begun ?? (await journal.read(recordId));
  if (record) await startUndo(record, machine);
  return record;
}

/** Begins the next run of an undo whose execution has ended without an end of the undo. */
export async function runAgain(record: JournalRecord, parts: UndoParts): Promise<JournalRecord | undefined> {
  const { deprovision: undo, id, status } = record;
  if (!undo || !isUndone(status)) return record;
  const { mode, restarts } = undo;
  const change = { from: [status], to: status, mode, run: nextRun(record), restarts: restarts + 1 };
  return beginUndo(id, change, parts);
}

/** Undoes a provisioning that failed; does nothing for one that is no longer provisioning. */
export async function rollBack(recordId: string, error: RecordedError, parts: UndoParts) {
  const record = await beginUndo(
    recordId,
    { from: ['provisioning'], to: 'rolling-back', mode: 'rollback', run: 1, error },
    parts,
  );
  // One that became ready meanwhile was cut off nowhere.
  const open = record?.status === 'rolling-back' ? openSteps(record) : [];
  for (const step of forwardSteps) {
    if (open.includes(step) && step !== 'RollBack') await parts.journal.failStep(recordId, step);
  }
  return record;
}

/** The RollBack state: journals what was caught and starts the undo. */
export function rollBackAfter(step: string, caught: ErrorOutput, recordId: string, parts: UndoParts) {
  return rollBack(recordId, describeFailure(step, caught), parts);
}

export interface RemovalParts extends UndoParts {
  readonly stopper: Pick<Workflows, 'stopProvisioning'>;
  /** Whether the execution of an undo, which was started, has ended, however it did. */
  readonly hasEnded: (executionName: string) => Promise<boolean>;
}

/** Writes of a record what `DELETE` says of its bucket. One of which nothing is left stays as it is. */
export type SayOfBucket = (recordId: string) => Promise<void>;

/**
 * `DELETE`: removes what is ready or left over; stops and rolls back what is still provisioning; repeated, it
 * changes nothing.
 * @param mayGo called before an integration that is `ready` or `residue` is removed. @throws if the removal is blocked
 * @param say writes what the request says of the bucket, once nothing blocks the removal
 * @throws ServiceError `IntegrationNotFoundError`
 */
export async function removeIntegration(
  integrationId: string,
  parts: RemovalParts,
  mayGo?: (record: JournalRecord) => Promise<void>,
  say?: SayOfBucket,
): Promise<JournalRecord> {
  const record = asIntegration(await parts.journal.read(integrationId), integrationId);
  if (record.status === 'ready' || record.status === 'residue') await mayGo?.(record);
  await say?.(record.id);
  return removeRecord(record, parts);
}

/** Removes an integration, or a bucket that was added to one. @returns the record as it then is */
export async function removeRecord(record: JournalRecord, parts: RemovalParts): Promise<JournalRecord> {
  const { id } = record;
  let moved: JournalRecord | undefined = record;
  if (record.status === 'provisioning') {
    const error = recordedError('RemovalRequestedError', 'DELETE was sent before the integration was ready.');
    // The journal first: from then on no step of the execution can begin anything.
    moved = await rollBack(id, error, parts);
    await parts.stopper.stopProvisioning(record.executionArn);
    // It became ready in between: then it is removed as a ready one.
    if (moved?.status === 'ready') return removeRecord(moved, parts);
  } else if (isUndone(record.status) && record.deprovision) {
    await startUndo(record, parts.machine);
    // Where it has ended, the status is false, or the watchdog has not come to it yet. Nobody waits for it to do so.
    if (await parts.hasEnded(undoExecutionName(record))) moved = await runAgain(record, parts);
  } else if (record.status !== 'failed' && record.status !== 'removed') {
    // The run decides who begins it, also where a status is false: nobody has begun the undo that the record tells of.
    const from = statuses.filter((status) => status !== 'provisioning');
    moved = await beginUndo(id, { from, to: 'removing', mode: 'remove', run: nextRun(record) }, parts);
  }
  return moved ?? record;
}

/**
 * The watchdog: an execution that ended without finishing its work, for whatever reason, is followed by an undo.
 * Step Functions' status events say so at once, but are best effort; a sweep of the journal finds the rest.
 */
import type { Publish } from '../api/events.ts';
import { undoExecutionName } from '../model/execution.ts';
import {
  type ActiveFinder,
  activeStatuses,
  type JournalRecord,
  type RecordedError,
} from '../model/record.ts';
import { recordedError } from '../saga/failure.ts';
import { graceSeconds } from '../saga/in-flight-calls.ts';
import { type ClosingJournal, closeAndAnnounce } from './conclude.ts';
import { isUndone, rollBack, runAgain, startUndo, type UndoParts } from './undo.ts';

/** How often an undo that was itself stopped is started again before a person has to look. */
const maximumRestarts = 5;
/** How often at most, while a function of an earlier run may still be at work: its late deletion needs the locks. */
const maximumRestartsWhileOpen = 100;

/** An execution that never began counts as `NOT_STARTED`. */
export type EndStatus = 'FAILED' | 'TIMED_OUT' | 'ABORTED' | 'SUCCEEDED' | 'NOT_STARTED';

interface EndedExecution {
  /** The record that it worked on; undefined for one that somebody started otherwise than this service does. */
  readonly recordId: string | undefined;
  readonly executionArn: string;
  readonly executionName: string;
  readonly status: EndStatus;
}

export interface Watchdog extends UndoParts {
  /** ms since the epoch. */
  readonly now: () => number;
  readonly closing: ClosingJournal;
  readonly publish: Publish;
}

export type FollowUp =
  | 'rolled-back'
  | 'started'
  | 'run-again'
  | 'given-up'
  /** Somebody changed the record. Nothing was done: DELETE removes it. */
  | 'status-is-false'
  | 'nothing';

/** Follows up one execution that ended. @returns what was done about it */
export async function followUp(
  ended: EndedExecution,
  machine: 'provision' | 'deprovision',
  parts: Watchdog,
): Promise<FollowUp> {
  const record = ended.recordId === undefined ? undefined : await parts.journal.read(ended.recordId);
  if (!record) return 'nothing';
  return machine === 'provision' ? afterProvisioning(record, ended, parts) : afterUndo(record, ended, parts);
}

async function afterProvisioning(
  record: JournalRecord,
  ended: EndedExecution,
  parts: Watchdog,
): Promise<FollowUp> {
  if (record.executionArn !== ended.executionArn) return 'nothing';
  if (record.status === 'provisioning') {
    if (isFalse(record, ended, parts.now())) return 'status-is-false';
    await rollBack(record.id, endedError(ended.status), parts);
    return 'rolled-back';
  }
  // Its last state moved the journal and failed before it started the undo.
  const isFirstUndo = record.status === 'rolling-back' && record.deprovision?.run === 1;
  if (!isFirstUndo) return 'nothing';
  await startUndo(record, parts.machine);
  return 'started';
}

/** Step Functions forgets executions 90 days after their end. One that never began is found much earlier. */
const knownForMs = 30 * 86_400_000;

/**
 * Whether the status `provisioning` cannot be true: the execution, whose ARN nobody rewrites, has made the integration
 * ready, or Step Functions may have forgotten that it has. Nothing that serves somebody is undone for a word in the record.
 */
const isFalse = ({ createdAt }: JournalRecord, { status }: EndedExecution, now: number): boolean =>
  status === 'SUCCEEDED' || (status === 'NOT_STARTED' && now - Date.parse(createdAt) > knownForMs);

async function afterUndo(record: JournalRecord, ended: EndedExecution, parts: Watchdog): Promise<FollowUp> {
  const { deprovision: current, status } = record;
  if (!current || undoExecutionName(record) !== ended.executionName) return 'nothing';
  if (!isUndone(status)) return 'nothing';
  if (ended.status === 'NOT_STARTED') {
    await startUndo(record, parts.machine);
    return 'started';
  }
  const { mode, run, restarts } = current;
  if (restarts >= (mayBeAtWork(record, parts.now()) ? maximumRestartsWhileOpen : maximumRestarts)) {
    const undo = { mode, run, failures: [] };
    await closeAndAnnounce(record, undo, parts.closing, parts.publish);
    return 'given-up';
  }
  await runAgain(record, parts);
  return 'run-again';
}

/** Whether a call of a step function may still take effect. */
function mayBeAtWork({ inFlightCalls }: JournalRecord, now: number): boolean {
  return Object.values(inFlightCalls).some(({ until }) => until + graceSeconds * 1000 > now);
}

function endedError(status: EndStatus): RecordedError {
  if (status === 'TIMED_OUT') {
    return recordedError('StepTimeoutError', 'The execution reached the time-out of the state machine.');
  }
  const detail =
    status === 'NOT_STARTED'
      ? 'The execution never started, because the service failed after it had registered the request. Send the request again.'
      : `The execution ended with the status ${status} before the integration was ready. Send the request again.`;
  return recordedError('ExecutionStoppedError', detail);
}

/** How many records a sweep looks at side by side: a minute must do for all of them. */
const sweepWidth = 10;

/** How long a record must be unchanged before the sweep checks it: slow ones are left alone. */
const sweepAfterMs = 120_000;

export interface Sweep extends Watchdog, ActiveFinder {
  /** Where an execution is. */
  readonly executionStatus: (executionArn: string) => Promise<EndStatus | 'RUNNING'>;
  readonly undoExecutionArn: (executionName: string) => string;
  /** A record whose execution runs: what it waits for may have been lost. */
  readonly onRunning: (record: JournalRecord) => Promise<void>;
  /** What was done about a record. */
  readonly onFollowUp: (recordId: string, outcome: FollowUp) => void;
  /** A record that could not be looked at; the others are. */
  readonly onError: (recordId: string, error: unknown) => void;
}

/**
 * Looks at every record in which something is still to happen, and follows up each whose execution has
 * ended or never began.
 * @returns how many could not be looked at
 */
export async function sweep(parts: Sweep): Promise<number> {
  let failures = 0;
  const waiting = [...(await parts.findActive())];
  const work = async () => {
    for (let recordId = waiting.shift(); recordId !== undefined; recordId = waiting.shift()) {
      try {
        const outcome = await sweepOne(recordId, parts);
        if (outcome !== 'nothing') parts.onFollowUp(recordId, outcome);
      } catch (error) {
        failures += 1;
        parts.onError(recordId, error);
      }
    }
  };
  await Promise.all(Array.from({ length: sweepWidth }, work));
  return failures;
}

async function sweepOne(recordId: string, parts: Sweep): Promise<FollowUp> {
  const record = await parts.journal.read(recordId);
  if (!record || !activeStatuses.includes(record.status)) return 'nothing';
  // A time that is further ahead than any clock is forged.
  if (Math.abs(parts.now() - Date.parse(record.updatedAt)) < sweepAfterMs) return 'nothing';
  const machine = record.status === 'provisioning' ? 'provision' : 'deprovision';
  const executionName = machine === 'provision' ? recordId : undoExecutionName(record);
  const executionArn = machine === 'provision' ? record.executionArn : parts.undoExecutionArn(executionName);
  const status = await parts.executionStatus(executionArn);
  if (status === 'RUNNING') {
    await parts.onRunning(record);
    return 'nothing';
  }
  return followUp({ recordId: record.id, executionArn, executionName, status }, machine, parts);
}

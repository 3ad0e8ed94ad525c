/** How an integration becomes ready, and how an undo ends: first in the record, then as an event. */
import { ServiceError } from '../../errors.ts';
import type { Publish } from '../api/events.ts';
import { addedBucketView, integrationView } from '../api/view.ts';
import {
  type JournalRecord,
  nameOf,
  openSteps,
  type RecordReader,
  type StepEnds,
  standingResources,
} from '../model/record.ts';
import type { ResourceKey } from '../model/resource-keys.ts';
import type { StepName } from '../model/steps.ts';
import { type FailedUndo, type Leftover, leftoverOf, sendAgain } from '../saga/residue.ts';
import type { StepContext } from '../saga/step.ts';
import { locksOf } from './start.ts';

export interface Closing {
  /** The run of the undo that ends; it does not end a later run. */
  readonly run: number;
  readonly status: 'failed' | 'removed' | 'residue';
  /** Why each resource that still stands does, and what to do about it. */
  readonly leftovers: Partial<Record<ResourceKey, Leftover>>;
  /** How each step ends that is still open. */
  readonly steps: StepEnds;
  /** Locks to release; none where something is left. */
  readonly locks: readonly string[];
}

export interface ClosingJournal extends RecordReader {
  /** Ends an undo. @returns undefined if another run has begun */
  close(recordId: string, closing: Closing): Promise<JournalRecord | undefined>;
  /** Lets an integration forget an added bucket; repeated, it changes nothing more. @returns the integration as it then is */
  forgetAddedBucket(integrationId: string, addedBucketId: string): Promise<JournalRecord | undefined>;
}

function movedOn(recordId: string): ServiceError {
  return new ServiceError(
    'IntegrationMovedOnError',
    `Integration ${recordId} has moved to another state, so this step changed nothing.`,
  );
}

export async function announceReady(
  step: StepContext,
  activate: (recordId: string, ends: StepEnds) => Promise<JournalRecord | undefined>,
  publish: Publish,
): Promise<{ status: 'ready' }> {
  const { recordId } = step.desired;
  const record = await activate(recordId, endsOf(step.record, 'Activate'));
  if (!record) throw movedOn(recordId);
  const said = saidOf(record);
  if (record.kind === 'added bucket') {
    const { driverId, integrationId, resources } = addedBucketView(record);
    await publish('Dataloop Driver Ready', { ...said, driverId, integrationId, resources });
  } else {
    const { integrationId, resources } = integrationView(record);
    await publish('Dataloop Integration Ready', { ...said, integrationId, resources });
  }
  return { status: 'ready' };
}

interface UndoEnd {
  readonly mode: 'rollback' | 'remove';
  readonly run: number;
  /** Steps of the undo that the state machine gave up on. */
  readonly failures: readonly FailedUndo[];
  /** The step that succeeds with the end; none where the watchdog gives up. */
  readonly step?: StepName;
}

/** How an undo ends, and why each leftover is there. */
export function conclude(
  record: JournalRecord,
  { mode, failures }: Pick<UndoEnd, 'mode' | 'failures'>,
): Pick<Closing, 'status' | 'leftovers'> {
  const standing = standingResources(record);
  const leftovers = Object.fromEntries(
    standing.map(([key, { residue }]) => [
      key,
      leftoverOf(key, failures, record) ?? residue ?? unexplained(record),
    ]),
  );
  // Where something is left of an added bucket, the integration still knows it.
  const isLeft = standing.length > 0 || Object.keys(record.addedBuckets ?? {}).length > 0;
  if (isLeft) return { status: 'residue', leftovers };
  return { status: mode === 'rollback' ? 'failed' : 'removed', leftovers };
}

const unexplained = (record: JournalRecord): Leftover => ({
  reason:
    'The undo was aborted several times before it reached this resource. See its executions in Step Functions.',
  advice: sendAgain(record, ''),
});

/**
 * Writes how the undo ended, releases the locks where nothing is left, and says so on the bus. Repeatable.
 * @throws ServiceError `IntegrationMovedOnError` if another run has begun
 */
export async function closeAndAnnounce(
  known: JournalRecord,
  undo: UndoEnd,
  journal: ClosingJournal,
  publish: Publish,
): Promise<{ status: string }> {
  const record = await withoutForgedBuckets(known, journal);
  const { id, parent } = record;
  // A repeated attempt of an earlier run must not end a later one.
  if (record.deprovision?.run !== undo.run) throw movedOn(id);

  // Before its own end is written, because from then on nothing follows up the added bucket.
  if (parent && conclude(record, undo).status !== 'residue') {
    const integration = await journal.forgetAddedBucket(parent.integrationId, id);
    if (integration) await endWithLastAddedBucket(integration, journal, publish);
  }
  const closed = await closeRecord(record, undo, journal);
  if (!closed) throw movedOn(id);
  await announceEnd(closed, undo.mode, publish);
  return { status: closed.status };
}

/**
 * Whoever adds a bucket writes its own record in the same transaction. So an entry of which there is none, or that of another
 * integration, is forged, and would keep the integration in residue for ever.
 */
async function withoutForgedBuckets(known: JournalRecord, journal: ClosingJournal): Promise<JournalRecord> {
  let record = known;
  for (const id of Object.keys(known.addedBuckets ?? {})) {
    const isForged = await journal.read(id).then(
      (added) => added?.parent?.integrationId !== known.id,
      (error: unknown) => {
        // One that cannot be read is there.
        if (error instanceof ServiceError && error.name === 'RecordDamagedError') return false;
        throw error;
      },
    );
    if (isForged) record = (await journal.forgetAddedBucket(known.id, id)) ?? record;
  }
  return record;
}

/** @returns the record as it was closed; undefined if another run has begun */
async function closeRecord(
  record: JournalRecord,
  undo: UndoEnd,
  journal: ClosingJournal,
): Promise<JournalRecord | undefined> {
  const { status, leftovers } = conclude(record, undo);
  const steps = endsOf(record, undo.step);
  const closed = await journal.close(record.id, {
    run: undo.run,
    status,
    leftovers,
    steps,
    locks: status === 'residue' ? [] : locksOf(record),
  });
  // Its last added bucket may have gone meanwhile, and saw an integration that was still being removed.
  const isOver = closed && status === 'residue' && conclude(closed, undo).status !== 'residue';
  // Or a step began meanwhile, which from now on does nothing.
  const isOpen = closed && openSteps(closed).some((name) => !steps[name]);
  return isOver || isOpen ? closeRecord(closed, undo, journal) : closed;
}

/** Whoever has not said by now how a step ended does not say it any more. */
const endsOf = (record: JournalRecord, step: StepName | undefined): StepEnds =>
  Object.fromEntries(openSteps(record).map((name) => [name, name === step ? 'succeeded' : 'failed']));

/** An integration of which only added buckets were left ends with the last of them; repeated, it is announced again. */
async function endWithLastAddedBucket(
  integration: JournalRecord,
  journal: ClosingJournal,
  publish: Publish,
): Promise<void> {
  const { status, deprovision } = integration;
  if (!deprovision) return;
  const undo = { mode: deprovision.mode, run: deprovision.run, failures: [] };
  const end = conclude(integration, undo).status;
  if (end === 'residue' || (status !== 'residue' && status !== end)) return;
  const closed = await closeRecord(integration, undo, journal);
  if (closed) await announceEnd(closed, undo.mode, publish);
}

/** What every event about an end says. */
const saidOf = (record: JournalRecord) => ({
  version: '1' as const,
  name: nameOf(record),
  ...(record.stack ? { stack: record.stack } : {}),
});

const kept = <T>(released: T | undefined) => (released === undefined ? {} : { released });

async function announceEnd(record: JournalRecord, mode: UndoEnd['mode'], publish: Publish): Promise<void> {
  const { status } = record;
  const removed = status === 'residue' ? status : ('removed' as const);
  const failed = status === 'residue' ? status : ('failed' as const);
  if (record.kind === 'added bucket') {
    const { driverId, integrationId, residue, released, error } = addedBucketView(record);
    const said = { ...saidOf(record), residue, ...kept(released), driverId, integrationId };
    if (mode === 'remove') await publish('Dataloop Driver Removed', { ...said, status: removed });
    else await publish('Dataloop Driver Failed', { ...said, status: failed, error });
  } else {
    const { integrationId, residue, released, error } = integrationView(record);
    const said = { ...saidOf(record), residue, ...kept(released), integrationId };
    if (mode === 'remove') await publish('Dataloop Integration Removed', { ...said, status: removed });
    else await publish('Dataloop Integration Failed', { ...said, status: failed, error });
  }
}

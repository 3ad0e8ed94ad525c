/** How an integration becomes ready, and how an undo ends: first in the record, then as an event. */
import { ServiceError } from '../../errors.ts';
import type { Publish } from '../api/events.ts';
import { addedBucketView, integrationView } from '../api/view.ts';
import { type JournalRecord, nameOf, openSteps, type StepEnds, standingResources } from '../model/record.ts';
import type { StepName } from '../model/steps.ts';
import { type FailedUndo, leftoverOf, sendAgain } from '../saga/residue.ts';
import type { StepContext } from '../saga/step.ts';
import { locksOf } from './start.ts';

export interface Closing {
  /** The run of the undo that ends; it does not end a later run. */
  readonly run: number;
  readonly status: 'failed' | 'removed' | 'residue';
  readonly resources: JournalRecord['resources'];
  /** How each step ends that is still open. */
  readonly steps: StepEnds;
  /** Locks to release; none where something is left. */
  readonly locks: readonly string[];
}

export interface ClosingJournal {
  /** Ends an undo. @returns undefined if another run has begun */
  close(integrationId: string, closing: Closing): Promise<JournalRecord | undefined>;
  /** Lets an integration forget a driver; repeated, it changes nothing more. @returns the integration as it then is */
  forgetAddedBucket(integrationId: string, driverId: string): Promise<JournalRecord | undefined>;
}

function movedOn(integrationId: string): ServiceError {
  return new ServiceError(
    'IntegrationMovedOnError',
    `Integration ${integrationId} has moved to another state, so this step changed nothing.`,
  );
}

export async function announceReady(
  step: StepContext,
  activate: (integrationId: string) => Promise<JournalRecord | undefined>,
  publish: Publish,
): Promise<{ status: 'ready' }> {
  const { recordId: integrationId } = step.desired;
  const record = await activate(integrationId);
  if (!record) throw movedOn(integrationId);
  const { resources } = integrationView(record);
  const said = { version: '1', name: nameOf(record), resources } as const;
  if (record.parent) {
    const ids = { integrationId: record.parent.integrationId, driverId: integrationId };
    await publish('Dataloop Driver Ready', { ...said, ...ids });
  } else {
    await publish('Dataloop Integration Ready', { ...said, integrationId });
  }
  return { status: 'ready' };
}

export interface UndoEnd {
  readonly mode: 'rollback' | 'remove';
  readonly run: number;
  /** Steps of the undo that the state machine gave up on. */
  readonly failures: readonly FailedUndo[];
  /** The step that succeeds with the end; none where the watchdog gives up. */
  readonly step?: StepName;
}

/** How an undo ends, and the resources with the reason of each leftover. */
export function conclude(
  record: JournalRecord,
  { mode, failures }: Pick<UndoEnd, 'mode' | 'failures'>,
): Pick<Closing, 'status' | 'resources'> {
  const resources = { ...record.resources };
  const standing = standingResources(record);
  for (const [key, resource] of standing) {
    const residue = leftoverOf(key, failures, record) ?? resource.residue ?? unexplained(record);
    resources[key] = { ...resource, residue };
  }
  // Where something is left of a driver, the integration still knows it.
  const isLeft = standing.length > 0 || Object.keys(record.addedBuckets ?? {}).length > 0;
  if (isLeft) return { status: 'residue', resources };
  return { status: mode === 'rollback' ? 'failed' : 'removed', resources };
}

const unexplained = (record: JournalRecord) => ({
  reason:
    'The undo was aborted several times before it reached this resource. See its executions in Step Functions.',
  advice: sendAgain(record, ''),
});

/**
 * Writes how the undo ended, releases the locks where nothing is left, and says so on the bus. Repeatable.
 * @throws ServiceError `IntegrationMovedOnError` if another run has begun
 */
export async function closeAndAnnounce(
  record: JournalRecord,
  undo: UndoEnd,
  journal: ClosingJournal,
  publish: Publish,
): Promise<{ status: string }> {
  const { id: integrationId, parent } = record;
  // A repeated attempt of an earlier run must not end a later one.
  if (record.deprovision?.run !== undo.run) throw movedOn(integrationId);

  // Before its own end is written, because from then on nothing follows up the driver.
  if (parent && conclude(record, undo).status !== 'residue') {
    const integration = await journal.forgetAddedBucket(parent.integrationId, integrationId);
    if (integration) await endWithLastDriver(integration, journal, publish);
  }
  const closed = await closeRecord(record, undo, journal);
  if (!closed) throw movedOn(integrationId);
  await announceEnd(closed, undo.mode, publish);
  return { status: closed.status };
}

/** @returns the record as it was closed; undefined if another run has begun */
async function closeRecord(
  record: JournalRecord,
  undo: UndoEnd,
  journal: ClosingJournal,
): Promise<JournalRecord | undefined> {
  const { status, resources } = conclude(record, undo);
  const steps = endsOf(record, undo.step);
  const closed = await journal.close(record.id, {
    run: undo.run,
    status,
    resources,
    steps,
    locks: status === 'residue' ? [] : locksOf(record),
  });
  // Its last driver may have gone meanwhile, and saw an integration that was still being removed.
  const isOver = closed && status === 'residue' && conclude(closed, undo).status !== 'residue';
  // Or a step began meanwhile, which from now on does nothing.
  const isOpen = closed && openSteps(closed).some((name) => !steps[name]);
  return isOver || isOpen ? closeRecord(closed, undo, journal) : closed;
}

/** Whoever has not said by the end of the undo how a step ended does not say it any more. */
const endsOf = (record: JournalRecord, step: StepName | undefined): StepEnds =>
  Object.fromEntries(openSteps(record).map((name) => [name, name === step ? 'succeeded' : 'failed']));

/** An integration of which only drivers were left ends with the last of them; repeated, it is announced again. */
async function endWithLastDriver(
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

async function announceEnd(record: JournalRecord, mode: UndoEnd['mode'], publish: Publish): Promise<void> {
  const { id: integrationId, parent, status } = record;
  const { residue, error } = parent ? addedBucketView(record) : integrationView(record);
  const said = { version: '1', name: nameOf(record), residue } as const;
  const ids = { integrationId: parent?.integrationId ?? integrationId, driverId: integrationId };
  if (mode === 'remove') {
    const end = { ...said, status: status === 'residue' ? status : ('removed' as const) };
    if (parent) await publish('Dataloop Driver Removed', { ...end, ...ids });
    else await publish('Dataloop Integration Removed', { ...end, integrationId });
  } else {
    const end = { ...said, status: status === 'residue' ? status : ('failed' as const), error };
    if (parent) await publish('Dataloop Driver Failed', { ...end, ...ids });
    else await publish('Dataloop Integration Failed', { ...end, integrationId });
  }
}

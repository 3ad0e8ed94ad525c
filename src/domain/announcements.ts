/** How an integration becomes ready, and how an undo ends: in the journal, then as an event. */
import { ServiceError } from '../errors.ts';
import type { Publish } from './events.ts';
import { type IntegrationRecord, nameOf, standingResources } from './journal.ts';
import { locksOf } from './lifecycle.ts';
import { type FailedUndo, residueOf, sendAgain } from './residue.ts';
import type { StepContext } from './step.ts';
import { driverView, integrationView } from './view.ts';

export interface Closing {
  /** The run of the undo that ends: another one that has begun by now is not ended by it. */
  readonly run: number;
  readonly status: 'failed' | 'removed' | 'residue';
  readonly resources: IntegrationRecord['resources'];
  /** Locks to release; none where something is left. */
  readonly locks: readonly string[];
  /** Of a driver of which nothing is left: the integration that forgets it. */
  readonly forgottenBy?: string;
}

function movedOn(integrationId: string): ServiceError {
  return new ServiceError(
    'IntegrationMovedOnError',
    `Integration ${integrationId} is in another state by now: this step does nothing.`,
  );
}

export async function announceReady(
  step: StepContext,
  activate: (integrationId: string) => Promise<IntegrationRecord | undefined>,
  publish: Publish,
): Promise<{ status: 'ready' }> {
  const { integrationId } = step.plan;
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
}

/** How an undo ends, and the resources with the reason why each that still stands does so. */
export function conclude(
  record: IntegrationRecord,
  { mode, failures }: Pick<UndoEnd, 'mode' | 'failures'>,
): Pick<Closing, 'status' | 'resources'> {
  const resources = { ...record.resources };
  const standing = standingResources(record);
  for (const [key, resource] of standing) {
    const residue = residueOf(key, failures, resource.origin) ?? resource.residue ?? unexplained;
    resources[key] = { ...resource, residue };
  }
  // Where something is left of a driver, the integration still knows it.
  const isLeft = standing.length > 0 || Object.keys(record.drivers ?? {}).length > 0;
  if (isLeft) return { status: 'residue', resources };
  return { status: mode === 'rollback' ? 'failed' : 'removed', resources };
}

const unexplained = {
  reason:
    'The undo ended, time and again, before it got to this resource: look at its executions in Step Functions.',
  advice: sendAgain(''),
};

/**
 * Writes how the undo ended, releases the locks where nothing is left, and says so on the bus. Repeatable.
 * @throws ServiceError `IntegrationMovedOnError` where another run has begun by now
 */
export async function closeAndAnnounce(
  record: IntegrationRecord,
  undo: UndoEnd,
  close: (closing: Closing) => Promise<IntegrationRecord | undefined>,
  publish: Publish,
): Promise<{ status: string }> {
  const { integrationId, parent } = record;
  // A repeated attempt of an earlier run must not end a later one.
  if (record.deprovision?.run !== undo.run) throw movedOn(integrationId);

  const { status, resources } = conclude(record, undo);
  const closed = await close({
    run: undo.run,
    status,
    resources,
    locks: status === 'residue' ? [] : locksOf(record),
    ...(parent && status !== 'residue' ? { forgottenBy: parent.integrationId } : {}),
  });
  if (!closed) throw movedOn(integrationId);

  const { residue, error } = parent ? driverView(closed) : integrationView(closed);
  const said = { version: '1', name: nameOf(record), residue } as const;
  const ids = { integrationId: parent?.integrationId ?? integrationId, driverId: integrationId };
  if (undo.mode === 'remove') {
    const end = { ...said, status: status === 'residue' ? status : ('removed' as const) };
    if (parent) await publish('Dataloop Driver Removed', { ...end, ...ids });
    else await publish('Dataloop Integration Removed', { ...end, integrationId });
  } else {
    const end = { ...said, status: status === 'residue' ? status : ('failed' as const), error };
    if (parent) await publish('Dataloop Driver Failed', { ...end, ...ids });
    else await publish('Dataloop Integration Failed', { ...end, integrationId });
  }
  return { status };
}

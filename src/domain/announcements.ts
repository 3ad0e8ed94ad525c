/** How an integration becomes ready, and how an undo ends: in the journal, then as an event. */
import { ServiceError } from '../errors.ts';
import type { Publish } from './events.ts';
import { type IntegrationRecord, standingResources } from './journal.ts';
import { locksOf } from './lifecycle.ts';
import { type FailedUndo, residueOf, sendAgain } from './residue.ts';
import type { StepContext } from './step.ts';
import { integrationView } from './view.ts';

export interface Closing {
  /** The run of the undo that ends: another one that has begun by now is not ended by it. */
  readonly run: number;
  readonly status: 'failed' | 'removed' | 'residue';
  readonly resources: IntegrationRecord['resources'];
  /** Locks to release; none where something is left. */
  readonly locks: readonly string[];
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
  const { integrationId, name } = step.plan;
  const record = await activate(integrationId);
  if (!record) throw movedOn(integrationId);
  const { resources } = integrationView(record);
  await publish('Dataloop Integration Ready', { version: '1', integrationId, name, resources });
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
  if (standing.length > 0) return { status: 'residue', resources };
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
  const { integrationId, name } = record;
  // A repeated attempt of an earlier run must not end a later one.
  if (record.deprovision?.run !== undo.run) throw movedOn(integrationId);

  const { status, resources } = conclude(record, undo);
  const closed = await close({
    run: undo.run,
    status,
    resources,
    locks: status === 'residue' ? [] : locksOf(record),
  });
  if (!closed) throw movedOn(integrationId);

  const { residue, error } = integrationView(closed);
  const said = { version: '1', integrationId, name, residue } as const;
  if (undo.mode === 'remove') {
    const end = status === 'residue' ? status : 'removed';
    await publish('Dataloop Integration Removed', { ...said, status: end });
  } else {
    const end = status === 'residue' ? status : 'failed';
    await publish('Dataloop Integration Failed', { ...said, status: end, error });
  }
  return { status };
}

/** How an integration becomes ready, and how an undo ends: in the journal, then as an event. */
import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { Publish } from './events.ts';
import { errorOutputSchema } from './failure.ts';
import type { IntegrationRecord } from './journal.ts';
import { conclude, locksOf } from './lifecycle.ts';
import type { StepContext } from './step.ts';
import { integrationView } from './view.ts';

/** A step of the undo that the state machine gave up on. */
export const failedUndoSchema = z.object({ step: z.string(), error: errorOutputSchema });

export interface Closing {
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

/** Writes how the undo ended, releases the locks where nothing is left, and says so on the bus. */
export async function closeAndAnnounce(
  step: StepContext,
  undo: { mode: 'rollback' | 'remove'; run: number; failures: z.infer<typeof failedUndoSchema>[] },
  close: (closing: Closing) => Promise<IntegrationRecord | undefined>,
  publish: Publish,
): Promise<{ status: string }> {
  const { integrationId, name } = step.plan;
  // A repeated attempt of an earlier run must not end a later one.
  if (step.record.deprovision?.run !== undo.run) throw movedOn(integrationId);

  const { outcome, resources } = conclude(step, undo.mode, undo.failures);
  const { status } = outcome;
  const record = await close({ status, resources, locks: status === 'residue' ? [] : locksOf(step.record) });
  if (!record) throw movedOn(integrationId);

  const { residue, error } = integrationView(record);
  if (undo.mode === 'remove') {
    const end = status === 'residue' ? status : 'removed';
    await publish('Dataloop Integration Removed', {
      version: '1',
      integrationId,
      name,
      status: end,
      residue,
    });
  } else {
    const end = status === 'residue' ? status : 'failed';
    await publish('Dataloop Integration Failed', {
      version: '1',
      integrationId,
      name,
      status: end,
      error,
      residue,
    });
  }
  return { status };
}

/** How an integration begins, is activated, starts to be undone, and ends. */
import { ServiceError } from '../errors.ts';
import { describeFailure, type ErrorOutput, recordedError } from './failure.ts';
import {
  type IntegrationRecord,
  type RecordedError,
  type RecordReader,
  type ResourceKey,
  type Status,
  standingResources,
} from './journal.ts';
import type { IntegrationRequest } from './request.ts';
import type { StepContext } from './step.ts';
import { provisionSteps, type StepName } from './steps.ts';

/** A registration that could not be made because something holds what it needs. */
export interface Registration {
  readonly record: IntegrationRecord;
  /** Keys that only one integration at a time may hold: its name, and its bucket with its driver name. */
  readonly locks: readonly string[];
  readonly idempotency: { readonly key: string; readonly expiresAt: number } | undefined;
}

export type RegistrationOutcome =
  | { readonly outcome: 'registered' }
  | { readonly outcome: 'repeated'; readonly integrationId: string; readonly requestHash: string }
  | { readonly outcome: 'locked'; readonly by: string };

export interface Register {
  /** Writes record, locks and idempotency item in one transaction, or nothing. */
  register(registration: Registration): Promise<RegistrationOutcome>;
}

export interface ProvisionStarter {
  /** Starts the execution named after the integration; one that was started before counts as started. */
  startProvisioning(integrationId: string): Promise<void>;
}

export interface DeprovisionJournal extends RecordReader {
  /**
   * Moves an integration to its undo and gives the undo its run number, in one write.
   * @returns the record as it then is, or undefined when it is in none of `from` (or at another run) any more
   */
  beginDeprovision(
    integrationId: string,
    change: {
      readonly from: readonly Status[];
      readonly to: 'rolling-back' | 'removing';
      readonly mode: 'rollback' | 'remove';
      readonly run: number;
      readonly error?: RecordedError;
    },
  ): Promise<IntegrationRecord | undefined>;
  /** Marks a step as failed that began and whose end nobody will write any more. */
  failStep(integrationId: string, step: StepName): Promise<void>;
}

/** Input of the deprovision state machine. */
export interface DeprovisionInput {
  readonly integrationId: string;
  readonly mode: 'rollback' | 'remove';
  readonly run: number;
}

export interface DeprovisionStarter {
  /** Starts the named execution; one of that name that was started before counts as started. */
  startDeprovisioning(
    name: string,
    input: { integrationId: string; mode: 'rollback' | 'remove' },
  ): Promise<void>;
}

export interface Deprovision {
  readonly journal: DeprovisionJournal;
  readonly machine: DeprovisionStarter;
}

const lockKeys = (request: IntegrationRequest): string[] => [
  `name#${request.name}`,
  `bucket#${request.bucket.name}#${request.dataloop.driverName ?? request.name}`,
];

export const locksOf = (record: Pick<IntegrationRecord, 'request'>): string[] => lockKeys(record.request);

/**
 * Registers a provisioning and starts it. A request that repeats an earlier one (same key, or the same body
 * while that integration stands) gets that integration; `repeated` says that it was the same key.
 * @throws ServiceError `IdempotencyKeyReusedError` for the same key with another body; `NameOrBucketTakenError`,
 *   naming the holder, when another integration has the name or the bucket.
 */
export async function startProvisioning(
  wanted: Omit<Registration, 'locks'>,
  store: Register & RecordReader,
  machine: ProvisionStarter,
): Promise<{ record: IntegrationRecord; repeated: boolean }> {
  const { record } = wanted;
  const result = await store.register({ ...wanted, locks: locksOf(record) });
  if (result.outcome === 'registered') {
    await machine.startProvisioning(record.integrationId);
    return { record, repeated: false };
  }

  const holderId = result.outcome === 'repeated' ? result.integrationId : result.by;
  const holder = await store.read(holderId);
  if (result.outcome === 'repeated' && result.requestHash !== record.requestHash) {
    throw new ServiceError(
      'IdempotencyKeyReusedError',
      `This Idempotency-Key belongs to another request body (integration ${holderId}). Use a new key for a new request.`,
    );
  }
  if (!holder) {
    throw new ServiceError(
      'TryAgainError',
      'The integration was removed a moment ago. Send the request again.',
    );
  }
  if (
    holder.requestHash !== record.requestHash ||
    (result.outcome === 'locked' && holder.status === 'removing')
  ) {
    throw new ServiceError(
      'NameOrBucketTakenError',
      `The integration ${holder.integrationId} ("${holder.name}", ${holder.status}) has the name "${record.name}" or the ` +
        `bucket ${record.request.bucket.name}. Choose others, or remove it first with DELETE /integrations/${holder.integrationId}.`,
    );
  }
  // Heals a start that was lost between the registration and the call to Step Functions.
  if (holder.status === 'provisioning') await machine.startProvisioning(holder.integrationId);
  return { record: holder, repeated: result.outcome === 'repeated' };
}

const executionName = (record: IntegrationRecord): string => {
  const { mode, run } = record.deprovision ?? { mode: 'rollback', run: 1 };
  return `${record.integrationId}-${mode}-${run}`;
};

async function deprovision(
  integrationId: string,
  change: Parameters<DeprovisionJournal['beginDeprovision']>[1],
  { journal, machine }: Deprovision,
): Promise<IntegrationRecord | undefined> {
  const begun = await journal.beginDeprovision(integrationId, change);
  const record = begun ?? (await journal.read(integrationId));
  if (!record) return undefined;
  // Also when somebody else moved it: whoever did may have died before the start. A second start changes nothing.
  if (record.deprovision && (record.status === 'rolling-back' || record.status === 'removing')) {
    await machine.startDeprovisioning(executionName(record), {
      integrationId,
      ...record.deprovision,
    });
  }
  return record;
}

/** Undoes a provisioning that failed; does nothing for one that is no longer provisioning. */
export async function rollBack(integrationId: string, error: RecordedError, parts: Deprovision) {
  const record = await deprovision(
    integrationId,
    { from: ['provisioning'], to: 'rolling-back', mode: 'rollback', run: 1, error },
    parts,
  );
  for (const step of provisionSteps) {
    const status = record?.steps[step]?.status;
    const open = status === 'running' || status === 'waiting' || status === 'retrying';
    if (open && step !== 'RollBack') await parts.journal.failStep(integrationId, step);
  }
  return record;
}

/** The RollBack state: journals what was caught and starts the undo. */
export function rollBackAfter(step: string, caught: ErrorOutput, integrationId: string, parts: Deprovision) {
  return rollBack(integrationId, describeFailure(step, caught), parts);
}

export function integrationNotFound(integrationId: string): ServiceError {
  return new ServiceError(
    'IntegrationNotFoundError',
    `There is no integration ${integrationId} in this deployment. Check the id.`,
  );
}

export interface ProvisionStopper {
  /** Stops the provisioning's execution; one that has ended counts as stopped. */
  stopProvisioning(executionArn: string): Promise<void>;
}

/**
 * `DELETE`: removes what is ready or left over; stops and rolls back what is still provisioning; repeated, it
 * changes nothing.
 * @throws ServiceError `IntegrationNotFoundError`
 */
export async function removeIntegration(
  integrationId: string,
  parts: Deprovision & { readonly stopper: ProvisionStopper },
): Promise<IntegrationRecord> {
  const record = await parts.journal.read(integrationId);
  if (!record) throw integrationNotFound(integrationId);
  let moved: IntegrationRecord | undefined = record;
  if (record.status === 'provisioning') {
    const error = recordedError(
      'RemovalRequestedError',
      'DELETE was called before the integration was ready.',
    );
    // The journal first: from then on no step of the execution can begin anything.
    moved = await rollBack(integrationId, error, parts);
    await parts.stopper.stopProvisioning(record.executionArn);
    // It became ready in between: then it is removed as a ready one.
    if (moved?.status === 'ready') return removeIntegration(integrationId, parts);
  } else if (record.status === 'ready' || record.status === 'residue') {
    moved = await deprovision(
      integrationId,
      { from: ['ready', 'residue'], to: 'removing', mode: 'remove', run: (record.deprovision?.run ?? 0) + 1 },
      parts,
    );
  }
  return moved ?? record;
}

/** How often an undo that was itself stopped is started again before a person has to look. */
const maximumRuns = 10;

export interface EndedExecution {
  readonly executionArn: string;
  readonly executionName: string;
  readonly status: 'FAILED' | 'TIMED_OUT' | 'ABORTED';
}

/**
 * The watchdog: an execution that ended without finishing its work, for whatever reason, is followed by an undo.
 * @returns what was done about it
 */
export async function followUp(
  ended: EndedExecution,
  machine: 'provision' | 'deprovision',
  parts: Deprovision,
): Promise<'rolled-back' | 'run-again' | 'given-up' | 'nothing'> {
  const integrationId = ended.executionName.split('-')[0] ?? '';
  const record = await parts.journal.read(integrationId);
  if (!record) return 'nothing';
  if (machine === 'provision') {
    if (record.status !== 'provisioning' || record.executionArn !== ended.executionArn) return 'nothing';
    await rollBack(integrationId, stoppedError(ended.status), parts);
    return 'rolled-back';
  }
  const { deprovision: current, status } = record;
  if (!current || executionName(record) !== ended.executionName) return 'nothing';
  if (status !== 'rolling-back' && status !== 'removing') return 'nothing';
  if (current.run >= maximumRuns) return 'given-up';
  await deprovision(
    integrationId,
    { from: [status], to: status, mode: current.mode, run: current.run + 1 },
    parts,
  );
  return 'run-again';
}

function stoppedError(status: EndedExecution['status']): RecordedError {
  return status === 'TIMED_OUT'
    ? recordedError('StepTimeoutError', 'The execution reached the time-out of the state machine.')
    : recordedError(
        'ExecutionStoppedError',
        `The execution ended ${status} before the integration was ready.`,
      );
}

export interface Outcome {
  readonly status: 'failed' | 'removed' | 'residue';
}

/** Seconds that are added to a function's life: a request that it sent last may still be under way. */
export const graceSeconds = 5;

/**
 * Whether every call of a step function has ended or can no longer be alive. Until then something may still
 * come into being behind the undo's back.
 * @param now ms since the epoch
 */
export function openCallsSettled(
  step: StepContext,
  now: number,
): { settled: boolean; waitSeconds: number; openCalls: string[] } {
  const open = Object.entries(step.record.openCalls).filter(
    ([callId, until]) => callId !== step.call.callId && until + graceSeconds * 1000 > now,
  );
  const longest = Math.max(0, ...open.map(([, until]) => until + graceSeconds * 1000 - now));
  return {
    settled: open.length === 0,
    // Looks again soon: most calls end well before their function would.
    waitSeconds: Math.max(1, Math.min(5, Math.ceil(longest / 1000))),
    openCalls: open.map(([callId]) => callId),
  };
}

/** A step of the undo that the state machine gave up on. */
export interface FailedUndo {
  readonly step: string;
  readonly error: ErrorOutput;
}

const undoneBy: Readonly<Record<string, ResourceKey>> = {
  DeleteDriver: 'driver',
  DeleteIntegration: 'dataloopIntegration',
  DeleteRole: 'role',
  DeletePolicy: 'policy',
  DeleteBucket: 'bucket',
};

/** How an undo ends, and the resources with the reason why each that still stands does so. */
export function conclude(
  step: Pick<StepContext, 'record'>,
  mode: 'rollback' | 'remove',
  failures: readonly FailedUndo[],
): { outcome: Outcome; resources: IntegrationRecord['resources'] } {
  const failed = new Map(
    failures.map(({ step: name, error }) => [undoneBy[name], describeFailure(name, error)]),
  );
  const resources = { ...step.record.resources };
  const standing = standingResources(step.record);
  for (const [key, resource] of standing) {
    const error = failed.get(key);
    const reason = error ? `${error.title}: ${error.detail}` : 'It could not be removed.';
    const advice = 'Remove what is in the way. Then send DELETE for this integration again.';
    if (error || !resource.residue) resources[key] = { ...resource, residue: { reason, advice } };
  }
  if (standing.length > 0) return { outcome: { status: 'residue' }, resources };
  return { outcome: { status: mode === 'rollback' ? 'failed' : 'removed' }, resources };
}

/** How an integration begins, is activated, starts to be undone, and ends. */
import { ServiceError } from '../../errors.ts';
import {
  type AddedDriver,
  type IntegrationRecord,
  isIntegrationId,
  nameOf,
  pathOf,
  type RecordedError,
  type RecordReader,
  type Status,
} from '../model/record.ts';
import type { IntegrationRequest } from '../model/request.ts';
import { forwardSteps, type StepName } from '../model/steps.ts';
import { describeFailure, type ErrorOutput, recordedError } from '../saga/failure.ts';

/** The caller's key, hashed, and when it is forgotten (seconds since the epoch). */
export interface Idempotency {
  readonly key: string;
  readonly expiresAt: number;
}

/** What is written at once for a new integration, where nothing holds it yet. */
export interface Registration {
  readonly record: IntegrationRecord;
  /** Keys that only one integration at a time may hold: its name, its bucket with its driver name, what it adopts. */
  readonly locks: readonly string[];
  readonly idempotency: Idempotency | undefined;
  /** Of a driver: what the integration that it is added to is told of it, at once with the rest. */
  readonly added?: AddedDriver;
}

export type RegistrationOutcome =
  | { readonly outcome: 'registered' }
  /** The integration that a driver was to be added to is not ready by now. */
  | { readonly outcome: 'not-ready' }
  | { readonly outcome: 'repeated'; readonly integrationId: string; readonly requestHash: string }
  | { readonly outcome: 'locked'; readonly by: string };

export interface Register {
  /** Writes record, locks, idempotency item and what the integration is told in one transaction, or nothing. */
  register(registration: Registration): Promise<RegistrationOutcome>;
  /** Keeps a key for an integration that stands already. @returns false where the key is in use by now */
  remember(
    idempotency: Idempotency,
    holder: Pick<IntegrationRecord, 'integrationId' | 'requestHash'>,
  ): Promise<boolean>;
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
      /** How often the watchdog has started this undo again. */
      readonly restarts?: number;
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
  startDeprovisioning(name: string, input: DeprovisionInput): Promise<void>;
}

export interface Deprovision {
  readonly journal: DeprovisionJournal;
  readonly machine: DeprovisionStarter;
}

const bucketLocks = ({ name, mode }: IntegrationRequest['bucket'], driverName: string): string[] => [
  `bucket#${name}#${driverName}`,
  ...(mode === 'adopt' ? [`adopted-bucket#${name}`] : []),
];

/** Drivers are known by their names on an integration: two of one name would be taken for each other. */
const driverLocks = ({ bucket, dataloop }: IntegrationRequest, integrationId: string): string[] => [
  `driver#${integrationId}#${dataloop.projectId}#${dataloop.driverName}`,
  ...bucketLocks(bucket, dataloop.driverName ?? ''),
];

/** What is adopted is in one integration at a time: what one found there, another must not have written. */
const lockKeys = ({ name, bucket, role, dataloop }: IntegrationRequest): string[] => [
  `name#${name}`,
  ...bucketLocks(bucket, dataloop.driverName ?? name),
  ...(role?.mode === 'adopt' ? [`adopted-role#${role.name}`] : []),
  ...(dataloop.integrationId ? [`adopted-integration#${dataloop.integrationId}`] : []),
];

/** What else a request may collide with, as part of a sentence. */
function adoptedBy({ role, dataloop }: IntegrationRequest): string {
  return [
    ...(role?.mode === 'adopt' ? [`the role ${role.name}`] : []),
    ...(dataloop.integrationId ? [`the integration ${dataloop.integrationId} at Dataloop`] : []),
  ]
    .map((each) => ` or ${each}`)
    .join('');
}

export const locksOf = ({ request, parent }: Pick<IntegrationRecord, 'request' | 'parent'>): string[] =>
  parent ? driverLocks(request, parent.integrationId) : lockKeys(request);

/** How often a request begins again because what it met has changed meanwhile. */
const registrationAttempts = 5;

/**
 * Registers a provisioning and starts it. A request that repeats an earlier one (same key, or the same body
 * while that integration stands) gets that integration; `repeated` says that a key stands for it, so that the
 * answer has to be the same each time.
 * @throws ServiceError `IdempotencyKeyReusedError` for the same key with another body; `NameOrBucketTakenError`,
 *   naming the holder, when another integration has the name or the bucket.
 */
export async function startProvisioning(
  wanted: Omit<Registration, 'locks'>,
  store: Register & RecordReader,
  machine: ProvisionStarter,
): Promise<{ record: IntegrationRecord; repeated: boolean }> {
  const { record, idempotency } = wanted;
  for (let attempt = 1; attempt <= registrationAttempts; attempt += 1) {
    const result = await store.register({ ...wanted, locks: locksOf(record) });
    if (result.outcome === 'registered') {
      await machine.startProvisioning(record.integrationId);
      return { record, repeated: false };
    }
    if (result.outcome === 'not-ready') throw integrationNotReady(record.parent?.integrationId ?? '');
    if (result.outcome === 'repeated' && result.requestHash !== record.requestHash) {
      throw keyReused(result.integrationId);
    }
    const holder = await store.read(result.outcome === 'repeated' ? result.integrationId : result.by);
    if (!holder) continue;
    if (result.outcome === 'locked') {
      // Its locks went before its status did: the name is free by now.
      if (holder.status === 'failed' || holder.status === 'removed') continue;
      if (holder.requestHash !== record.requestHash || holder.status === 'removing') {
        throw nameOrBucketTaken(holder, record);
      }
      // Somebody has used the key meanwhile: what for?
      if (idempotency && !(await store.remember(idempotency, holder))) continue;
    }
    // Heals a start that was lost between the registration and the call to Step Functions.
    if (holder.status === 'provisioning') await machine.startProvisioning(holder.integrationId);
    return { record: holder, repeated: idempotency !== undefined };
  }
  throw new ServiceError(
    'TryAgainError',
    'The integration was removed a moment ago. Send the request again.',
  );
}

function keyReused(holderId: string): ServiceError {
  return new ServiceError(
    'IdempotencyKeyReusedError',
    `This Idempotency-Key belongs to another request body (integration ${holderId}). Use a new key for a new request.`,
  );
}

export function nameOrBucketTaken(
  holder: IntegrationRecord,
  { request, parent }: Pick<IntegrationRecord, 'request' | 'parent'>,
): ServiceError {
  const advice =
    holder.status === 'removing' || holder.status === 'rolling-back'
      ? 'Choose others, or send the request again once nothing of it is left.'
      : `Choose others, or remove it first with DELETE ${pathOf(holder)}.`;
  const wanted = parent
    ? `a driver "${request.dataloop.driverName}" in project ${request.dataloop.projectId}, or the bucket ${request.bucket.name}`
    : `the name "${request.name}", the bucket ${request.bucket.name}${adoptedBy(request)}`;
  return new ServiceError(
    'NameOrBucketTakenError',
    `The ${holder.parent ? 'driver' : 'integration'} ${holder.integrationId} ("${nameOf(holder)}", ${holder.status}) has ` +
      `${wanted}. ${advice}`,
  );
}

/** Why nothing can be added to an integration. */
export function integrationNotReady(integrationId: string): ServiceError {
  return new ServiceError(
    'IntegrationNotReadyError',
    `The integration ${integrationId} is not "ready", and only to one that is a driver can be added. ` +
      `GET /integrations/${integrationId} says how far it is.`,
  );
}

/** Name of the execution of the current undo. */
export const undoExecutionName = (record: IntegrationRecord): string => {
  const { mode, run } = record.deprovision ?? { mode: 'rollback', run: 1 };
  return `${record.integrationId}-${mode}-${run}`;
};

/**
 * Starts the current undo, also when somebody else began it: whoever did may have died before the start. A
 * second start changes nothing.
 */
export async function startUndo(record: IntegrationRecord, machine: DeprovisionStarter): Promise<void> {
  const { deprovision: undo, integrationId, status } = record;
  if (!undo || (status !== 'rolling-back' && status !== 'removing')) return;
  const { mode, run } = undo;
  await machine.startDeprovisioning(undoExecutionName(record), { integrationId, mode, run });
}

/** Moves an integration to its undo, where it is in one of the given states, and starts the undo. */
export async function beginUndo(
  integrationId: string,
  change: Parameters<DeprovisionJournal['beginDeprovision']>[1],
  { journal, machine }: Deprovision,
): Promise<IntegrationRecord | undefined> {
  const begun = await journal.beginDeprovision(integrationId, change);
  const record = begun ?? (await journal.read(integrationId));
  if (record) await startUndo(record, machine);
  return record;
}

/** Undoes a provisioning that failed; does nothing for one that is no longer provisioning. */
export async function rollBack(integrationId: string, error: RecordedError, parts: Deprovision) {
  const record = await beginUndo(
    integrationId,
    { from: ['provisioning'], to: 'rolling-back', mode: 'rollback', run: 1, error },
    parts,
  );
  for (const step of forwardSteps) {
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
  const named = isIntegrationId(integrationId) ? integrationId : 'of that id';
  return new ServiceError(
    'IntegrationNotFoundError',
    `There is no integration ${named} in this deployment. Check the id.`,
  );
}

export interface ProvisionStopper {
  /** Stops the provisioning's execution; one that has ended counts as stopped. */
  stopProvisioning(executionArn: string): Promise<void>;
}

export interface Removal extends Deprovision {
  readonly stopper: ProvisionStopper;
}

/** @throws ServiceError `IntegrationNotFoundError` where there is none of this id, or it is of something else */
export function asIntegration(record: IntegrationRecord | undefined, id: string): IntegrationRecord {
  if (!record || record.parent) throw integrationNotFound(id);
  return record;
}

/**
 * `DELETE`: removes what is ready or left over; stops and rolls back what is still provisioning; repeated, it
 * changes nothing.
 * @param mayGo asked before something that is ready or left over is removed. @throws where something is in the way
 * @throws ServiceError `IntegrationNotFoundError`
 */
export async function removeIntegration(
  integrationId: string,
  parts: Removal,
  mayGo?: (record: IntegrationRecord) => Promise<void>,
): Promise<IntegrationRecord> {
  const record = asIntegration(await parts.journal.read(integrationId), integrationId);
  if (record.status === 'ready' || record.status === 'residue') await mayGo?.(record);
  return removeRecord(record, parts);
}

/** Removes an integration, or a driver that was added to one. @returns the record as it then is */
export async function removeRecord(record: IntegrationRecord, parts: Removal): Promise<IntegrationRecord> {
  const { integrationId } = record;
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
    if (moved?.status === 'ready') return removeRecord(moved, parts);
  } else if (record.status === 'rolling-back' || record.status === 'removing') {
    await startUndo(record, parts.machine);
  } else if (record.status === 'ready' || record.status === 'residue') {
    moved = await beginUndo(
      integrationId,
      { from: ['ready', 'residue'], to: 'removing', mode: 'remove', run: (record.deprovision?.run ?? 0) + 1 },
      parts,
    );
  }
  return moved ?? record;
}

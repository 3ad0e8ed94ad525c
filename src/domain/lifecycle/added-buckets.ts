/** Several buckets on one integration: each added bucket is added and removed by its own workflow. */
import { ServiceError } from '../../errors.ts';
import { type Allowed, outsideForBucket } from '../model/allowed.ts';
import type { DesiredState } from '../model/desired-state.ts';
import type { Workflows } from '../model/execution.ts';
import { asAddedBucket } from '../model/lookup.ts';
import { asAdded, type JournalRecord, type RecordReader, type Status } from '../model/record.ts';
import {
  type DriverRequest,
  driverRequestSchema,
  fieldErrors,
  type IntegrationRequest,
  invalidFields,
} from '../model/request.ts';
import { roomFor } from '../resources/role/shared-policies.ts';
import type { StepContext } from '../saga/step.ts';
import type { Idempotency, Register } from './start.ts';
import { integrationNotReady, startProvisioning } from './start.ts';
import { isUndone, type RemovalParts, removeRecord, type SayOfBucket } from './undo.ts';

/**
 * Checks a request body and fills in its defaults.
 * @throws ServiceError `InvalidRequestError` with every bad field at once
 */
export function parseAddedBucketRequest(body: unknown, allowed: Allowed): DriverRequest {
  const parsed = driverRequestSchema.safeParse(body);
  if (!parsed.success) throw invalidFields(fieldErrors(parsed.error, body));
  const errors = outsideForBucket(parsed.data, allowed);
  if (errors.length > 0) throw invalidFields(errors);
  return parsed.data;
}

/** The request as a driver's record holds it, completed from its integration. */
export function requestFor(
  { description, bucket, dataloop, tags }: DriverRequest,
  integration: JournalRecord,
): IntegrationRequest {
  const { role, name } = integration.request;
  const organizationId = integration.dataloop?.organizationId;
  return {
    name,
    ...(description === undefined ? {} : { description }),
    bucket,
    dataloop: {
      ...dataloop,
      driverName: dataloop.driverName ?? bucket.name,
      ...(organizationId ? { organizationId } : {}),
    },
    ...(role ? { role } : {}),
    ...(tags ? { tags } : {}),
  };
}

interface Adding {
  readonly store: Register & RecordReader;
  readonly machine: Pick<Workflows, 'startProvisioning'>;
  readonly desiredStateOf: (record: JournalRecord) => DesiredState;
  readonly policyNamePattern: string;
  /** The driver as it is first written. */
  readonly newRecord: (
    request: IntegrationRequest,
    parent: NonNullable<JournalRecord['parent']>,
  ) => { readonly record: JournalRecord; readonly idempotency: Idempotency | undefined };
}

/**
 * Registers a driver on an integration that is ready, and starts its workflow.
 * @throws ServiceError `IntegrationNotReadyError`, `AccessFullError`, `NameOrBucketTakenError`, `IdempotencyKeyReusedError`
 */
export async function addBucket(
  asked: DriverRequest,
  integration: JournalRecord,
  parts: Adding,
): Promise<JournalRecord> {
  const { id: integrationId, resources } = integration;
  const dataloopIntegrationId = resources.dataloopIntegration?.id;
  // Whether it is ready decides the transaction: a request that was taken before is answered as before.
  if (!dataloopIntegrationId) throw integrationNotReady(integration);
  const request = requestFor(asked, integration);
  const added = asAdded(request);
  const wanted = parts.newRecord(request, { integrationId, dataloopIntegrationId });
  const own = integration.request.dataloop;
  const isOwn =
    added.dataloop.driverName === (own.driverName ?? integration.name) &&
    added.dataloop.projectId === own.projectId;
  if (isOwn) {
    throw new ServiceError(
      'NameOrBucketTakenError',
      `The integration ${integrationId} already has its own driver "${added.dataloop.driverName}" in project ` +
        `${added.dataloop.projectId}. Choose another dataloop.driverName.`,
    );
  }
  const isThere = Object.values(integration.addedBuckets ?? {}).some(
    ({ dataloop: { driverName, projectId } }) =>
      driverName === added.dataloop.driverName && projectId === added.dataloop.projectId,
  );
  // Found again where it is written; here it is said before anything is made. A repeated request needs no more room.
  if (!isThere) roomFor(integration, parts.desiredStateOf(integration), added, parts.policyNamePattern);
  return startProvisioning({ ...wanted, added }, parts.store, parts.machine);
}

/**
 * `DELETE` of a driver. Repeated, it changes nothing.
 * @param mayGo called before a driver that is `ready` or `residue` is removed. @throws if the removal is blocked
 * @param say writes what the request says of the bucket, once nothing blocks the removal
 * @throws ServiceError `DriverNotFoundError`
 */
export async function removeAddedBucket(
  integrationId: string,
  addedBucketId: string,
  parts: RemovalParts,
  mayGo: (driver: JournalRecord, integration: JournalRecord) => Promise<void>,
  say?: SayOfBucket,
): Promise<JournalRecord> {
  const driver = asAddedBucket(await parts.journal.read(addedBucketId), integrationId);
  if (driver.status === 'ready' || driver.status === 'residue') {
    const integration = await parts.journal.read(integrationId);
    if (integration) await mayGo(driver, integration);
  }
  await say?.(driver.id);
  return removeRecord(driver, parts);
}

/** How many drivers are removed at once; from the end of the patience on, how many more begin in each turn. */
const atOnce = 10;
/**
 * How long driver and integration at Dataloop wait until all added buckets are gone. Nobody has access any more: the role went
 * first.
 */
const patienceMs = 15 * 60_000;
const stillThere: readonly Status[] = ['provisioning', 'ready', 'rolling-back', 'removing', 'residue'];

/** Whether nothing more is to be done about a driver in this undo of its integration. */
function isOver(driver: JournalRecord, since: Date, now: Date): boolean {
  if (!stillThere.includes(driver.status)) return true;
  const concluded = Date.parse(driver.steps.Conclude?.startedAt ?? '');
  // All times are by the clock of Step Functions: one that is further ahead than a look lasts is forged.
  const latest = now.getTime() + patienceMs;
  return driver.status === 'residue' && concluded >= since.getTime() && concluded < latest;
}

/**
 * RemoveDrivers: removes what was added to an integration, once its role and policies had their turn, and before the
 * integration at Dataloop goes. Asked again and again until it is done. After a quarter of an hour the rest does not wait for
 * the ends any more, but until each has begun: nothing may be called ready that has no access. What is left of a driver is left
 * of its integration, too.
 * @param since when its turn began, and `now`: both by the clock of Step Functions
 * @throws what kept a driver from being removed, once there is nothing else to do
 */
export async function removeAddedBuckets(
  step: StepContext,
  since: Date,
  now: Date,
  parts: RemovalParts,
): Promise<{ settled: boolean; waitSeconds: number; drivers: readonly string[] }> {
  const isLate = now.getTime() - since.getTime() > patienceMs;
  const open: string[] = [];
  let begun = 0;
  let failure: unknown;
  for (const addedBucketId of Object.keys(step.record.addedBuckets ?? {}).sort()) {
    if ((isLate ? begun : open.length) === atOnce) break;
    try {
      const driver = await parts.journal.read(addedBucketId);
      // One that only the integration's record calls its own belongs to another.
      if (driver?.parent?.integrationId !== step.record.id || isOver(driver, since, now)) continue;
      const isUnderWay = isUndone(driver.status);
      if (!(isLate && isUnderWay)) await removeRecord(driver, parts);
      if (!isUnderWay) begun += 1;
      open.push(addedBucketId);
    } catch (error) {
      failure ??= error;
    }
  }
  const settled = isLate ? begun === 0 : open.length === 0;
  if (settled && failure) throw failure;
  return { settled, waitSeconds: 5, drivers: open };
}

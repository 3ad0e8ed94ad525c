/** How an integration begins: its first record, its locks, the caller's key, and the start of its workflow. */
import * as z from 'zod';
import { ServiceError } from '../../errors.ts';
import { canonicalJson } from '../model/canonical-json.ts';
import type { AddedBucket, JournalRecord, RecordReader } from '../model/record.ts';
import { nameOf, pathOf } from '../model/record.ts';
import type { IntegrationRequest } from '../model/request.ts';

/** How long an Idempotency-Key is remembered. */
const idempotencySeconds = 86_400;

export const idempotencyKeySchema = z.string().regex(/^[\x21-\x7e]{1,255}$/);

/** @throws ServiceError `InvalidRequestError` for an Idempotency-Key that is not 1 to 255 printable ASCII characters */
export function newRegistration(
  request: IntegrationRequest,
  key: string | undefined,
  context: {
    integrationId: string;
    executionArn: string;
    now: Date;
    sha256: (text: string) => string;
    /** The integration that a driver is added to. */
    parent?: NonNullable<JournalRecord['parent']>;
  },
): Omit<Registration, 'locks'> {
  if (key !== undefined && !idempotencyKeySchema.safeParse(key).success) {
    throw new ServiceError(
      'InvalidRequestError',
      'The header Idempotency-Key has 1 to 255 printable ASCII characters without spaces, such as a UUID.',
    );
  }
  const { parent } = context;
  const createdAt = context.now.toISOString();
  return {
    record: {
      id: context.integrationId,
      ...(parent ? { parent } : {}),
      name: request.name,
      status: 'provisioning',
      createdAt,
      updatedAt: createdAt,
      request,
      requestHash: context.sha256(canonicalJson(parent ? { parent, request } : request)),
      executionArn: context.executionArn,
      steps: {},
      resources: {},
      inFlightCalls: {},
    },
    idempotency:
      key === undefined
        ? undefined
        : {
            key: context.sha256(key),
            expiresAt: Math.floor(context.now.getTime() / 1000) + idempotencySeconds,
          },
  };
}

/** The caller's key, hashed, and when it is forgotten (seconds since the epoch). */
export interface Idempotency {
  readonly key: string;
  readonly expiresAt: number;
}

/** What is written at once for a new integration, where nothing holds it yet. */
export interface Registration {
  readonly record: JournalRecord;
  /** Keys that only one integration at a time may hold: its name, its bucket with its driver name, what it adopts. */
  readonly locks: readonly string[];
  readonly idempotency: Idempotency | undefined;
  /** Of a driver: what the integration that it is added to is told of it, at once with the rest. */
  readonly added?: AddedBucket;
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
  remember(idempotency: Idempotency, holder: Pick<JournalRecord, 'id' | 'requestHash'>): Promise<boolean>;
}

export interface ProvisionStarter {
  /** Starts the execution named after the integration; one that was started before counts as started. */
  startProvisioning(integrationId: string): Promise<void>;
}

/** A lock by its key, and the field of the request that says what it is on. */
interface Lock {
  readonly key: string;
  readonly pointer: string;
}

function bucketLocks({ name, mode }: IntegrationRequest['bucket'], driverName: string): Lock[] {
  const pointer = '/bucket/name';
  return [
    { key: `bucket#${name}#${driverName}`, pointer },
    ...(mode === 'adopt' ? [{ key: `adopted-bucket#${name}`, pointer }] : []),
  ];
}

/** Drivers are known by their names on an integration: two of one name would be taken for each other. */
const driverLocks = ({ bucket, dataloop }: IntegrationRequest, integrationId: string): Lock[] => [
  {
    key: `driver#${integrationId}#${dataloop.projectId}#${dataloop.driverName}`,
    pointer: '/dataloop/driverName',
  },
  ...bucketLocks(bucket, dataloop.driverName ?? ''),
];

/** What is adopted is in one integration at a time: what one found there, another must not have written. */
const integrationLocks = ({ name, bucket, role, dataloop }: IntegrationRequest): Lock[] => [
  { key: `name#${name}`, pointer: '/name' },
  ...bucketLocks(bucket, dataloop.driverName ?? name),
  ...(role?.mode === 'adopt' ? [{ key: `adopted-role#${role.name}`, pointer: '/role/name' }] : []),
  ...(dataloop.integrationId
    ? [{ key: `adopted-integration#${dataloop.integrationId}`, pointer: '/dataloop/integrationId' }]
    : []),
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

export const locksByField = ({ request, parent }: Pick<JournalRecord, 'request' | 'parent'>): Lock[] =>
  parent ? driverLocks(request, parent.integrationId) : integrationLocks(request);

export const locksOf = (record: Pick<JournalRecord, 'request' | 'parent'>): string[] =>
  locksByField(record).map(({ key }) => key);

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
): Promise<{ record: JournalRecord; repeated: boolean }> {
  const { record, idempotency } = wanted;
  for (let attempt = 1; attempt <= registrationAttempts; attempt += 1) {
    const result = await store.register({ ...wanted, locks: locksOf(record) });
    if (result.outcome === 'registered') {
      await machine.startProvisioning(record.id);
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
    if (holder.status === 'provisioning') await machine.startProvisioning(holder.id);
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
  holder: JournalRecord,
  { request, parent }: Pick<JournalRecord, 'request' | 'parent'>,
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
    `The ${holder.parent ? 'driver' : 'integration'} ${holder.id} ("${nameOf(holder)}", ${holder.status}) has ` +
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

/** How an integration begins: its first record, its locks, the caller's key, and the start of its workflow. */
import * as z from 'zod';
import { ServiceError } from '../../errors.ts';
import { canonicalJson, sha256 } from '../model/canonical-json.ts';
import type { Workflows } from '../model/execution.ts';
import type { AddedBucket, JournalRecord, RecordReader } from '../model/record.ts';
import { kindOf, pathOf } from '../model/record.ts';
import type { IntegrationRequest } from '../model/request.ts';
import type { StackResource } from '../model/stack-resource.ts';

/** How long an Idempotency-Key is remembered. */
const idempotencySeconds = 86_400;

export const idempotencyKeySchema = z.string().regex(/^[\x21-\x7e]{1,255}$/);

/** An Idempotency-Key as it was sent, and who sent it where. */
export type IdempotencyKey = { readonly key: string; readonly owner: string };

/** The same request for another stack or integration is another one: nobody gets hold of what is not theirs. */
export const requestHashOf = (
  request: IntegrationRequest,
  { parent, stack }: Partial<Pick<JournalRecord, 'parent' | 'stack'>> = {},
): string => sha256(canonicalJson(parent || stack ? { parent, stack, request } : request));

/** @throws ServiceError `InvalidRequestError` for an Idempotency-Key that is not 1 to 255 printable ASCII characters */
export function newRegistration(
  request: IntegrationRequest,
  sent: IdempotencyKey | undefined,
  context: {
    recordId: string;
    executionArn: string;
    now: Date;
    /** ARN of the caller. */
    requestedBy?: string;
    /** The integration that a bucket is added to. */
    parent?: NonNullable<JournalRecord['parent']>;
    stack?: StackResource;
  },
): Omit<Registration, 'locks' | 'over' | 'place'> {
  if (sent !== undefined && !idempotencyKeySchema.safeParse(sent.key).success) {
    throw new ServiceError(
      'InvalidRequestError',
      'The header Idempotency-Key must have 1 to 255 printable ASCII characters without spaces. Use a UUID, for example.',
    );
  }
  const { parent, stack, requestedBy } = context;
  const createdAt = context.now.toISOString();
  return {
    record: {
      id: context.recordId,
      kind: kindOf(parent),
      ...(parent ? { parent } : {}),
      ...(stack ? { stack } : {}),
      name: request.name,
      status: 'provisioning',
      createdAt,
      updatedAt: createdAt,
      request,
      requestHash: requestHashOf(request, { parent, stack }),
      ...(requestedBy === undefined ? {} : { requestedBy }),
      executionArn: context.executionArn,
      steps: {},
      resources: {},
      inFlightCalls: {},
    },
    idempotency:
      sent === undefined
        ? undefined
        : {
            key: sha256(canonicalJson([sent.owner, sent.key])),
            expiresAt: Math.floor(context.now.getTime() / 1000) + idempotencySeconds,
          },
  };
}

/** The caller's key, hashed, and when it is forgotten (seconds since the epoch). */
export interface Idempotency {
  readonly key: string;
  readonly expiresAt: number;
}

/** What is written in one transaction for a new integration, if nothing holds it yet. */
export interface Registration {
  readonly record: JournalRecord;
  /** Keys that only one integration at a time may hold: its name, its bucket with its driver name, what it adopts. */
  readonly locks: readonly string[];
  /** Records whose locks count as free: there are none, or nothing is left of what they tell of. */
  readonly over?: readonly string[];
  /** A place of its caller's, and the record whose place it was. */
  readonly place?: { readonly key: string; readonly before?: string };
  readonly idempotency: Idempotency | undefined;
  /** For a driver: its entry in the record of its integration, written in the same transaction. */
  readonly added?: AddedBucket;
}

export type RegistrationOutcome =
  | { readonly outcome: 'registered' }
  /** The integration to which a driver should be added is not ready. */
  | { readonly outcome: 'not-ready' }
  | { readonly outcome: 'repeated'; readonly recordId: string; readonly requestHash: string }
  | { readonly outcome: 'locked'; readonly by: string }
  /** Nothing else is in the way, but the place is taken. */
  | { readonly outcome: 'place-taken'; readonly by: string };

export interface Register {
  /** Writes record, locks, idempotency item and the integration's entry in one transaction, or nothing. */
  register(registration: Registration): Promise<RegistrationOutcome>;
  /** Keeps a key for an integration that stands already. @returns false if the key is in use */
  remember(idempotency: Idempotency, holder: Pick<JournalRecord, 'id' | 'requestHash'>): Promise<boolean>;
}

/** A lock by its key, what it holds in words, and the field of the request that names it. */
interface Lock {
  readonly key: string;
  readonly what: string;
  readonly pointer: string;
}

const createdBucketLock = (name: string) => `created-bucket#${name}`;
const adoptedBucketLock = (name: string) => `adopted-bucket#${name}`;

/** The lock of who else may use a bucket: of a created bucket that is who adopted it, and the other way round. */
export const lockOfOtherUser = ({
  name,
  mode,
}: Pick<IntegrationRequest['bucket'], 'name' | 'mode'>): string =>
  mode === 'adopt' ? createdBucketLock(name) : adoptedBucketLock(name);

function bucketLocks({ name, mode }: IntegrationRequest['bucket'], driverName: string): Lock[] {
  const pointer = '/bucket/name';
  return [
    {
      key: `bucket#${name}#${driverName}`,
      what: mode === 'adopt' ? `bucket ${name} with the driver name "${driverName}"` : `bucket ${name}`,
      pointer,
    },
    // Of two who create it one wins, whatever they call it; what is there already, a created bucket's tag says.
    mode === 'adopt'
      ? { key: adoptedBucketLock(name), what: `adopted bucket ${name}`, pointer }
      : { key: createdBucketLock(name), what: `bucket ${name}`, pointer },
  ];
}

/** Drivers on an integration are known by name: two of one name could not be told apart. */
const driverLocks = ({ bucket, dataloop }: IntegrationRequest, integrationId: string): Lock[] => [
  {
    key: `driver#${integrationId}#${dataloop.projectId}#${dataloop.driverName}`,
    what: `driver name "${dataloop.driverName}" in project ${dataloop.projectId}`,
    pointer: '/dataloop/driverName',
  },
  ...bucketLocks(bucket, dataloop.driverName ?? ''),
];

export const adoptedIntegrationLock = (dataloopIntegrationId: string) =>
  `adopted-integration#${dataloopIntegrationId}`;

/** An adopted resource is in one integration at a time: one must not find what another has written. */
const integrationLocks = ({ name, bucket, role, dataloop }: IntegrationRequest): Lock[] => [
  { key: `name#${name}`, what: `name "${name}"`, pointer: '/name' },
  ...bucketLocks(bucket, dataloop.driverName ?? name),
  ...(role?.mode === 'adopt'
    ? [{ key: `adopted-role#${role.name}`, what: `adopted role ${role.name}`, pointer: '/role/name' }]
    : []),
  ...(dataloop.integrationId
    ? [
        {
          key: adoptedIntegrationLock(dataloop.integrationId),
          what: `integration ${dataloop.integrationId} at Dataloop`,
          pointer: '/dataloop/integrationId',
        },
      ]
    : []),
];

export const locksByField = ({ request, parent }: Pick<JournalRecord, 'request' | 'parent'>): Lock[] =>
  parent ? driverLocks(request, parent.integrationId) : integrationLocks(request);

export const locksOf = (record: Pick<JournalRecord, 'request' | 'parent'>): string[] =>
  locksByField(record).map(({ key }) => key);

/** Whose provisionings are counted, hashed, and how many of them may be open at a time. */
interface Places {
  readonly caller: string;
  readonly count: number;
}

const isOpen = ({ status }: JournalRecord): boolean => status === 'provisioning' || status === 'rolling-back';

/** How often the place of a record that is not open any more is taken over, where somebody else is faster. */
const takeovers = 3;

/**
 * Registers in a free place of the caller's, or in that of a record that is not open any more. What stands in the way
 * otherwise comes first: a repeated request needs no place.
 * @throws ServiceError `TooManyOpenError`
 */
async function registerInPlace(
  registration: Registration,
  store: Register & RecordReader,
  places: Places | undefined,
): Promise<RegistrationOutcome> {
  if (!places) return store.register(registration);
  const { caller, count } = places;
  // Requests that come at once do not all begin with the same place.
  const first = Number.parseInt(registration.record.id.slice(-2), 36);
  for (let index = 0; index < count; index += 1) {
    const key = `${caller}#${(first + index) % count}`;
    let before: string | undefined;
    for (let attempt = 1; attempt <= takeovers; attempt += 1) {
      const place = { key, ...(before === undefined ? {} : { before }) };
      const result = await store.register({ ...registration, place });
      if (result.outcome !== 'place-taken') return result;
      const holder = await store.read(result.by);
      if (holder && isOpen(holder)) break;
      before = result.by;
    }
  }
  throw new ServiceError(
    'TooManyOpenError',
    `You have ${count} integrations that are being set up or rolled back, the most for one caller. Send the request again ` +
      'when one of them is ready or has failed.',
  );
}

/** How often a request starts over because the records changed meanwhile. */
const registrationAttempts = 5;

/**
 * Registers a provisioning and starts it. A request that repeats an earlier one (same key, or the same body
 * while that integration stands) gets that integration as it is now.
 * @throws ServiceError `IdempotencyKeyReusedError` for the same key with another body; `NameOrBucketTakenError`,
 *   naming the holder, when another integration has the name or the bucket; `TooManyOpenError`.
 */
export async function startProvisioning(
  wanted: Omit<Registration, 'locks' | 'over' | 'place'>,
  store: Register & RecordReader,
  machine: Pick<Workflows, 'startProvisioning'>,
  places?: Places,
): Promise<JournalRecord> {
  const { record, idempotency } = wanted;
  const over: string[] = [];
  for (let attempt = 1; attempt <= registrationAttempts; attempt += 1) {
    const registration = {
      ...wanted,
      locks: locksOf(record),
      ...(over.length > 0 ? { over: [...over] } : {}),
    };
    const result = await registerInPlace(registration, store, places);
    if (result.outcome === 'registered') {
      await machine.startProvisioning(record.id);
      return record;
    }
    if (result.outcome === 'not-ready') {
      const id = record.parent?.integrationId ?? '';
      const parent = await store.read(id);
      // It became ready in between.
      if (parent?.status === 'ready') continue;
      throw integrationNotReady({ id, status: parent?.status ?? 'removed' });
    }
    const isKnownKey = result.outcome === 'repeated';
    const holder = await store.read(isKnownKey ? result.recordId : result.by);
    if (isKnownKey && result.requestHash !== record.requestHash) {
      throw keyReused(result.recordId, holder?.status, record);
    }
    if (
      result.outcome === 'locked' &&
      (!holder || holder.status === 'failed' || holder.status === 'removed')
    ) {
      // Locks are released before the status changes: the name is free now, and a lock that is still there is forged.
      over.push(result.by);
    }
    if (!holder || over.includes(holder.id)) continue;
    if (result.outcome === 'locked') {
      if (holder.requestHash !== record.requestHash || holder.status === 'removing') {
        throw nameOrBucketTaken(holder, record);
      }
      // Somebody has used the key meanwhile: what for?
      if (idempotency && !(await store.remember(idempotency, holder))) continue;
    }
    // Heals a start that was lost between the registration and the call to Step Functions.
    if (holder.status === 'provisioning') await machine.startProvisioning(holder.id);
    return holder;
  }
  throw new ServiceError(
    'TryAgainError',
    'The integration was removed a moment ago. Send the request again.',
  );
}

function keyReused(
  holderId: string,
  status = 'unknown',
  { parent }: Pick<JournalRecord, 'parent'>,
): ServiceError {
  // The path of a request for an added bucket names its integration.
  const orElse = parent ? ' or for another integration' : '';
  return new ServiceError(
    'IdempotencyKeyReusedError',
    `You already used this key with a different body${orElse} (${holderId}, ${status}). Send a new key.`,
  );
}

export function nameOrBucketTaken(
  holder: JournalRecord,
  wanted: Pick<JournalRecord, 'request' | 'parent'>,
): ServiceError {
  const held = locksOf(holder);
  const taken = locksByField(wanted).filter(({ key }) => held.includes(key));
  // A created bucket has two locks.
  const said = [...new Map(taken.map((lock) => [lock.what, lock])).values()];
  const what = said.map((lock) => lock.what).join(' and the ') || 'name or bucket';
  const advice =
    holder.status === 'removing' || holder.status === 'rolling-back'
      ? 'Choose another, or send the request again when it is gone.'
      : `Choose another, or remove it first with DELETE ${pathOf(holder)}.`;
  const status = holder.status === 'residue' ? 'in residue' : holder.status;
  return new ServiceError(
    'NameOrBucketTakenError',
    `The ${what} ${said.length > 1 ? 'are' : 'is'} used by ${holder.id}, which is ${status}. ${advice}`,
    {
      fields: said.map(({ pointer, what: each }) => ({
        pointer,
        detail: `The ${each} is used by ${holder.id}.`,
      })),
    },
  );
}

/** Why no bucket can be added to an integration. */
export function integrationNotReady({ id, status }: Pick<JournalRecord, 'id' | 'status'>): ServiceError {
  return new ServiceError(
    'IntegrationNotReadyError',
    `You can add buckets only to a ready integration; this one is ${status}. See GET /integrations/${id}.`,
  );
}

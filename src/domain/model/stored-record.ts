/** A record as an item of the table: the attributes that it is kept in, and those of earlier versions. */
import * as z from 'zod';
import { addedBucketIdSchema } from './ids.ts';
import {
  type AddedBucket,
  type InFlightCall,
  type JournalRecord,
  kindOf,
  leftoverSchema,
  recordSchema,
  resourceSchema,
} from './record.ts';
import { attributeOf, resourceKeys } from './resource-keys.ts';
import { stepNames } from './steps.ts';

/** Attributes of an item keep the names of the first version. They are mapped here and nowhere else. */
const storedNames: Readonly<Record<string, string>> = {
  id: 'integrationId',
  addedBuckets: 'drivers',
  inFlightCalls: 'openCalls',
};
const ownNames = Object.fromEntries(Object.entries(storedNames).map(([own, stored]) => [stored, own]));
const renamed = (members: object, names: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(members).map(([name, value]) => [names[name] ?? name, value]));

const looseSchema = z.looseObject({});
const mapSchema = looseSchema.catch({});
const isMap = (value: unknown): boolean => looseSchema.safeParse(value).success;
const storedLeftoversSchema = z.partialRecord(z.enum(resourceKeys), leftoverSchema).catch({});

/** Every attribute of an item but its key, those of earlier versions included. */
export const storedAttributes: readonly string[] = [
  'layout',
  'expiresAt',
  'reserve',
  ...Object.keys(recordSchema.shape)
    .filter((name) => name !== 'kind')
    .map((name) => storedNames[name] ?? name),
  'leftovers',
  ...resourceKeys.map(attributeOf),
];

/**
 * 2: resources have attributes of their own; 3: every lock is there, and the first has the status below. Only the
 * registration writes it.
 */
const layout = 3;

/** The status of the first lock of each record, by which the index finds what stands, whatever status the record has. */
export const heldStatus = 'held';

const layoutSchema = z.looseObject({ layout: z.number() });

/** Whether an item is of a version whose registration did not write every lock. */
export const mayLackLocks = (item: unknown): boolean =>
  (layoutSchema.safeParse(item).data?.layout ?? 1) < layout;

/**
 * Resources from attributes of their own. An earlier version kept all of them in one. Who begins an undo may still cut what
 * is too long there, so in a record of this version it counts for nothing.
 */
function resourcesOf({ resources, leftovers, ...members }: Record<string, unknown>) {
  const isEarlier = members['layout'] === undefined;
  const known: Record<string, unknown> = isEarlier ? { ...mapSchema.parse(resources) } : {};
  for (const key of resourceKeys) {
    const own = members[attributeOf(key)] ?? known[key];
    // One that cannot be read may stand: the undo looks for it.
    if (own !== undefined) known[key] = resourceSchema.safeParse(own).success ? own : { state: 'intended' };
  }
  for (const [key, residue] of Object.entries(storedLeftoversSchema.parse(leftovers))) {
    const resource = resourceSchema.safeParse(known[key]).data;
    if (resource && resource.state !== 'gone') known[key] = { ...resource, residue };
  }
  return known;
}

/** A call that cannot be read counts as one in flight, for as long as anything may be. */
const unreadableCall: InFlightCall = { until: Number.MAX_SAFE_INTEGER };
/** Its own record says what it is; where there is none, it is of no bucket. */
const unreadableBucket: AddedBucket = {
  bucket: { name: 'unreadable' },
  dataloop: { projectId: 'unreadable', driverName: 'unreadable', allowDelete: false },
};

const { shape } = recordSchema;
const memberSchemas = {
  call: shape.inFlightCalls.valueType,
  addedBucket: shape.addedBuckets.unwrap().valueType,
  step: shape.steps.valueType,
};

/** A map with `otherwise` for each member that cannot be read. */
const withReadable = (map: unknown, schema: z.ZodType, otherwise?: unknown) =>
  Object.fromEntries(
    Object.entries(mapSchema.parse(map))
      .map(([key, member]) => [key, schema.safeParse(member).success ? member : otherwise] as const)
      .filter(([, member]) => member !== undefined),
  );

const isStep = (name: string): boolean => stepNames.some((each) => each === name);
const withKeys = (map: object, isKey: (key: string) => boolean) =>
  Object.fromEntries(Object.entries(map).filter(([key]) => isKey(key)));

/** Nothing is over while something stands. */
const isOver = (status: unknown, resources: object): boolean =>
  (status === 'failed' || status === 'removed') &&
  Object.values(resources).some(({ state }) => state !== 'gone');

/**
 * What more than the registration writes: whatever a stolen session makes of it, the record can be read, and so its undo
 * can run. What only the registration writes makes a record unreadable, where it is wrong.
 */
function readable(members: Record<string, unknown>, resources: object): Record<string, unknown> {
  const { addedBuckets, accessLock, inFlightCalls } = members;
  const kept = (
    key:
      | 'updatedAt'
      | 'status'
      | 'accessLock'
      | 'dataloop'
      | 'operator'
      | 'keepBucket'
      | 'deprovision'
      | 'error',
  ) => (shape[key].safeParse(members[key]).success ? members[key] : undefined);
  const status = kept('status') ?? 'residue';
  return {
    ...members,
    resources,
    status: isOver(status, resources) ? 'residue' : status,
    updatedAt: kept('updatedAt') ?? new Date(0).toISOString(),
    steps: withKeys(withReadable(members['steps'], memberSchemas.step), isStep),
    inFlightCalls: isMap(inFlightCalls)
      ? withReadable(inFlightCalls, memberSchemas.call, unreadableCall)
      : { unreadable: unreadableCall },
    accessLock:
      kept('accessLock') ?? (accessLock === undefined ? undefined : { by: 'unreadable', ...unreadableCall }),
    addedBuckets:
      addedBuckets === undefined
        ? undefined
        : withKeys(
            withReadable(addedBuckets, memberSchemas.addedBucket, unreadableBucket),
            (id) => addedBucketIdSchema.safeParse(id).success,
          ),
    dataloop: kept('dataloop'),
    operator: kept('operator'),
    keepBucket: kept('keepBucket'),
    deprovision: kept('deprovision'),
    error: kept('error'),
  };
}

/** A record that needs no mending, as nearly all do. */
function asItStands(members: Record<string, unknown>): JournalRecord | undefined {
  // An earlier version kept its resources otherwise.
  if (members['layout'] === undefined || members['leftovers'] !== undefined) return undefined;
  const stored = resourceKeys.map((key) => [key, members[attributeOf(key)]] as const);
  const resources = Object.fromEntries(stored.filter(([, own]) => own !== undefined));
  const { data } = recordSchema.safeParse({ ...members, resources });
  return data && !isOver(data.status, data.resources) ? data : undefined;
}

/** A record from an item of the table. */
export const storedRecordSchema = looseSchema.transform((item, context): JournalRecord => {
  const { parent, ...rest } = renamed(item, ownNames);
  const members = { ...rest, ...(parent === undefined ? {} : { parent }), kind: kindOf(parent) };
  const sound = asItStands(members);
  if (sound) return sound;
  const mended = recordSchema.safeParse(readable(members, resourcesOf(members)));
  for (const issue of mended.error?.issues ?? []) context.addIssue({ ...issue });
  return mended.data ?? z.NEVER;
});

/** A record as an item of the table, without the table's own keys. */
export const toStored = ({ kind: _kind, resources, ...record }: JournalRecord): Record<string, unknown> => ({
  layout,
  ...renamed(record, storedNames),
  ...Object.fromEntries(
    resourceKeys.flatMap((key) => (resources[key] ? [[attributeOf(key), resources[key]]] : [])),
  ),
});

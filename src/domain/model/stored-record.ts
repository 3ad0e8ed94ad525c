/** A record as an item of the table: the attributes that it is kept in, and those of earlier versions. */
import * as z from 'zod';
import { type JournalRecord, kindOf, leftoverSchema, recordSchema, resourceSchema } from './record.ts';
import { attributeOf, resourceKeys } from './resource-keys.ts';

/** Attributes of an item keep the names of the first version. They are mapped here and nowhere else. */
const storedNames: Readonly<Record<string, string>> = {
  id: 'integrationId',
  addedBuckets: 'drivers',
  inFlightCalls: 'openCalls',
};
const ownNames = Object.fromEntries(Object.entries(storedNames).map(([own, stored]) => [stored, own]));
const renamed = (members: object, names: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(members).map(([name, value]) => [names[name] ?? name, value]));

const storedResourcesSchema = z.looseObject({}).catch({});
const storedLeftoversSchema = z.partialRecord(z.enum(resourceKeys), leftoverSchema).catch({});

/** Says that resources have attributes of their own. Only the registration writes it. */
const layout = 2;

/**
 * Resources from attributes of their own. An earlier version kept all of them in one. Who begins an undo may still cut what
 * is too long there, so in a record of this version it counts for nothing.
 */
function resourcesOf({ resources, leftovers, ...members }: Record<string, unknown>) {
  const isEarlier = members['layout'] === undefined;
  const known: Record<string, unknown> = isEarlier ? { ...storedResourcesSchema.parse(resources) } : {};
  for (const key of resourceKeys) {
    const own = members[attributeOf(key)];
    if (own !== undefined) known[key] = own;
  }
  for (const [key, residue] of Object.entries(storedLeftoversSchema.parse(leftovers))) {
    const resource = resourceSchema.safeParse(known[key]).data;
    if (resource && resource.state !== 'gone') known[key] = { ...resource, residue };
  }
  return known;
}

/** A record from an item of the table. */
export const storedRecordSchema = z.preprocess((item) => {
  if (typeof item !== 'object' || item === null) return item;
  const { parent, ...members } = renamed(item, ownNames);
  const resources = resourcesOf(members);
  return { ...members, resources, ...(parent === undefined ? {} : { parent }), kind: kindOf(parent) };
}, recordSchema);

/** A record as an item of the table, without the table's own keys. */
export const toStored = ({ kind: _kind, resources, ...record }: JournalRecord): Record<string, unknown> => ({
  layout,
  ...renamed(record, storedNames),
  ...Object.fromEntries(
    resourceKeys.flatMap((key) => (resources[key] ? [[attributeOf(key), resources[key]]] : [])),
  ),
});

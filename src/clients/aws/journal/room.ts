/**
 * Room in the item of a record. DynamoDB refuses every write that leaves an item with more than 400 KB, and what cannot be
 * written cannot be undone. This version bounds each text before it is stored. An earlier one did not: there Dataloop
 * could fill an item with a name. Calls whose functions died leave an entry each. And a stolen session of a step can make
 * anything of the steps and the calls.
 */
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { longest } from '../../../domain/model/record.ts';
import { functionLifetimeSeconds } from '../../../domain/saga/in-flight-calls.ts';
import { printable } from '../../../errors.ts';
import { awsErrorCode } from '../errors.ts';
import { nextPiece, pieceNeeded } from './reserve.ts';
import { afterConflicts, type Table } from './table.ts';

type Key = { readonly pk: string };
type Path = readonly string[];
interface Cut {
  readonly path: Path;
  /** Undefined: it goes. */
  readonly to?: string | object;
}

interface Written {
  readonly Attributes?: unknown;
}

const mapSchema = z.record(z.string(), z.unknown());
const anything = mapSchema.catch({});
const text = z.string().optional().catch(undefined);
const resourceSchema = z.object({
  name: text,
  leftAlone: text,
  residue: z.object({ reason: text, advice: text }).optional().catch(undefined),
});
const untilSchema = z.union([z.number(), z.object({ until: z.number() }).transform(({ until }) => until)]);
/** What of an item may be too much, whatever the rest of it is. Resources: as an earlier version kept them, in one map. */
const itemSchema = z.object({
  resources: anything,
  openCalls: z.unknown(),
  steps: z.unknown(),
  reserve: anything,
  updatedAt: z.unknown(),
});
type Item = z.infer<typeof itemSchema>;

/** A piece of what the registration has kept free, whatever else of the item is too much. */
const ofReserve = (piece: string | undefined): Cut[] =>
  piece === undefined ? [] : [{ path: ['reserve', piece] }];

function longTexts({ resources }: Item): Cut[] {
  return Object.entries(resources).flatMap(([key, resource]) => {
    const { name, leftAlone, residue } = resourceSchema.safeParse(resource).data ?? {};
    const texts: [Path, string | undefined, number][] = [
      [['name'], name, longest.name],
      [['leftAlone'], leftAlone, longest.reason],
      [['residue', 'reason'], residue?.reason, longest.reason],
      [['residue', 'advice'], residue?.advice, longest.reason],
    ];
    return texts.flatMap(([path, value = '', length]) =>
      value.length > length ? [{ path: ['resources', key, ...path], to: printable(value, length) }] : [],
    );
  });
}

/** Entries of dead calls that a record may keep, and how many go in one write. */
const mostDeadCalls = { kept: 50, perWrite: 100 } as const;
/** No clock is wrong by more, so a call that ended so long ago by its function's clock is over by everybody's. */
export const maximumClockErrorMs = 600_000;

/** Most characters of all steps, and of all calls: several times what a record can have by our doing. */
const longestMap = 50_000;
const isTooMuch = (map: unknown): boolean =>
  !mapSchema.safeParse(map).success || JSON.stringify(map).length > longestMap;

/** Steps and calls that no function of ours has written. Nothing can be written into what is no map. */
function forgedMaps({ steps, openCalls }: Item): Cut[] {
  // Whichever calls were among them may still be in flight.
  const calls = { forged: { until: Date.now() + functionLifetimeSeconds * 1000 } };
  return [
    ...(isTooMuch(steps) ? [{ path: ['steps'], to: {} }] : []),
    ...(isTooMuch(openCalls) ? [{ path: ['openCalls'], to: calls }] : []),
  ];
}

function deadCalls({ openCalls }: Item): Cut[] {
  const dead = Object.entries(anything.parse(openCalls)).filter(([, call]) => {
    const until = untilSchema.safeParse(call).data;
    return until !== undefined && until + maximumClockErrorMs < Date.now();
  });
  if (dead.length <= mostDeadCalls.kept) return [];
  return dead.slice(0, mostDeadCalls.perWrite).map(([callId]) => ({ path: ['openCalls', callId] }));
}

/** An update that makes the cuts, where nobody has written to the item since it was read. */
function updateFor(cuts: readonly Cut[], updatedAt: unknown) {
  const parts = [...new Set(['updatedAt', ...cuts.flatMap(({ path }) => path)])];
  const aliasOf = new Map(parts.map((part, index) => [part, `#p${index}`]));
  const placeOf = (path: Path) => path.map((part) => aliasOf.get(part)).join('.');
  const texts = cuts.filter(({ to }) => to !== undefined);
  const gone = cuts.filter(({ to }) => to === undefined);
  const set = texts.map(({ path }, index) => `${placeOf(path)} = :t${index}`).join(', ');
  const remove = gone.map(({ path }) => placeOf(path)).join(', ');
  return {
    UpdateExpression: [...(set ? [`SET ${set}`] : []), ...(remove ? [`REMOVE ${remove}`] : [])].join(' '),
    ConditionExpression: `${placeOf(['updatedAt'])} = :updatedAt`,
    ExpressionAttributeNames: Object.fromEntries([...aliasOf].map(([part, alias]) => [alias, part])),
    ExpressionAttributeValues: {
      ':updatedAt': updatedAt,
      ...Object.fromEntries(texts.map(({ to }, index) => [`:t${index}`, to])),
    },
  };
}

/** @returns whether there is more room now. Never fails: the write that needs the room says what is wrong */
async function cut(
  table: Table,
  key: Key,
  item: unknown,
  cutsOf: (item: Item, whole: unknown) => readonly Cut[],
): Promise<boolean> {
  const parsed = itemSchema.safeParse(item);
  const cuts = parsed.success ? cutsOf(parsed.data, item) : [];
  if (!parsed.success || cuts.length === 0) return false;
  try {
    const update = updateFor(cuts, parsed.data.updatedAt);
    await afterConflicts(table, () =>
      table.client.send(new UpdateCommand({ TableName: table.name, Key: key, ...update })),
    );
    return true;
  } catch (error) {
    // Somebody else has written to it, and met the same.
    return awsErrorCode(error) === 'ConditionalCheckFailed';
  }
}

/** The item has no room for a write, or no map for what is to be written into it. */
const isFull = (error: unknown): boolean =>
  awsErrorCode(error) === 'Validation' &&
  error instanceof Error &&
  /item size|document path/i.test(error.message);

/** An item as it is, by a write that changes nothing: functions that write a record need not be able to read others. */
async function readByWrite(table: Table, key: Key): Promise<unknown> {
  const { Attributes } = await afterConflicts(table, () =>
    table.client.send(
      new UpdateCommand({
        TableName: table.name,
        Key: key,
        UpdateExpression: 'SET #updatedAt = if_not_exists(#updatedAt, :now)',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeNames: { '#updatedAt': 'updatedAt' },
        ExpressionAttributeValues: { ':now': new Date().toISOString() },
        ReturnValues: 'ALL_NEW',
      }),
    ),
  );
  return Attributes;
}

/** Makes a write; if the item is too full for it, room is made first. And in any case for the next ones. */
async function making<T extends Written>(
  [table, key, write]: readonly [Table, Key, () => Promise<T>],
  before: (item: Item) => readonly Cut[],
  after: (item: Item, whole: unknown) => readonly Cut[],
): Promise<T> {
  try {
    const written = await write();
    await cut(table, key, written.Attributes, after);
    return written;
  } catch (error) {
    if (!isFull(error)) throw error;
    const hasRoom = await readByWrite(table, key).then(
      (item) => cut(table, key, item, before),
      () => false,
    );
    if (!hasRoom) throw error;
    return write();
  }
}

// Functions, so that a bundle holds only the calls that its function makes.

/** For a write that notes a call; the entries of calls that died go, where there are many. */
export function withRoomForStep<T extends Written>(table: Table, key: Key, write: () => Promise<T>) {
  return making([table, key, write], forgedMaps, deadCalls);
}

/**
 * For the write that begins an undo, or ends one: whatever the undo writes has room. Texts that an earlier version stored
 * too long are cut. Where that is not enough, a piece of the reserve goes.
 */
export function withRoom<T extends Written>(table: Table, key: Key, write: () => Promise<T>) {
  const tooMuch = (item: Item) => [...longTexts(item), ...forgedMaps(item)];
  return making(
    [table, key, write],
    (item) => [...tooMuch(item), ...ofReserve(nextPiece(item.reserve))],
    (item, whole) => [...tooMuch(item), ...ofReserve(pieceNeeded(whole, item.reserve))],
  );
}

/**
 * Room that each record has from its registration on, for its undo. A stolen session can fill a record with an attribute that
 * nobody else may cut. The functions that begin an undo then take a piece out of the reserve.
 */

/** Most bytes of an item that DynamoDB takes. */
const maximumItemBytes = 400 * 1024;
/** What an undo writes: its steps and calls, what became of each resource, and why something is left. */
const undoBytes = 2_500;
/**
 * Once its steps have their entries, an undo needs the room of one call. A thief who fills the record again after each undo
 * uses up two pieces each time.
 */
const pieces: readonly number[] = [undoBytes, ...Array<number>(16).fill(250)];

/** One of its calls. */
const callBytes = 400;

export type Reserve = Readonly<Record<string, unknown>>;

export const fullReserve = (): Reserve =>
  Object.fromEntries(pieces.map((bytes, index) => [`p${index}`, '.'.repeat(bytes)]));

const large = 'p0';

/** The next piece that goes, the largest first; undefined: none is left. */
export const nextPiece = (reserve: Reserve): string | undefined =>
  pieces.map((_bytes, index) => `p${index}`).find((name) => name in reserve);

/**
 * The piece that has to go so that an undo has room in an item; undefined where it has, or none is left. As JSON an item is a
 * little longer than DynamoDB counts it.
 */
export function pieceNeeded(item: unknown, reserve: Reserve): string | undefined {
  const next = nextPiece(reserve);
  const room = next === large ? undoBytes : callBytes;
  return Buffer.byteLength(JSON.stringify(item) ?? '') > maximumItemBytes - room ? next : undefined;
}

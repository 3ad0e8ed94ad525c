/**
 * Locks of records that an earlier version registered. The registration writes them now, and plans and the guard of
 * `serverless remove` rely on them; the sweep fills what is missing, a few records at a time.
 */
import * as z from 'zod';
import { type JournalRecord, type Status, statusSchema } from '../model/record.ts';
import { locksOf } from './start.ts';

export const fillProgressSchema = z.object({
  /** Passes over all records that are behind us. */
  passes: z.number(),
  /** Where the next look goes on. */
  status: statusSchema,
  after: z.string().optional(),
  /** When the last pass ended, ms since the epoch. */
  endedAt: z.number().optional(),
});
type FillProgress = z.infer<typeof fillProgressSchema>;

export interface LockFiller {
  readProgress(): Promise<FillProgress | undefined>;
  writeProgress(progress: FillProgress): Promise<void>;
  /** Ids in a status, oldest first. */
  oldestIds(status: Status, after: string | undefined, limit: number): Promise<readonly string[]>;
  /** A record that may lack locks; undefined for any other. */
  readEarlier(recordId: string): Promise<JournalRecord | undefined>;
  /** Writes the locks that nobody holds. Repeatable. */
  fillLocks(record: JournalRecord, locks: readonly string[]): Promise<void>;
}

/** Records a sweep looks at. */
export const recordsAtOnce = 25;

/** An undo releases locks, so it gets none. */
const filled: readonly Status[] = ['ready', 'residue', 'provisioning'];

/** A record that changes its status meanwhile may be in no answer. The second pass is a day later. */
const passes = 2;
const passEveryMs = 86_400_000;

/**
 * Looks at a few records, and goes on there the next time. After the last pass it reads one item and no more.
 * @returns how many could not be filled; the others are
 */
export async function fillLocks(
  filler: LockFiller,
  now: number,
  onError: (recordId: string, error: unknown) => void,
): Promise<number> {
  const progress = (await filler.readProgress()) ?? { passes: 0, status: 'ready' as const };
  const { endedAt, status, after } = progress;
  if (progress.passes >= passes || (endedAt !== undefined && now - endedAt < passEveryMs)) return 0;
  const ids = await filler.oldestIds(status, after, recordsAtOnce);
  let failures = 0;
  for (const id of ids) {
    try {
      const record = await filler.readEarlier(id);
      const isFilled = record && filled.includes(record.status);
      if (isFilled) await filler.fillLocks(record, locksOf(record));
    } catch (error) {
      failures += 1;
      onError(id, error);
    }
  }
  await filler.writeProgress(nextOf(progress, ids, now));
  return failures;
}

function nextOf({ passes, status }: FillProgress, ids: readonly string[], now: number): FillProgress {
  const last = ids.at(-1);
  if (last !== undefined && ids.length >= recordsAtOnce) return { passes, status, after: last };
  const next = filled[filled.indexOf(status) + 1];
  return next ? { passes, status: next } : { passes: passes + 1, status: 'ready', endedAt: now };
}

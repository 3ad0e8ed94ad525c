import * as z from 'zod';
import { closingJournal } from '../../src/clients/aws/journal/ends.ts';
import { deleteTaskToken } from '../../src/clients/aws/journal/task-tokens.ts';
import { publish } from '../../src/deployed/bus.ts';
import { table } from '../../src/deployed/journal.ts';
import { closeAndAnnounce } from '../../src/domain/lifecycle/conclude.ts';
import { failedUndoSchema } from '../../src/domain/saga/residue.ts';
import { parseInput } from '../../src/runtime/input.ts';
import { stepHandler } from '../../src/runtime/step.ts';

const journal = closingJournal(table);

const inputSchema = z.looseObject({
  mode: z.enum(['rollback', 'remove']),
  run: z.number().int(),
  failures: z.array(failedUndoSchema),
});

/** Conclude: nothing is left, or everything that is left is named; an event says which. Repeatable. */
export const handler = stepHandler(
  'Conclude',
  { during: ['rolling-back', 'removing'], endsIn: ['failed', 'removed', 'residue'] },
  async (step, input) => {
    const undo = parseInput(inputSchema, input, 'The input of Conclude');
    await deleteTaskToken(table, step.desired.recordId);
    return closeAndAnnounce(step.record, { ...undo, step: step.call.step }, journal, publish);
  },
);

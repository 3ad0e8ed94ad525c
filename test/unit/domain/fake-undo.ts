/** What an undo is begun with: a journal of one integration and a Step Functions, which note what happens. */
import type { UndoJournal } from '../../../src/domain/lifecycle/undo.ts';
import type { Workflows } from '../../../src/domain/model/execution.ts';

type UndoInput = Parameters<Workflows['startDeprovisioning']>[1];

import { type JournalRecord, mostRuns } from '../../../src/domain/model/record.ts';
import { integrationId, recordOf } from './fakes.ts';

/** The current undo as a record has it. */
export const undoOf = (
  mode: 'rollback' | 'remove',
  run: number,
  restarts = 0,
): NonNullable<JournalRecord['deprovision']> => ({ mode, run, restarts });

/** Lines of the starts of an undo. */
export const rollbackStart = (run: number) => `start ${integrationId}-rollback-${run}`;
export const removeStart = (run: number) => `start ${integrationId}-remove-${run}`;

/** A journal with one record, fenced by status and run as the table is, and a Step Functions that notes its calls. */
export function undoWorld(first: JournalRecord | undefined) {
  let current = first;
  const events: string[] = [];
  const inputs: UndoInput[] = [];
  const ended = new Set<string>();
  const journal: UndoJournal = {
    read: async (id) => (id === current?.id ? current : undefined),
    beginDeprovision: async (_id, { from, to, mode, run, restarts = 0, error: why }) => {
      if (!current || !from.includes(current.status)) return undefined;
      const { run: before = 0 } = current.deprovision ?? {};
      if (!from.includes('provisioning') && before >= run && before < mostRuns) return undefined;
      const deprovision = { mode, run, restarts };
      current = { ...current, status: to, deprovision, ...(why ? { error: why } : {}) };
      events.push(`journal ${to}`);
      return current;
    },
    failStep: async (_id, step) => {
      const known = current?.steps[step];
      if (!current || !known) return;
      current = { ...current, steps: { ...current.steps, [step]: { ...known, status: 'failed' } } };
    },
  };
  const parts = {
    journal,
    machine: {
      startDeprovisioning: async (name: string, input: UndoInput) => {
        events.push(`start ${name}`);
        inputs.push(input);
      },
    },
    stopper: { stopProvisioning: async (arn: string) => void events.push(`stop ${arn}`) },
    hasEnded: async (name: string) => ended.has(name),
  };
  return {
    events,
    inputs,
    /** Names of executions that have ended. */
    ended,
    parts,
    now: () => current,
    become: (more: Partial<JournalRecord>) => {
      current = recordOf({ ...current, ...more });
    },
  };
}

/** Executions of the state machines: their names, and which one belongs to a record now. */
import type { JournalRecord } from './record.ts';

/** Name of the execution of the current undo. Nobody can guess it and use it up before the run has begun. */
export const undoExecutionName = ({ id, deprovision }: Pick<JournalRecord, 'id' | 'deprovision'>): string => {
  const { mode = 'rollback', run = 1, token } = deprovision ?? {};
  return `${id}-${mode}-${run}${token ? `-${token}` : ''}`;
};

/** The execution that runs, or that ran last: of the undo, once there was one. */
export function lastExecutionArn(record: Pick<JournalRecord, 'id' | 'deprovision' | 'executionArn'>): string {
  if (!record.deprovision) return record.executionArn;
  // All machines of a deployment have its name.
  return record.executionArn.replace(
    /(?<=:execution:(?:[\w-]+-)?)(?:provision|addDriver):[\w-]+$/,
    `deprovision:${undoExecutionName(record)}`,
  );
}

/** Executions of the state machines: what starts and stops them, their names, and which one belongs to a record now. */
import type { JournalRecord } from './record.ts';
import type { RecordKind } from './steps.ts';

/** A function takes those calls that it makes: `Pick<Workflows, 'startProvisioning'>`. */
export interface Workflows {
  /** Starts the execution named after the record; one that was started before counts as started. */
  startProvisioning(recordId: string): Promise<void>;
  /** Stops the provisioning's execution; one that has ended counts as stopped. */
  stopProvisioning(executionArn: string): Promise<void>;
  /** Starts the named execution; one of that name that was started before counts as started. */
  startDeprovisioning(
    name: string,
    input: {
      readonly recordId: string;
      readonly mode: 'rollback' | 'remove';
      readonly run: number;
      /** It tells the state machine what to take away first, before any function has read the record. */
      readonly kind: RecordKind;
    },
  ): Promise<void>;
}

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

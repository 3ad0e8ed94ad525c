/** What starts an undo, and stops what is still under way, as deployed. */
import { deprovisionJournal } from '../clients/aws/journal/record.ts';
import type { Table } from '../clients/aws/journal/table.ts';
import { deprovisionStarter, provisionStopper, stepFunctionsClient } from '../clients/aws/step-functions.ts';
import { deprovisionStateMachineArn } from '../config.ts';
import type { Removal } from '../domain/lifecycle/undo.ts';

export function deployedRemoval(table: Table): Removal {
  const stepFunctions = stepFunctionsClient();
  return {
    journal: deprovisionJournal(table),
    machine: deprovisionStarter(stepFunctions, deprovisionStateMachineArn()),
    stopper: provisionStopper(stepFunctions),
  };
}

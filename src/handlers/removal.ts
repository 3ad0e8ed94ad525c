/** What starts an undo, and stops what is still under way, as deployed. */
import { deprovisionJournal } from '../clients/aws/journal.ts';
import { deprovisionStarter, provisionStopper, stepFunctionsClient } from '../clients/aws/step-functions.ts';
import type { Table } from '../clients/aws/table.ts';
import { deprovisionStateMachineArn } from '../config.ts';
import type { Removal } from '../domain/lifecycle.ts';

export function deployedRemoval(table: Table): Removal {
  const stepFunctions = stepFunctionsClient();
  return {
    journal: deprovisionJournal(table),
    machine: deprovisionStarter(stepFunctions, deprovisionStateMachineArn()),
    stopper: provisionStopper(stepFunctions),
  };
}

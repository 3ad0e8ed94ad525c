/** The watchdog as deployed: journal, state machines and bus. */
import { eventBridgeClient, publisher } from '../clients/aws/events.ts';
import { closingJournal, deprovisionJournal } from '../clients/aws/journal/record.ts';
import { journalTable } from '../clients/aws/journal/table.ts';
import { deprovisionStarter, stepFunctionsClient } from '../clients/aws/step-functions.ts';
import { deprovisionStateMachineArn, eventBusName, tableName } from '../config.ts';
import type { Watchdog } from '../domain/lifecycle/watchdog.ts';

export const table = journalTable(tableName());
export const stepFunctions = stepFunctionsClient();

export const watchdog: Watchdog = {
  now: () => Date.now(),
  journal: deprovisionJournal(table),
  machine: deprovisionStarter(stepFunctions, deprovisionStateMachineArn()),
  closing: closingJournal(table),
  publish: publisher(eventBridgeClient(), eventBusName()),
};

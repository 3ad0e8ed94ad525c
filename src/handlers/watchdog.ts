/** The watchdog as deployed: journal, state machines and bus. */
import { eventBridgeClient, publisher } from '../clients/aws/events.ts';
import { closeIntegration, deprovisionJournal } from '../clients/aws/journal.ts';
import { deprovisionStarter, stepFunctionsClient } from '../clients/aws/step-functions.ts';
import { journalTable } from '../clients/aws/table.ts';
import { deprovisionStateMachineArn, eventBusName, tableName } from '../config.ts';
import type { Watchdog } from '../domain/watchdog.ts';

export const table = journalTable(tableName());
export const stepFunctions = stepFunctionsClient();

export const watchdog: Watchdog = {
  now: () => Date.now(),
  journal: deprovisionJournal(table),
  machine: deprovisionStarter(stepFunctions, deprovisionStateMachineArn()),
  close: (integrationId, closing) => closeIntegration(table, integrationId, closing),
  publish: publisher(eventBridgeClient(), eventBusName()),
};

/** The watchdog as deployed: journal, state machines and bus. */
import { closingJournal } from '../clients/aws/journal/ends.ts';
import { stepFunctionsClient } from '../clients/aws/step-functions.ts';
import type { Watchdog } from '../domain/lifecycle/watchdog.ts';
import { publish } from './bus.ts';
import { table } from './journal.ts';
import { deployedDeprovision } from './undo.ts';

export const stepFunctions = stepFunctionsClient();

export const watchdog: Watchdog = {
  ...deployedDeprovision(stepFunctions),
  now: () => Date.now(),
  closing: closingJournal(table),
  publish,
};

/** What starts an undo, and stops what is still under way, as deployed. */
import { deprovisionJournal, writeKeepBucket } from '../clients/aws/journal/record.ts';
import {
  deprovisionStarter,
  provisionStopper,
  stepFunctionsClient,
  undoEnded,
} from '../clients/aws/step-functions.ts';
import { deprovisionStateMachineArn } from '../config.ts';
import type { RemovalParts, SayOfBucket, UndoParts } from '../domain/lifecycle/undo.ts';
import { table } from './journal.ts';

// Functions, so that a bundle holds only the calls that its function makes.

export const deployedDeprovision = (stepFunctions = stepFunctionsClient()): UndoParts => ({
  journal: deprovisionJournal(table),
  machine: deprovisionStarter(stepFunctions, deprovisionStateMachineArn()),
});

export function deployedRemoval(): RemovalParts {
  const stepFunctions = stepFunctionsClient();
  return {
    ...deployedDeprovision(stepFunctions),
    stopper: provisionStopper(stepFunctions),
    hasEnded: undoEnded(stepFunctions, deprovisionStateMachineArn()),
  };
}

/** @param keepBucket undefined: the request says nothing of it */
export const sayOfBucket = (keepBucket: boolean | undefined): SayOfBucket | undefined =>
  keepBucket === undefined ? undefined : (recordId) => writeKeepBucket(table, recordId, keepBucket);

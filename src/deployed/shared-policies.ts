/** How the steps reach the policies of an integration that a driver is added to, as deployed. */
import { readAllRecords } from '../clients/aws/journal/records.ts';
import { accessJournal } from '../clients/aws/journal/shared-policies.ts';
import type { Iam } from '../domain/resources/role/iam.ts';
import type { Access } from '../domain/resources/role/shared-policies.ts';
import { desiredStateOf } from './desired-state.ts';
import { table } from './journal.ts';

export const deployedAccess = <Call extends keyof Iam>(iam: Pick<Iam, Call>): Access<Call> => ({
  iam,
  journal: accessJournal(table),
  readRecords: (ids) => readAllRecords(table, ids),
  desiredStateOf,
});

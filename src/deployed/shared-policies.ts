/** How the steps reach the policies of an integration that a driver is added to, as deployed. */
import { accessJournal } from '../clients/aws/journal/shared-policies.ts';
import { sha256 } from '../domain/model/canonical-json.ts';
import type { Access } from '../domain/resources/role/shared-policies.ts';
import { desiredStateOf } from './desired-state.ts';
import { table } from './journal.ts';
export const deployedAccess = <Iam>(iam: Iam): Access<Iam> => ({
  iam,
  journal: accessJournal(table),
  desiredStateOf,
  sha256,
});

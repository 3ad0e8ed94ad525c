/** How the steps reach the policies of an integration that a driver is added to, as deployed. */
import { accessJournal } from '../clients/aws/access.ts';
import { accountSettings } from '../config.ts';
import type { Access } from '../domain/access.ts';
import { planFor } from '../domain/plan.ts';
import { sha256 } from './sha256.ts';
import { table } from './step.ts';

export const deployedAccess = <Iam>(iam: Iam): Access<Iam> => ({
  iam,
  journal: accessJournal(table),
  planOf: (record) => planFor(record.integrationId, record.request, accountSettings()),
  sha256,
});

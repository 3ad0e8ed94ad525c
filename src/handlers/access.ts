/** How the steps reach the policies of an integration that a driver is added to, as deployed. */
import { createHash } from 'node:crypto';
import { accessJournal } from '../clients/aws/access.ts';
import { accountSettings } from '../config.ts';
import type { Access } from '../domain/access.ts';
import { planFor } from '../domain/plan.ts';
import { table } from './step.ts';

export const deployedAccess = <Iam>(iam: Iam): Access<Iam> => ({
  iam,
  journal: accessJournal(table),
  planOf: (record) => planFor(record.integrationId, record.request, accountSettings()),
  sha256: (text) => createHash('sha256').update(text).digest('hex'),
});

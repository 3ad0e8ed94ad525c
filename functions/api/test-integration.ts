import { recordReader } from '../../src/clients/aws/journal/record.ts';
import { journalTable } from '../../src/clients/aws/journal/table.ts';
import { integrationReader } from '../../src/clients/dataloop/client.ts';
import { accountSettings, tableName } from '../../src/config.ts';
import { deployedDataloop } from '../../src/deployed/dataloop.ts';
import { readyRecord, testConnection } from '../../src/domain/healthcheck/integration.ts';
import { planFor } from '../../src/domain/model/desired-state.ts';
import { boundedBy } from '../../src/handlers/bound.ts';
import { deployedCheckReads } from '../../src/handlers/check-reads.ts';
import { apiHandler } from '../../src/runtime/api.ts';

const records = recordReader(journalTable(tableName()));
const dataloop = deployedDataloop();
const reads = { ...deployedCheckReads(dataloop), ...integrationReader(dataloop) };

/** `POST /integrations/{integrationId}/test` */
export const handler = apiHandler(async (request) => {
  const bound = boundedBy(request.remainingMilliseconds());
  const record = await readyRecord(request.path('integrationId'), records);
  const plan = planFor(record.integrationId, record.request, accountSettings());
  return { status: 200, body: await testConnection(record, plan, reads, bound) };
});

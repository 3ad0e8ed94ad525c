import { recordReader } from '../../src/clients/aws/journal/record.ts';
import { journalTable } from '../../src/clients/aws/journal/table.ts';
import { accountSettings, tableName } from '../../src/config.ts';
import { deployedDataloop } from '../../src/deployed/dataloop.ts';
import { readyDriver, testDriverConnection } from '../../src/domain/healthcheck/added-bucket.ts';
import { planFor } from '../../src/domain/model/desired-state.ts';
import { boundedBy } from '../../src/handlers/bound.ts';
import { deployedCheckReads } from '../../src/handlers/check-reads.ts';
import { apiHandler } from '../../src/runtime/api.ts';

const records = recordReader(journalTable(tableName()));
const reads = deployedCheckReads(deployedDataloop());

/** `POST /integrations/{integrationId}/drivers/{driverId}/test` */
export const handler = apiHandler(async (request) => {
  const bound = boundedBy(request.remainingMilliseconds());
  const found = await readyDriver(request.path('integrationId'), request.path('driverId'), records);
  const account = accountSettings();
  const planOf = ({ integrationId, request: asked }: typeof found.driver) =>
    planFor(integrationId, asked, account);
  return { status: 200, body: await testDriverConnection(found, planOf, reads, bound) };
});

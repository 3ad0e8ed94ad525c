import { recordReader } from '../../src/clients/aws/journal/record.ts';
import { accountSettings } from '../../src/config.ts';
import { boundedBy } from '../../src/deadline.ts';
import { deployedDataloop } from '../../src/deployed/dataloop.ts';
import { table } from '../../src/deployed/journal.ts';
import { deployedCheckReads } from '../../src/deployed/reads.ts';
import { readyDriver, testDriverConnection } from '../../src/domain/healthcheck/added-bucket.ts';
import { planFor } from '../../src/domain/model/desired-state.ts';
import { apiHandler } from '../../src/runtime/api.ts';

const records = recordReader(table);
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

import { recordReader } from '../../src/clients/aws/journal/record.ts';
import { boundedBy } from '../../src/deadline.ts';
import { desiredStateOf } from '../../src/deployed/desired-state.ts';
import { table } from '../../src/deployed/journal.ts';
import { deployedCheckReads } from '../../src/deployed/reads.ts';
import { readyRecord, testConnection } from '../../src/domain/healthcheck/integration.ts';
import { apiHandler } from '../../src/runtime/api.ts';

const records = recordReader(table);
const reads = deployedCheckReads();

/** `POST /integrations/{integrationId}/test` */
export const handler = apiHandler(async (request) => {
  const bound = boundedBy(request.remainingMilliseconds());
  const record = await readyRecord(request.path('integrationId'), records);
  const desired = desiredStateOf(record);
  return { status: 200, body: await testConnection(record, desired, reads, bound) };
});

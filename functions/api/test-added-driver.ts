import { recordReader } from '../../src/clients/aws/journal/record.ts';
import { boundedBy } from '../../src/deadline.ts';
import { desiredStateOf } from '../../src/deployed/desired-state.ts';
import { table } from '../../src/deployed/journal.ts';
import { deployedCheckReads } from '../../src/deployed/reads.ts';
import { readyAddedBucket, testAddedBucket } from '../../src/domain/healthcheck/added-bucket.ts';
import { apiHandler } from '../../src/runtime/api.ts';

const records = recordReader(table);
const reads = deployedCheckReads();

/** `POST /integrations/{integrationId}/drivers/{driverId}/test` */
export const handler = apiHandler(async (request) => {
  const bound = boundedBy(request.remainingMilliseconds());
  const found = await readyAddedBucket(request.path('integrationId'), request.path('driverId'), records);
  return { status: 200, body: await testAddedBucket(found, desiredStateOf, reads, bound) };
});

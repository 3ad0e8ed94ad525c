import { boundedBy } from '../../src/deadline.ts';
import { deployedRemovalReads } from '../../src/deployed/reads.ts';
import { deployedRemoval, sayOfBucket } from '../../src/deployed/undo.ts';
import { parseRemovalQuery } from '../../src/domain/api/queries.ts';
import { addedBucketView } from '../../src/domain/api/view.ts';
import { removeAddedBucket } from '../../src/domain/lifecycle/added-buckets.ts';
import { refuseDatasetsOfBucket } from '../../src/domain/resources/dataloop/datasets.ts';
import { refuseForeignDriversOfBucket } from '../../src/domain/resources/dataloop/foreign-drivers.ts';
import { apiHandler } from '../../src/runtime/api.ts';

const removal = deployedRemoval();
const reads = deployedRemovalReads();

/** `DELETE /integrations/{integrationId}/drivers/{driverId}` */
export const handler = apiHandler(async (request) => {
  const bound = boundedBy(request.remainingMilliseconds());
  const { isForced, keepBucket } = parseRemovalQuery(request.query());
  const record = await removeAddedBucket(
    request.path('integrationId'),
    request.path('driverId'),
    removal,
    async (driver, integration) => {
      if (isForced) return;
      await refuseForeignDriversOfBucket(driver, integration, reads, bound);
      await refuseDatasetsOfBucket(driver, reads, bound);
    },
    sayOfBucket(keepBucket),
  );
  const view = addedBucketView(record);
  return { status: 202, body: view, headers: { location: view.links.self } };
});

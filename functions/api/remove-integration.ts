import { boundedBy } from '../../src/deadline.ts';
import { deployedRemovalReads } from '../../src/deployed/reads.ts';
import { deployedRemoval, sayOfBucket } from '../../src/deployed/undo.ts';
import { parseRemovalQuery } from '../../src/domain/api/queries.ts';
import { integrationView } from '../../src/domain/api/view.ts';
import { removeIntegration } from '../../src/domain/lifecycle/undo.ts';
import { refuseDatasetsOfIntegration } from '../../src/domain/resources/dataloop/datasets.ts';
import { refuseForeignDrivers } from '../../src/domain/resources/dataloop/foreign-drivers.ts';
import { apiHandler } from '../../src/runtime/api.ts';

const removal = deployedRemoval();
const reads = deployedRemovalReads();

/** `DELETE /integrations/{integrationId}` */
export const handler = apiHandler(async (request) => {
  const bound = boundedBy(request.remainingMilliseconds());
  const { isForced, keepBucket } = parseRemovalQuery(request.query());
  const record = await removeIntegration(
    request.path('integrationId'),
    removal,
    async (standing) => {
      if (isForced) return;
      await refuseForeignDrivers(standing, reads, bound);
      await refuseDatasetsOfIntegration(standing, reads, bound);
    },
    sayOfBucket(keepBucket),
  );
  const view = integrationView(record);
  return { status: 202, body: view, headers: { location: view.links.self } };
});

import { journalTable } from '../../src/clients/aws/journal/table.ts';
import { tableName } from '../../src/config.ts';
import { deployedRemoval } from '../../src/deployed/undo.ts';
import { driverView } from '../../src/domain/api/view.ts';
import { removeDriver } from '../../src/domain/lifecycle/added-buckets.ts';
import { isForced } from '../../src/domain/removal-query.ts';
import { refuseForeignDriversOfBucket } from '../../src/domain/resources/dataloop/foreign-drivers.ts';
import { boundedBy } from '../../src/handlers/bound.ts';
import { deployedForeignDriverReads } from '../../src/handlers/foreign-drivers.ts';
import { apiHandler } from '../../src/runtime/api.ts';

const table = journalTable(tableName());
const removal = deployedRemoval(table);
const reads = deployedForeignDriverReads(table);

/** `DELETE /integrations/{integrationId}/drivers/{driverId}` */
export const handler = apiHandler(async (request) => {
  const bound = boundedBy(request.remainingMilliseconds());
  const forced = isForced(request.query());
  const record = await removeDriver(
    request.path('integrationId'),
    request.path('driverId'),
    removal,
    async (driver, integration) => {
      if (!forced) await refuseForeignDriversOfBucket(driver, integration, reads, bound);
    },
  );
  const view = driverView(record);
  return { status: 202, body: view, headers: { location: view.links.self } };
});

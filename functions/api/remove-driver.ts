import { journalTable } from '../../src/clients/aws/table.ts';
import { tableName } from '../../src/config.ts';
import { removeDriver } from '../../src/domain/added-drivers.ts';
import { refuseForeignDriversOfBucket } from '../../src/domain/foreign-drivers.ts';
import { isForced } from '../../src/domain/removal-query.ts';
import { driverView } from '../../src/domain/view.ts';
import { apiHandler } from '../../src/handlers/api.ts';
import { boundedBy } from '../../src/handlers/bound.ts';
import { deployedForeignDriverReads } from '../../src/handlers/foreign-drivers.ts';
import { deployedRemoval } from '../../src/handlers/removal.ts';

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

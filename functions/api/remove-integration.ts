import { journalTable } from '../../src/clients/aws/table.ts';
import { tableName } from '../../src/config.ts';
import { refuseForeignDrivers } from '../../src/domain/foreign-drivers.ts';
import { removeIntegration } from '../../src/domain/lifecycle.ts';
import { isForced } from '../../src/domain/removal-query.ts';
import { integrationView } from '../../src/domain/view.ts';
import { apiHandler } from '../../src/handlers/api.ts';
import { boundedBy } from '../../src/handlers/bound.ts';
import { deployedForeignDriverReads } from '../../src/handlers/foreign-drivers.ts';
import { deployedRemoval } from '../../src/handlers/removal.ts';

const table = journalTable(tableName());
const removal = deployedRemoval(table);
const reads = deployedForeignDriverReads(table);

/** `DELETE /integrations/{integrationId}` */
export const handler = apiHandler(async (request) => {
  const bound = boundedBy(request.remainingMilliseconds());
  const forced = isForced(request.query());
  const record = await removeIntegration(request.path('integrationId'), removal, async (standing) => {
    if (!forced) await refuseForeignDrivers(standing, reads, bound);
  });
  const view = integrationView(record);
  return { status: 202, body: view, headers: { location: view.links.self } };
});

import { journalTable } from '../../src/clients/aws/journal/table.ts';
import { tableName } from '../../src/config.ts';
import { deployedRemoval } from '../../src/deployed/undo.ts';
import { integrationView } from '../../src/domain/api/view.ts';
import { removeIntegration } from '../../src/domain/lifecycle/undo.ts';
import { isForced } from '../../src/domain/removal-query.ts';
import { refuseForeignDrivers } from '../../src/domain/resources/dataloop/foreign-drivers.ts';
import { boundedBy } from '../../src/handlers/bound.ts';
import { deployedForeignDriverReads } from '../../src/handlers/foreign-drivers.ts';
import { apiHandler } from '../../src/runtime/api.ts';

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

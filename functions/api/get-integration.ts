import { recordReader } from '../../src/clients/aws/journal.ts';
import { journalTable } from '../../src/clients/aws/table.ts';
import { accountSettings, tableName } from '../../src/config.ts';
import { asIntegration } from '../../src/domain/lifecycle.ts';
import { operatorAction } from '../../src/domain/operator.ts';
import { planFor } from '../../src/domain/plan.ts';
import { integrationView } from '../../src/domain/view.ts';
import { apiHandler } from '../../src/handlers/api.ts';

const account = accountSettings();
const records = recordReader(journalTable(tableName()));

/** `GET /integrations/{integrationId}` */
export const handler = apiHandler(async (request) => {
  const integrationId = request.path('integrationId');
  const record = asIntegration(await records.read(integrationId), integrationId);
  const action = operatorAction(record, planFor(record.integrationId, record.request, account));
  return { status: 200, body: { ...integrationView(record), ...(action ? { action } : {}) } };
});

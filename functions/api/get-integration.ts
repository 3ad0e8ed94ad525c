import { recordReader } from '../../src/clients/aws/journal/record.ts';
import { journalTable } from '../../src/clients/aws/journal/table.ts';
import { accountSettings, tableName } from '../../src/config.ts';
import { integrationView } from '../../src/domain/api/view.ts';
import { asIntegration } from '../../src/domain/lifecycle/undo.ts';
import { planFor } from '../../src/domain/model/desired-state.ts';
import { operatorAction } from '../../src/domain/waiting/operator.ts';
import { apiHandler } from '../../src/runtime/api.ts';

const account = accountSettings();
const records = recordReader(journalTable(tableName()));

/** `GET /integrations/{integrationId}` */
export const handler = apiHandler(async (request) => {
  const integrationId = request.path('integrationId');
  const record = asIntegration(await records.read(integrationId), integrationId);
  const action = operatorAction(record, planFor(record.integrationId, record.request, account));
  return { status: 200, body: { ...integrationView(record), ...(action ? { action } : {}) } };
});

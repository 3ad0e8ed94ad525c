import { recordReader } from '../../src/clients/aws/journal/record.ts';
import { iamUserTimeoutSeconds } from '../../src/config.ts';
import { desiredStateOf } from '../../src/deployed/desired-state.ts';
import { table } from '../../src/deployed/journal.ts';
import { integrationView } from '../../src/domain/api/view.ts';
import { asIntegration } from '../../src/domain/model/lookup.ts';
import { operatorAction } from '../../src/domain/waiting/operator.ts';
import { apiHandler } from '../../src/runtime/api.ts';

const records = recordReader(table);
const timeoutSeconds = iamUserTimeoutSeconds();

/** `GET /integrations/{integrationId}` */
export const handler = apiHandler(async (request) => {
  const integrationId = request.path('integrationId');
  const record = asIntegration(await records.read(integrationId), integrationId);
  const action = operatorAction(record, desiredStateOf(record), timeoutSeconds);
  return { status: 200, body: { ...integrationView(record), ...(action ? { action } : {}) } };
});

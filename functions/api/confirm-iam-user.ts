import { operatorJournal } from '../../src/clients/aws/journal/operator.ts';
import { accountSettings, dataloopSettings, iamUserTimeoutSeconds } from '../../src/config.ts';
import { announceIamUser } from '../../src/deployed/bus.ts';
import { desiredStateOf } from '../../src/deployed/desired-state.ts';
import { table } from '../../src/deployed/journal.ts';
import { integrationView } from '../../src/domain/api/view.ts';
import { confirmIamUser, operatorAction } from '../../src/domain/waiting/operator.ts';
import { apiHandler } from '../../src/runtime/api.ts';

const account = accountSettings();
const parts = {
  journal: operatorJournal(table),
  announceIamUser,
  partition: account.partition,
  dataloopAccountId: dataloopSettings().accountId,
};
const timeoutSeconds = iamUserTimeoutSeconds();

/** `POST /integrations/{integrationId}/iam-user` */
export const handler = apiHandler(async (request) => {
  const integrationId = request.path('integrationId');
  const record = await confirmIamUser(integrationId, request.json(), request.caller(), parts);
  const action = operatorAction(record, desiredStateOf(record), timeoutSeconds);
  const view = { ...integrationView(record), ...(action ? { action } : {}) };
  return { status: 202, body: view, headers: { location: view.links.self } };
});

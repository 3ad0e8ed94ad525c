import { eventBridgeClient, publisher } from '../../src/clients/aws/events.ts';
import { operatorJournal } from '../../src/clients/aws/operator.ts';
import { journalTable } from '../../src/clients/aws/table.ts';
import { accountSettings, dataloopSettings, eventBusName, tableName } from '../../src/config.ts';
import type { IamUserIssued } from '../../src/domain/integration.ts';
import { confirmIamUser, operatorAction } from '../../src/domain/operator.ts';
import { planFor } from '../../src/domain/plan.ts';
import { integrationView } from '../../src/domain/view.ts';
import { apiHandler } from '../../src/handlers/api.ts';

const publish = publisher(eventBridgeClient(), eventBusName());
const account = accountSettings();
const parts = {
  journal: operatorJournal(journalTable(tableName())),
  announceIamUser: (issued: IamUserIssued) =>
    publish('Dataloop IAM User Issued', { version: '1', ...issued }),
  partition: account.partition,
  dataloopAccountId: dataloopSettings().accountId,
};

/** `POST /integrations/{integrationId}/iam-user` */
export const handler = apiHandler(async (request) => {
  const integrationId = request.path('integrationId');
  const record = await confirmIamUser(integrationId, request.json(), request.caller(), parts);
  const action = operatorAction(record, planFor(integrationId, record.request, account));
  const view = { ...integrationView(record), ...(action ? { action } : {}) };
  return { status: 202, body: view, headers: { location: view.links.self } };
});

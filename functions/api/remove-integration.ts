import { deprovisionJournal } from '../../src/clients/aws/journal.ts';
import {
  deprovisionStarter,
  provisionStopper,
  stepFunctionsClient,
} from '../../src/clients/aws/step-functions.ts';
import { journalTable } from '../../src/clients/aws/table.ts';
import { deprovisionStateMachineArn, tableName } from '../../src/config.ts';
import { removeIntegration } from '../../src/domain/lifecycle.ts';
import { integrationView } from '../../src/domain/view.ts';
import { apiHandler } from '../../src/handlers/api.ts';

const stepFunctions = stepFunctionsClient();
const parts = {
  journal: deprovisionJournal(journalTable(tableName())),
  machine: deprovisionStarter(stepFunctions, deprovisionStateMachineArn()),
  stopper: provisionStopper(stepFunctions),
};

/** `DELETE /integrations/{integrationId}` */
export const handler = apiHandler(async (request) => {
  const record = await removeIntegration(request.path('integrationId'), parts);
  const view = integrationView(record);
  return { status: 202, body: view, headers: { location: view.links.self } };
});

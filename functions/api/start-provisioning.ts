import { ulid } from 'ulid';
import { recordReader } from '../../src/clients/aws/journal/record.ts';
import { registrar } from '../../src/clients/aws/journal/registration.ts';
import { journalTable } from '../../src/clients/aws/journal/table.ts';
import {
  executionArnOf,
  provisionStarter,
  stepFunctionsClient,
} from '../../src/clients/aws/step-functions.ts';
import { accountSettings, dataloopSettings, provisionStateMachineArn, tableName } from '../../src/config.ts';
import { firstView, integrationView } from '../../src/domain/api/view.ts';
import { newRegistration } from '../../src/domain/lifecycle/start.ts';
import { startProvisioning } from '../../src/domain/lifecycle/undo.ts';
import { parseRequest } from '../../src/domain/model/request.ts';
import { sha256 } from '../../src/handlers/sha256.ts';
import { apiHandler } from '../../src/runtime/api.ts';

const table = journalTable(tableName());
const stateMachineArn = provisionStateMachineArn();
const store = { ...registrar(table), ...recordReader(table) };
const machine = provisionStarter(stepFunctionsClient(), stateMachineArn);

/** `POST /integrations` */
export const handler = apiHandler(async (request) => {
  const parsed = parseRequest(request.json(), {
    ...accountSettings(),
    organizationId: dataloopSettings().organizationId,
  });
  const integrationId = `int_${ulid()}`;
  const wanted = newRegistration(parsed, request.header('idempotency-key'), {
    integrationId,
    executionArn: executionArnOf(stateMachineArn, integrationId),
    now: new Date(),
    sha256,
  });
  const { record, repeated } = await startProvisioning(wanted, store, machine);
  const view = repeated ? firstView(record) : integrationView(record);
  return { status: 202, body: view, headers: { location: view.links.self } };
});

import { ulid } from 'ulid';
import { driverRegistrar } from '../../src/clients/aws/driver-registrar.ts';
import { recordReader } from '../../src/clients/aws/journal.ts';
import {
  executionArnOf,
  provisionStarter,
  stepFunctionsClient,
} from '../../src/clients/aws/step-functions.ts';
import { journalTable } from '../../src/clients/aws/table.ts';
import { accountSettings, addDriverStateMachineArn, tableName } from '../../src/config.ts';
import { addDriver, parseDriverRequest } from '../../src/domain/added-drivers.ts';
import { asIntegration } from '../../src/domain/lifecycle.ts';
import { planFor } from '../../src/domain/plan.ts';
import { newRegistration } from '../../src/domain/registration.ts';
import { asFirstWritten, driverView } from '../../src/domain/view.ts';
import { apiHandler } from '../../src/handlers/api.ts';
import { sha256 } from '../../src/handlers/sha256.ts';

const table = journalTable(tableName());
const account = accountSettings();
const stateMachineArn = addDriverStateMachineArn();
const store = { ...driverRegistrar(table), ...recordReader(table) };
const machine = provisionStarter(stepFunctionsClient(), stateMachineArn);

/** `POST /integrations/{integrationId}/drivers` */
export const handler = apiHandler(async (request) => {
  const asked = parseDriverRequest(request.json(), account);
  const integrationId = request.path('integrationId');
  const integration = asIntegration(await store.read(integrationId), integrationId);
  const driverId = `drv_${ulid()}`;
  const { record, repeated } = await addDriver(asked, integration, {
    store,
    machine,
    planOf: (found) => planFor(found.integrationId, found.request, account),
    policyNamePattern: account.policyNamePattern,
    newRecord: (wanted, parent) =>
      newRegistration(wanted, request.header('idempotency-key'), {
        integrationId: driverId,
        executionArn: executionArnOf(stateMachineArn, driverId),
        now: new Date(),
        sha256,
        parent,
      }),
  });
  const view = driverView(repeated ? asFirstWritten(record) : record);
  return { status: 202, body: view, headers: { location: view.links.self } };
});

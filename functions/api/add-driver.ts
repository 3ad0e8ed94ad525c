import { ulid } from 'ulid';
import { driverRegistrar } from '../../src/clients/aws/driver-registrar.ts';
import { recordReader } from '../../src/clients/aws/journal/record.ts';
import { journalTable } from '../../src/clients/aws/journal/table.ts';
import {
  executionArnOf,
  provisionStarter,
  stepFunctionsClient,
} from '../../src/clients/aws/step-functions.ts';
import { accountSettings, addDriverStateMachineArn, tableName } from '../../src/config.ts';
import { asFirstWritten, driverView } from '../../src/domain/api/view.ts';
import { addDriver, parseDriverRequest } from '../../src/domain/lifecycle/added-buckets.ts';
import { newRegistration } from '../../src/domain/lifecycle/start.ts';
import { asIntegration } from '../../src/domain/lifecycle/undo.ts';
import { planFor } from '../../src/domain/model/desired-state.ts';
import { sha256 } from '../../src/handlers/sha256.ts';
import { apiHandler } from '../../src/runtime/api.ts';

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

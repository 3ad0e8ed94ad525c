import { ulid } from 'ulid';
import { recordReader } from '../../src/clients/aws/journal/record.ts';
import { registrar } from '../../src/clients/aws/journal/registration.ts';
import {
  executionArnOf,
  provisionStarter,
  stepFunctionsClient,
} from '../../src/clients/aws/step-functions.ts';
import { accountSettings, dataloopSettings, provisionStateMachineArn } from '../../src/config.ts';
import { table } from '../../src/deployed/journal.ts';
import { firstView, integrationView } from '../../src/domain/api/view.ts';
import { newRegistration, startProvisioning } from '../../src/domain/lifecycle/start.ts';
import { parseRequest } from '../../src/domain/model/allowed.ts';
import { sha256 } from '../../src/domain/model/canonical-json.ts';
import { apiHandler } from '../../src/runtime/api.ts';

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
    recordId: integrationId,
    executionArn: executionArnOf(stateMachineArn, integrationId),
    now: new Date(),
    sha256,
  });
  const { record, repeated } = await startProvisioning(wanted, store, machine);
  const view = repeated ? firstView(record) : integrationView(record);
  return { status: 202, body: view, headers: { location: view.links.self } };
});

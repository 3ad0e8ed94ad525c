import { registrar } from '../../src/clients/aws/journal/registration.ts';
import {
  accountSettings,
  dataloopSettings,
  openPerCaller,
  provisionStateMachineArn,
} from '../../src/config.ts';
import { table } from '../../src/deployed/journal.ts';
import { deployedStart } from '../../src/deployed/start.ts';
import { integrationView } from '../../src/domain/api/view.ts';
import { startProvisioning } from '../../src/domain/lifecycle/start.ts';
import { parseRequest } from '../../src/domain/model/allowed.ts';
import { sha256 } from '../../src/domain/model/canonical-json.ts';
import { apiHandler } from '../../src/runtime/api.ts';

const { store, machine, newRecord } = deployedStart('int', provisionStateMachineArn(), registrar(table));
const { organizationId } = dataloopSettings();
const count = openPerCaller();

/** `POST /integrations` */
export const handler = apiHandler(async (request) => {
  const parsed = parseRequest(request.json(), { ...accountSettings(), organizationId });
  const wanted = newRecord(parsed, request.caller(), request.idempotencyKey());
  const record = await startProvisioning(wanted, store, machine, {
    caller: sha256(request.owner()),
    count,
  });
  const view = integrationView(record);
  return { status: 202, body: view, headers: { location: view.links.self } };
});

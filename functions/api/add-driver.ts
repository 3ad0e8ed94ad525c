import { addedBucketRegistrar } from '../../src/clients/aws/journal/registration.ts';
import { accountSettings, addDriverStateMachineArn } from '../../src/config.ts';
import { desiredStateOf } from '../../src/deployed/desired-state.ts';
import { table } from '../../src/deployed/journal.ts';
import { deployedStart } from '../../src/deployed/start.ts';
import { addedBucketView } from '../../src/domain/api/view.ts';
import { addBucket, parseAddedBucketRequest } from '../../src/domain/lifecycle/added-buckets.ts';
import { asIntegration } from '../../src/domain/model/lookup.ts';
import { apiHandler } from '../../src/runtime/api.ts';

const account = accountSettings();
const start = deployedStart('drv', addDriverStateMachineArn(), addedBucketRegistrar(table));
const parts = { ...start, desiredStateOf, policyNamePattern: account.policyNamePattern };

/** `POST /integrations/{integrationId}/drivers` */
export const handler = apiHandler(async (request) => {
  const asked = parseAddedBucketRequest(request.json(), account);
  const integrationId = request.path('integrationId');
  const integration = asIntegration(await start.store.read(integrationId), integrationId);
  const record = await addBucket(asked, integration, {
    ...parts,
    newRecord: (wanted, parent) =>
      start.newRecord(wanted, request.caller(), request.idempotencyKey(), parent),
  });
  const view = addedBucketView(record);
  return { status: 202, body: view, headers: { location: view.links.self } };
});

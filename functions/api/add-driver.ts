import { ulid } from 'ulid';
import { recordReader } from '../../src/clients/aws/journal/record.ts';
import { driverRegistrar } from '../../src/clients/aws/journal/registration.ts';
import {
  executionArnOf,
  provisionStarter,
  stepFunctionsClient,
} from '../../src/clients/aws/step-functions.ts';
import { accountSettings, addDriverStateMachineArn } from '../../src/config.ts';
import { desiredStateOf } from '../../src/deployed/desired-state.ts';
import { table } from '../../src/deployed/journal.ts';
import { addedBucketView, asFirstWritten } from '../../src/domain/api/view.ts';
import { addBucket, parseAddedBucketRequest } from '../../src/domain/lifecycle/added-buckets.ts';
import { newRegistration } from '../../src/domain/lifecycle/start.ts';
import { sha256 } from '../../src/domain/model/canonical-json.ts';
import { asIntegration } from '../../src/domain/model/lookup.ts';
import { apiHandler } from '../../src/runtime/api.ts';

const account = accountSettings();
const stateMachineArn = addDriverStateMachineArn();
const store = { ...driverRegistrar(table), ...recordReader(table) };
const machine = provisionStarter(stepFunctionsClient(), stateMachineArn);

/** `POST /integrations/{integrationId}/drivers` */
export const handler = apiHandler(async (request) => {
  const asked = parseAddedBucketRequest(request.json(), account);
  const integrationId = request.path('integrationId');
  const integration = asIntegration(await store.read(integrationId), integrationId);
  const addedBucketId = `drv_${ulid()}`;
  const { record, repeated } = await addBucket(asked, integration, {
    store,
    machine,
    desiredStateOf,
    policyNamePattern: account.policyNamePattern,
    newRecord: (wanted, parent) =>
      newRegistration(wanted, request.header('idempotency-key'), {
        recordId: addedBucketId,
        executionArn: executionArnOf(stateMachineArn, addedBucketId),
        now: new Date(),
        sha256,
        parent,
      }),
  });
  const view = addedBucketView(repeated ? asFirstWritten(record) : record);
  return { status: 202, body: view, headers: { location: view.links.self } };
});

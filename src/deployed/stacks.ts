/** What makes and removes the resources of stacks, as deployed. */
import { addedBucketRegistrar, registrar } from '../clients/aws/journal/registration.ts';
import {
  accountSettings,
  addDriverStateMachineArn,
  dataloopSettings,
  openPerCaller,
  provisionStateMachineArn,
} from '../config.ts';
import type { Bound } from '../deadline.ts';
import type { StackRequest } from '../domain/api/stack.ts';
import { addBucket, parseAddedBucketRequest, removeAddedBucket } from '../domain/lifecycle/added-buckets.ts';
import type { StackParts } from '../domain/lifecycle/stack-resource.ts';
import { type Register, startProvisioning } from '../domain/lifecycle/start.ts';
import { removeIntegration } from '../domain/lifecycle/undo.ts';
import { parseRequest } from '../domain/model/allowed.ts';
import { sha256 } from '../domain/model/canonical-json.ts';
import { asIntegration } from '../domain/model/lookup.ts';
import type { JournalRecord } from '../domain/model/record.ts';
import { driverRequestSchema, invalidFields, requestSchema } from '../domain/model/request.ts';
import { accountOf, bodyOfProperties, keepsBucket } from '../domain/model/stack-resource.ts';
import {
  refuseDatasetsOfBucket,
  refuseDatasetsOfIntegration,
} from '../domain/resources/dataloop/datasets.ts';
import {
  refuseForeignDrivers,
  refuseForeignDriversOfBucket,
} from '../domain/resources/dataloop/foreign-drivers.ts';
import { desiredStateOf } from './desired-state.ts';
import { table } from './journal.ts';
import { deployedRemovalReads } from './reads.ts';
import { deployedStart } from './start.ts';
import { deployedRemoval, sayOfBucket } from './undo.ts';

/** CloudFormation may send a request again, and that one begins nothing new. */
const keyOf = ({ id, stack }: StackRequest) => ({
  key: id,
  owner: `stack ${stack.stackId} ${stack.logicalResourceId}`,
});

/** The same store, which notes the record's id before it registers anything. */
const noting = <Store extends Register>(store: Store, note: (recordId: string) => Promise<void>): Store => ({
  ...store,
  register: async (registration) => {
    await note(registration.record.id);
    return store.register(registration);
  },
});

export function deployedStackMaker(): StackParts['make'] {
  const account = accountSettings();
  const { organizationId } = dataloopSettings();
  const count = openPerCaller();
  const integrations = deployedStart('int', provisionStateMachineArn(), registrar(table));
  const buckets = deployedStart('drv', addDriverStateMachineArn(), addedBucketRegistrar(table));
  return {
    integration: async (request, note) => {
      // Said now, not when the stack is deleted.
      keepsBucket(request.properties);
      const { stackId } = request.stack;
      const body = bodyOfProperties(request.properties, requestSchema);
      const asked = parseRequest(body, { ...account, organizationId });
      const wanted = integrations.newRecord(asked, stackId, keyOf(request), undefined, request.stack);
      const store = noting(integrations.store, note);
      // Who deploys a stack, nobody says: all stacks of an account are one caller.
      const caller = sha256(`stacks of ${accountOf(request.stack)}`);
      return startProvisioning(wanted, store, integrations.machine, { caller, count });
    },
    addedBucket: async (request, note) => {
      keepsBucket(request.properties);
      const { integrationId, ...properties } = request.properties;
      if (typeof integrationId !== 'string') {
        throw invalidFields([{ pointer: '/integrationId', detail: 'This field is required.' }]);
      }
      const asked = parseAddedBucketRequest(bodyOfProperties(properties, driverRequestSchema), account);
      const integration = asIntegration(await buckets.store.read(integrationId), integrationId);
      return addBucket(asked, integration, {
        store: noting(buckets.store, note),
        machine: buckets.machine,
        desiredStateOf,
        policyNamePattern: account.policyNamePattern,
        newRecord: (wanted, parent) =>
          buckets.newRecord(wanted, request.stack.stackId, keyOf(request), parent, request.stack),
      });
    },
  };
}

/** As `DELETE` of the API without `force`. What the template says of the bucket holds, as the latest word of its owner. */
export function deployedStackRemoval() {
  const removal = deployedRemoval();
  const reads = deployedRemovalReads();
  return (record: JournalRecord, { properties }: StackRequest, bound: Bound): Promise<JournalRecord> => {
    const say = sayOfBucket(keepsBucket(properties));
    return record.parent
      ? removeAddedBucket(
          record.parent.integrationId,
          record.id,
          removal,
          async (driver, integration) => {
            await refuseForeignDriversOfBucket(driver, integration, reads, bound);
            await refuseDatasetsOfBucket(driver, reads, bound);
          },
          say,
        )
      : removeIntegration(
          record.id,
          removal,
          async (standing) => {
            await refuseForeignDrivers(standing, reads, bound);
            await refuseDatasetsOfIntegration(standing, reads, bound);
          },
          say,
        );
  };
}

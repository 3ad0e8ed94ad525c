/** Each attribute of a record, and who may write it: everybody else with a stolen session is refused. */
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { attributeOf, policyKeys } from '../../src/domain/model/resource-keys.ts';
import { stepNames } from '../../src/domain/model/steps.ts';
import { storedAttributes } from '../../src/domain/model/stored-record.ts';
import { deployment } from '../integration/deployment.ts';
import type { SimulatedCall } from './simulator.ts';
import { readyIntegrationId } from './targets.ts';
import { arnOf } from './template.ts';

const everyStep = stepNames.map((name) => `${name}Role`);
const watchdog = ['ExecutionEndedRole', 'SweepRole'];
const beginsUndo = [
  'RemoveIntegrationRole',
  'RemoveDriverRole',
  'RemoveDriversRole',
  'RollBackRole',
  'CustomResourceRole',
  ...watchdog,
];
const tellsStatus = [...everyStep, ...beginsUndo, 'ConfirmIamUserRole', 'AddDriverRole'];
const policies = ['GrantAccessRole', 'RevokeAccessRole', 'DeletePolicyRole'];

/** By logical ids of roles. What only the registration writes, with a put of the whole, nobody rewrites. */
const writersOf: Readonly<Record<string, readonly string[]>> = {
  integrationId: [],
  name: [],
  createdAt: [],
  request: [],
  requestHash: [],
  requestedBy: [],
  parent: [],
  stack: [],
  executionArn: [],
  expiresAt: [],
  layout: [],
  // Of an earlier version; in a record that has a layout it counts for nothing.
  resources: beginsUndo,
  // Whoever uses it up can no more than fill the record.
  reserve: beginsUndo,
  operator: ['ConfirmIamUserRole'],
  keepBucket: ['RemoveIntegrationRole', 'RemoveDriverRole', 'CustomResourceRole'],
  dataloop: ['PreflightRole'],
  drivers: [
    'AddDriverRole',
    'CustomResourceRole',
    'GrantAccessRole',
    'RevokeAccessRole',
    'ConcludeRole',
    ...watchdog,
  ],
  accessLock: ['GrantAccessRole', 'RevokeAccessRole'],
  status: tellsStatus,
  steps: [...everyStep, ...beginsUndo, 'ResumeProvisioningRole', 'ConfirmIamUserRole'],
  openCalls: [...everyStep, ...beginsUndo],
  updatedAt: [...tellsStatus, 'ResumeProvisioningRole'],
  error: beginsUndo,
  deprovision: [...beginsUndo, 'ConcludeRole'],
  leftovers: [...beginsUndo, 'ConcludeRole'],
  resource_bucket: ['CreateBucketRole', 'DeleteBucketRole'],
  ...Object.fromEntries(policyKeys.map((key) => [attributeOf(key), policies])),
  resource_policy: ['CreatePolicyRole', ...policies],
  resource_access: ['GrantAccessRole', 'RevokeAccessRole'],
  resource_role: ['CreateRoleRole', 'DeleteRoleRole'],
  resource_dataloopIntegration: ['RequestIamUserRole', 'CompleteIntegrationRole', 'DeleteIntegrationRole'],
  resource_driver: ['CreateDriverRole', 'DeleteDriverRole'],
  resource_dataset: ['CreateDatasetRole', 'SyncDatasetRole', 'DeleteDatasetRole'],
};

interface Rewrite {
  readonly attribute: string;
  readonly writers: readonly string[];
  readonly call: SimulatedCall;
  readonly command: UpdateItemCommand;
}

export function rewrites(): Rewrite[] {
  const pk = `integration#${readyIntegrationId()}`;
  return storedAttributes.map((attribute) => {
    const writers = writersOf[attribute];
    if (!writers) throw new Error(`Who may write the attribute ${attribute}?`);
    return {
      attribute,
      writers,
      call: {
        action: 'dynamodb:UpdateItem',
        resource: arnOf('Table'),
        context: { 'dynamodb:LeadingKeys': [pk], 'dynamodb:Attributes': ['pk', attribute] },
      },
      command: new UpdateItemCommand({
        TableName: deployment.outputs.TableName,
        Key: { pk: { S: pk } },
        UpdateExpression: 'SET #attribute = :forged',
        ExpressionAttributeNames: { '#attribute': attribute },
        ExpressionAttributeValues: { ':forged': { S: 'forged' } },
      }),
    };
  });
}

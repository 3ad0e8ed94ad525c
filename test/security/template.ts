/** The packaged template with every reference resolved as CloudFormation did: what is evaluated is what is deployed. */
import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { client, deployment, params } from '../integration/deployment.ts';
import { template } from '../integration/packaged-template.ts';
import { resolved } from './resolve.ts';

const { StackResources = [] } = await new CloudFormationClient(client).send(
  new DescribeStackResourcesCommand({ StackName: `dataloop-cross-account-${deployment.stage}` }),
);
const physicalIds = new Map(
  StackResources.map(({ LogicalResourceId = '', PhysicalResourceId = '' }) => [
    LogicalResourceId,
    PhysicalResourceId,
  ]),
);

/** @throws Error for a resource that the stack does not have */
export function physicalId(logicalId: string): string {
  const id = physicalIds.get(logicalId);
  if (!id) throw new Error(`The stack has no resource ${logicalId}.`);
  return id;
}

export const { arnOf, roleOf, boundary, roleIds } = resolved(template, physicalId);

/** The bucket with the code of the functions: the stack's own, or one that the parameters name. */
export const codeBucket = (): string =>
  String(params['deploymentBucketName'] ?? physicalId('ServerlessDeploymentBucket'));

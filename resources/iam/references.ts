/** The resources that statements are about, as CloudFormation resolves them when the stack is deployed. */

/** @param name of CloudFormation (`AWS::…`) or of the framework (`self:…`) */
const reference = (name: string) => `\${${name}}`;
const parameter = (name: string) => reference(`self:custom.parameters.${name}`);
const sub = (text: string) => ({ 'Fn::Sub': text });

const partition = reference('AWS::Partition');
const region = reference('AWS::Region');
const accountId = reference('AWS::AccountId');
/** Every resource of the stack that has a name is called so, with an ending of its own. */
const stackName = reference('self:custom.name');
/** Roles and policies that the service creates lie under this path. */
const iamPath = reference('self:custom.iamPath');

const regional = (service: string, resource: string) =>
  sub(`arn:${partition}:${service}:${region}:${accountId}:${resource}`);
const iam = (resource: string) => sub(`arn:${partition}:iam::${accountId}:${resource}`);

export const table = { 'Fn::GetAtt': ['Table', 'Arn'] };
export const statusIndex = sub(`${reference('Table.Arn')}/index/byStatus`);
export const eventBus = { 'Fn::GetAtt': ['EventBus', 'Arn'] };
export const pollQueue = { 'Fn::GetAtt': ['PollQueue', 'Arn'] };
export const deadLetterQueue = { 'Fn::GetAtt': ['DeadLetterQueue', 'Arn'] };
/** Secrets Manager ends every ARN with six characters of its own. */
export const dataloopSecret = regional('secretsmanager', `secret:${parameter('dataloopSecretName')}-??????`);
/** @param functionName as in serverless.yml */
export const logGroupOf = (functionName: string) =>
  regional('logs', `log-group:/aws/lambda/${stackName}-${functionName}:*`);

export const stateMachine = (machine: 'provision' | 'addDriver' | 'deprovision') =>
  regional('states', `stateMachine:${stackName}-${machine}`);
export const executionsOf = (machine: 'provision' | 'addDriver' | 'deprovision' | '*') =>
  regional('states', `execution:${stackName}-${machine}:*`);

export const buckets = sub(`arn:${partition}:s3:::${parameter('bucketNamePattern')}`);
export const adoptableBuckets = parameter('adoptableBucketArns.list');
const deploymentBucketArn = `arn:${partition}:s3:::${parameter('deploymentBucket')}`;
/** The bucket with the code of the functions, and what is in it. */
export const deploymentBucket = [sub(deploymentBucketArn), sub(`${deploymentBucketArn}/*`)];
/** Regions in which buckets are created. */
export const regions = parameter('regions.list');
export const kmsKeys = parameter('kmsKeyArns.list');
/** Keys of the customer's own for what the service itself stores. */
export const dataKeys = parameter('dataKeys');
export const secretKeys = parameter('secretKeys');
/** A service of AWS in this region, as KMS knows who uses a key: with whatever suffix KMS writes in this partition. */
export const viaService = (service: string) => sub(`${service}.${region}.*`);
/** All functions of the stack. */
export const functions = regional('lambda', `function:${stackName}-*`);

export const roles = iam(`role${iamPath}${parameter('roleNamePattern')}`);
export const rolesUnderAnyPath = iam('role/*');
export const adoptableRoles = parameter('adoptableRoleArns.list');
export const policies = iam(`policy${iamPath}${parameter('policyNamePattern')}`);
export const policiesWithoutPath = iam(`policy/${parameter('policyNamePattern')}`);
/** Keys of the tags that a created role has. resources/govern.cjs adds their values. */
export const roleTagKeys = parameter('roleTagKeys');
export const permissionsBoundary = { Ref: 'PermissionsBoundary' };
export const noAccessBoundary = { Ref: 'NoAccessBoundary' };

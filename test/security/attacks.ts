/**
 * What a thief of one of the stack's sessions would try. Each attempt says the call as IAM sees it, for the
 * simulator, and makes it, for the emulator.
 */
import { GetLogEventsCommand, PutLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  DeleteItemCommand,
  DeleteTableCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  AttachRolePolicyCommand,
  CreateAccessKeyCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeletePolicyCommand,
  DeletePolicyVersionCommand,
  DeleteRoleCommand,
  DeleteRolePermissionsBoundaryCommand,
  DetachRolePolicyCommand,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
  SetDefaultPolicyVersionCommand,
  TagPolicyCommand,
  TagRoleCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { DecryptCommand } from '@aws-sdk/client-kms';
import { InvokeCommand, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketPolicyCommand,
  DeleteBucketTaggingCommand,
  DeleteObjectCommand,
  DeletePublicAccessBlockCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketAclCommand,
  PutBucketCorsCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import {
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  StartExecutionCommand,
  StopExecutionCommand,
  UpdateStateMachineCommand,
} from '@aws-sdk/client-sfn';
import { PurgeQueueCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { AssumeRoleCommand } from '@aws-sdk/client-sts';
import { ownerTag } from '../../src/domain/model/desired-state.ts';
import { theirBoundary } from '../adoptable.ts';
import { client, deployment, params } from '../integration/deployment.ts';
import { accountId } from './resolve.ts';
import type { Session } from './sessions.ts';
import type { SimulatedCall } from './simulator.ts';
import {
  adoptable,
  everything,
  foreign,
  fresh,
  near,
  ours,
  path,
  readyIntegrationId,
  trust,
  waitingIntegrationId,
  waitingToken,
} from './targets.ts';
import { arnOf, codeBucket, physicalId, roleIds } from './template.ts';

export interface Attempt {
  readonly name: string;
  /** Logical id of the role whose session is used. */
  readonly as: string;
  readonly call: SimulatedCall;
  readonly make: (session: Session) => Promise<unknown>;
}

const { outputs, stage } = deployment;
const boundaryArn = outputs.PermissionsBoundaryArn;
const noAccessArn = physicalId('NoAccessBoundary');
const administratorArn = 'arn:aws:iam::aws:policy/AdministratorAccess';
const secretName = `dataloop-cross-account/${stage}/dataloop`;
const secretArn = `arn:aws:secretsmanager:${client.region}:${accountId}:secret:${secretName}-AbCdEf`;
const table = arnOf('Table');
const kmsKeyArn = String(params['kmsKeyArns']);
const executionArn = (machine: 'provision' | 'addDriver' | 'deprovision', name: string) =>
  `arn:aws:states:${client.region}:${accountId}:execution:dataloop-cross-account-${stage}-${machine}:${name}`;
const logGroup = (name: string) => `/aws/lambda/dataloop-cross-account-${stage}-${name}`;
const logGroupArn = (name: string) =>
  `arn:aws:logs:${client.region}:${accountId}:log-group:${logGroup(name)}:*`;
const at = (pk: string) => ({ TableName: outputs.TableName, Key: { pk: { S: pk } } });
const deploymentBucket = codeBucket();
const keyed = (pk: string) => ({ 'dynamodb:LeadingKeys': [pk] });

/** The attempt as made by every role of the stack but those that are meant to. */
type Everywhere = Omit<Attempt, 'as' | 'name'> & {
  readonly what: string;
  readonly but?: readonly string[];
};

const readSecret = [
  'PreflightRole',
  'RequestIamUserRole',
  'CreateRoleRole',
  'CompleteIntegrationRole',
  'TestDriverRole',
  'CreateDriverRole',
  'VerifyDriverRole',
  'CreateDatasetRole',
  'SyncDatasetRole',
  'DeleteDatasetRole',
  'DeleteDriverRole',
  'DeleteIntegrationRole',
  'PollIamUserRole',
  'PlanIntegrationRole',
  'TestIntegrationRole',
  'TestAddedDriverRole',
  'RemoveIntegrationRole',
  'RemoveDriverRole',
  'CustomResourceRole',
  'PlanRemovalRole',
];
const publish = [
  'RequestIamUserRole',
  'ConfirmIamUserRole',
  'ActivateRole',
  'ConcludeRole',
  'PollIamUserRole',
  'ExecutionEndedRole',
  'SweepRole',
];
const startUndo = [
  'RemoveIntegrationRole',
  'RemoveDriverRole',
  'RemoveDriversRole',
  'RollBackRole',
  'ExecutionEndedRole',
  'SweepRole',
  'CustomResourceRole',
];
const ofOurs = { [`aws:ResourceTag/${ownerTag}`]: 'int_1' };

const putEvents = (Source: string, EventBusName: string) =>
  new PutEventsCommand({ Entries: [{ Source, EventBusName, DetailType: 'forged', Detail: '{}' }] });

const everywhere: readonly Everywhere[] = [
  {
    what: 'create an IAM user',
    call: { action: 'iam:CreateUser', resource: `arn:aws:iam::${accountId}:user/thief` },
    make: ({ iam }) => iam.send(new CreateUserCommand({ UserName: 'thief' })),
  },
  {
    what: 'create an access key',
    call: { action: 'iam:CreateAccessKey', resource: `arn:aws:iam::${accountId}:user/thief` },
    make: ({ iam }) => iam.send(new CreateAccessKeyCommand({ UserName: 'thief' })),
  },
  {
    what: 'put an inline policy on a role of ours',
    call: { action: 'iam:PutRolePolicy', resource: ours.roleArn },
    make: ({ iam }) =>
      iam.send(
        new PutRolePolicyCommand({ RoleName: ours.role, PolicyName: 'more', PolicyDocument: everything }),
      ),
  },
  {
    what: 'attach AdministratorAccess to a role of ours',
    call: {
      action: 'iam:AttachRolePolicy',
      resource: ours.roleArn,
      context: { 'iam:PolicyARN': administratorArn, 'iam:PermissionsBoundary': boundaryArn },
    },
    make: ({ iam }) =>
      iam.send(new AttachRolePolicyCommand({ RoleName: ours.role, PolicyArn: administratorArn })),
  },
  {
    what: 'attach AdministratorAccess to a role of the stack',
    call: {
      action: 'iam:AttachRolePolicy',
      resource: arnOf('CreateRoleRole'),
      context: { 'iam:PolicyARN': administratorArn },
    },
    make: ({ iam }) =>
      iam.send(
        new AttachRolePolicyCommand({ RoleName: physicalId('CreateRoleRole'), PolicyArn: administratorArn }),
      ),
  },
  {
    what: 'change whom a role of ours trusts',
    call: { action: 'iam:UpdateAssumeRolePolicy', resource: ours.roleArn },
    make: ({ iam }) =>
      iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: ours.role, PolicyDocument: trust })),
  },
  {
    what: 'change whom a role that is not ours trusts',
    call: { action: 'iam:UpdateAssumeRolePolicy', resource: foreign.roleArn },
    make: ({ iam }) =>
      iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: foreign.role, PolicyDocument: trust })),
  },
  {
    what: 'change whom a role trusts that may be adopted',
    but: ['CreateRoleRole', 'DeleteRoleRole'],
    call: { action: 'iam:UpdateAssumeRolePolicy', resource: adoptable.roleArn },
    make: ({ iam }) =>
      iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: adoptable.role, PolicyDocument: trust })),
  },
  {
    what: 'attach a policy of the service’s to a role that may be adopted',
    but: ['CreateRoleRole', 'GrantAccessRole'],
    call: {
      action: 'iam:AttachRolePolicy',
      resource: adoptable.roleArn,
      context: { 'iam:PolicyARN': ours.policyArn, 'iam:PermissionsBoundary': theirBoundary },
    },
    make: ({ iam }) =>
      iam.send(new AttachRolePolicyCommand({ RoleName: adoptable.role, PolicyArn: ours.policyArn })),
  },
  {
    what: 'attach a policy of the service’s to a role without a boundary that may be adopted',
    call: {
      action: 'iam:AttachRolePolicy',
      resource: adoptable.unboundedArn,
      context: { 'iam:PolicyARN': ours.policyArn },
    },
    make: ({ iam }) =>
      iam.send(new AttachRolePolicyCommand({ RoleName: adoptable.unbounded, PolicyArn: ours.policyArn })),
  },
  {
    what: 'attach AdministratorAccess to a role that may be adopted',
    call: {
      action: 'iam:AttachRolePolicy',
      resource: adoptable.roleArn,
      context: { 'iam:PolicyARN': administratorArn, 'iam:PermissionsBoundary': theirBoundary },
    },
    make: ({ iam }) =>
      iam.send(new AttachRolePolicyCommand({ RoleName: adoptable.role, PolicyArn: administratorArn })),
  },
  {
    what: 'put an inline policy on a role that may be adopted',
    call: { action: 'iam:PutRolePolicy', resource: adoptable.roleArn },
    make: ({ iam }) =>
      iam.send(
        new PutRolePolicyCommand({
          RoleName: adoptable.role,
          PolicyName: 'more',
          PolicyDocument: everything,
        }),
      ),
  },
  {
    what: 'delete a role that may be adopted',
    call: { action: 'iam:DeleteRole', resource: adoptable.roleArn },
    make: ({ iam }) => iam.send(new DeleteRoleCommand({ RoleName: adoptable.role })),
  },
  {
    what: 'delete a bucket that may be adopted',
    call: { action: 's3:DeleteBucket', resource: `arn:aws:s3:::${adoptable.bucket}` },
    make: ({ s3 }) => s3.send(new DeleteBucketCommand({ Bucket: adoptable.bucket })),
  },
  {
    what: 'put a policy on a bucket that may be adopted',
    call: { action: 's3:PutBucketPolicy', resource: `arn:aws:s3:::${adoptable.bucket}` },
    make: ({ s3 }) => s3.send(new PutBucketPolicyCommand({ Bucket: adoptable.bucket, Policy: everything })),
  },
  {
    what: 'open a bucket to the public that may be adopted',
    but: ['CreateBucketRole', 'DeleteBucketRole'],
    call: { action: 's3:PutBucketPublicAccessBlock', resource: `arn:aws:s3:::${adoptable.bucket}` },
    make: ({ s3 }) => s3.send(new DeletePublicAccessBlockCommand({ Bucket: adoptable.bucket })),
  },
  {
    what: 'let any website into a bucket that may be adopted',
    but: ['CreateBucketRole', 'DeleteBucketRole'],
    call: { action: 's3:PutBucketCORS', resource: `arn:aws:s3:::${adoptable.bucket}` },
    make: ({ s3 }) =>
      s3.send(
        new PutBucketCorsCommand({
          Bucket: adoptable.bucket,
          CORSConfiguration: { CORSRules: [{ AllowedMethods: ['GET'], AllowedOrigins: ['*'] }] },
        }),
      ),
  },
  {
    what: 'read an object in a bucket that may be adopted',
    call: { action: 's3:GetObject', resource: `arn:aws:s3:::${adoptable.bucket}/theirs` },
    make: ({ s3 }) => s3.send(new GetObjectCommand({ Bucket: adoptable.bucket, Key: 'theirs' })),
  },
  {
    what: 'delete an object in a bucket that may be adopted',
    call: { action: 's3:DeleteObject', resource: `arn:aws:s3:::${adoptable.bucket}/theirs` },
    make: ({ s3 }) => s3.send(new DeleteObjectCommand({ Bucket: adoptable.bucket, Key: 'theirs' })),
  },
  {
    what: 'widen the boundary by a new version',
    call: { action: 'iam:CreatePolicyVersion', resource: boundaryArn },
    make: ({ iam }) =>
      iam.send(
        new CreatePolicyVersionCommand({
          PolicyArn: boundaryArn,
          PolicyDocument: everything,
          SetAsDefault: true,
        }),
      ),
  },
  {
    what: 'widen a policy that is not ours by a new version',
    call: { action: 'iam:CreatePolicyVersion', resource: foreign.policyArn },
    make: ({ iam }) =>
      iam.send(
        new CreatePolicyVersionCommand({
          PolicyArn: foreign.policyArn,
          PolicyDocument: everything,
          SetAsDefault: true,
        }),
      ),
  },
  {
    what: 'widen a policy under the path without our tag by a new version',
    call: { action: 'iam:CreatePolicyVersion', resource: near.policyArn },
    make: ({ iam }) =>
      iam.send(
        new CreatePolicyVersionCommand({
          PolicyArn: near.policyArn,
          PolicyDocument: everything,
          SetAsDefault: true,
        }),
      ),
  },
  {
    what: 'widen our own policy by a new version',
    but: ['GrantAccessRole', 'RevokeAccessRole'],
    call: { action: 'iam:CreatePolicyVersion', resource: ours.policyArn, context: ofOurs },
    make: ({ iam }) =>
      iam.send(
        new CreatePolicyVersionCommand({
          PolicyArn: ours.policyArn,
          PolicyDocument: everything,
          SetAsDefault: true,
        }),
      ),
  },
  {
    what: 'choose another version of the boundary',
    call: { action: 'iam:SetDefaultPolicyVersion', resource: boundaryArn },
    make: ({ iam }) =>
      iam.send(new SetDefaultPolicyVersionCommand({ PolicyArn: boundaryArn, VersionId: 'v1' })),
  },
  {
    what: 'delete the boundary',
    call: { action: 'iam:DeletePolicy', resource: boundaryArn },
    make: ({ iam }) => iam.send(new DeletePolicyCommand({ PolicyArn: boundaryArn })),
  },
  {
    what: 'widen the boundary that denies everything by a new version',
    call: { action: 'iam:CreatePolicyVersion', resource: noAccessArn },
    make: ({ iam }) =>
      iam.send(
        new CreatePolicyVersionCommand({
          PolicyArn: noAccessArn,
          PolicyDocument: everything,
          SetAsDefault: true,
        }),
      ),
  },
  {
    what: 'put the boundary that denies everything on a role of ours',
    but: ['DeleteRoleRole'],
    call: {
      action: 'iam:PutRolePermissionsBoundary',
      resource: ours.roleArn,
      context: { 'iam:PermissionsBoundary': noAccessArn },
    },
    make: ({ iam }) =>
      iam.send(
        new PutRolePermissionsBoundaryCommand({ RoleName: ours.role, PermissionsBoundary: noAccessArn }),
      ),
  },
  {
    what: 'take the boundary off a role',
    call: { action: 'iam:DeleteRolePermissionsBoundary', resource: ours.roleArn },
    make: ({ iam }) => iam.send(new DeleteRolePermissionsBoundaryCommand({ RoleName: ours.role })),
  },
  {
    what: 'put another boundary on a role',
    call: {
      action: 'iam:PutRolePermissionsBoundary',
      resource: ours.roleArn,
      context: { 'iam:PermissionsBoundary': administratorArn },
    },
    make: ({ iam }) =>
      iam.send(
        new PutRolePermissionsBoundaryCommand({
          RoleName: ours.role,
          PermissionsBoundary: administratorArn,
        }),
      ),
  },
  {
    what: 'assume another role of the stack',
    call: { action: 'sts:AssumeRole', resource: arnOf('CreateRoleRole') },
    make: ({ sts }) =>
      sts.send(new AssumeRoleCommand({ RoleArn: arnOf('CreateRoleRole'), RoleSessionName: 'thief' })),
  },
  {
    what: 'assume the role that Dataloop uses',
    call: { action: 'sts:AssumeRole', resource: ours.roleArn },
    make: ({ sts }) => sts.send(new AssumeRoleCommand({ RoleArn: ours.roleArn, RoleSessionName: 'thief' })),
  },
  {
    what: 'give a role of the stack to a function of its own making',
    call: {
      action: 'iam:PassRole',
      resource: arnOf('CreateRoleRole'),
      context: { 'iam:PassedToService': 'lambda.amazonaws.com' },
    },
    make: ({ lambda }) =>
      lambda.send(
        new UpdateFunctionConfigurationCommand({
          FunctionName: arnOf('PreflightLambdaFunction'),
          Role: arnOf('CreateRoleRole'),
        }),
      ),
  },
  {
    what: 'read an object in a bucket of ours',
    call: { action: 's3:GetObject', resource: `arn:aws:s3:::${ours.bucket}/theirs` },
    make: ({ s3 }) => s3.send(new GetObjectCommand({ Bucket: ours.bucket, Key: 'theirs' })),
  },
  {
    what: 'write an object into a bucket of ours',
    call: { action: 's3:PutObject', resource: `arn:aws:s3:::${ours.bucket}/mine` },
    make: ({ s3 }) => s3.send(new PutObjectCommand({ Bucket: ours.bucket, Key: 'mine', Body: 'x' })),
  },
  {
    what: 'delete an object in a bucket of ours',
    call: { action: 's3:DeleteObject', resource: `arn:aws:s3:::${ours.bucket}/theirs` },
    make: ({ s3 }) => s3.send(new DeleteObjectCommand({ Bucket: ours.bucket, Key: 'theirs' })),
  },
  {
    what: 'look into a bucket that is not ours',
    call: { action: 's3:ListBucket', resource: `arn:aws:s3:::${foreign.bucket}` },
    make: ({ s3 }) => s3.send(new ListObjectsV2Command({ Bucket: foreign.bucket })),
  },
  {
    what: 'list every bucket of the account',
    but: ['PlanIntegrationRole'],
    call: { action: 's3:ListAllMyBuckets', resource: '*' },
    make: ({ s3 }) => s3.send(new ListBucketsCommand({})),
  },
  {
    what: 'put a policy on a bucket of ours',
    call: { action: 's3:PutBucketPolicy', resource: `arn:aws:s3:::${ours.bucket}` },
    make: ({ s3 }) => s3.send(new PutBucketPolicyCommand({ Bucket: ours.bucket, Policy: everything })),
  },
  // The pattern of this deployment matches its name.
  {
    what: 'look into the deployment bucket',
    call: { action: 's3:ListBucket', resource: `arn:aws:s3:::${deploymentBucket}` },
    make: ({ s3 }) => s3.send(new ListObjectsV2Command({ Bucket: deploymentBucket })),
  },
  {
    what: 'write code into the deployment bucket',
    call: { action: 's3:PutObject', resource: `arn:aws:s3:::${deploymentBucket}/code.zip` },
    make: ({ s3 }) =>
      s3.send(new PutObjectCommand({ Bucket: deploymentBucket, Key: 'code.zip', Body: 'forged' })),
  },
  {
    what: 'open the deployment bucket',
    call: { action: 's3:PutBucketPublicAccessBlock', resource: `arn:aws:s3:::${deploymentBucket}` },
    make: ({ s3 }) => s3.send(new DeletePublicAccessBlockCommand({ Bucket: deploymentBucket })),
  },
  {
    what: 'delete the deployment bucket',
    call: { action: 's3:DeleteBucket', resource: `arn:aws:s3:::${deploymentBucket}` },
    make: ({ s3 }) => s3.send(new DeleteBucketCommand({ Bucket: deploymentBucket })),
  },
  {
    what: 'put a policy on a bucket that is not ours',
    call: { action: 's3:PutBucketPolicy', resource: `arn:aws:s3:::${foreign.bucket}` },
    make: ({ s3 }) => s3.send(new PutBucketPolicyCommand({ Bucket: foreign.bucket, Policy: everything })),
  },
  {
    what: 'read Dataloop’s credentials',
    but: readSecret,
    call: { action: 'secretsmanager:GetSecretValue', resource: secretArn },
    make: ({ secrets }) => secrets.send(new GetSecretValueCommand({ SecretId: secretName })),
  },
  {
    what: 'put other credentials in their place',
    call: { action: 'secretsmanager:PutSecretValue', resource: secretArn },
    make: ({ secrets }) =>
      secrets.send(new PutSecretValueCommand({ SecretId: secretName, SecretString: '{}' })),
  },
  {
    what: 'read another secret',
    call: { action: 'secretsmanager:GetSecretValue', resource: foreign.secretArn },
    make: ({ secrets }) => secrets.send(new GetSecretValueCommand({ SecretId: foreign.secret })),
  },
  {
    what: 'read the whole journal',
    call: { action: 'dynamodb:Scan', resource: table },
    make: ({ dynamodb }) => dynamodb.send(new ScanCommand({ TableName: outputs.TableName })),
  },
  {
    what: 'delete the journal',
    call: { action: 'dynamodb:DeleteTable', resource: table },
    make: ({ dynamodb }) => dynamodb.send(new DeleteTableCommand({ TableName: outputs.TableName })),
  },
  {
    what: 'list integrations by their status',
    but: ['SweepRole', 'ListIntegrationsRole', 'AnswerStackRole'],
    call: { action: 'dynamodb:Query', resource: `${table}/index/byStatus` },
    make: ({ dynamodb }) =>
      dynamodb.send(
        new QueryCommand({
          TableName: outputs.TableName,
          IndexName: 'byStatus',
          KeyConditionExpression: '#status = :ready',
          ExpressionAttributeNames: { '#status': 'status' },
          ExpressionAttributeValues: { ':ready': { S: 'ready' } },
        }),
      ),
  },
  {
    what: 'read a task token',
    but: ['ResumeProvisioningRole'],
    call: { action: 'dynamodb:GetItem', resource: table, context: keyed('token#int_1') },
    make: ({ dynamodb }) => dynamodb.send(new GetItemCommand(at(`token#${waitingIntegrationId()}`))),
  },
  {
    what: 'put a task token of its own',
    but: ['RequestIamUserRole'],
    call: { action: 'dynamodb:PutItem', resource: table, context: keyed('token#int_1') },
    make: ({ dynamodb }) =>
      dynamodb.send(
        new PutItemCommand({
          TableName: outputs.TableName,
          Item: { pk: { S: `token#${waitingIntegrationId()}` }, taskToken: { S: 'forged' } },
        }),
      ),
  },
  {
    what: 'read where CloudFormation waits for an answer',
    but: ['AnswerStackRole'],
    call: { action: 'dynamodb:GetItem', resource: table, context: keyed('answer#int_1#made') },
    make: ({ dynamodb }) => dynamodb.send(new GetItemCommand(at(`answer#${readyIntegrationId()}#made`))),
  },
  {
    what: 'say where CloudFormation waits for an answer',
    but: ['CustomResourceRole'],
    call: { action: 'dynamodb:PutItem', resource: table, context: keyed('answer#int_1#made') },
    make: ({ dynamodb }) =>
      dynamodb.send(
        new PutItemCommand({
          TableName: outputs.TableName,
          Item: { pk: { S: `answer#${readyIntegrationId()}#made` }, address: { S: 'forged' } },
        }),
      ),
  },
  {
    what: 'overwrite an integration as a whole',
    but: ['StartProvisioningRole', 'AddDriverRole', 'CustomResourceRole'],
    call: { action: 'dynamodb:PutItem', resource: table, context: keyed('integration#int_1') },
    make: ({ dynamodb }) =>
      dynamodb.send(
        new PutItemCommand({
          TableName: outputs.TableName,
          Item: { pk: { S: `integration#${readyIntegrationId()}` } },
        }),
      ),
  },
  {
    what: 'delete an integration from the journal',
    call: { action: 'dynamodb:DeleteItem', resource: table, context: keyed('integration#int_1') },
    make: ({ dynamodb }) => dynamodb.send(new DeleteItemCommand(at(`integration#${readyIntegrationId()}`))),
  },
  {
    what: 'release the lock of an integration',
    but: ['ConcludeRole', 'ExecutionEndedRole', 'SweepRole'],
    call: { action: 'dynamodb:DeleteItem', resource: table, context: keyed('lock#name#x') },
    make: ({ dynamodb }) => dynamodb.send(new DeleteItemCommand(at(`lock#name#${ours.name}`))),
  },
  {
    what: 'put a record without its layout, so that forged resources count',
    call: {
      action: 'dynamodb:PutItem',
      resource: table,
      context: { ...keyed('integration#int_1'), 'dynamodb:Attributes': ['pk', 'integrationId', 'request'] },
    },
    make: ({ dynamodb }) =>
      dynamodb.send(
        new PutItemCommand({
          TableName: outputs.TableName,
          Item: { ...at('integration#int_1').Key, integrationId: { S: 'int_1' }, request: { M: {} } },
        }),
      ),
  },
  {
    what: 'change what an idempotency key stands for',
    call: {
      action: 'dynamodb:UpdateItem',
      resource: table,
      context: { ...keyed('idempotency#x'), 'dynamodb:Attributes': ['pk', 'requestHash'] },
    },
    make: ({ dynamodb }) =>
      dynamodb.send(
        new UpdateItemCommand({
          ...at('idempotency#x'),
          UpdateExpression: 'SET requestHash = :other',
          ExpressionAttributeValues: { ':other': { S: 'other' } },
        }),
      ),
  },
  {
    what: 'answer the task that waits, with its token',
    but: ['ResumeProvisioningRole'],
    call: { action: 'states:SendTaskSuccess', resource: outputs.ProvisionStateMachineArn },
    make: ({ stepFunctions }) =>
      stepFunctions.send(new SendTaskSuccessCommand({ taskToken: waitingToken(), output: '{}' })),
  },
  {
    what: 'start a provisioning around the API',
    but: ['StartProvisioningRole', 'CustomResourceRole'],
    call: { action: 'states:StartExecution', resource: outputs.ProvisionStateMachineArn },
    make: ({ stepFunctions }) =>
      stepFunctions.send(
        new StartExecutionCommand({ stateMachineArn: outputs.ProvisionStateMachineArn, input: '{}' }),
      ),
  },
  {
    what: 'start an undo',
    but: startUndo,
    call: { action: 'states:StartExecution', resource: outputs.DeprovisionStateMachineArn },
    make: ({ stepFunctions }) =>
      stepFunctions.send(
        new StartExecutionCommand({ stateMachineArn: outputs.DeprovisionStateMachineArn, input: '{}' }),
      ),
  },
  {
    what: 'stop a provisioning',
    but: ['RemoveIntegrationRole', 'CustomResourceRole'],
    call: { action: 'states:StopExecution', resource: executionArn('provision', 'int_1') },
    make: ({ stepFunctions }) =>
      stepFunctions.send(
        new StopExecutionCommand({ executionArn: executionArn('provision', waitingIntegrationId()) }),
      ),
  },
  {
    what: 'add a driver around the API',
    but: ['AddDriverRole', 'CustomResourceRole'],
    call: { action: 'states:StartExecution', resource: outputs.AddDriverStateMachineArn },
    make: ({ stepFunctions }) =>
      stepFunctions.send(
        new StartExecutionCommand({ stateMachineArn: outputs.AddDriverStateMachineArn, input: '{}' }),
      ),
  },
  {
    what: 'stop the adding of a driver',
    but: ['RemoveDriverRole', 'RemoveDriversRole', 'CustomResourceRole'],
    call: { action: 'states:StopExecution', resource: executionArn('addDriver', 'drv_1') },
    make: ({ stepFunctions }) =>
      stepFunctions.send(new StopExecutionCommand({ executionArn: executionArn('addDriver', 'drv_1') })),
  },
  {
    what: 'stop an undo',
    call: { action: 'states:StopExecution', resource: executionArn('deprovision', 'int_1-remove-1') },
    make: ({ stepFunctions }) =>
      stepFunctions.send(
        new StopExecutionCommand({
          executionArn: executionArn('deprovision', `${readyIntegrationId()}-remove-1`),
        }),
      ),
  },
  {
    what: 'change a state machine',
    call: { action: 'states:UpdateStateMachine', resource: outputs.ProvisionStateMachineArn },
    make: ({ stepFunctions }) =>
      stepFunctions.send(
        new UpdateStateMachineCommand({
          stateMachineArn: outputs.ProvisionStateMachineArn,
          loggingConfiguration: { includeExecutionData: true },
        }),
      ),
  },
  {
    what: 'publish on the service’s bus',
    but: publish,
    call: {
      action: 'events:PutEvents',
      resource: arnOf('EventBus'),
      context: { 'events:source': ['dataloop-cross-account'] },
    },
    make: ({ events }) => events.send(putEvents('dataloop-cross-account', outputs.EventBusName)),
  },
  {
    what: 'publish on the service’s bus under another name',
    call: {
      action: 'events:PutEvents',
      resource: arnOf('EventBus'),
      context: { 'events:source': ['forged'] },
    },
    make: ({ events }) => events.send(putEvents('forged', outputs.EventBusName)),
  },
  {
    what: 'slip another name’s event in between',
    call: {
      action: 'events:PutEvents',
      resource: arnOf('EventBus'),
      context: { 'events:source': ['dataloop-cross-account', 'forged'] },
    },
    make: ({ events }) =>
      events.send(
        new PutEventsCommand({
          Entries: ['dataloop-cross-account', 'forged'].map((Source) => ({
            Source,
            EventBusName: outputs.EventBusName,
            DetailType: 'forged',
            Detail: '{}',
          })),
        }),
      ),
  },
  {
    what: 'publish on the account’s default bus',
    call: {
      action: 'events:PutEvents',
      resource: `arn:aws:events:${client.region}:${accountId}:event-bus/default`,
      context: { 'events:source': ['dataloop-cross-account'] },
    },
    make: ({ events }) => events.send(putEvents('dataloop-cross-account', 'default')),
  },
  {
    what: 'read the dead-letter queue',
    call: { action: 'sqs:ReceiveMessage', resource: arnOf('DeadLetterQueue') },
    make: ({ sqs }) => sqs.send(new ReceiveMessageCommand({ QueueUrl: physicalId('DeadLetterQueue') })),
  },
  {
    what: 'empty the queue of polls',
    call: { action: 'sqs:PurgeQueue', resource: arnOf('PollQueue') },
    make: ({ sqs }) => sqs.send(new PurgeQueueCommand({ QueueUrl: physicalId('PollQueue') })),
  },
  {
    what: 'send a poll',
    but: ['RequestIamUserRole', 'PollIamUserRole', 'SweepRole'],
    call: { action: 'sqs:SendMessage', resource: arnOf('PollQueue') },
    make: ({ sqs }) =>
      sqs.send(new SendMessageCommand({ QueueUrl: physicalId('PollQueue'), MessageBody: '{}' })),
  },
  {
    what: 'invoke a function of the API',
    call: { action: 'lambda:InvokeFunction', resource: arnOf('StartProvisioningLambdaFunction') },
    make: ({ lambda }) =>
      lambda.send(new InvokeCommand({ FunctionName: arnOf('StartProvisioningLambdaFunction') })),
  },
  {
    what: 'invoke the function of stacks',
    call: { action: 'lambda:InvokeFunction', resource: arnOf('CustomResourceLambdaFunction') },
    make: ({ lambda }) =>
      lambda.send(new InvokeCommand({ FunctionName: arnOf('CustomResourceLambdaFunction') })),
  },
  {
    what: 'invoke the watchdog',
    call: { action: 'lambda:InvokeFunction', resource: arnOf('ExecutionEndedLambdaFunction') },
    make: ({ lambda }) =>
      lambda.send(new InvokeCommand({ FunctionName: arnOf('ExecutionEndedLambdaFunction') })),
  },
  {
    what: 'invoke a step',
    but: ['ProvisionStateMachineRole'],
    call: { action: 'lambda:InvokeFunction', resource: arnOf('CreateRoleLambdaFunction') },
    make: ({ lambda }) => lambda.send(new InvokeCommand({ FunctionName: arnOf('CreateRoleLambdaFunction') })),
  },
  {
    what: 'invoke the step that grants access',
    but: ['AddDriverStateMachineRole'],
    call: { action: 'lambda:InvokeFunction', resource: arnOf('GrantAccessLambdaFunction') },
    make: ({ lambda }) =>
      lambda.send(new InvokeCommand({ FunctionName: arnOf('GrantAccessLambdaFunction') })),
  },
  {
    what: 'invoke a step of the undo',
    but: ['DeprovisionStateMachineRole'],
    call: { action: 'lambda:InvokeFunction', resource: arnOf('DeleteRoleLambdaFunction') },
    make: ({ lambda }) => lambda.send(new InvokeCommand({ FunctionName: arnOf('DeleteRoleLambdaFunction') })),
  },
  {
    what: 'change a function’s settings',
    call: { action: 'lambda:UpdateFunctionConfiguration', resource: arnOf('PreflightLambdaFunction') },
    make: ({ lambda }) =>
      lambda.send(
        new UpdateFunctionConfigurationCommand({
          FunctionName: arnOf('PreflightLambdaFunction'),
          Description: 'forged',
        }),
      ),
  },
  {
    what: 'read logs',
    call: { action: 'logs:GetLogEvents', resource: logGroupArn('createRole') },
    make: ({ logs }) =>
      logs.send(new GetLogEventsCommand({ logGroupName: logGroup('createRole'), logStreamName: 'x' })),
  },
  {
    what: 'write into the log of another function',
    but: ['GetIntegrationRole'],
    call: { action: 'logs:PutLogEvents', resource: logGroupArn('getIntegration') },
    make: ({ logs }) =>
      logs.send(
        new PutLogEventsCommand({
          logGroupName: logGroup('getIntegration'),
          logStreamName: 'x',
          logEvents: [{ timestamp: Date.now(), message: 'forged' }],
        }),
      ),
  },
  {
    what: 'decrypt with the customer’s key',
    call: { action: 'kms:Decrypt', resource: kmsKeyArn },
    make: ({ kms }) =>
      kms.send(new DecryptCommand({ KeyId: kmsKeyArn, CiphertextBlob: Buffer.from('anything') })),
  },
];

const tags = [{ Key: ownerTag, Value: 'int_forged' }];
const tagged = { [`aws:RequestTag/${ownerTag}`]: 'int_forged', 'aws:TagKeys': [ownerTag] };
const createRole = (RoleName: string, more: object) =>
  new CreateRoleCommand({ RoleName, Path: path, AssumeRolePolicyDocument: trust, ...more });
const createPolicy = (PolicyName: string, more: object) =>
  new CreatePolicyCommand({ PolicyName, PolicyDocument: everything, ...more });
const roleAt = (name: string, at = path) => `arn:aws:iam::${accountId}:role${at}${name}`;
const policyAt = (name: string, at = path) => `arn:aws:iam::${accountId}:policy${at}${name}`;

/** What those could try who are meant to do something of the kind. */
const particular: readonly Attempt[] = [
  {
    name: 'create a role without the boundary',
    as: 'CreateRoleRole',
    call: { action: 'iam:CreateRole', resource: roleAt(fresh.inPattern) },
    make: ({ iam }) => iam.send(createRole(fresh.inPattern, {})),
  },
  {
    name: 'create a role with another boundary',
    as: 'CreateRoleRole',
    call: {
      action: 'iam:CreateRole',
      resource: roleAt(fresh.inPattern),
      context: { 'iam:PermissionsBoundary': administratorArn },
    },
    make: ({ iam }) => iam.send(createRole(fresh.inPattern, { PermissionsBoundary: administratorArn })),
  },
  {
    name: 'create a role outside of the path',
    as: 'CreateRoleRole',
    call: {
      action: 'iam:CreateRole',
      resource: roleAt(fresh.inPattern, '/'),
      context: { 'iam:PermissionsBoundary': boundaryArn },
    },
    make: ({ iam }) => iam.send(createRole(fresh.inPattern, { Path: '/', PermissionsBoundary: boundaryArn })),
  },
  {
    name: 'create a role outside of the pattern',
    as: 'CreateRoleRole',
    call: {
      action: 'iam:CreateRole',
      resource: roleAt(fresh.outside),
      context: { 'iam:PermissionsBoundary': boundaryArn },
    },
    make: ({ iam }) => iam.send(createRole(fresh.outside, { PermissionsBoundary: boundaryArn })),
  },
  {
    name: 'attach a policy from outside of the path to a role of ours',
    as: 'CreateRoleRole',
    call: {
      action: 'iam:AttachRolePolicy',
      resource: ours.roleArn,
      context: { 'iam:PolicyARN': foreign.policyArn, 'iam:PermissionsBoundary': boundaryArn },
    },
    make: ({ iam }) =>
      iam.send(new AttachRolePolicyCommand({ RoleName: ours.role, PolicyArn: foreign.policyArn })),
  },
  {
    name: 'attach a policy of ours to a role that is not ours',
    as: 'CreateRoleRole',
    call: {
      action: 'iam:AttachRolePolicy',
      resource: foreign.roleArn,
      context: { 'iam:PolicyARN': ours.policyArn },
    },
    make: ({ iam }) =>
      iam.send(new AttachRolePolicyCommand({ RoleName: foreign.role, PolicyArn: ours.policyArn })),
  },
  {
    name: 'attach a policy of ours to a role under the path that has no boundary',
    as: 'CreateRoleRole',
    call: {
      action: 'iam:AttachRolePolicy',
      resource: near.roleArn,
      context: { 'iam:PolicyARN': ours.policyArn },
    },
    make: ({ iam }) =>
      iam.send(new AttachRolePolicyCommand({ RoleName: near.role, PolicyArn: ours.policyArn })),
  },
  {
    name: 'tag a role that is not ours as ours',
    as: 'CreateRoleRole',
    call: { action: 'iam:TagRole', resource: foreign.roleArn, context: tagged },
    make: ({ iam }) => iam.send(new TagRoleCommand({ RoleName: foreign.role, Tags: tags })),
  },
  {
    name: 'delete a role',
    as: 'CreateRoleRole',
    call: {
      action: 'iam:DeleteRole',
      resource: ours.roleArn,
      context: { [`aws:ResourceTag/${ownerTag}`]: 'int_1' },
    },
    make: ({ iam }) => iam.send(new DeleteRoleCommand({ RoleName: ours.role })),
  },
  {
    name: 'create a policy outside of the path',
    as: 'CreatePolicyRole',
    call: { action: 'iam:CreatePolicy', resource: policyAt(fresh.inPattern, '/'), context: tagged },
    make: ({ iam }) => iam.send(createPolicy(fresh.inPattern, { Path: '/', Tags: tags })),
  },
  {
    name: 'create a policy outside of the pattern',
    as: 'CreatePolicyRole',
    call: { action: 'iam:CreatePolicy', resource: policyAt(fresh.outside), context: tagged },
    make: ({ iam }) => iam.send(createPolicy(fresh.outside, { Path: path, Tags: tags })),
  },
  {
    name: 'create a policy without the tag',
    as: 'CreatePolicyRole',
    call: { action: 'iam:CreatePolicy', resource: policyAt(fresh.inPattern) },
    make: ({ iam }) => iam.send(createPolicy(fresh.inPattern, { Path: path })),
  },
  {
    name: 'tag a policy that is not ours as ours',
    as: 'CreatePolicyRole',
    call: { action: 'iam:TagPolicy', resource: foreign.policyArn, context: tagged },
    make: ({ iam }) => iam.send(new TagPolicyCommand({ PolicyArn: foreign.policyArn, Tags: tags })),
  },
  {
    name: 'tag the boundary as ours',
    as: 'CreatePolicyRole',
    call: { action: 'iam:TagPolicy', resource: boundaryArn, context: tagged },
    make: ({ iam }) => iam.send(new TagPolicyCommand({ PolicyArn: boundaryArn, Tags: tags })),
  },
  {
    name: 'attach its own policy to a role',
    as: 'CreatePolicyRole',
    call: {
      action: 'iam:AttachRolePolicy',
      resource: ours.roleArn,
      context: { 'iam:PolicyARN': ours.policyArn, 'iam:PermissionsBoundary': boundaryArn },
    },
    make: ({ iam }) =>
      iam.send(new AttachRolePolicyCommand({ RoleName: ours.role, PolicyArn: ours.policyArn })),
  },
  {
    name: 'delete a role that is not ours',
    as: 'DeleteRoleRole',
    call: { action: 'iam:DeleteRole', resource: foreign.roleArn },
    make: ({ iam }) => iam.send(new DeleteRoleCommand({ RoleName: foreign.role })),
  },
  {
    name: 'put the boundary that denies everything on a role that is not ours',
    as: 'DeleteRoleRole',
    call: {
      action: 'iam:PutRolePermissionsBoundary',
      resource: foreign.roleArn,
      context: { 'iam:PermissionsBoundary': noAccessArn },
    },
    make: ({ iam }) =>
      iam.send(
        new PutRolePermissionsBoundaryCommand({ RoleName: foreign.role, PermissionsBoundary: noAccessArn }),
      ),
  },
  {
    name: 'put the boundary that denies everything on a role that may be adopted',
    as: 'DeleteRoleRole',
    call: {
      action: 'iam:PutRolePermissionsBoundary',
      resource: adoptable.roleArn,
      context: { 'iam:PermissionsBoundary': noAccessArn },
    },
    make: ({ iam }) =>
      iam.send(
        new PutRolePermissionsBoundaryCommand({ RoleName: adoptable.role, PermissionsBoundary: noAccessArn }),
      ),
  },
  {
    name: 'put the boundary of created roles on a role of ours',
    as: 'DeleteRoleRole',
    call: {
      action: 'iam:PutRolePermissionsBoundary',
      resource: ours.roleArn,
      context: { 'iam:PermissionsBoundary': boundaryArn },
    },
    make: ({ iam }) =>
      iam.send(
        new PutRolePermissionsBoundaryCommand({ RoleName: ours.role, PermissionsBoundary: boundaryArn }),
      ),
  },
  {
    name: 'delete a role under the path without our tag',
    as: 'DeleteRoleRole',
    call: { action: 'iam:DeleteRole', resource: near.roleArn },
    make: ({ iam }) => iam.send(new DeleteRoleCommand({ RoleName: near.role })),
  },
  {
    name: 'detach a policy from a role that is not ours',
    as: 'DeleteRoleRole',
    call: {
      action: 'iam:DetachRolePolicy',
      resource: arnOf('CreateRoleRole'),
      context: { 'iam:PolicyARN': ours.policyArn },
    },
    make: ({ iam }) =>
      iam.send(
        new DetachRolePolicyCommand({ RoleName: physicalId('CreateRoleRole'), PolicyArn: ours.policyArn }),
      ),
  },
  {
    name: 'detach somebody else’s policy from a role of ours',
    as: 'DeleteRoleRole',
    call: {
      action: 'iam:DetachRolePolicy',
      resource: ours.roleArn,
      context: { 'iam:PolicyARN': foreign.policyArn },
    },
    make: ({ iam }) =>
      iam.send(new DetachRolePolicyCommand({ RoleName: ours.role, PolicyArn: foreign.policyArn })),
  },
  {
    name: 'delete a policy that is not ours',
    as: 'DeletePolicyRole',
    call: { action: 'iam:DeletePolicy', resource: foreign.policyArn },
    make: ({ iam }) => iam.send(new DeletePolicyCommand({ PolicyArn: foreign.policyArn })),
  },
  {
    name: 'delete a policy under the path without our tag',
    as: 'DeletePolicyRole',
    call: { action: 'iam:DeletePolicy', resource: near.policyArn },
    make: ({ iam }) => iam.send(new DeletePolicyCommand({ PolicyArn: near.policyArn })),
  },
  {
    name: 'delete a version of the boundary',
    as: 'DeletePolicyRole',
    call: { action: 'iam:DeletePolicyVersion', resource: boundaryArn },
    make: ({ iam }) => iam.send(new DeletePolicyVersionCommand({ PolicyArn: boundaryArn, VersionId: 'v2' })),
  },
  {
    name: 'create a bucket outside of the pattern',
    as: 'CreateBucketRole',
    call: { action: 's3:CreateBucket', resource: `arn:aws:s3:::${fresh.outside}` },
    make: ({ s3 }) =>
      s3.send(
        new CreateBucketCommand({
          Bucket: fresh.outside,
          CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' },
        }),
      ),
  },
  {
    name: 'open a bucket of ours to the public',
    as: 'CreateBucketRole',
    call: { action: 's3:PutBucketAcl', resource: `arn:aws:s3:::${ours.bucket}` },
    make: ({ s3 }) => s3.send(new PutBucketAclCommand({ Bucket: ours.bucket, ACL: 'public-read' })),
  },
  {
    name: 'take the policy off a bucket of ours',
    as: 'CreateBucketRole',
    call: { action: 's3:DeleteBucketPolicy', resource: `arn:aws:s3:::${ours.bucket}` },
    make: ({ s3 }) => s3.send(new DeleteBucketPolicyCommand({ Bucket: ours.bucket })),
  },
  {
    name: 'take the public-access block off a bucket that is not ours',
    as: 'CreateBucketRole',
    call: { action: 's3:PutBucketPublicAccessBlock', resource: `arn:aws:s3:::${foreign.bucket}` },
    make: ({ s3 }) => s3.send(new DeletePublicAccessBlockCommand({ Bucket: foreign.bucket })),
  },
  {
    name: 'change the public-access block of a bucket that is not ours',
    as: 'CreateBucketRole',
    call: { action: 's3:PutBucketPublicAccessBlock', resource: `arn:aws:s3:::${foreign.bucket}` },
    make: ({ s3 }) =>
      s3.send(
        new PutPublicAccessBlockCommand({ Bucket: foreign.bucket, PublicAccessBlockConfiguration: {} }),
      ),
  },
  {
    name: 'let any website into a bucket that is not ours',
    as: 'CreateBucketRole',
    call: { action: 's3:PutBucketCORS', resource: `arn:aws:s3:::${foreign.bucket}` },
    make: ({ s3 }) =>
      s3.send(
        new PutBucketCorsCommand({
          Bucket: foreign.bucket,
          CORSConfiguration: { CORSRules: [{ AllowedMethods: ['GET'], AllowedOrigins: ['*'] }] },
        }),
      ),
  },
  {
    name: 'delete a bucket',
    as: 'CreateBucketRole',
    call: { action: 's3:DeleteBucket', resource: `arn:aws:s3:::${ours.bucket}` },
    make: ({ s3 }) => s3.send(new DeleteBucketCommand({ Bucket: ours.bucket })),
  },
  {
    name: 'delete a bucket outside of the pattern',
    as: 'DeleteBucketRole',
    call: { action: 's3:DeleteBucket', resource: `arn:aws:s3:::${foreign.bucket}` },
    make: ({ s3 }) => s3.send(new DeleteBucketCommand({ Bucket: foreign.bucket })),
  },
  {
    name: 'take the tags off a bucket outside of the pattern',
    as: 'DeleteBucketRole',
    call: { action: 's3:PutBucketTagging', resource: `arn:aws:s3:::${foreign.bucket}` },
    make: ({ s3 }) => s3.send(new DeleteBucketTaggingCommand({ Bucket: foreign.bucket })),
  },
  {
    name: 'take the policy off a bucket of ours, which the deployment does not write',
    as: 'DeleteBucketRole',
    call: { action: 's3:DeleteBucketPolicy', resource: `arn:aws:s3:::${ours.bucket}` },
    make: ({ s3 }) => s3.send(new DeleteBucketPolicyCommand({ Bucket: ours.bucket })),
  },
  {
    name: 'create a bucket in a region that the deployment does not name',
    as: 'CreateBucketRole',
    call: {
      action: 's3:CreateBucket',
      resource: `arn:aws:s3:::${fresh.inPattern}`,
      context: { 'aws:RequestedRegion': 'sa-east-1' },
    },
    make: ({ credentials }) =>
      new S3Client({ ...client, region: 'sa-east-1', credentials, forcePathStyle: true }).send(
        new CreateBucketCommand({
          Bucket: fresh.inPattern,
          CreateBucketConfiguration: { LocationConstraint: 'sa-east-1' },
        }),
      ),
  },
  {
    name: 'give a role of ours a tag by which other policies let it in',
    as: 'CreateRoleRole',
    call: {
      action: 'iam:TagRole',
      resource: ours.roleArn,
      context: {
        [`aws:RequestTag/${ownerTag}`]: 'int_forged',
        'aws:RequestTag/team': 'payroll',
        'aws:TagKeys': [ownerTag, 'team'],
      },
    },
    make: ({ iam }) =>
      iam.send(
        new TagRoleCommand({ RoleName: ours.role, Tags: [...tags, { Key: 'team', Value: 'payroll' }] }),
      ),
  },
  {
    name: 'let the task that waits fail',
    as: 'ResumeProvisioningRole',
    call: { action: 'states:SendTaskFailure', resource: outputs.ProvisionStateMachineArn },
    make: ({ stepFunctions }) =>
      stepFunctions.send(new SendTaskFailureCommand({ taskToken: waitingToken() })),
  },
];

/** Others who are meant to do something of the kind can do no more than those. */
const alike: Readonly<Record<string, readonly string[]>> = {
  GrantAccessRole: [
    'attach a policy from outside of the path to a role of ours',
    'attach a policy of ours to a role that is not ours',
    'attach a policy of ours to a role under the path that has no boundary',
    'delete a role',
    'create a policy outside of the path',
    'create a policy outside of the pattern',
    'create a policy without the tag',
    'tag a policy that is not ours as ours',
    'tag the boundary as ours',
    'delete a version of the boundary',
  ],
  RevokeAccessRole: [
    'attach its own policy to a role',
    'detach a policy from a role that is not ours',
    'detach somebody else’s policy from a role of ours',
    'delete a policy that is not ours',
    'delete a policy under the path without our tag',
    'delete a version of the boundary',
    'create a policy outside of the path',
  ],
};
const alsoTried: readonly Attempt[] = Object.entries(alike).flatMap(([as, names]) =>
  names.map((name) => {
    const known = particular.find((attempt) => attempt.name === name);
    if (!known) throw new Error(`Nobody tries to ${name}.`);
    return { ...known, as };
  }),
);

const spoken = (roleId: string) => roleId.replace(/Role$/, '');

export const attempts: readonly Attempt[] = [
  ...particular,
  ...alsoTried,
  ...everywhere.flatMap(({ what, but = [], call, make }) =>
    roleIds.filter((roleId) => !but.includes(roleId)).map((as): Attempt => ({ name: what, as, call, make })),
  ),
].map((attempt) => ({ ...attempt, name: `${spoken(attempt.as)} cannot ${attempt.name}` }));

/** Those that are meant to, for each of what others cannot: where nobody could, the refusal would prove nothing. */
export const meant: readonly Attempt[] = everywhere.flatMap(({ what, but = [], call, make }) =>
  but.map((as) => ({ name: `${spoken(as)} may ${what}`, as, call, make })),
);

/** What attacks aim at: things of the customer's, things of the service's, and an execution that waits. */
import { randomBytes } from 'node:crypto';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import {
  CreatePolicyCommand,
  CreateRoleCommand,
  DeletePolicyCommand,
  DeleteRoleCommand,
} from '@aws-sdk/client-iam';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { bucketName, roleName, theirBoundary } from '../adoptable.ts';
import {
  client,
  connect,
  control,
  deployment,
  disconnect,
  iam,
  s3,
  settled,
  stepStatus,
  until,
} from '../integration/deployment.ts';
import { accountId } from './resolve.ts';

const id = randomBytes(4).toString('hex');
export const path = `/dataloop-cross-account/${deployment.stage}/`;
const policyArn = (name: string, at = path) => `arn:aws:iam::${accountId}:policy${at}${name}`;
const roleArn = (name: string, at = path) => `arn:aws:iam::${accountId}:role${at}${name}`;

/** Ready, and made by the service. */
export const ours = {
  name: `attacked-${id}`,
  bucket: `dataloop-attacked-${id}`,
  role: `dataloop-attacked-${id}`,
  roleArn: roleArn(`dataloop-attacked-${id}`),
  policyArn: policyArn(`dataloop-attacked-${id}`),
};

/** Of the customer's, outside of all that the deployment may touch. */
export const foreign = {
  bucket: `production-${id}`,
  role: `production-${id}`,
  roleArn: roleArn(`production-${id}`, '/'),
  policyArn: policyArn(`production-${id}`, '/'),
  secret: `production-${id}`,
  secretArn: `arn:aws:secretsmanager:${client.region}:${accountId}:secret:production-${id}-AbCdEf`,
};

/** Of the customer's, and named at deployment: it may be adopted. */
export const adoptable = {
  bucket: bucketName(12),
  role: roleName(12),
  roleArn: roleArn(roleName(12), '/team/'),
  /** One without a permissions boundary. */
  unbounded: roleName(14),
  unboundedArn: roleArn(roleName(14), '/team/'),
};

/** Not ours either, but under our path and pattern: only the tag is missing. */
export const near = {
  role: `dataloop-near-${id}`,
  roleArn: roleArn(`dataloop-near-${id}`),
  policyArn: policyArn(`dataloop-near-${id}`),
};

/** Names that nothing has yet. */
export const fresh = { inPattern: `dataloop-fresh-${id}`, outside: `fresh-${id}` };

export const trust = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::666666666666:root' }, Action: 'sts:AssumeRole' },
  ],
});
export const everything = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
});
const nothing = everything.replace('Allow', 'Deny');

const waitingName = `waiting-${id}`;
const integrationIds = { ready: '', waiting: '' };
let token = '';

export const readyIntegrationId = () => integrationIds.ready;
export const waitingIntegrationId = () => integrationIds.waiting;
export const waitingToken = () => token;

const secrets = new SecretsManagerClient(client);

export async function makeTargets(): Promise<void> {
  for (const [RoleName, Path] of [
    [foreign.role, '/'],
    [near.role, path],
  ]) {
    await iam.send(new CreateRoleCommand({ RoleName, Path, AssumeRolePolicyDocument: trust }));
    await iam.send(new CreatePolicyCommand({ PolicyName: RoleName, Path, PolicyDocument: nothing }));
  }
  const adoptableRole = { RoleName: adoptable.role, Path: '/team/' };
  const bounded = { ...adoptableRole, PermissionsBoundary: theirBoundary };
  await iam.send(new CreateRoleCommand({ ...bounded, AssumeRolePolicyDocument: trust }));
  const unbounded = { ...adoptableRole, RoleName: adoptable.unbounded };
  await iam.send(new CreateRoleCommand({ ...unbounded, AssumeRolePolicyDocument: trust }));
  for (const Bucket of [foreign.bucket, adoptable.bucket]) {
    const CreateBucketConfiguration = { LocationConstraint: 'eu-west-1' } as const;
    await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'theirs', Body: 'x' }));
  }
  await secrets.send(new CreateSecretCommand({ Name: foreign.secret, SecretString: 'theirs' }));
  integrationIds.ready = (await connect(ours.name)).integrationId;
  await settled(integrationIds.ready);
  await s3.send(new PutObjectCommand({ Bucket: ours.bucket, Key: 'theirs', Body: 'x' }));
  await control.set(waitingName, { userArnDelaySeconds: 'never' });
  integrationIds.waiting = (await connect(waitingName)).integrationId;
  await until(integrationIds.waiting, (now) => stepStatus(now, 'RequestIamUser') === 'waiting');
  const { Item } = await new DynamoDBClient(client).send(
    new GetItemCommand({
      TableName: deployment.outputs.TableName,
      Key: { pk: { S: `token#${integrationIds.waiting}` } },
    }),
  );
  token = Item?.['taskToken']?.S ?? '';
  if (!token) throw new Error('The execution that waits has no task token.');
}

export async function removeTargets(): Promise<void> {
  await s3.send(new DeleteObjectCommand({ Bucket: ours.bucket, Key: 'theirs' }));
  for (const Bucket of [foreign.bucket, adoptable.bucket]) {
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'theirs' }));
    await s3.send(new DeleteBucketCommand({ Bucket }));
  }
  await iam.send(new DeleteRoleCommand({ RoleName: adoptable.role }));
  await iam.send(new DeleteRoleCommand({ RoleName: adoptable.unbounded }));
  for (const [RoleName, PolicyArn] of [
    [foreign.role, foreign.policyArn],
    [near.role, near.policyArn],
  ]) {
    await iam.send(new DeleteRoleCommand({ RoleName }));
    await iam.send(new DeletePolicyCommand({ PolicyArn }));
  }
  await secrets.send(new DeleteSecretCommand({ SecretId: foreign.secret, ForceDeleteWithoutRecovery: true }));
  await disconnect(integrationIds.waiting);
  await disconnect(integrationIds.ready);
}

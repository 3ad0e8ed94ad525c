/**
 * What a chain of stolen sessions is played on, with the local AWS: an integration that is forged, one of somebody else, a
 * bucket of another stage; and who reaches what, asked with real sessions.
 */
import {
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeletePolicyCommand,
  DeletePolicyVersionCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  DetachRolePolicyCommand,
  GetPolicyCommand,
  GetRoleCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListPolicyVersionsCommand,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { ListExecutionsCommand } from '@aws-sdk/client-sfn';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { IntegrationAnswer } from '../../local/observe/api-client.ts';
import { forget, journalItems } from '../faults/journal.ts';
import { takeOwn } from '../faults/oracle.ts';
import { takeDeadLettersOf } from '../faults/queues.ts';
import { changes } from '../faults/snapshot.ts';
import { dataloopSession, trustedBy } from '../integration/dataloop-session.ts';
import {
  api,
  client,
  connect,
  control,
  dataloopCall,
  deployment,
  environment,
  foreignClient,
  iam,
  listing,
  s3,
  settled,
  stepFunctions,
  uniqueName,
} from '../integration/deployment.ts';
import { documentOf } from '../integration/policy-documents.ts';
import { forced } from '../service.ts';
import type { Forgery, Victims } from '../unit/security/forgeries.ts';
import { until } from '../until.ts';
import { type LiveChain, type Seen, seenAs } from './live-chains.ts';
import { type Session, sessionWith } from './sessions.ts';

const where = { environment, deployment };
const { organizationId, projectId } = environment.sandbox;
const theirObject = 'theirs';

interface Connected extends Seen {
  readonly integration: IntegrationAnswer;
  /** As Dataloop has it. */
  readonly dataloop: Session;
}

async function connected(what: string): Promise<Connected> {
  const name = uniqueName(what);
  const integration = await settled((await connect(name)).integrationId);
  if (integration.status !== 'ready') throw new Error(`${name} is ${integration.status}.`);
  const seen = seenAs(integration.integrationId, name);
  await s3.send(new PutObjectCommand({ Bucket: seen.bucket, Key: theirObject, Body: 'x' }));
  return { ...seen, integration, dataloop: sessionWith(await dataloopSession(integration)) };
}

/** Of another stage of the same account: a bucket, and the session of a role that reaches it. */
async function otherStage() {
  const name = uniqueName('dataloop-stage');
  await s3.send(
    new CreateBucketCommand({
      Bucket: name,
      CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' },
    }),
  );
  await s3.send(new PutObjectCommand({ Bucket: name, Key: theirObject, Body: 'x' }));
  const statement = (more: object) =>
    JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...more }] });
  const { Role } = await iam.send(
    new CreateRoleCommand({
      RoleName: name,
      Path: '/dataloop-cross-account/another-stage/',
      AssumeRolePolicyDocument: statement({
        Principal: { AWS: 'arn:aws:iam::111111111111:root' },
        Action: 'sts:AssumeRole',
      }),
    }),
  );
  await iam.send(
    new PutRolePolicyCommand({
      RoleName: name,
      PolicyName: 'own',
      PolicyDocument: statement({
        Action: ['s3:*', 'sts:AssumeRole'],
        Resource: [`arn:aws:s3:::${name}`, `arn:aws:s3:::${name}/*`],
      }),
    }),
  );
  const { Credentials } = await new STSClient(client).send(
    new AssumeRoleCommand({ RoleArn: Role?.Arn, RoleSessionName: 'another-stage' }),
  );
  const session = sessionWith({
    accessKeyId: Credentials?.AccessKeyId ?? '',
    secretAccessKey: Credentials?.SecretAccessKey ?? '',
    sessionToken: Credentials?.SessionToken ?? '',
  });
  const remove = async () => {
    await iam.send(new DeleteRolePolicyCommand({ RoleName: name, PolicyName: 'own' }));
    await iam.send(new DeleteRoleCommand({ RoleName: name }));
    await removeBucket(name);
  };
  return { bucket: name, session, remove };
}

/** A user of another account, who may do whatever lets them in. */
async function stranger() {
  const theirs = new IAMClient(foreignClient);
  const UserName = uniqueName('stranger');
  const policy = { UserName, PolicyName: 'all' };
  await theirs.send(new CreateUserCommand({ UserName }));
  const Statement = [{ Effect: 'Allow', Action: ['s3:*', 'sts:AssumeRole'], Resource: '*' }];
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
  await theirs.send(new PutUserPolicyCommand({ ...policy, PolicyDocument }));
  const { AccessKey } = await theirs.send(new CreateAccessKeyCommand({ UserName }));
  const { AccessKeyId: accessKeyId = '', SecretAccessKey: secretAccessKey = '' } = AccessKey ?? {};
  const remove = async () => {
    await theirs.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId: accessKeyId }));
    await theirs.send(new DeleteUserPolicyCommand(policy));
    await theirs.send(new DeleteUserCommand({ UserName }));
  };
  return { session: sessionWith({ accessKeyId, secretAccessKey }), remove };
}

async function removeBucket(Bucket: string): Promise<void> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
  for (const { Key } of Contents) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
  await s3.send(new DeleteBucketCommand({ Bucket }));
}

/** Takes away whatever stands of a name, and what the journal says of it, with all the rights that there are. */
async function wipe({ id, name }: Seen): Promise<void> {
  const records = await journalItems(where);
  const added = records.flatMap(({ pk, parent }) =>
    JSON.stringify(parent ?? {}).includes(id) ? [pk.replace('integration#', '')] : [],
  );
  const { buckets = [], policies = [], roles = [] } = await listing(name);
  for (const arn of roles) {
    const RoleName = arn.split('/').at(-1);
    const { AttachedPolicies = [] } = await iam.send(new ListAttachedRolePoliciesCommand({ RoleName }));
    for (const { PolicyArn } of AttachedPolicies) {
      await iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn }));
    }
    await iam.send(new DeleteRoleCommand({ RoleName }));
  }
  for (const PolicyArn of policies) {
    const { Versions = [] } = await iam.send(new ListPolicyVersionsCommand({ PolicyArn }));
    for (const { VersionId, IsDefaultVersion } of Versions) {
      if (!IsDefaultVersion) await iam.send(new DeletePolicyVersionCommand({ PolicyArn, VersionId }));
    }
    await iam.send(new DeletePolicyCommand({ PolicyArn }));
  }
  for (const bucket of buckets) await removeBucket(bucket);
  const standing = await control.standing();
  for (const driver of standing.drivers.filter((each) => each.name.includes(name))) {
    await dataloopCall('DELETE', `/drivers/${driver.id}`);
  }
  for (const each of standing.integrations.filter((integration) => integration.name.includes(name))) {
    await dataloopCall('DELETE', `/orgs/${organizationId}/integrations/${each.id}`);
  }
  for (const each of [id, ...added]) await forget(where, each);
  await takeDeadLettersOf(environment, [id, ...added]);
}

/** Waits until no state machine works on an integration, or on its added buckets, any more. */
async function untilAtRest({ id }: Seen): Promise<void> {
  const { outputs } = deployment;
  const machines = [
    outputs.ProvisionStateMachineArn,
    outputs.AddDriverStateMachineArn,
    outputs.DeprovisionStateMachineArn,
  ];
  await until(`nothing works on ${id}`, async () => {
    const records = await journalItems(where);
    const ids = records.flatMap(({ pk, parent }) =>
      pk === `integration#${id}` || JSON.stringify(parent ?? {}).includes(id)
        ? [pk.replace('integration#', '')]
        : [],
    );
    for (const stateMachineArn of machines) {
      const { executions = [] } = await stepFunctions.send(
        new ListExecutionsCommand({ stateMachineArn, statusFilter: 'RUNNING' }),
      );
      if (executions.some(({ name = '' }) => ids.some((each) => name.startsWith(each)))) return false;
    }
    return true;
  });
}

/** What stands of somebody else, who has no part in the chain. */
export async function bystanders() {
  const [theirs, stage, outsider] = await Promise.all([connected('bystander'), otherStage(), stranger()]);
  const roleId = await iam.send(new GetRoleCommand({ RoleName: theirs.roleArn.split('/').at(-1) }));
  const policyId = await iam.send(new GetPolicyCommand({ PolicyArn: theirs.policyArn }));
  const idOf = (type: string) =>
    theirs.integration.resources.find((resource) => resource.type === type)?.id ?? '';
  const { integrations, drivers } = await control.standing();
  const nameOf = (all: readonly { id: string; name: string }[], id: string) =>
    all.find((each) => each.id === id)?.name ?? '';
  const dataloopIntegrationId = idOf('Dataloop::Integration');
  const victims: Victims = {
    bucketArn: `arn:aws:s3:::${theirs.bucket}`,
    policy: { arn: theirs.policyArn, uniqueId: policyId.Policy?.PolicyId ?? '' },
    role: { arn: theirs.roleArn, uniqueId: roleId.Role?.RoleId ?? '' },
    tenant: {
      organizationId: 'another-organization',
      dataloopIntegrationId,
      userArn: await trustedBy(theirs.roleArn),
    },
    dataloopIntegration: { id: dataloopIntegrationId, name: nameOf(integrations, dataloopIntegrationId) },
    driver: { id: idOf('Dataloop::Driver'), name: nameOf(drivers, idOf('Dataloop::Driver')) },
  };
  const remove = async () => {
    await wipe(theirs);
    await Promise.all([stage.remove(), outsider.remove()]);
  };
  return { theirs, stage, outsider, victims, remove };
}
type Bystanders = Awaited<ReturnType<typeof bystanders>>;

/** Who reads whose bucket, who may assume whose role, and whom the roles trust: asked, not worked out. */
async function reach(own: Connected, { theirs, stage, outsider }: Bystanders): Promise<Set<string>> {
  const found = new Set<string>();
  const who: Readonly<Record<string, Session>> = {
    Dataloop: own.dataloop,
    'Dataloop, for somebody else,': theirs.dataloop,
    'a stranger': outsider.session,
    'another stage': stage.session,
  };
  const buckets = {
    'this bucket': own.bucket,
    'that of somebody else': theirs.bucket,
    'that of another stage': stage.bucket,
  };
  const roles = { 'this role': own.roleArn, 'that of somebody else': theirs.roleArn };
  const asked = Object.entries(who).flatMap(([name, session]) => [
    ...Object.entries(buckets).flatMap(([what, Bucket]) => [
      [
        `${name} reads ${what}`,
        () => session.s3.send(new GetObjectCommand({ Bucket, Key: theirObject })),
      ] as const,
      [`${name} lists ${what}`, () => session.s3.send(new ListObjectsV2Command({ Bucket }))] as const,
    ]),
    ...Object.entries(roles).map(
      ([what, RoleArn]) =>
        [
          `${name} assumes ${what}`,
          () => session.sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'asked' })),
        ] as const,
    ),
  ]);
  await Promise.all(
    asked.map(async ([what, ask]) =>
      ask().then(
        () => found.add(what),
        () => undefined,
      ),
    ),
  );
  for (const [what, arn] of Object.entries(roles)) {
    const answer = await iam
      .send(new GetRoleCommand({ RoleName: arn.split('/').at(-1) }))
      .catch(() => undefined);
    if (answer)
      found.add(`${what} trusts ${JSON.stringify(documentOf(answer.Role?.AssumeRolePolicyDocument))}`);
  }
  return found;
}

/** Writes into the record with the session of a thief. */
async function forge(session: Session, own: Connected, forgery: Forgery, victims: Victims): Promise<void> {
  const pk = `integration#${own.id}`;
  const item = (await journalItems(where)).find((each) => each.pk === pk) ?? {};
  const value = forgery.of({ id: own.id, item }, victims);
  await DynamoDBDocumentClient.from(session.dynamodb, {
    marshallOptions: { removeUndefinedValues: true },
  }).send(
    new UpdateCommand({
      TableName: deployment.outputs.TableName,
      Key: { pk },
      UpdateExpression: 'SET #forged = :value',
      ExpressionAttributeNames: { '#forged': forgery.attribute },
      ExpressionAttributeValues: { ':value': value },
    }),
  );
}

/**
 * The thieves write, and the service does what it always does: a bucket is added, all is tested, and removed.
 * @returns what anybody has more than before, and what changed of somebody else's
 */
export async function playLive(
  { forgery, forger, write, writer }: LiveChain,
  sessionOf: (roleId: string) => Session,
  bystanding: Bystanders,
): Promise<string[]> {
  const { theirs, victims } = bystanding;
  const own = await connected('forged');
  const before = await reach(own, bystanding);
  const found: string[] = [];
  try {
    await forge(sessionOf(forger), own, forgery, victims);
    await write.make(sessionOf(writer), own, theirs);
    const others = await takeOwn(where, theirs.name);

    const look = async (when: string) => {
      const now = await reach(own, bystanding);
      found.push(...[...now].filter((each) => !before.has(each)).map((each) => `${when}: ${each}`));
    };
    await look('Written');
    const path = `/integrations/${own.id}`;
    const body = { bucket: { name: `${own.bucket}-2` }, dataloop: { projectId } };
    await api.request('POST', `${path}/drivers`, { body });
    await untilAtRest(own);
    await look('A bucket was added');
    await api.request('POST', `${path}/test`);
    await api.request('DELETE', `${path}${forced}`);
    await untilAtRest(own);
    await look('Removed');
    found.push(
      ...changes(others, await takeOwn(where, theirs.name)).map((each) => `Somebody else’s: ${each}`),
    );
  } finally {
    await untilAtRest(own);
    await wipe(own);
  }
  return found;
}

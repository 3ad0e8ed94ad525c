/** The whole way of a request on real parts: the deployed API, state machines, functions, IAM enforced. */
import { GetRoleCommand, ListAttachedRolePoliciesCommand } from '@aws-sdk/client-iam';
import {
  DeleteObjectCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLocationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetObjectCommand,
  GetPublicAccessBlockCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import type { IntegrationAnswer } from '../../local/observe/api-client.ts';
import { differences, type Listing } from '../../local/observe/inventory.ts';
import { projectFile } from '../bundle.ts';
import { journalItems } from '../faults/journal.ts';
import { until as untilSeen } from '../until.ts';
import {
  api,
  connect,
  control,
  dataloopCall,
  defaultTags,
  deployment,
  disconnect,
  environment,
  iam,
  listing,
  read,
  s3,
  settled,
  stepStatus,
  uniqueName,
  until,
} from './deployment.ts';
import { dtlpy } from './dtlpy.ts';
import { faults, faultyName } from './faulty.ts';
import { documentOf, policyOf } from './policy-documents.ts';
import { createStack, deleteStack, reasonsOf, settledStack, updateStack } from './stacks.ts';

const { sandbox } = environment;
const where = { environment, deployment };
const resource = (integration: IntegrationAnswer, type: string) => {
  const found = integration.resources.find((each) => each.type === type);
  if (!found) throw new Error(`No ${type} in ${JSON.stringify(integration.resources)}`);
  return found;
};

describe('an integration with everything that a request may say', () => {
  const name = uniqueName('full');
  const bucket = `dataloop-${name}`;
  const roleName = `dataloop-role-${name}`;
  let before: Listing;
  let ready: IntegrationAnswer;

  beforeAll(async () => {
    before = await listing(name);
    const { integrationId } = await connect(name, {
      description: 'Images for the labelling team',
      bucket: { name: bucket, prefix: 'raw/' },
      dataloop: {
        projectId: sandbox.projectId,
        organizationId: sandbox.organizationId,
        driverName: `driver ${name}`,
      },
      role: { name: roleName },
      tags: { 'cost-center': '42' },
    });
    ready = await settled(integrationId);
  });

  afterAll(async () => {
    if ((await settled(ready.integrationId)).status === 'ready') await disconnect(ready.integrationId);
  });

  test('becomes ready through the steps of the state machine', () => {
    expect(ready.error).toBeUndefined();
    expect(ready.status).toBe('ready');
    const steps = ready.steps.map(({ name: step, status }) => `${step} ${status}`);
    expect(steps).toEqual(
      [
        'Preflight',
        'CreateBucket',
        'CreatePolicy',
        'RequestIamUser',
        'CreateRole',
        'CompleteIntegration',
        'TestDriver',
        'CreateDriver',
        'VerifyDriver',
        'Activate',
      ].map((step) => `${step} succeeded`),
    );
    expect(ready.resources.map(({ type, origin }) => `${type} ${origin}`)).toEqual([
      'AWS::S3::Bucket created',
      'AWS::IAM::ManagedPolicy created',
      'AWS::IAM::Role created',
      'Dataloop::Integration created',
      'Dataloop::Driver created',
    ]);
    expect(ready.residue).toEqual([]);
  });

  test('has a bucket that is closed, encrypted and tagged, and has no policy', async () => {
    const target = { Bucket: bucket };
    const { PublicAccessBlockConfiguration } = await s3.send(new GetPublicAccessBlockCommand(target));
    expect(PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      IgnorePublicAcls: true,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: true,
    });
    const { OwnershipControls } = await s3.send(new GetBucketOwnershipControlsCommand(target));
    expect(OwnershipControls?.Rules?.[0]?.ObjectOwnership).toBe('BucketOwnerEnforced');
    const { ServerSideEncryptionConfiguration } = await s3.send(new GetBucketEncryptionCommand(target));
    expect(
      ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm,
    ).toBe('AES256');
    const { TagSet = [] } = await s3.send(new GetBucketTaggingCommand(target));
    expect(Object.fromEntries(TagSet.map(({ Key, Value }) => [Key, Value]))).toEqual({
      'cost-center': '42',
      'dataloop-cross-account:integration-id': ready.integrationId,
      ...defaultTags,
    });
    await expect(s3.send(new GetBucketPolicyCommand(target))).rejects.toMatchObject({
      name: 'NoSuchBucketPolicy',
    });
    const { CORSRules = [] } = await s3.send(new GetBucketCorsCommand(target));
    expect(CORSRules[0]?.AllowedOrigins).toEqual(['https://console.dataloop.ai']);
    const { LocationConstraint } = await s3.send(new GetBucketLocationCommand(target));
    expect(LocationConstraint).toBe(environment.region);
  });

  test('has a role that trusts just the IAM user of its integration, with policy, boundary and path', async () => {
    const { Role } = await iam.send(new GetRoleCommand({ RoleName: roleName }));
    expect(Role?.Arn).toBe(resource(ready, 'AWS::IAM::Role').arn);
    expect(Role?.Path).toBe('/dataloop-cross-account/test/');
    expect(Role?.PermissionsBoundary?.PermissionsBoundaryArn).toBe(deployment.outputs.PermissionsBoundaryArn);
    const { integrations } = await control.state();
    const dataloopId = resource(ready, 'Dataloop::Integration').id;
    const userArn = integrations
      .find(({ id }) => id === dataloopId)
      ?.metadata.find((entry) => entry.name === 'userArn')?.value;
    expect(userArn).toMatch(new RegExp(`^arn:aws:iam::${sandbox.accountId}:user/`));
    expect(documentOf(Role?.AssumeRolePolicyDocument).Statement).toEqual([
      { Effect: 'Allow', Principal: { AWS: userArn }, Action: 'sts:AssumeRole' },
    ]);
    const { AttachedPolicies } = await iam.send(new ListAttachedRolePoliciesCommand({ RoleName: roleName }));
    const policyArn = resource(ready, 'AWS::IAM::ManagedPolicy').arn;
    expect(AttachedPolicies?.map(({ PolicyArn }) => PolicyArn)).toEqual([policyArn]);

    const demanded = {
      Bool: { 'aws:SecureTransport': 'true' },
      StringEquals: { 'aws:ResourceAccount': '111111111111' },
    };
    expect((await policyOf(ready)).Statement).toEqual([
      {
        Sid: 'AllowBucketListAccessWithPrefix',
        Effect: 'Allow',
        Action: 's3:ListBucket',
        Resource: `arn:aws:s3:::${bucket}`,
        Condition: { StringLike: { 's3:prefix': ['raw/', 'raw/*'] }, ...demanded },
      },
      {
        Sid: 'AllowBucketGetPutDelete',
        Effect: 'Allow',
        Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'],
        Resource: `arn:aws:s3:::${bucket}/raw/*`,
        Condition: demanded,
      },
    ]);
  });

  test('lets Dataloop write into its folder, and no other IAM user of the same account', async () => {
    const written = await control.writeObject(resource(ready, 'Dataloop::Driver').id ?? '', 'a.txt', 'hello');
    expect(written).toEqual({ bucket, key: 'raw/a.txt' });
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'raw/a.txt' }));
    expect(await Body?.transformToString()).toBe('hello');
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'raw/a.txt' }));
    const { KeyCount } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
    expect(KeyCount).toBe(0);

    const dataloopId = resource(ready, 'Dataloop::Integration').id ?? '';
    expect(await control.assumeAsStranger(dataloopId)).toEqual({
      assumed: false,
      errorName: 'AccessDenied',
    });
  });

  test('has a driver with the asked name, folder and delete permission', async () => {
    const { drivers } = await control.state();
    expect(drivers).toContainEqual(
      expect.objectContaining({
        id: resource(ready, 'Dataloop::Driver').id,
        name: `driver ${name}`,
        path: 'raw',
        allowExternalDelete: true,
      }),
    );
  });

  test('leaves nothing after DELETE, and a second DELETE answers the same', async () => {
    const removed = await disconnect(ready.integrationId);
    expect(removed.status).toBe('removed');
    expect(removed.resources).toEqual([]);
    expect(differences(before, await listing(name))).toEqual([]);

    const again = await api.request('DELETE', `/integrations/${ready.integrationId}`);
    expect(again.status).toBe(202);
    expect(again.body).toMatchObject({ integrationId: ready.integrationId, status: 'removed' });
  });
});

test('an IAM user that Dataloop issues late is awaited through the callback', async () => {
  const name = uniqueName('late');
  const before = await listing(name);
  await control.set(name, { userArnDelaySeconds: 4 });

  const { integrationId } = await connect(name);
  const waiting = await until(integrationId, (now) => stepStatus(now, 'RequestIamUser') === 'waiting');
  expect(stepStatus(waiting, 'CreateRole')).toBeUndefined();
  const ready = await settled(integrationId);

  expect(ready.error).toBeUndefined();
  expect(ready.status).toBe('ready');
  const step = ready.steps.find((each) => each.name === 'RequestIamUser');
  expect(Date.parse(step?.endedAt ?? '') - Date.parse(step?.startedAt ?? '')).toBeGreaterThanOrEqual(3_900);
  expect((await disconnect(integrationId)).status).toBe('removed');
  expect(differences(before, await listing(name))).toEqual([]);
});

test('two integrations at once do not get in each other’s way', async () => {
  const twins = uniqueName('twin');
  const before = await listing(twins);
  const started = await Promise.all([connect(`${twins}-1`), connect(`${twins}-2`)]);
  const ready = await Promise.all(started.map(({ integrationId }) => settled(integrationId)));
  expect(ready.map(({ status }) => status)).toEqual(['ready', 'ready']);
  const removed = await Promise.all(ready.map(({ integrationId }) => disconnect(integrationId)));
  expect(removed.map(({ status }) => status)).toEqual(['removed', 'removed']);
  expect(differences(before, await listing(twins))).toEqual([]);
});

describe('a stack of CloudFormation', () => {
  const stackOf = (name: string, file: string, more: Record<string, string> = {}) => ({
    name: `stack-${name}`,
    template: projectFile(`examples/cloudformation/${file}.yml`),
    parameters: {
      Stage: deployment.stage,
      Name: name,
      BucketName: `dataloop-${name}`,
      ProjectId: sandbox.projectId,
      ...more,
    },
  });
  const notKept = { KeepBucket: 'false' };
  /** Waits for the end, and expects that nothing has gone wrong. */
  const complete = async (stackId: string, expected: string) => {
    const { status, outputs } = await settledStack(stackId);
    expect([status, await reasonsOf(stackId, 'Images')]).toEqual([expected, expect.any(Array)]);
    return outputs;
  };

  const noAddressIsLeft = (integrationId: string) =>
    untilSeen(`no address for ${integrationId}`, async () => {
      const about = await journalItems(where, {
        FilterExpression: 'integrationId = :id AND begins_with(pk, :answer)',
        ExpressionAttributeValues: { ':id': integrationId, ':answer': 'answer#' },
      });
      return about.length === 0;
    });

  test('connects a bucket, replaces it without a gap, and takes all of it away with itself', async () => {
    const name = uniqueName('stack');
    const before = await listing(name);
    const withDataset = { ...notKept, DatasetName: `Images of ${name}` };
    const stackId = await createStack(stackOf(name, 'integration', withDataset));
    const outputs = await complete(stackId, 'CREATE_COMPLETE');
    const ready = await read(outputs['IntegrationId'] ?? '');
    expect(ready).toMatchObject({ status: 'ready', name });
    expect(outputs).toEqual({
      IntegrationId: ready.integrationId,
      RoleArn: resource(ready, 'AWS::IAM::Role').arn,
      BucketArn: resource(ready, 'AWS::S3::Bucket').arn,
      DataloopIntegrationId: resource(ready, 'Dataloop::Integration').id,
      DataloopDriverId: resource(ready, 'Dataloop::Driver').id,
      DataloopDatasetId: resource(ready, 'Dataloop::Dataset').id,
    });

    // The name is the old one's until CloudFormation deletes it.
    await updateStack(stackOf(name, 'integration', { ...notKept, BucketName: `dataloop-${name}-2` }));
    await complete(stackId, 'UPDATE_ROLLBACK_COMPLETE');
    expect(await reasonsOf(stackId, 'Images')).toContainEqual(
      expect.stringContaining(`The name "${name}" is used by ${ready.integrationId}`),
    );
    expect((await read(ready.integrationId)).status).toBe('ready');

    const other = { ...notKept, Name: `${name}-2`, BucketName: `dataloop-${name}-2` };
    await updateStack(stackOf(name, 'integration', other));
    const { IntegrationId: replaced = '' } = await complete(stackId, 'UPDATE_COMPLETE');
    expect(replaced).not.toBe(ready.integrationId);
    expect((await read(ready.integrationId)).status).toBe('removed');
    expect((await read(replaced)).status).toBe('ready');

    await deleteStack(stackId);
    await complete(stackId, 'DELETE_COMPLETE');
    expect((await read(replaced)).status).toBe('removed');
    expect(differences(before, await listing(name))).toEqual([]);
  });

  test('adds a bucket to its integration, and takes both away in order', async () => {
    const name = uniqueName('two');
    const before = await listing(name);
    const stackId = await createStack(
      stackOf(name, 'added-bucket', { AddedBucketName: `dataloop-${name}-videos` }),
    );
    const outputs = await complete(stackId, 'CREATE_COMPLETE');
    const { drivers } = await read(outputs['IntegrationId'] ?? '');
    expect(drivers).toMatchObject([{ driverId: outputs['DriverId'], name: `dataloop-${name}-videos` }]);
    expect(outputs['AddedBucketArn']).toBe(`arn:aws:s3:::dataloop-${name}-videos`);
    await deleteStack(stackId);
    await complete(stackId, 'DELETE_COMPLETE');
    expect(differences(before, await listing(name))).toEqual([]);
  });

  test('is answered although an answer is lost on its way, and although nobody says that one has arrived', async () => {
    const name = await faultyName('answer');
    const before = await listing(name);
    const answer = { scope: name, operation: 's3:PutAnswer', times: 1 };
    await faults.addRule({ ...answer, fault: { kind: 'unavailable' } });
    const stackId = await createStack(stackOf(name, 'integration', notKept));
    const { IntegrationId: integrationId = '' } = await complete(stackId, 'CREATE_COMPLETE');
    expect((await read(integrationId)).status).toBe('ready');
    await noAddressIsLeft(integrationId);
    await faults.addRule({ ...answer, fault: { kind: 'answer-lost' } });
    await deleteStack(stackId);
    await complete(stackId, 'DELETE_COMPLETE');
    await noAddressIsLeft(integrationId);
    const struck = (await faults.calls(name)).filter(({ fault }) => fault !== undefined);
    expect(struck.map(({ operation, outcome }) => [operation, outcome])).toEqual([
      ['s3:PutAnswer', 'faulted'],
      ['s3:PutAnswer', 'lost'],
    ]);
    expect(differences(before, await listing(name))).toEqual([]);
  });

  test('that is refused says why in its events, and leaves nothing', async () => {
    const name = uniqueName('refused');
    const input = stackOf(name, 'integration', { BucketName: 'elsewhere' });
    const stackId = await createStack({
      ...input,
      template: input.template.replace('cors: true', 'cors: 1'),
    });
    await complete(stackId, 'ROLLBACK_COMPLETE');
    expect(await reasonsOf(stackId, 'Images')).toContainEqual(
      expect.stringContaining('/bucket/cors: cors must be true or false.'),
    );
    await deleteStack(stackId);
    await complete(stackId, 'DELETE_COMPLETE');
  });

  test('that is deleted while it is being created goes with all that was begun', async () => {
    const name = uniqueName('unwanted');
    const before = await listing(name);
    await control.set(name, { userArnDelaySeconds: 'never' });
    const stackId = await createStack(stackOf(name, 'integration', notKept));
    const integrationId = await untilSeen(`a record of ${name}`, async () => {
      const [record] = await journalItems(where, {
        FilterExpression: '#name = :name',
        ExpressionAttributeNames: { '#name': 'name' },
        ExpressionAttributeValues: { ':name': name },
      });
      return record?.integrationId;
    });
    await until(integrationId, (now) => stepStatus(now, 'RequestIamUser') === 'waiting');

    await deleteStack(stackId);
    await complete(stackId, 'DELETE_COMPLETE');
    expect(await reasonsOf(stackId, 'Images')).toContainEqual('Resource creation cancelled');
    expect(await read(integrationId)).toMatchObject({ status: 'failed', resources: [], residue: [] });
    expect(differences(before, await listing(name))).toEqual([]);
    // Neither where the creation waited for its answer, nor where the deletion did.
    await noAddressIsLeft(integrationId);
  });
});

describe('a dataset in the request', () => {
  const datasetSchema = z.looseObject({
    dataset: z.strictObject({
      name: z.string(),
      id: z.string().optional(),
      sync: z.string().optional(),
      items: z.number().optional(),
      reason: z.string().optional(),
    }),
  });
  const datasetOf = async (id: string) =>
    datasetSchema.parse((await api.request('GET', `/integrations/${id}`)).body).dataset;

  test('is created and synced before it is ready, and goes with it while it is empty', async () => {
    const name = uniqueName('dataset');
    const before = await listing(name);
    const { integrationId } = await connect(name, { dataset: { name: `Images of ${name}` } });
    const ready = await settled(integrationId);
    expect(ready).toMatchObject({ status: 'ready', residue: [] });
    expect(ready.steps.slice(-3).map(({ name: step, status }) => `${step} ${status}`)).toEqual([
      'CreateDataset succeeded',
      'SyncDataset succeeded',
      'Activate succeeded',
    ]);
    const { id } = resource(ready, 'Dataloop::Dataset');
    expect(await datasetOf(integrationId)).toEqual({
      name: `Images of ${name}`,
      id,
      sync: 'succeeded',
      items: 0,
    });
    expect((await disconnect(integrationId)).status).toBe('removed');
    expect(differences(before, await listing(name))).toEqual([]);
  });

  test('does not take the connection with it when its sync fails, and stays with its items, named', async () => {
    const name = uniqueName('unsynced');
    await control.set(name, { sync: 'fail', syncSeconds: 1 });
    const { integrationId, links } = await connect(name, { dataset: { name } });
    const ready = await settled(integrationId);
    expect(ready.status).toBe('ready');
    expect(stepStatus(ready, 'SyncDataset')).toBe('failed');
    const { id = '', ...told } = await datasetOf(integrationId);
    expect(told).toEqual({ name, sync: 'failed', reason: expect.stringMatching(/failed: Access Denied/) });

    const { bucket } = await control.writeObject(
      resource(ready, 'Dataloop::Driver').id ?? '',
      'a.jpg',
      'an image',
    );
    await control.set(name, { sync: 'real', syncSeconds: 0 });
    const variables = { NAME: name, DATASET: id, OBJECT: `${bucket}/a.jpg` };
    expect(await dtlpy('dtlpy_dataset.py', variables)).toEqual({
      synced: true,
      items: ['/a.jpg'],
      imported: '/again/b.jpg',
      'item deleted': true,
      left: 1,
    });
    const refused = await api.request('DELETE', links.self);
    expect(refused).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining(`"${name}" (${id}`) },
    });

    const left = await disconnect(integrationId, '?force=true');
    expect(left.residue.map(({ type }) => type)).toEqual([
      'AWS::S3::Bucket',
      'Dataloop::Driver',
      'Dataloop::Dataset',
    ]);
    expect(left.residue[2]).toMatchObject({ id, reason: expect.stringMatching(/has 1 item, so it stays/) });

    await dataloopCall('DELETE', `/datasets/${id}`);
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'a.jpg' }));
    expect((await disconnect(integrationId)).status).toBe('removed');
  });
});

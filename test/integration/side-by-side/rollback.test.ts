/** Each failure ends clean: what was made is gone, what was there before stands, and the error says why. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeleteRolePolicyCommand, PutRolePolicyCommand, paginateListRoles } from '@aws-sdk/client-iam';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { lateViewsIn } from '../../../local/environment/start.ts';
import type { IntegrationAnswer } from '../../../local/observe/api-client.ts';
import { differences } from '../../../local/observe/inventory.ts';
import {
  api,
  connect,
  control,
  dataloopCall,
  disconnect,
  environment,
  foreignClient,
  iam,
  listing,
  requestFor,
  s3,
  settled,
  stepFunctions,
  stepStatus,
  uniqueName,
  until,
} from '../deployment.ts';
import { expectPromiseKept, faults, faultyName } from '../faulty.ts';

const { sandbox } = environment;

/** Runs a provisioning that fails, and proves by a listing before and after that nothing of it is left. */
async function failsClean(name: string, more?: Record<string, unknown>): Promise<IntegrationAnswer> {
  const before = await listing(name);
  const { integrationId } = await connect(name, more);
  const failed = await settled(integrationId);
  expect(failed).toMatchObject({ status: 'failed', resources: [], residue: [] });
  expect(differences(before, await listing(name))).toEqual([]);
  return failed;
}

async function functionRoleName(logicalId: string): Promise<string> {
  for await (const page of paginateListRoles({ client: iam }, {})) {
    const found = page.Roles?.find(({ RoleName }) => RoleName?.includes(`-test-${logicalId}-`));
    if (found?.RoleName) return found.RoleName;
  }
  throw new Error(`No role ${logicalId} was deployed.`);
}

test('bucket name taken by another account', async () => {
  const name = uniqueName('foreign');
  const foreign = new S3Client(foreignClient);
  const bucket = { Bucket: `dataloop-${name}` };
  const location = { CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' as const } };
  await foreign.send(new CreateBucketCommand({ ...bucket, ...location }));
  await foreign.send(new PutObjectCommand({ ...bucket, Key: 'theirs', Body: 'x' }));

  const failed = await failsClean(name);

  expect(failed.error).toMatchObject({
    type: 'urn:dataloop-cross-account:problem:bucket-name-taken',
    step: 'Preflight',
    detail: expect.stringContaining('another AWS account'),
  });
  const theirs = await foreign.send(new GetObjectCommand({ ...bucket, Key: 'theirs' }));
  expect(await theirs.Body?.transformToString()).toBe('x');
  await foreign.send(new DeleteObjectCommand({ ...bucket, Key: 'theirs' }));
  await foreign.send(new DeleteBucketCommand(bucket));
});

test('role creation refused', async () => {
  const name = uniqueName('norole');
  const deny = { RoleName: await functionRoleName('CreateRoleRole'), PolicyName: 'deny' };
  const document = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Deny', Action: 'iam:CreateRole', Resource: `*/dataloop-${name}` }],
  };
  await iam.send(new PutRolePolicyCommand({ ...deny, PolicyDocument: JSON.stringify(document) }));
  try {
    const failed = await failsClean(name);
    expect(failed.error).toMatchObject({
      type: 'urn:dataloop-cross-account:problem:aws-access-denied',
      step: 'CreateRole',
      detail: expect.stringContaining(`create role dataloop-${name}`),
    });
    expect(stepStatus(failed, 'DeleteBucket')).toBe('succeeded');
  } finally {
    await iam.send(new DeleteRolePolicyCommand(deny));
  }
});

test('settings that are so by default, and that an organisation lets nobody write, are not written', async () => {
  const name = uniqueName('bydefault');
  const deny = { RoleName: await functionRoleName('CreateBucketRole'), PolicyName: 'deny-settings' };
  const Action = [
    's3:PutEncryptionConfiguration',
    's3:PutBucketPublicAccessBlock',
    's3:PutBucketOwnershipControls',
  ];
  const document = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Deny', Action, Resource: `arn:aws:s3:::dataloop-${name}` }],
  };
  await iam.send(new PutRolePolicyCommand({ ...deny, PolicyDocument: JSON.stringify(document) }));
  try {
    const ready = await settled((await connect(name)).integrationId);
    expect([ready.status, ready.error]).toEqual(['ready', undefined]);
    expect((await disconnect(ready.integrationId)).status).toBe('removed');
  } finally {
    await iam.send(new DeleteRolePolicyCommand(deny));
  }
});

test('trust never established', async () => {
  const name = uniqueName('notrust');
  await control.set(name, { trustDelaySeconds: 'never' });
  const failed = await failsClean(name);
  expect(failed.error).toMatchObject({
    type: 'urn:dataloop-cross-account:problem:trust-not-established',
    step: 'CompleteIntegration',
  });
  const step = failed.steps.find((each) => each.name === 'CompleteIntegration');
  // Tried again, as trust takes a while, before it was given up.
  expect(step?.attempts).toBeGreaterThan(3);
});

test('trust that comes slowly is waited for', async () => {
  const name = uniqueName('slowtrust');
  await control.set(name, { trustDelaySeconds: 1 });
  const { integrationId } = await connect(name);
  const ready = await settled(integrationId);
  expect(ready.status).toBe('ready');
  expect(ready.steps.find((each) => each.name === 'CompleteIntegration')?.attempts).toBeGreaterThan(1);
  expect((await disconnect(integrationId)).status).toBe('removed');
});

test('driver test failing', async () => {
  const name = uniqueName('notest');
  await control.set(name, { driverTest: 'fail' });
  const failed = await failsClean(name);
  expect(failed.error).toMatchObject({
    type: 'urn:dataloop-cross-account:problem:driver-test-failed',
    step: 'TestDriver',
  });
});

test('callback never coming', async () => {
  const name = uniqueName('never');
  await control.set(name, { userArnDelaySeconds: 'never' });
  const failed = await failsClean(name);
  expect(failed.error).toMatchObject({
    type: 'urn:dataloop-cross-account:problem:iam-user-timeout',
    step: 'RequestIamUser',
  });
  expect(stepStatus(failed, 'CreateRole')).toBeUndefined();
});

test('execution stopped by hand', async () => {
  const name = uniqueName('stopped');
  const before = await listing(name);
  await control.set(name, { userArnDelaySeconds: 'never' });
  const { integrationId, links } = await connect(name);
  await until(integrationId, (now) => stepStatus(now, 'RequestIamUser') === 'waiting');

  await stepFunctions.send(new StopExecutionCommand({ executionArn: links.execution }));

  const failed = await settled(integrationId);
  expect(failed).toMatchObject({
    status: 'failed',
    residue: [],
    error: { type: 'urn:dataloop-cross-account:problem:execution-stopped' },
  });
  expect(differences(before, await listing(name))).toEqual([]);
});

test('DELETE while provisioning stops it and rolls it back', async () => {
  const name = uniqueName('changed');
  const before = await listing(name);
  await control.set(name, { userArnDelaySeconds: 'never' });
  const { integrationId } = await connect(name);
  await until(integrationId, (now) => stepStatus(now, 'RequestIamUser') === 'waiting');

  const [first, second] = await Promise.all([
    api.request('DELETE', `/integrations/${integrationId}`),
    api.request('DELETE', `/integrations/${integrationId}`),
  ]);

  expect([first.status, second.status]).toEqual([202, 202]);
  const failed = await settled(integrationId);
  expect(failed).toMatchObject({
    status: 'failed',
    error: { type: 'urn:dataloop-cross-account:problem:removal-requested' },
  });
  expect(differences(before, await listing(name))).toEqual([]);
});

test("Dataloop's limit of integrations reached", async () => {
  const name = uniqueName('limit');
  await control.set(name, { integrationLimit: 0 });
  const failed = await failsClean(name);
  expect(failed.error).toMatchObject({
    type: 'urn:dataloop-cross-account:problem:dataloop-integration-limit',
    step: 'RequestIamUser',
    detail: expect.stringContaining(sandbox.organizationId),
  });
});

test.each([
  { status: 401, times: 20, type: 'dataloop-credentials' },
  { status: 403, times: 20, type: 'dataloop-forbidden' },
])('Dataloop refuses with $status', async ({ status, times, type }) => {
  const name = uniqueName(`refused${status}`);
  await control.fail({ method: 'POST', path: '^/orgs/.*/integrations$', status, times, scope: name });
  const failed = await failsClean(name);
  await control.clearFaults();
  expect(failed.error).toMatchObject({
    type: `urn:dataloop-cross-account:problem:${type}`,
    step: 'RequestIamUser',
  });
});

test('Dataloop down for a while: it recovers and nothing is rolled back', async () => {
  const name = uniqueName('down');
  const before = await listing(name);
  for (const [method, path] of [
    ['POST', '^/orgs/.*/integrations$'],
    ['PATCH', '^/orgs/.*/integrations'],
    ['POST', '^/drivers/test'],
    ['POST', '^/drivers$'],
  ] as const) {
    await control.fail({ method, path, status: 503, times: 5, scope: name });
  }
  // An answer that is lost after the effect, and a rate limit, on top.
  await control.fail({
    method: 'POST',
    path: '^/drivers$',
    status: 500,
    times: 1,
    when: 'after',
    scope: name,
  });
  await control.fail({
    method: 'POST',
    path: '^/orgs/.*/integrations$',
    status: 502,
    times: 1,
    when: 'after',
    scope: name,
  });
  await control.fail({
    method: 'GET',
    path: '^/drivers/.*/test$',
    status: 429,
    times: 1,
    retryAfterSeconds: 1,
    scope: name,
  });

  const { integrationId } = await connect(name);
  const ready = await settled(integrationId);

  expect(ready.error).toBeUndefined();
  expect(ready.status).toBe('ready');
  expect(ready.steps.map((step) => step.name)).not.toContain('RollBack');
  const { integrations, drivers } = await control.state();
  // The lost answers have not led to a second one.
  expect(integrations.filter((each) => each.name.includes(name))).toHaveLength(1);
  expect(drivers.filter((each) => each.name.includes(name))).toHaveLength(1);
  expect((await disconnect(integrationId)).status).toBe('removed');
  expect(differences(before, await listing(name))).toEqual([]);
});

test('an integration and a driver of the same name at Dataloop survive', async () => {
  const name = uniqueName('theirs');
  const integrations = `/orgs/${sandbox.organizationId}/integrations`;
  const made = z.looseObject({ id: z.string() });
  const integration = made.parse(
    await dataloopCall('POST', integrations, { name, type: 'aws-cross', options: {} }),
  );
  const answer = await dataloopCall('POST', '/drivers', {
    name,
    type: 's3',
    creator: sandbox.username,
    integrationId: integration.id,
    integrationType: 'aws-cross',
    metadata: { system: { projectId: sandbox.projectId } },
    payload: { bucketName: 'some-bucket' },
    allowExternalDelete: false,
  });
  const driver = made.parse(answer);
  const before = await listing(name);

  // Names repeat at Dataloop: ours are made beside theirs, and only ours are taken away.
  const { integrationId } = await connect(name);
  expect((await settled(integrationId)).status).toBe('ready');
  expect((await disconnect(integrationId)).status).toBe('removed');

  expect(differences(before, await listing(name))).toEqual([]);
  expect(await dataloopCall('GET', `/drivers/${driver.id}`)).toEqual(driver);
  await dataloopCall('DELETE', `/drivers/${driver.id}`);
  await dataloopCall('DELETE', `${integrations}/${integration.id}`);
});

test('a bucket that is not empty is kept and named; DELETE finishes once it is', async () => {
  const name = uniqueName('full');
  const before = await listing(name);
  const { integrationId } = await connect(name);
  await settled(integrationId);
  const object = { Bucket: `dataloop-${name}`, Key: 'precious' };
  await s3.send(new PutObjectCommand({ ...object, Body: 'data' }));

  const residue = await disconnect(integrationId);

  expect(residue).toMatchObject({
    status: 'residue',
    residue: [
      {
        type: 'AWS::S3::Bucket',
        arn: `arn:aws:s3:::dataloop-${name}`,
        reason: 'The bucket is not empty. This service never deletes objects.',
        advice: expect.stringContaining('send DELETE with ?keepBucket=true'),
      },
    ],
  });
  expect(differences(before, await listing(name))).toEqual([`+ buckets: dataloop-${name}`]);
  const kept = await s3.send(new GetObjectCommand(object));
  expect(await kept.Body?.transformToString()).toBe('data');

  await s3.send(new DeleteObjectCommand(object));
  const again = await api.request('DELETE', `/integrations/${integrationId}`);
  expect(again.status).toBe(202);
  const removed = await until(integrationId, ({ status }) => status === 'removed');
  expect(removed.residue).toEqual([]);
  expect(differences(before, await listing(name))).toEqual([]);
});

test('a name is free again after its integration has failed', async () => {
  const name = uniqueName('again');
  await control.set(name, { driverTest: 'fail' });
  await failsClean(name);
  await control.set(name, { driverTest: 'real' });
  const { integrationId } = await connect(name);
  expect((await settled(integrationId)).status).toBe('ready');
  expect(requestFor(name).name).toBe(name);
  expect((await disconnect(integrationId)).status).toBe('removed');
});

test('a role that IAM does not show yet is not refused for good: its policy is attached once it shows', async () => {
  const name = await faultyName('unseen');
  const folder = lateViewsIn(environment.folder);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), JSON.stringify({ role: 2 }));
  const { integrationId } = await connect(name);
  const ready = await settled(integrationId);
  expect(ready.error).toBeUndefined();
  expect(ready.status).toBe('ready');
  const refused = (await faults.calls(name)).filter(({ status }) => status === 403);
  expect(refused.map(({ operation }) => operation)).toEqual([
    'iam:AttachRolePolicy',
    'iam:ListAttachedRolePolicies',
  ]);
  await expectPromiseKept(ready);
  expect((await disconnect(integrationId)).status).toBe('removed');
});

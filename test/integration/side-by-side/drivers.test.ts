/** Several buckets on one integration: added and taken away, each with a rollback of its own. */
import { GetPolicyCommand, GetPolicyVersionCommand, ListPolicyVersionsCommand } from '@aws-sdk/client-iam';
import {
  DeleteObjectCommand,
  DeletePublicAccessBlockCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { addedDriverViewSchema, integrationSchema } from '../../../src/domain/api/responses.ts';
import { sameJson } from '../../../src/domain/model/canonical-json.ts';
import type { Fault } from '../../faults/proxy/faults.ts';
import { changes, takeSnapshot } from '../../faults/snapshot.ts';
import { undoneStatuses } from '../../service.ts';
import { hangSeconds } from '../../until.ts';
import {
  add,
  crowd,
  driverRequest,
  driverSettled,
  driverTestOf,
  takeAway,
  testOf,
} from '../added-buckets.ts';
import { dataloopSession } from '../dataloop-session.ts';
import {
  api,
  client,
  connect,
  dataloopCall,
  disconnect,
  environment,
  iam,
  requestFor,
  s3,
  settled,
  stepFunctions,
} from '../deployment.ts';
import { faults, faultyName, untilHeld } from '../faulty.ts';
import { documentOf, policyOf } from '../policy-documents.ts';

const { projectId } = environment.sandbox;
async function ready(name: string, more?: Record<string, unknown>) {
  const { integrationId } = await connect(name, more);
  const integration = await settled(integrationId);
  expect(integration.status).toBe('ready');
  return integration;
}

async function integrationOf(integrationId: string) {
  return integrationSchema.parse((await api.request('GET', `/integrations/${integrationId}`)).body);
}

const standing = (name: string) => takeSnapshot(environment, (each) => each.includes(name));

test('a bucket is added and taken away; the integration and what it grants are as before', async () => {
  const name = await faultyName('several');
  const integration = await ready(name);
  const { integrationId } = integration;
  const granted = await policyOf(integration);
  const before = await standing(name);

  const added = await driverSettled(await add(integrationId, driverRequest(`dataloop-${name}-2`)));
  expect(added).toMatchObject({ status: 'ready', integrationId, bucket: `dataloop-${name}-2`, residue: [] });
  expect(added.steps.map((step) => step.name)).toEqual([
    'Preflight',
    'CreateBucket',
    'GrantAccess',
    'TestDriver',
    'CreateDriver',
    'VerifyDriver',
    'Activate',
  ]);
  expect((await integrationOf(integrationId)).drivers).toEqual([
    {
      driverId: added.driverId,
      name: `dataloop-${name}-2`,
      bucket: `dataloop-${name}-2`,
      projectId,
      links: { self: added.links.self },
    },
  ]);
  expect(await testOf(integrationId)).toMatchObject({ status: 'passed' });

  const dataloop = new S3Client({ ...client, credentials: await dataloopSession(integration) });
  const object = { Bucket: `dataloop-${name}-2`, Key: 'theirs' };
  await dataloop.send(new PutObjectCommand({ ...object, Body: 'x' }));
  await dataloop.send(new DeleteObjectCommand(object));

  expect(await takeAway(added)).toMatchObject({ status: 'removed', resources: [], residue: [] });
  expect(await takeAway(added)).toMatchObject({ status: 'removed' });
  const again = await integrationOf(integrationId);
  expect(again).toMatchObject({ status: 'ready' });
  expect(again.drivers).toBeUndefined();
  expect(sameJson(await policyOf(integration), granted)).toBe(true);
  expect(await testOf(integrationId)).toMatchObject({ status: 'passed' });
  // What changed is that the policy has versions more.
  expect(changes(before, await standing(name)).filter((each) => !each.includes('policy'))).toEqual([]);

  expect((await disconnect(integrationId)).status).toBe('removed');
  expect([...(await standing(name)).keys()]).toEqual([]);
});

test('the test of a driver finds what was changed of its bucket, which that of the integration does not look at', async () => {
  const name = await faultyName('driver-test');
  const { integrationId } = await ready(name);
  const added = await driverSettled(await add(integrationId, driverRequest(`dataloop-${name}-2`)));
  const before = await standing(name);

  const healthy = await driverTestOf(added);
  expect(healthy).toMatchObject({ driverId: added.driverId, integrationId, status: 'passed' });
  expect(healthy.checks.map((check) => `${check.name} ${check.status}`)).toEqual([
    'DriverTest passed',
    'PolicyAttached passed',
    'PermissionPolicy passed',
    'PublicAccessBlock passed',
    'Cors passed',
    'Encryption passed',
    'KmsKey skipped',
    'OwnerTags passed',
  ]);
  // It reads, and nothing else.
  const made = (await faults.calls(name)).filter((call) => call.function === 'testAddedDriver');
  const reading =
    /^(iam:(Get|List)\w+|s3:Get\w+|dynamodb:(Batch)?GetItem|secretsmanager:GetSecretValue|dataloop:GET .*|dataloop:POST \/token)$/;
  expect(made.map(({ operation }) => operation)).toEqual(expect.arrayContaining(['s3:GetBucketCors']));
  expect(made.filter(({ operation }) => !reading.test(operation))).toEqual([]);
  expect(changes(before, await standing(name))).toEqual([]);

  await s3.send(new DeletePublicAccessBlockCommand({ Bucket: added.bucket }));
  await dataloopCall(
    'DELETE',
    `/drivers/${added.resources.find(({ type }) => type === 'Dataloop::Driver')?.id}`,
  );
  const broken = (await driverTestOf(added)).checks.filter(({ status }) => status === 'failed');
  expect(broken.map((check) => check.name)).toEqual(['DriverTest', 'PublicAccessBlock']);
  expect(broken[0]?.detail).toContain('Send DELETE for this driver, then add the bucket again.');
  expect(broken[1]?.detail).toContain(added.bucket);
  expect(await testOf(integrationId)).toMatchObject({ status: 'passed' });

  expect((await disconnect(integrationId)).status).toBe('removed');
  expect((await api.request('POST', `${added.links.self}/test`)).status).toBe(409);
});

describe('on one integration', () => {
  /** So long that IAM's characters are soon used up. */
  const folder = (number: number) => `${'deep/'.repeat(95)}${number}/`;

  test(
    'buckets fill one policy after the other; with the integration everything goes',
    async () => {
      const name = await faultyName('many');
      const integration = await ready(name);
      const { integrationId } = integration;
      const numbers = Array.from({ length: 6 * crowd }, (_, index) => index + 2);
      const added = await Promise.all(
        numbers.map(async (number) => {
          const isLong = number < 8;
          const more = isLong ? { prefix: folder(number) } : {};
          return driverSettled(await add(integrationId, driverRequest(`dataloop-${name}-${number}`, more)));
        }),
      );
      expect(added.map(({ status, error }) => error ?? status)).toEqual(numbers.map(() => 'ready'));

      const { resources } = await integrationOf(integrationId);
      const policies = resources
        .filter(({ type }) => type === 'AWS::IAM::ManagedPolicy')
        .map(({ arn }) => arn);
      expect(policies.length).toBeGreaterThanOrEqual(2);
      for (const PolicyArn of policies) {
        const { Versions = [] } = await iam.send(new ListPolicyVersionsCommand({ PolicyArn }));
        expect(Versions.length).toBeLessThanOrEqual(5);
        const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn }));
        const VersionId = Policy?.DefaultVersionId;
        const { PolicyVersion } = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId }));
        expect(JSON.stringify(documentOf(PolicyVersion?.Document)).length).toBeLessThanOrEqual(6_144);
      }
      const checks = await testOf(integrationId);
      expect(checks).toMatchObject({ status: 'passed' });
      expect(checks.checks.map((check) => check.name)).toEqual(
        expect.arrayContaining(['PermissionPolicy', 'PermissionPolicy2']),
      );

      expect((await api.request('DELETE', `/integrations/${integrationId}`)).status).toBe(202);
      for (const driver of added) {
        expect((await driverSettled(driver, undoneStatuses)).status).toBe('removed');
      }
      expect((await disconnect(integrationId)).status).toBe('removed');
      expect([...(await standing(name)).keys()]).toEqual([]);
    },
    3 * crowd * hangSeconds * 1000,
  );

  test('two at once for one bucket: one wins, the other is told who', async () => {
    const name = await faultyName('twice');
    const { integrationId } = await ready(name);
    const path = `/integrations/${integrationId}/drivers`;
    const asked = (driverName: string) =>
      api.request('POST', path, { body: driverRequest(`dataloop-${name}-2`, {}, { driverName }) });
    const [first] = await Promise.all([asked('same'), asked('same')]);
    // The same request again is the same driver.
    const driver = addedDriverViewSchema.parse(first.body);
    expect(await driverSettled(driver)).toMatchObject({ status: 'ready' });
    const other = await api.request('POST', path, {
      body: driverRequest(`dataloop-${name}-3`, {}, { driverName: 'same' }),
    });
    expect([other.status, JSON.stringify(other.body)]).toEqual([
      409,
      expect.stringContaining(driver.driverId),
    ]);
    const own = await api.request('POST', path, {
      body: driverRequest(`dataloop-${name}-3`, {}, { driverName: name }),
    });
    expect(own.status).toBe(409);
    expect(await integrationOf(integrationId)).toMatchObject({ drivers: [{ driverId: driver.driverId }] });
    expect((await disconnect(integrationId)).status).toBe('removed');
  });
});

describe('what is not as it must be', () => {
  test('is refused before anything is made', async () => {
    const name = await faultyName('refused');
    const { integrationId } = await ready(name);
    const post = async (path: string, body: object) => {
      const answer = await api.request('POST', path, { body });
      return [answer.status, JSON.stringify(answer.body)];
    };
    const path = `/integrations/${integrationId}/drivers`;
    expect(await post(path, driverRequest('somebody-elses'))).toEqual([
      400,
      expect.stringContaining('/bucket/name'),
    ]);
    expect(await post(path, { ...driverRequest(`dataloop-${name}-2`), role: {} })).toEqual([
      400,
      expect.stringContaining('/role'),
    ]);
    const unknown = `/integrations/int_${'0'.repeat(26)}/drivers`;
    expect((await post(unknown, driverRequest(`dataloop-${name}-2`)))[0]).toBe(404);
    const noDriver = `${path}/drv_${'0'.repeat(26)}`;
    expect((await api.request('GET', noDriver)).status).toBe(404);
    expect((await api.request('DELETE', noDriver)).status).toBe(404);
    expect((await api.request('DELETE', `/integrations/${integrationId}?force=perhaps`)).status).toBe(400);
    expect((await disconnect(integrationId)).status).toBe('removed');
    expect((await post(path, driverRequest(`dataloop-${name}-2`)))[0]).toBe(409);
  });

  test('of a driver is no integration to the rest of the API', async () => {
    const name = await faultyName('none');
    const { integrationId } = await ready(name);
    const driver = await driverSettled(await add(integrationId, driverRequest(`dataloop-${name}-2`)));
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/test'],
      ['POST', '/drivers'],
    ] as const) {
      const body = path === '/drivers' ? { body: driverRequest(`dataloop-${name}-3`) } : {};
      const answer = await api.request(method, `/integrations/${driver.driverId}${path}`, body);
      expect([method, path, answer.status]).toEqual([method, path, 404]);
    }
    const list = await api.request('GET', '/integrations?limit=100');
    expect(JSON.stringify(list.body)).not.toContain(`"integrationId":"${driver.driverId}"`);
    expect((await disconnect(integrationId)).status).toBe('removed');
  });
});

describe('a driver that fails', () => {
  test.each<[string, string, string, Fault, string]>([
    ['its test', 'verifyDriver', 'dataloop:GET /drivers/{id}/test', { kind: 'refuse' }, 'VerifyDriver'],
    ['its access', 'grantAccess', 'iam:CreatePolicyVersion', { kind: 'refuse' }, 'GrantAccess'],
    ['its bucket', 'createBucket', 's3:CreateBucket', { kind: 'refuse' }, 'CreateBucket'],
  ])('at %s is rolled back, and nothing else', async (_what, functionName, operation, fault, step) => {
    const name = await faultyName('fails');
    const integration = await ready(name);
    const { integrationId } = integration;
    const granted = await policyOf(integration);
    await faults.addRule({ scope: name, function: functionName, operation, fault });
    const failed = await driverSettled(await add(integrationId, driverRequest(`dataloop-${name}-2`)));
    expect(failed).toMatchObject({ status: 'failed', resources: [], residue: [], error: { step } });
    expect(sameJson(await policyOf(integration), granted)).toBe(true);
    const after = await integrationOf(integrationId);
    expect([after.status, after.drivers]).toEqual(['ready', undefined]);
    await faults.clearRules(name);
    // The names are free again.
    expect(await driverSettled(await add(integrationId, driverRequest(`dataloop-${name}-2`)))).toMatchObject({
      status: 'ready',
    });
    expect((await disconnect(integrationId)).status).toBe('removed');
    expect([...(await standing(name)).keys()]).toEqual([]);
  });

  test.each<[string, string, 'answer-lost' | 'kill-after']>([
    ['grantAccess', 'iam:CreatePolicyVersion', 'answer-lost'],
    ['grantAccess', 'iam:CreatePolicyVersion', 'kill-after'],
  ])('at %s only for a while (%s, %s) gets ready', async (functionName, operation, kind) => {
    const name = await faultyName('passes');
    const { integrationId } = await ready(name);
    await faults.addRule({
      scope: name,
      function: functionName,
      operation,
      call: 1,
      fault: { kind },
    });
    const added = await driverSettled(await add(integrationId, driverRequest(`dataloop-${name}-2`)));
    expect(added).toMatchObject({ status: 'ready' });
    expect(await testOf(integrationId)).toMatchObject({ status: 'passed' });
    expect((await disconnect(integrationId)).status).toBe('removed');
    expect([...(await standing(name)).keys()]).toEqual([]);
  });

  test('because its execution was stopped while access was granted is rolled back, whenever that takes effect', async () => {
    const name = await faultyName('stopped');
    const integration = await ready(name);
    const { integrationId } = integration;
    const granted = await policyOf(integration);
    await faults.addRule({
      scope: name,
      function: 'grantAccess',
      operation: 'iam:CreatePolicyVersion',
      fault: { kind: 'hold', name },
    });
    const adding = await add(integrationId, driverRequest(`dataloop-${name}-2`));
    await untilHeld(name);
    await stepFunctions.send(new StopExecutionCommand({ executionArn: adding.links.execution }));
    await faults.release(name);
    expect(await driverSettled(adding, ['failed', 'residue'])).toMatchObject({ status: 'failed' });
    expect(sameJson(await policyOf(integration), granted)).toBe(true);
    expect((await disconnect(integrationId)).status).toBe('removed');
    expect([...(await standing(name)).keys()]).toEqual([]);
  });
});

test('an object in its bucket keeps it, and the integration says so until it is gone', async () => {
  const name = await faultyName('full');
  const { integrationId } = await ready(name);
  const driver = await driverSettled(await add(integrationId, driverRequest(`dataloop-${name}-2`)));
  const object = { Bucket: `dataloop-${name}-2`, Key: 'theirs' };
  await s3.send(new PutObjectCommand({ ...object, Body: 'x' }));

  const left = await disconnect(integrationId);
  expect(left).toMatchObject({
    status: 'residue',
    residue: [{ type: 'Dataloop::Driver', reason: expect.stringContaining(driver.links.self) }],
  });
  expect(await driverSettled(driver)).toMatchObject({
    status: 'residue',
    residue: [{ type: 'AWS::S3::Bucket', advice: expect.stringContaining('this driver') }],
  });
  expect(await (await s3.send(new GetObjectCommand(object))).Body?.transformToString()).toBe('x');

  await s3.send(new DeleteObjectCommand(object));
  expect((await disconnect(integrationId)).status).toBe('removed');
  expect((await driverSettled(driver)).status).toBe('removed');
  expect([...(await standing(name)).keys()]).toEqual([]);
});

test('drivers that somebody made by hand are in the way of a removal, unless it is forced', async () => {
  const name = await faultyName('byhand');
  const integration = await ready(name);
  const { integrationId } = integration;
  const dataloopId = integration.resources.find(({ type }) => type === 'Dataloop::Integration')?.id;
  const driver = await driverSettled(await add(integrationId, driverRequest(`dataloop-${name}-2`)));
  const theirs = z.object({ id: z.string() }).parse(
    await dataloopCall('POST', '/drivers', {
      integrationId: dataloopId,
      integrationType: 'aws-cross',
      name: 'by hand',
      type: 's3',
      metadata: { system: { projectId } },
      payload: { bucketName: `dataloop-${name}-2`, storageClass: '', region: environment.region, path: '' },
      allowExternalDelete: false,
      creator: 'somebody@example.com',
    }),
  );

  for (const path of [`/integrations/${integrationId}`, driver.links.self]) {
    const { status, body } = await api.request('DELETE', path);
    expect([path, status]).toEqual([path, 409]);
    expect(JSON.stringify(body)).toContain(theirs.id);
  }
  expect(await integrationOf(integrationId)).toMatchObject({ status: 'ready' });
  expect(await driverSettled(driver)).toMatchObject({ status: 'ready' });

  expect(await takeAway(driver, '?force=true')).toMatchObject({ status: 'removed' });
  expect((await disconnect(integrationId, '?force=true')).status).toBe('removed');
  await dataloopCall('DELETE', `/drivers/${theirs.id}`);
});

test('what was there before is adopted for a driver, and given back', async () => {
  const name = await faultyName('taken');
  const { integrationId } = await ready(name);
  // One that this deployment may not adopt.
  const answer = await api.request('POST', `/integrations/${integrationId}/drivers`, {
    body: driverRequest('acme-elsewhere', { mode: 'adopt' }),
  });
  expect([answer.status, JSON.stringify(answer.body)]).toEqual([
    400,
    expect.stringContaining('may adopt only'),
  ]);
  // A plan of an integration sees that the bucket of a driver is taken.
  const driver = await driverSettled(await add(integrationId, driverRequest(`dataloop-${name}-2`)));
  const plan = await api.request('POST', '/plans', {
    body: requestFor(`${name}-x`, { bucket: { name: `dataloop-${name}-2` } }),
  });
  expect(JSON.stringify(plan.body)).toContain('bucket-name-taken');
  expect((await takeAway(driver)).status).toBe('removed');
  expect((await disconnect(integrationId)).status).toBe('removed');
});

/** docs/openapi.json is what the running API does: every status that it documents is seen, every answer is as it says. */
import { randomUUID } from 'node:crypto';
import { PutCommand, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, expect, test } from '@jest/globals';
import * as z from 'zod';
import type { ApiClient } from '../../local/observe/api-client.ts';
import { type Answer, readContract } from '../contract.ts';
import { openPerCaller } from '../faults/bed.ts';
import { clientsAt } from '../faults/clients.ts';
import { until } from '../until.ts';
import {
  api,
  control,
  dataloopCall,
  deployment,
  disconnect,
  environment,
  requestFor,
  settled,
  uniqueName,
} from './deployment.ts';
import { faults, faultyName } from './faulty.ts';

const contract = readContract();

/** What is documented and cannot be had here. */
const unseen: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    contract.operations
      .filter(({ operationId }) => operationId !== 'createIntegration')
      .map(({ operationId }) => [`${operationId} 429`, 'API Gateway throttles; the emulator does not.']),
  ),
  'listIntegrations 500':
    'A damaged record is listed; what else fails is a mistake of ours, or of the deployment.',
  'planIntegration 500': 'Whatever fails is a finding of the plan; only a mistake of ours is left.',
};

const seen = new Set<string>();

/** Notes which documented answer this is. @throws where it is none */
function observe(method: string, path: string, answer: Answer): void {
  expect(contract.wrongWith(method, path, answer)).toEqual([]);
  seen.add(`${contract.operationOf(method, path).operationId} ${answer.status}`);
}

/** Calls the API, and compares its answer with the document. */
const call: ApiClient['request'] = async (method, path, options) => {
  const answer = await api.request(method, path, options);
  observe(method, path, answer);
  return answer;
};

const statusOf = async (...request: Parameters<ApiClient['request']>) => (await call(...request)).status;

const idSchema = z.object({ integrationId: z.string() });
const driverSchema = z.object({ driverId: z.string(), status: z.string() });

/** Ids that the service never gave. */
const unknownId = 'int_00000000000000000000000000';
const unknownDriverId = 'drv_00000000000000000000000000';

/** Integrations to be taken away when the test is over. */
const begun: string[] = [];

async function begin(name: string): Promise<string> {
  const answer = await call('POST', '/integrations', { body: requestFor(name) });
  expect(answer.status).toBe(202);
  const { integrationId } = idSchema.parse(answer.body);
  begun.push(integrationId);
  return integrationId;
}

/** One that stays as it is: where Dataloop is just trying the bucket, its file would be left there. */
async function beginWaiting(name: string): Promise<string> {
  await control.set(name, { userArnDelaySeconds: 'never' });
  return begin(name);
}

afterEach(async () => {
  for (const integrationId of begun.splice(0)) {
    const { status, residue } = await disconnect(integrationId);
    expect(residue).toEqual([]);
    expect(['failed', 'removed']).toContain(status);
  }
});

/** Every call of a path with an integration's id alone, but those with a body. */
const callsOf = (integrationId: string) =>
  [
    ['GET', `/integrations/${integrationId}`],
    ['POST', `/integrations/${integrationId}/test`],
    ['POST', `/integrations/${integrationId}/removal-plan`],
    ['DELETE', `/integrations/${integrationId}`],
  ] as const;

/** The request for one more bucket. */
const driverRequestFor = (name: string, more: Record<string, unknown> = {}) => ({
  bucket: { name: `dataloop-${name}` },
  dataloop: { projectId: environment.sandbox.projectId },
  ...more,
});

const driversOf = (integrationId: string) => `/integrations/${integrationId}/drivers`;

/** Adds a bucket to an integration. @returns the path of its driver */
async function add(
  integrationId: string,
  options: Parameters<ApiClient['request']>[2],
): Promise<{ path: string; driverId: string }> {
  const answer = await call('POST', driversOf(integrationId), options);
  expect([answer.status, answer.body]).toEqual([202, expect.objectContaining({ integrationId })]);
  const { driverId } = driverSchema.parse(answer.body);
  return { path: `${driversOf(integrationId)}/${driverId}`, driverId };
}

/** Waits until a driver is in one of these states. @returns in which. @throws Error where that takes too long */
async function driverUntil(path: string, wanted: readonly string[]) {
  return until(`${path} is ${wanted.join(' or ')}`, async () => {
    const parsed = driverSchema.safeParse((await call('GET', path)).body);
    return parsed.success && wanted.includes(parsed.data.status) && parsed.data.status;
  });
}

/** An integration that is ready, for drivers to be added to. */
async function beginReady(name: string): Promise<string> {
  const integrationId = await begin(name);
  expect((await settled(integrationId)).status).toBe('ready');
  return integrationId;
}

/** Id at Dataloop of an integration of ours. */
async function dataloopIdOf(integrationId: string): Promise<string> {
  const { integrations } = await control.standing();
  const found = integrations.find(({ name }) => name.includes(integrationId));
  if (!found) throw new Error(`Dataloop has no integration of ${integrationId}.`);
  return found.id;
}

/** A driver that somebody makes by hand on an integration at Dataloop. @returns how it is taken away */
async function makeByHand(
  integrationId: string,
  driverName: string,
  bucketName: string,
): Promise<() => Promise<unknown>> {
  const made = await dataloopCall('POST', '/drivers', {
    name: driverName,
    type: 's3',
    creator: 'owner@example.com',
    integrationId: await dataloopIdOf(integrationId),
    integrationType: 'aws-cross',
    metadata: { system: { projectId: environment.sandbox.projectId } },
    payload: { bucketName, path: '' },
  });
  const { id } = z.object({ id: z.string() }).parse(made);
  return () => dataloopCall('DELETE', `/drivers/${id}`);
}

test('an integration is planned, made, looked at, tested and removed', async () => {
  const name = uniqueName('contract');
  expect(await statusOf('POST', '/plans', { body: requestFor(name) })).toBe(200);
  const integrationId = await begin(name);
  await settled(integrationId);
  const calls = callsOf(integrationId);
  for (const [method, path] of calls) {
    expect([method, await statusOf(method, path)]).toEqual([method, method === 'DELETE' ? 202 : 200]);
  }
  await disconnect(integrationId);
  const removed = await call('GET', `/integrations/${integrationId}`);
  expect(removed.body).toMatchObject({ status: 'removed' });
});

test('integrations are listed by pages, and a query that is not understood is refused', async () => {
  const name = uniqueName('contract-list');
  const integrationId = await beginWaiting(name);
  await beginWaiting(`${name}-2`);
  const first = await call('GET', '/integrations?limit=1&status=provisioning,ready');
  const { nextToken } = z.object({ nextToken: z.string() }).parse(first.body);
  const second = await call('GET', `/integrations?limit=1&nextToken=${nextToken}`);
  expect(second.body).toMatchObject({ items: [{ integrationId }] });
  expect(await statusOf('GET', '/integrations')).toBe(200);
  for (const query of ['limit=0', 'status=asleep', 'nextToken=x', 'page=2']) {
    expect(await statusOf('GET', `/integrations?${query}`)).toBe(400);
  }
});

test('a bucket is added, looked at, listed and taken away, and its driver is known once only', async () => {
  const name = uniqueName('contract-driver');
  const integrationId = await beginReady(name);
  const headers = { 'idempotency-key': randomUUID() };
  const body = driverRequestFor(`${name}-2`);
  const { path, driverId } = await add(integrationId, { body, headers });
  expect(await add(integrationId, { body, headers })).toEqual({ path, driverId });
  const other = driverRequestFor(`${name}-3`);
  expect(await statusOf('POST', driversOf(integrationId), { body: other, headers })).toBe(422);
  const another = driverRequestFor(`${name}-2`, { tags: { team: 'other' } });
  expect(await statusOf('POST', driversOf(integrationId), { body: another })).toBe(409);
  expect(await driverUntil(path, ['ready', 'failed', 'residue'])).toBe('ready');
  expect(await statusOf('POST', `${path}/test`)).toBe(200);
  expect((await call('POST', `${path}/removal-plan`)).body).toMatchObject({ driverId, clear: true });
  const integration = await call('GET', `/integrations/${integrationId}`);
  expect(integration.body).toMatchObject({ drivers: [{ driverId, bucket: body.bucket.name }] });
  const list = await call('GET', '/integrations?limit=100');
  expect(JSON.stringify(list.body)).toContain(driverId);
  // It is no integration, and on no other one.
  expect(await statusOf('GET', `/integrations/${driverId}`)).toBe(404);
  expect(await statusOf('GET', `${driversOf(unknownId)}/${driverId}`)).toBe(404);
  expect(await statusOf('DELETE', `${driversOf(unknownId)}/${driverId}`)).toBe(404);

  for (const query of ['force=yes', 'page=2', 'force=true&page=2']) {
    for (const each of [path, `/integrations/${integrationId}`]) {
      expect([query, await statusOf('DELETE', `${each}?${query}`)]).toEqual([query, 400]);
    }
  }
  expect(await statusOf('DELETE', `${path}?force=false`)).toBe(202);
  expect(await driverUntil(path, ['removed', 'residue'])).toBe('removed');
  expect((await call('GET', `/integrations/${integrationId}`)).body).not.toHaveProperty('drivers');
  expect(await statusOf('DELETE', path)).toBe(202);
  expect(await statusOf('POST', `${path}/test`)).toBe(409);
});

test('a bucket that cannot be added says why, and the integration stays ready', async () => {
  const name = uniqueName('contract-driver-fails');
  const integrationId = await beginReady(name);
  await control.set(name, { driverTest: 'fail' });
  const { path } = await add(integrationId, { body: driverRequestFor(`${name}-2`) });
  expect(await driverUntil(path, ['ready', 'failed', 'residue'])).toBe('failed');
  expect((await call('GET', path)).body).toMatchObject({ error: { step: 'TestDriver' } });
  const integration = await call('GET', `/integrations/${integrationId}`);
  expect(integration.body).toMatchObject({ status: 'ready' });
});

test('a request for a bucket that is none is refused', async () => {
  const name = uniqueName('contract-driver-bad');
  const integrationId = await beginReady(name);
  const bad: [number, Parameters<ApiClient['request']>[2]][] = [
    [400, { body: { ...driverRequestFor(name), name, 'a/b~c': true } }],
    [400, { body: driverRequestFor(name, { bucket: { name: `other-${name}` } }) }],
    [400, { body: driverRequestFor(name), headers: { 'idempotency-key': 'with space' } }],
    [400, { rawBody: '{"bucket":' }],
    [413, { body: driverRequestFor(name, { description: 'x'.repeat(40_000) }) }],
    [415, { rawBody: 'name=x', headers: { 'content-type': 'text/plain' } }],
  ];
  for (const [status, options] of bad) {
    expect(await statusOf('POST', driversOf(integrationId), options)).toBe(status);
  }
  const { body } = await call('GET', `/integrations/${integrationId}`);
  expect(body).not.toHaveProperty('drivers');
});

test('drivers that somebody made by hand are in the way of a removal, until it is forced', async () => {
  const name = uniqueName('contract-by-hand');
  const integrationId = await beginReady(name);
  const body = driverRequestFor(`${name}-2`);
  const { path } = await add(integrationId, { body });
  expect(await driverUntil(path, ['ready', 'failed', 'residue'])).toBe('ready');
  const takeAway = await makeByHand(integrationId, `${name}-by-hand`, body.bucket.name);
  try {
    for (const each of [path, `/integrations/${integrationId}`]) {
      const refused = await call('DELETE', each);
      expect(refused.status).toBe(409);
      expect(JSON.stringify(refused.body)).toContain(`${name}-by-hand`);
      // The plan says the same, and nothing has changed.
      const plan = await call('POST', `${each}/removal-plan`);
      expect(plan.body).toMatchObject({ clear: false, foreignDrivers: [{ name: `${name}-by-hand` }] });
    }
    expect((await call('GET', path)).body).toMatchObject({ status: 'ready' });
    expect(await statusOf('DELETE', `${path}?force=true`)).toBe(202);
    expect(await driverUntil(path, ['removed', 'residue'])).toBe('removed');
  } finally {
    await takeAway();
  }
});

test('datasets are in the way of a removal, until they are gone or it is forced', async () => {
  const name = uniqueName('contract-dataset');
  const integrationId = await beginReady(name);
  const { path } = await add(integrationId, { body: driverRequestFor(`${name}-2`) });
  expect(await driverUntil(path, ['ready', 'failed', 'residue'])).toBe('ready');
  const { drivers } = await control.standing();
  const makeDataset = async (driverName: string) => {
    const driver = drivers.find((each) => each.name === driverName)?.id;
    const made = await dataloopCall('POST', '/datasets', {
      name: `${driverName}-set`,
      projects: [environment.sandbox.projectId],
      createDefaultRecipe: true,
      driver,
    });
    const { id } = z.object({ id: z.string() }).parse(made);
    return () => dataloopCall('DELETE', `/datasets/${id}`);
  };
  const takeAway = await makeDataset(`dataloop-${name}-2`);
  for (const each of [path, `/integrations/${integrationId}`]) {
    const refused = await call('DELETE', each);
    expect([refused.status, refused.body]).toMatchObject([
      409,
      { type: 'urn:dataloop-cross-account:problem:datasets-in-use' },
    ]);
    const plan = await call('POST', `${each}/removal-plan`);
    expect(plan.body).toMatchObject({ clear: false, datasets: [{ name: `dataloop-${name}-2-set` }] });
  }
  expect((await call('GET', path)).body).toMatchObject({ status: 'ready' });
  // Forced, access ends all the same, and the driver that Dataloop keeps is a leftover.
  expect(await statusOf('DELETE', `${path}?force=true`)).toBe(202);
  expect(await driverUntil(path, ['removed', 'residue'])).toBe('residue');
  await takeAway();
  expect(await statusOf('DELETE', path)).toBe(202);
  expect(await driverUntil(path, ['removed', 'residue'])).toBe('removed');
});

test('nothing is removed while Dataloop does not tell of drivers made by hand, unless it is forced', async () => {
  const name = uniqueName('contract-unknown');
  const integrationId = await beginReady(name);
  const { path } = await add(integrationId, { body: driverRequestFor(`${name}-2`) });
  expect(await driverUntil(path, ['ready', 'failed', 'residue'])).toBe('ready');
  const id = await dataloopIdOf(integrationId);
  const expectUnknown = async (each: string) => {
    const refused = await call('DELETE', each);
    expect(refused.status).toBe(503);
    expect(refused.body).toMatchObject({ type: 'urn:dataloop-cross-account:problem:drivers-unknown' });
  };
  try {
    await control.fail({ method: 'GET', path: '^/drivers\\?projectId=', status: 403 });
    for (const each of [path, `/integrations/${integrationId}`]) await expectUnknown(each);
    await control.clearFaults();
    // How many there are matters to the integration alone.
    await control.fail({ method: 'GET', path: `^/drivers/byIntegration/${id}$`, status: 403 });
    await expectUnknown(`/integrations/${integrationId}`);
    await control.clearFaults();
    // Nor while it does not tell of datasets.
    await control.fail({ method: 'POST', path: '^/datasets/query$', status: 403 });
    for (const each of [path, `/integrations/${integrationId}`]) {
      expect((await call('DELETE', each)).body).toMatchObject({
        type: 'urn:dataloop-cross-account:problem:datasets-unknown',
      });
    }
    expect(await statusOf('DELETE', `/integrations/${integrationId}?force=true`)).toBe(202);
  } finally {
    await control.clearFaults();
  }
  // The driver goes with the integration.
  expect(await driverUntil(path, ['removed', 'residue'])).toBe('removed');
});

/** What an operator says, of a user whom Dataloop never issued. */
const confirm = (integrationId: string, options: Parameters<ApiClient['request']>[2] = {}) =>
  statusOf('POST', `/integrations/${integrationId}/iam-user`, {
    body: { userArn: `arn:aws:iam::${environment.sandbox.accountId}:user/nobody` },
    ...options,
  });

test('what is awaited of an operator is said, and their answer taken once', async () => {
  const name = uniqueName('contract-operator');
  const dataloop = { projectId: environment.sandbox.projectId, createdBy: 'operator' };
  const answer = await call('POST', '/integrations', { body: requestFor(name, { dataloop }) });
  const { integrationId } = idSchema.parse(answer.body);
  begun.push(integrationId);
  const awaiting = z.looseObject({ action: z.object({ what: z.string() }).optional() });
  await until(
    'an operator is asked for something',
    async () => awaiting.parse((await call('GET', `/integrations/${integrationId}`)).body).action,
  );
  expect(await confirm(integrationId, { body: {} })).toBe(400);
  expect(await confirm(integrationId, { rawBody: `{"userArn":"${'x'.repeat(40_000)}"}` })).toBe(413);
  const text = { rawBody: 'x', headers: { 'content-type': 'text/plain' } };
  expect(await confirm(integrationId, text)).toBe(415);
  expect(await confirm(integrationId)).toBe(202);
  // Dataloop knows no such user, which could be corrected. Once it is rolled back nothing is awaited any more.
  await disconnect(integrationId);
  expect(await confirm(integrationId)).toBe(409);
  expect(await confirm(unknownId)).toBe(404);
});

test('an integration that fails says why', async () => {
  const name = uniqueName('contract-fails');
  await control.set(name, { driverTest: 'fail' });
  const integrationId = await begin(name);
  await settled(integrationId);
  const failed = await call('GET', `/integrations/${integrationId}`);
  expect(failed.body).toMatchObject({ status: 'failed', error: { step: 'TestDriver' } });
});

test('a plan names what is in its way', async () => {
  const name = uniqueName('contract-way');
  const integrationId = await beginWaiting(name);
  const inTheWay = await call('POST', '/plans', { body: requestFor(name, { role: { name: 'Admin' } }) });
  expect(inTheWay.body).toMatchObject({ clear: false });
  expect(JSON.stringify(inTheWay.body)).toContain(integrationId);
});

test.each(['/integrations', '/plans'])('POST %s refuses what is no request', async (path) => {
  const name = uniqueName('contract-bad');
  const bad: [number, Parameters<ApiClient['request']>[2]][] = [
    [400, { body: { ...requestFor(name), surprise: true, tags: { 'a/b~c': 1 } } }],
    [400, { rawBody: '{"name":' }],
    [413, { body: { ...requestFor(name), description: 'x'.repeat(40_000) } }],
    [415, { rawBody: 'name=x', headers: { 'content-type': 'text/plain' } }],
  ];
  for (const [status, options] of bad) expect(await statusOf('POST', path, options)).toBe(status);
});

test('a request that collides with another is refused', async () => {
  const name = uniqueName('contract-taken');
  await control.set(name, { userArnDelaySeconds: 'never' });
  const headers = { 'idempotency-key': randomUUID() };
  const first = await call('POST', '/integrations', { body: requestFor(name), headers });
  const { integrationId } = idSchema.parse(first.body);
  begun.push(integrationId);

  const other = requestFor(name, { bucket: { name: `dataloop-other-${name}` } });
  expect(await statusOf('POST', '/integrations', { body: requestFor(name), headers })).toBe(202);
  expect(await statusOf('POST', '/integrations', { body: other, headers })).toBe(422);
  expect(await statusOf('POST', '/integrations', { body: other })).toBe(409);
  const headersWithSpace = { 'idempotency-key': 'with space' };
  expect(await statusOf('POST', '/integrations', { body: other, headers: headersWithSpace })).toBe(400);
  // Dataloop has not issued its IAM user.
  expect(await statusOf('POST', `/integrations/${integrationId}/test`)).toBe(409);
  expect(await statusOf('POST', driversOf(integrationId), { body: driverRequestFor(`${name}-2`) })).toBe(409);
});

test('an integration that is not there is not found', async () => {
  for (const id of [unknownId, 'nothing']) {
    for (const [method, path] of callsOf(id)) expect(await statusOf(method, path)).toBe(404);
    expect(await statusOf('POST', driversOf(id), { body: driverRequestFor('contract-nowhere') })).toBe(404);
  }
});

test('a driver that is not there is not found', async () => {
  const name = uniqueName('contract-nowhere');
  const integrationId = await beginWaiting(name);
  for (const id of [unknownDriverId, integrationId, 'nothing']) {
    for (const method of ['GET', 'DELETE']) {
      expect(await statusOf(method, `${driversOf(integrationId)}/${id}`)).toBe(404);
    }
    for (const what of ['test', 'removal-plan']) {
      expect(await statusOf('POST', `${driversOf(integrationId)}/${id}/${what}`)).toBe(404);
    }
  }
});

test('nobody gets in unsigned', async () => {
  for (const { method, path } of contract.operations) {
    const called = path.replace('{integrationId}', unknownId).replace('{driverId}', unknownDriverId);
    const response = await fetch(`${deployment.apiUrl}${called}`, {
      method,
      ...(method === 'POST' ? { body: '{}', headers: { 'content-type': 'application/json' } } : {}),
    });
    expect(response.status).toBe(403);
    const body: unknown = await response.json();
    observe(method, called, { status: response.status, headers: response.headers, body });
  }
});

test('a caller who has too many integrations open has to wait, but not for a repeated request', async () => {
  const name = uniqueName('contract-full');
  const integrationId = await beginWaiting(name);
  const { table } = clientsAt(environment);
  const { TableName } = deployment.outputs;
  const { Items = [] } = await table.send(
    new ScanCommand({
      TableName,
      FilterExpression: 'begins_with(pk, :place) AND integrationId = :id',
      ExpressionAttributeValues: { ':place': 'place#', ':id': integrationId },
    }),
  );
  const place = z.object({ pk: z.string() }).loose().parse(Items[0]);
  const [, caller] = place.pk.split('#');
  // As if it were as many as one caller may have.
  for (let index = 0; index < openPerCaller; index += 1) {
    await table.send(new PutCommand({ TableName, Item: { ...place, pk: `place#${caller}#${index}` } }));
  }
  const other = requestFor(uniqueName('contract-one-more'));
  const refused = await call('POST', '/integrations', { body: other });
  expect([refused.status, refused.body]).toEqual([
    429,
    expect.objectContaining({ type: 'urn:dataloop-cross-account:problem:too-many-open' }),
  ]);
  expect(await statusOf('POST', '/integrations', { body: requestFor(name) })).toBe(202);

  // Nobody frees the places: what is over has none any more.
  expect((await disconnect(integrationId)).status).toBe('failed');
  begun.splice(0);
  await beginWaiting(other.name);
});

test('what AWS does not answer is to be asked again', async () => {
  const name = await faultyName('contract-later');
  const integrationId = await beginReady(name);
  const { path: driver } = await add(integrationId, { body: driverRequestFor(`${name}-2`) });
  expect(await driverUntil(driver, ['ready', 'failed', 'residue'])).toBe('ready');
  await faults.addRule({ scope: name, operation: 'dynamodb:*', fault: { kind: 'unavailable' } });
  for (const [method, path] of callsOf(integrationId)) expect(await statusOf(method, path)).toBe(503);
  expect(await confirm(integrationId)).toBe(503);
  expect(await statusOf('POST', driversOf(integrationId), { body: driverRequestFor(`${name}-3`) })).toBe(503);
  for (const method of ['GET', 'DELETE']) expect(await statusOf(method, driver)).toBe(503);
  for (const what of ['test', 'removal-plan']) expect(await statusOf('POST', `${driver}/${what}`)).toBe(503);
  // It is the newest: what is read of it is asked for by its id.
  expect(await statusOf('GET', '/integrations?limit=1')).toBe(503);
  expect(await statusOf('POST', '/integrations', { body: requestFor(name) })).toBe(503);
  // A plan says which part of it is not known.
  const plan = await call('POST', '/plans', { body: requestFor(name) });
  expect([plan.status, plan.body]).toEqual([200, expect.objectContaining({ clear: false })]);
  expect(JSON.stringify(plan.body)).toContain('"unknown"');
  await faults.clearRules(name);
});

test('a record that somebody changed is named, and nothing is done', async () => {
  const name = uniqueName('contract-damaged');
  const integrationId = await beginReady(name);
  const { path: driver, driverId } = await add(integrationId, { body: driverRequestFor(`${name}-2`) });
  expect(await driverUntil(driver, ['ready', 'failed', 'residue'])).toBe('ready');
  const { table } = clientsAt(environment);
  const write = (id: string, createdAt: string) =>
    table.send(
      new UpdateCommand({
        TableName: deployment.outputs.TableName,
        Key: { pk: `integration#${id}` },
        UpdateExpression: 'SET createdAt = :createdAt',
        ExpressionAttributeValues: { ':createdAt': createdAt },
      }),
    );
  await write(integrationId, 'yesterday');
  await write(driverId, 'yesterday');
  const other = requestFor(name, { bucket: { name: `dataloop-other-${name}` } });
  const statuses = await Promise.all([
    ...callsOf(integrationId).map(([method, path]) => statusOf(method, path)),
    confirm(integrationId),
    statusOf('POST', '/integrations', { body: other }),
    statusOf('POST', driversOf(integrationId), { body: driverRequestFor(`${name}-3`) }),
    statusOf('GET', driver),
    statusOf('DELETE', driver),
    statusOf('POST', `${driver}/test`),
    statusOf('POST', `${driver}/removal-plan`),
  ]);
  const list = await call('GET', '/integrations?limit=1');
  await write(integrationId, new Date().toISOString());
  await write(driverId, new Date().toISOString());
  expect(statuses).toEqual(statuses.map(() => 500));
  expect(list.body).toMatchObject({ items: [], damaged: [integrationId] });
});

test('every status that is documented has been seen', () => {
  const documented = contract.operations.flatMap(({ operationId, responses }) =>
    Object.keys(responses).map((status) => `${operationId} ${status}`),
  );
  expect(documented.filter((each) => !seen.has(each)).sort()).toEqual(Object.keys(unseen).sort());
});

/** docs/openapi.json is what the running API does: every status that it documents is seen, every answer is as it says. */
import { randomUUID } from 'node:crypto';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, expect, test } from '@jest/globals';
import * as z from 'zod';
import type { ApiClient } from '../../local/api-client.ts';
import { type Answer, readContract } from '../contract.ts';
import { clientsAt } from '../faults/clients.ts';
import {
  api,
  control,
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
    contract.operations.map(({ operationId }) => [
      `${operationId} 429`,
      'API Gateway throttles; the emulator does not.',
    ]),
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

/** Integrations to be taken away when the test is over. */
const begun: string[] = [];

async function begin(name: string): Promise<string> {
  const answer = await call('POST', '/integrations', { body: requestFor(name) });
  expect(answer.status).toBe(202);
  const { integrationId } = idSchema.parse(answer.body);
  begun.push(integrationId);
  return integrationId;
}

afterEach(async () => {
  for (const integrationId of begun.splice(0)) {
    const { status } = await disconnect(integrationId);
    expect(['failed', 'removed']).toContain(status);
  }
});

/** Every call of a path with an id. */
const callsOf = (integrationId: string) =>
  [
    ['GET', `/integrations/${integrationId}`],
    ['POST', `/integrations/${integrationId}/test`],
    ['DELETE', `/integrations/${integrationId}`],
  ] as const;

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
  const integrationId = await begin(name);
  await begin(`${name}-2`);
  const first = await call('GET', '/integrations?limit=1&status=provisioning,ready');
  const { nextToken } = z.object({ nextToken: z.string() }).parse(first.body);
  const second = await call('GET', `/integrations?limit=1&nextToken=${nextToken}`);
  expect(second.body).toMatchObject({ items: [{ integrationId }] });
  expect(await statusOf('GET', '/integrations')).toBe(200);
  for (const query of ['limit=0', 'status=asleep', 'nextToken=x', 'page=2']) {
    expect(await statusOf('GET', `/integrations?${query}`)).toBe(400);
  }
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
  while (!awaiting.parse((await call('GET', `/integrations/${integrationId}`)).body).action) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(await confirm(integrationId, { body: {} })).toBe(400);
  expect(await confirm(integrationId, { rawBody: `{"userArn":"${'x'.repeat(40_000)}"}` })).toBe(413);
  const text = { rawBody: 'x', headers: { 'content-type': 'text/plain' } };
  expect(await confirm(integrationId, text)).toBe(415);
  expect(await confirm(integrationId)).toBe(202);
  // Dataloop knows no such user: the workflow ends, and nothing is awaited any more.
  await settled(integrationId);
  expect(await confirm(integrationId)).toBe(409);
  expect(await confirm('int_00000000000000000000000000')).toBe(404);
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
  const integrationId = await begin(name);
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
});

test('an integration that is not there is not found', async () => {
  for (const id of ['int_00000000000000000000000000', 'nothing']) {
    for (const [method, path] of callsOf(id)) expect(await statusOf(method, path)).toBe(404);
  }
});

test('nobody gets in unsigned', async () => {
  for (const { method, path } of contract.operations) {
    const called = path.replace('{integrationId}', 'int_00000000000000000000000000');
    const response = await fetch(`${deployment.apiUrl}${called}`, {
      method,
      ...(method === 'POST' ? { body: '{}', headers: { 'content-type': 'application/json' } } : {}),
    });
    expect(response.status).toBe(403);
    const body: unknown = await response.json();
    observe(method, called, { status: response.status, headers: response.headers, body });
  }
});

test('what AWS does not answer is to be asked again', async () => {
  const name = await faultyName('contract-later');
  const integrationId = await begin(name);
  await settled(integrationId);
  await faults.addRule({ scope: name, operation: 'dynamodb:*', fault: { kind: 'unavailable' } });
  for (const [method, path] of callsOf(integrationId)) expect(await statusOf(method, path)).toBe(503);
  expect(await confirm(integrationId)).toBe(503);
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
  const integrationId = await begin(name);
  await settled(integrationId);
  const { table } = clientsAt(environment);
  const write = (createdAt: string) =>
    table.send(
      new UpdateCommand({
        TableName: deployment.outputs.TableName,
        Key: { pk: `integration#${integrationId}` },
        UpdateExpression: 'SET createdAt = :createdAt',
        ExpressionAttributeValues: { ':createdAt': createdAt },
      }),
    );
  await write('yesterday');
  const other = requestFor(name, { bucket: { name: `dataloop-other-${name}` } });
  const statuses = await Promise.all([
    ...callsOf(integrationId).map(([method, path]) => statusOf(method, path)),
    confirm(integrationId),
    statusOf('POST', '/integrations', { body: other }),
  ]);
  const list = await call('GET', '/integrations?limit=1');
  await write(new Date().toISOString());
  expect(statuses).toEqual([500, 500, 500, 500, 500]);
  expect(list.body).toMatchObject({ items: [], damaged: [integrationId] });
});

test('every status that is documented has been seen', () => {
  const documented = contract.operations.flatMap(({ operationId, responses }) =>
    Object.keys(responses).map((status) => `${operationId} ${status}`),
  );
  expect(documented.filter((each) => !seen.has(each)).sort()).toEqual(Object.keys(unseen).sort());
});

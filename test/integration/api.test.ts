/** The HTTP API as its callers see it: answers, problems, idempotency, authorisation. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DeleteBucketCommand } from '@aws-sdk/client-s3';
import { expect, test } from '@jest/globals';
import { apiClient, integrationSchema } from '../../local/observe/api-client.ts';
import { differences } from '../../local/observe/inventory.ts';
import { projectFile } from '../bundle.ts';
import {
  api,
  connect,
  control,
  deployment,
  disconnect,
  environment,
  listing,
  python,
  read,
  requestFor,
  s3,
  settled,
  uniqueName,
  until,
} from './deployment.ts';

const problem = (status: number, kind: string) => ({
  type: `urn:dataloop-cross-account:problem:${kind}`,
  title: expect.any(String),
  status,
  detail: expect.any(String),
  requestId: expect.any(String),
});

test('a request is answered at once with where to look', async () => {
  const name = uniqueName('answer');
  const answer = await api.request('POST', '/integrations', { body: requestFor(name) });
  expect(answer.status).toBe(202);
  const integration = integrationSchema.parse(answer.body);
  const { integrationId, links } = integration;
  expect(answer.headers.get('location')).toBe(`/integrations/${integrationId}`);
  expect(answer.headers.get('content-type')).toBe('application/json');
  expect(integration).toMatchObject({ name, status: 'provisioning', steps: [], resources: [], residue: [] });
  expect(links.self).toBe(`/integrations/${integrationId}`);
  expect(links.execution).toBe(
    `${deployment.outputs.ProvisionStateMachineArn.replace(':stateMachine:', ':execution:')}:${integrationId}`,
  );
  expect(links.console).toBe(
    `https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/${links.execution}`,
  );
  await settled(integrationId);
  await disconnect(integrationId);
});

test('every bad field is named with what is allowed, and nothing is made', async () => {
  const before = await listing();
  const answer = await api.request('POST', '/integrations', {
    body: {
      name: 'Not A Name',
      surprise: true,
      bucket: { name: 'Bad Bucket', prefix: '/x', mode: 'borrow' },
      dataloop: {},
      role: { name: 'no spaces allowed' },
      tags: { 'aws:x': '1' },
    },
  });
  expect(answer.status).toBe(400);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.body).toMatchObject(problem(400, 'invalid-request'));
  const { errors } = answer.body as { errors: { pointer: string; detail: string }[] };
  expect(errors.map(({ pointer }) => pointer).sort()).toEqual([
    '/bucket/mode',
    '/bucket/name',
    '/bucket/prefix',
    '/dataloop/projectId',
    '/name',
    '/role/name',
    '/surprise',
    '/tags/aws:x',
  ]);
  for (const { detail } of errors) expect(detail.length).toBeGreaterThan(15);
  expect(differences(before, await listing())).toEqual([]);
});

test('names outside what the deployment may touch are refused', async () => {
  const answer = await api.request('POST', '/integrations', {
    body: {
      name: 'acme',
      bucket: { name: 'production-data' },
      role: { name: 'OrganizationAccountAccessRole' },
      dataloop: { projectId: 'x' },
    },
  });
  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({
    errors: [
      { pointer: '/bucket/name', detail: expect.stringContaining('"dataloop-*"') },
      { pointer: '/role/name', detail: expect.stringContaining('"dataloop-*"') },
    ],
  });
});

test.each([
  ['no JSON', { rawBody: '{"name":' }, 400, 'invalid-request'],
  ['an array', { rawBody: '[]' }, 400, 'invalid-request'],
  [
    'another media type',
    { rawBody: 'name=x', headers: { 'content-type': 'text/plain' } },
    415,
    'unsupported-media-type',
  ],
  ['too large', { rawBody: JSON.stringify({ description: 'x'.repeat(40_000) }) }, 413, 'request-too-large'],
  ['a bad key', { body: {}, headers: { 'idempotency-key': 'with space' } }, 400, 'invalid-request'],
])('a body or header that is %s is refused', async (_what, options, status, kind) => {
  const answer = await api.request('POST', '/integrations', options);
  expect(answer.body).toMatchObject(problem(status, kind));
  expect(answer.status).toBe(status);
});

test('what is not there is 404, with a problem that says so', async () => {
  for (const [method, path, kind] of [
    ['GET', '/integrations/int_nothing', 'integration-not-found'],
    ['DELETE', '/integrations/int_nothing', 'integration-not-found'],
    ['GET', '/nowhere', 'route-not-found'],
    ['PUT', '/integrations', 'route-not-found'],
  ] as const) {
    const answer = await api.request(method, path);
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject(problem(404, kind));
  }
});

test('only signed calls of callers whom IAM knows get in', async () => {
  const url = `${deployment.apiUrl}/integrations/int_x`;
  expect((await fetch(url)).status).toBe(403);
  expect((await fetch(`${deployment.apiUrl}/integrations`, { method: 'POST', body: '{}' })).status).toBe(403);
  expect((await fetch(url, { method: 'DELETE' })).status).toBe(403);
  const unknown = apiClient(deployment.apiUrl, environment.region, {
    accessKeyId: 'AKIAUNKNOWNUNKNOWN00',
    secretAccessKey: 'wrong',
  });
  expect((await unknown.request('GET', '/integrations/int_x')).status).toBe(403);
  const forged = apiClient(deployment.apiUrl, environment.region, {
    ...environment.credentials,
    secretAccessKey: 'wrong',
  });
  expect((await forged.request('GET', '/integrations/int_x')).status).toBe(403);
});

test('one idempotency key is one integration, also when both calls come at once', async () => {
  const name = uniqueName('once');
  const key = uniqueName('key');
  const send = (body: unknown) =>
    api.request('POST', '/integrations', { body, headers: { 'Idempotency-Key': key } });

  const [first, second] = await Promise.all([send(requestFor(name)), send(requestFor(name))]);
  expect([first.status, second.status]).toEqual([202, 202]);
  const { integrationId } = integrationSchema.parse(first.body);
  expect(second.body).toMatchObject({ integrationId });
  await settled(integrationId);

  const later = await send(requestFor(name));
  expect(later.status).toBe(202);
  // As it is now.
  expect(later.body).toEqual((await api.request('GET', `/integrations/${integrationId}`)).body);

  const other = await send(requestFor(uniqueName('other')));
  expect(other.status).toBe(422);
  expect(other.body).toMatchObject(problem(422, 'idempotency-key-reused'));
  await disconnect(integrationId);
});

test('a key that comes when its integration stands already is kept for it', async () => {
  const name = uniqueName('latekey');
  const { integrationId } = await connect(name);
  await until(integrationId, ({ status }) => status === 'ready');
  const send = (body: unknown) =>
    api.request('POST', '/integrations', { body, headers: { 'Idempotency-Key': `late-${name}` } });

  const first = await send(requestFor(name));
  expect([first.status, first.body]).toEqual([202, expect.objectContaining({ integrationId })]);
  const other = await send(requestFor(uniqueName('other')));
  expect([other.status, other.body]).toEqual([
    422,
    expect.objectContaining(problem(422, 'idempotency-key-reused')),
  ]);
  await disconnect(integrationId);
  // The same integration, although it has gone since; without a key the name begins anew.
  const again = await send(requestFor(name));
  expect([again.status, again.body]).toMatchObject([202, { integrationId, status: 'removed' }]);
});

test('the same body again begins anew once its integration has failed or is removed', async () => {
  const name = uniqueName('anew');
  const body = requestFor(name, { dataloop: { projectId: 'no-such-project' } });
  const ids: string[] = [];
  for (let times = 0; times < 2; times += 1) {
    const { integrationId } = integrationSchema.parse(
      (await api.request('POST', '/integrations', { body })).body,
    );
    expect((await settled(integrationId)).status).toBe('failed');
    ids.push(integrationId);
  }
  for (let times = 0; times < 2; times += 1) {
    const { integrationId } = await connect(name);
    expect((await settled(integrationId)).status).toBe('ready');
    expect((await disconnect(integrationId)).status).toBe('removed');
    ids.push(integrationId);
  }
  expect(new Set(ids).size).toBe(4);
});

test('a name or a bucket that another integration has is refused, naming it', async () => {
  const name = uniqueName('taken');
  const { integrationId } = await connect(name);
  const taken = { ...problem(409, 'name-or-bucket-taken'), detail: expect.stringContaining(integrationId) };

  const sameName = await api.request('POST', '/integrations', {
    body: requestFor(name, { bucket: { name: `dataloop-other-${name}` } }),
  });
  expect(sameName.status).toBe(409);
  expect(sameName.body).toMatchObject(taken);

  const sameBucket = await api.request('POST', '/integrations', {
    body: {
      ...requestFor(`other-${name}`, { bucket: { name: `dataloop-${name}` } }),
      dataloop: { projectId: environment.sandbox.projectId, driverName: name },
    },
  });
  expect(sameBucket.status).toBe(409);
  expect(sameBucket.body).toMatchObject(taken);

  // The very same request again is no conflict: it is the integration that stands.
  const same = await api.request('POST', '/integrations', { body: requestFor(name) });
  expect(same.status).toBe(202);
  expect(same.body).toMatchObject({ integrationId });
  await settled(integrationId);
  await disconnect(integrationId);
});

test('a step that Dataloop fails for a while shows its attempts', async () => {
  const name = uniqueName('attempts');
  // The client tries three times on its own before the state machine does.
  await control.fail({ method: 'POST', path: '^/drivers/test', status: 503, times: 4, scope: name });
  const { integrationId } = await connect(name);
  await until(integrationId, ({ status }) => status === 'ready');
  const { steps } = await read(integrationId);
  expect(steps.find((step) => step.name === 'TestDriver')?.attempts).toBe(2);
  await disconnect(integrationId);
});

test('each call that docs/api.md shows works with curl, awscurl and an SDK as it is shown', async () => {
  const name = uniqueName('shown');
  const page = projectFile('docs/api.md');
  const commands = (name: string) =>
    [...page.matchAll(/^```sh\n((?:aws)?curl) (.*?)^```/gms)].flatMap(([, program, rest]) =>
      program === name ? [`${name} ${rest}`] : [],
    );
  const shown = commands('curl');
  const query = /`(\?limit=[^`]*status=[^`]*)`/.exec(page)?.[1] ?? '';
  const signed = /^ {2}--aws-sigv4 .*$/m.exec(page)?.[0].replace(/ \\$/, '') ?? '';
  const call = async (command: string, integrationId = '') => {
    const filled = command
      .replaceAll('dataloop-dev-acme-images', `dataloop-${name}`)
      .replaceAll('acme-images', name)
      .replaceAll('YOUR-PROJECT-ID', environment.sandbox.projectId)
      .replaceAll('INTEGRATION_ID', integrationId)
      .replace(/^awscurl /, `${join(python, 'awscurl')} `)
      .replace(/^curl /, `curl --silent --show-error --write-out '\n%{http_code}' `);
    const { stdout } = await promisify(execFile)('bash', ['-c', filled], {
      env: {
        ...process.env,
        CURL_CA_BUNDLE: process.env['AWS_CA_BUNDLE'],
        REQUESTS_CA_BUNDLE: process.env['AWS_CA_BUNDLE'],
        API_URL: deployment.apiUrl,
        AWS_REGION: environment.region,
        AWS_ACCESS_KEY_ID: environment.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: environment.credentials.secretAccessKey,
      },
    });
    const lines = stdout.split('\n');
    // awscurl writes no status.
    return command.startsWith('aws')
      ? { status: undefined, body: JSON.parse(stdout) }
      : { status: lines.at(-1), body: JSON.parse(lines.slice(0, -1).join('\n')) };
  };
  const [connecting, disconnecting, ...others] = shown;
  expect(others).toEqual([]);
  const begun = await call(connecting ?? '');
  expect(begun.status).toBe('202');
  const { integrationId } = integrationSchema.parse(begun.body);
  expect((await settled(integrationId)).status).toBe('ready');
  // The same request again, by another program: the same key, so the same integration.
  const [connectingAgain, ...more] = commands('awscurl');
  expect(more).toEqual([]);
  expect((await call(connectingAgain ?? '')).body).toMatchObject({ integrationId, status: 'ready' });
  const byAwscurl = (path: string) =>
    call(`awscurl "$API_URL/integrations${path}" --region "$AWS_REGION"`, integrationId);
  expect(JSON.stringify((await byAwscurl(query)).body)).toContain(integrationId);
  expect((await byAwscurl('/INTEGRATION_ID')).body).toMatchObject({ integrationId });
  const list = await call(`curl "$API_URL/integrations${query}" \\\n${signed}`);
  expect([list.status, JSON.stringify(list.body)]).toEqual(['200', expect.stringContaining(integrationId)]);
  // The same by a signer that encodes and sorts by itself, in whatever form it is written.
  for (const each of [query, '?status=ready,residue&limit=10', '?limit=10&status=ready%2Cresidue']) {
    expect((await api.request('GET', `/integrations${each}`)).status).toBe(200);
  }
  expect((await call(disconnecting ?? '', integrationId)).status).toBe('202');
  expect((await disconnect(integrationId)).status).toBe('removed');
  // It was kept, as the call says.
  await s3.send(new DeleteBucketCommand({ Bucket: `dataloop-${name}` }));
});

/** The Dataloop sandbox behaves like the platform, for any client. */
import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { until } from '../until.ts';
import { control, dataloopCall, environment, uniqueName } from './deployment.ts';
import { dtlpy } from './dtlpy.ts';

const { sandbox } = environment;
const integrations = `/orgs/${sandbox.organizationId}/integrations`;
const madeSchema = z.looseObject({
  id: z.string(),
  metadata: z.array(z.looseObject({ name: z.string(), value: z.string() })),
});
const create = async (name: string) =>
  madeSchema.parse(await dataloopCall('POST', integrations, { name, type: 'aws-cross', options: {} }));
const metadata = (made: z.infer<typeof madeSchema>) =>
  Object.fromEntries(made.metadata.map((entry) => [entry.name, entry.value]));

async function call(method: string, path: string, token: string, body?: unknown) {
  return fetch(`${sandbox.apiUrl}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

const login = (body: object) =>
  fetch(`${new URL(sandbox.apiUrl).origin}/token?default`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

test("Dataloop's own Python SDK works against it unchanged", async () => {
  const name = uniqueName('dtlpy');
  const found = await dtlpy('dtlpy_contract.py', { NAME: name });
  expect(found).toEqual({
    login_m2m: true,
    organization: sandbox.organizationId,
    organizations: [sandbox.organizationId],
    project: [sandbox.projectId, sandbox.organizationId],
    'project by name': sandbox.projectId,
    created: [name, 'aws-cross', sandbox.organizationId],
    userArn: expect.stringMatching(new RegExp(`^arn:aws:iam::${sandbox.accountId}:user/`)),
    status: 'waiting-trust',
    updated: [`${name}-renamed`, 'waiting-trust'],
    listed: true,
    driver: [name, 'dataloop-bucket', true, 'folder'],
    'driver by id': true,
    'driver by name': true,
    drivers: [name],
    dataset: [name, true],
    datasets: [true],
    'dataset by id': true,
    'driver in use': 'BadRequest',
    sync: true,
    command: 'FailedDependency',
    'dataset deleted': true,
    'driver deleted': true,
    deleted: true,
    gone: 'NotFound',
  });
});

test('a log-in gives a token and a refresh token; wrong ones are refused', async () => {
  const answer = await login({
    type: 'user_credentials',
    username: sandbox.username,
    password: sandbox.password,
  });
  expect(answer.status).toBe(200);
  const tokens = z.object({ id_token: z.string(), refresh_token: z.string() }).parse(await answer.json());
  expect((await call('GET', '/users/me', tokens.id_token)).status).toBe(200);
  const refreshed = await login({ type: 'refresh_token', refresh_token: tokens.refresh_token });
  expect(refreshed.status).toBe(200);

  const wrong = await login({ type: 'user_credentials', username: sandbox.username, password: 'wrong' });
  expect(wrong.status).toBe(401);
  expect((await login({ type: 'refresh_token', refresh_token: 'wrong' })).status).toBe(401);
  expect((await call('GET', '/users/me', 'no-token')).status).toBe(401);
  const [head, body] = sandbox.token.split('.');
  expect((await call('GET', '/users/me', `${head}.${body}.c2lnbmF0dXJl`)).status).toBe(401);
});

test('a member who owns nothing may not touch integrations or drivers', async () => {
  const { apiKeys } = await control.state();
  const [, member = ''] = apiKeys;
  expect((await call('GET', '/users/me', member)).status).toBe(200);
  const refused = await call('GET', integrations, member);
  expect(refused.status).toBe(403);
  expect(await refused.json()).toEqual({ statusCode: 403, message: expect.any(String) });
  expect((await call('GET', `/drivers?projectId=${sandbox.projectId}`, member)).status).toBe(403);
});

test('it takes fifteen cross-account integrations and refuses the sixteenth', async () => {
  const made: string[] = [];
  const { integrations: before } = await control.state();
  for (let count = before.length; count < 15; count += 1) made.push((await create(uniqueName('many'))).id);
  const refused = await call('POST', integrations, sandbox.token, {
    name: 'one-too-many',
    type: 'aws-cross',
    options: {},
  });
  expect(refused.status).toBe(400);
  expect(await refused.text()).toContain('limit of 15');
  for (const id of made) await dataloopCall('DELETE', `${integrations}/${id}`);
});

test('an IAM user comes at once, after a while, or never, as it is told', async () => {
  const [soon, late, never] = ['soon', 'late', 'never'].map(uniqueName) as [string, string, string];
  await control.set(late, { userArnDelaySeconds: 1 });
  await control.set(never, { userArnDelaySeconds: 'never' });
  const made = { soon: await create(soon), late: await create(late), never: await create(never) };
  expect(metadata(made.soon)['userArn']).toContain(`arn:aws:iam::${sandbox.accountId}:user/`);
  expect(metadata(made.late)['userArn']).toBeUndefined();
  expect(metadata(made.never)['userArn']).toBeUndefined();
  const issued = await until('the late user comes', async () => {
    const later = madeSchema.parse(await dataloopCall('GET', `${integrations}/${made.late.id}`));
    return metadata(later)['userArn'];
  });
  expect(issued).toContain(sandbox.accountId);
  for (const { id } of Object.values(made)) await dataloopCall('DELETE', `${integrations}/${id}`);
});

test('a role that does not trust its IAM user establishes no trust, and its driver test says why', async () => {
  const made = await create(uniqueName('untrusted'));
  const roleArn = 'arn:aws:iam::111111111111:role/nobody';
  const updated = madeSchema.parse(
    await dataloopCall('PATCH', integrations, {
      integrationId: made.id,
      credentials: { type: 'aws-cross', options: { roleArn } },
    }),
  );
  expect(metadata(updated)['status']).toBe('waiting-trust');
  const refused = await call('POST', '/drivers/test', sandbox.token, {
    name: 'x',
    type: 's3',
    creator: sandbox.username,
    integrationId: made.id,
    integrationType: 'aws-cross',
    metadata: { system: { projectId: sandbox.projectId } },
    payload: { bucketName: 'dataloop-x', region: 'eu-west-1' },
    allowExternalDelete: true,
  });
  expect(refused.status).toBe(424);
  expect(await refused.text()).toContain('AssumeRole was refused');
  await dataloopCall('DELETE', `${integrations}/${made.id}`);
});

test('a fault of its control API hits the given calls, the given number of times', async () => {
  const name = uniqueName('fault');
  await control.fail({
    method: 'POST',
    path: '^/orgs/.*/integrations$',
    status: 429,
    times: 1,
    retryAfterSeconds: 7,
    scope: name,
  });
  const body = { name, type: 'aws-cross', options: {} };
  const limited = await call('POST', integrations, sandbox.token, body);
  expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '7']);
  const made = await call('POST', integrations, sandbox.token, body);
  expect(made.status).toBe(200);

  // The effect happens and its answer is lost.
  await control.fail({
    method: 'DELETE',
    path: '/integrations/',
    status: 500,
    times: 1,
    when: 'after',
    scope: name,
  });
  const { id } = madeSchema.parse(await made.json());
  expect((await call('DELETE', `${integrations}/${id}`, sandbox.token)).status).toBe(500);
  expect((await call('GET', `${integrations}/${id}`, sandbox.token)).status).toBe(404);
});

test('a rate limit answers 429 with Retry-After', async () => {
  await control.set('', { rateLimitPerSecond: 3 });
  const answers = await Promise.all(Array.from({ length: 6 }, () => call('GET', '/users/me', sandbox.token)));
  await control.set('', { rateLimitPerSecond: 1_000_000 });
  const limited = answers.filter(({ status }) => status === 429);
  expect(limited.length).toBeGreaterThanOrEqual(1);
  expect(limited[0]?.headers.get('retry-after')).toBe('1');
});

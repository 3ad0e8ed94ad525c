/** The Dataloop client over a fetch that answers what the test says. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import {
  dataloopClient,
  driverCreator,
  driverTester,
  integrationCreator,
  integrationReader,
  projectReader,
} from '../../../src/clients/dataloop/client.ts';
import { credentialsFrom } from '../../../src/clients/dataloop/credentials.ts';
import { retryAfterMs, saidBy } from '../../../src/clients/dataloop/http.ts';
import { thrownBy } from '../domain/fakes.ts';

const token = (expiresInSeconds: number, marker = 'a') => {
  const claims = {
    exp: Math.floor(Date.now() / 1000) + expiresInSeconds,
    email: 'owner@example.com',
    marker,
  };
  return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.SIGNATURE`;
};
const integration = { id: 'i1', name: 'n', metadata: [{ name: 'status', value: 'waiting-trust' }] };

let requests: { method: string; url: string; headers: Record<string, string>; body: unknown }[] = [];
let answers: (() => Response)[] = [];
const answer =
  (status: number, body: unknown = {}, headers: Record<string, string> = {}) =>
  () =>
    new Response(status === 204 ? null : JSON.stringify(body), { status, headers });

beforeEach(() => {
  requests = [];
  answers = [];
  jest.spyOn(globalThis, 'fetch').mockImplementation(async (url, init) => {
    requests.push({
      method: init?.method ?? 'GET',
      url: String(url),
      headers: Object.fromEntries(new Headers(init?.headers)),
      body: typeof init?.body === 'string' ? JSON.parse(init.body) : undefined,
    });
    const next = answers.length > 1 ? answers.shift() : answers[0];
    if (!next) throw new TypeError('fetch failed');
    return next();
  });
  // Waits between attempts take no time here.
  jest.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
  jest.restoreAllMocks();
});

const settings = {
  apiUrl: 'https://dataloop.test/api/v1',
  secretId: 'the-secret',
  organizationId: undefined,
  accountId: undefined,
};
const client = (secret: () => string = () => JSON.stringify({ apiKey: token(3600) })) =>
  dataloopClient(settings, async () => secret());

describe('an integration', () => {
  test('is created with the type that the guide names', async () => {
    answers = [answer(200, integration)];
    await integrationCreator(client()).createIntegration('org', 'name');
    expect(requests[0]).toMatchObject({
      method: 'POST',
      url: 'https://dataloop.test/api/v1/orgs/org/integrations',
      body: { type: 'aws-cross', name: 'name', options: {} },
      headers: { authorization: expect.stringMatching(/^Bearer /) },
    });
  });

  test('may carry metadata without a value', async () => {
    answers = [
      answer(200, { ...integration, metadata: [{ name: 'system' }, { name: 'userArn', value: 'arn' }] }),
    ];
    expect(await integrationReader(client()).getIntegration('org', 'i1')).toMatchObject({
      userArn: 'arn',
      trustStatus: undefined,
    });
    answers = [answer(200, { id: 'i1', name: 'n', metadata: null })];
    expect(await integrationReader(client()).getIntegration('org', 'i1')).toMatchObject({
      userArn: undefined,
    });
  });

  test('that is not there is undefined', async () => {
    answers = [answer(404, { message: 'not found' })];
    expect(await integrationReader(client()).getIntegration('org', 'i1')).toBeUndefined();
  });

  test('over the limit is told as that', async () => {
    answers = [answer(400, { message: 'Organization reached the limit of 15 cross account integrations' })];
    const thrown = await thrownBy(integrationCreator(client()).createIntegration('org-1', 'name'));
    expect(thrown).toMatchObject({
      name: 'DataloopIntegrationLimitError',
      message: expect.stringContaining('org-1'),
    });
  });

  test('is not created twice where the outcome is unknown', async () => {
    answers = [answer(502)];
    const thrown = await thrownBy(integrationCreator(client()).createIntegration('org', 'name'));
    expect([thrown.name, requests.length]).toEqual(['DataloopUnavailableError', 1]);
  });

  test('is created after a rate limit, which refuses before anything happens', async () => {
    answers = [answer(429, {}, { 'retry-after': '0' }), answer(200, integration)];
    await integrationCreator(client()).createIntegration('org', 'name');
    expect(requests).toHaveLength(2);
  });
});

describe('a call that may be repeated', () => {
  const get = () => projectReader(client()).getProject('p');
  const project = { id: 'p', org: { id: 'org' } };

  test('is tried three times', async () => {
    answers = [answer(503), answer(500), answer(200, project)];
    expect(await get()).toEqual({ id: 'p', organizationId: 'org' });
    answers = [answer(503)];
    requests = [];
    expect((await thrownBy(get())).name).toBe('DataloopUnavailableError');
    expect(requests).toHaveLength(3);
  });

  test('is tried again when the connection is lost', async () => {
    expect((await thrownBy(get())).name).toBe('DataloopUnavailableError');
    expect(requests).toHaveLength(3);
  });

  test('leaves a long Retry-After to the state machine', async () => {
    answers = [answer(429, {}, { 'retry-after': '60' })];
    expect(await thrownBy(get())).toMatchObject({ name: 'DataloopRateLimitError', retryable: true });
    expect(requests).toHaveLength(1);
  });

  test('says which role is missing', async () => {
    answers = [answer(403, { message: 'no' })];
    expect((await thrownBy(get())).message).toContain('owner or developer of the project');
  });

  test('does not take an answer of another shape', async () => {
    answers = [answer(200, { id: 5 })];
    expect(await thrownBy(get())).toMatchObject({
      name: 'DataloopAnswerError',
      message: expect.stringContaining('id'),
    });
    answers = [answer(200, { id: 'p', org: 'org' })];
    expect(await get()).toEqual({ id: 'p', organizationId: 'org' });
  });
});

describe('a driver', () => {
  const wanted = {
    name: 'd',
    integrationId: 'i1',
    projectId: 'p',
    bucketName: 'b',
    region: 'eu-west-1',
    path: 'raw',
    allowExternalDelete: false,
  };

  test('is asked for nested and answered flat', async () => {
    answers = [answer(200, { id: 'd1', name: 'd', integrationId: 'i1', bucketName: 'b' })];
    expect(await driverCreator(client()).createDriver(wanted)).toEqual({
      id: 'd1',
      name: 'd',
      integrationId: 'i1',
    });
    expect(requests[0]?.body).toEqual({
      integrationId: 'i1',
      integrationType: 'aws-cross',
      name: 'd',
      type: 's3',
      metadata: { system: { projectId: 'p' } },
      payload: { bucketName: 'b', storageClass: '', region: 'eu-west-1', path: 'raw' },
      allowExternalDelete: false,
      creator: 'owner@example.com',
    });
  });

  test('whose test fails is told with Dataloop’s reason', async () => {
    answers = [answer(424, { message: 'PutObject was refused' })];
    const thrown = await thrownBy(driverTester(client()).testDriver(wanted));
    expect(thrown).toMatchObject({
      name: 'DriverTestFailedError',
      message: expect.stringContaining('PutObject was refused'),
    });
  });
});

describe('credentials', () => {
  const get = (secret: () => string) => projectReader(client(secret)).getProject('p');

  test('that are refused are read again once, as they may have been rotated', async () => {
    const secrets = [token(3600, 'old'), token(3600, 'new')];
    let reads = 0;
    answers = [answer(401), answer(200, { id: 'p', org: 'o' })];
    await get(() => JSON.stringify({ apiKey: secrets[reads++] }));
    expect(reads).toBe(2);
    expect(requests.at(-1)?.headers['authorization']).toBe(`Bearer ${secrets[1]}`);
  });

  test('that stay refused name the secret and never themselves', async () => {
    const apiKey = token(3600);
    answers = [answer(401, { message: 'expired' })];
    const thrown = await thrownBy(get(() => JSON.stringify({ apiKey })));
    expect(thrown).toMatchObject({
      name: 'DataloopCredentialsError',
      message: expect.stringContaining('the-secret'),
    });
    expect(requests).toHaveLength(2);
    expect(`${thrown.message} ${thrown.stack}`).not.toContain(apiKey);
  });

  test.each(['not json', '{}', '{"apiKey":""}', '{"username":"u"}', '{"apiKey":"a","password":"p"}'])(
    'such as %s are no credentials',
    async (secret) => {
      const thrown = await thrownBy(get(() => secret));
      expect(thrown.name).toBe('DataloopCredentialsError');
      expect(requests).toHaveLength(0);
    },
  );

  test('that expired are told as such, without a call', async () => {
    const thrown = await thrownBy(get(() => JSON.stringify({ apiKey: token(-10) })));
    expect(thrown.message).toContain('expired');
    expect(requests).toHaveLength(0);
  });

  test('log in with user and password, then refresh, then log in again where the refresh token is used up', async () => {
    let now = Date.now();
    const logins: string[] = [];
    let refreshWorks = true;
    const credentials = credentialsFrom(
      'the-secret',
      async () => '{"username":"u","password":"p"}',
      async (given) => {
        logins.push(given['type'] ?? '');
        if (given['type'] === 'refresh_token' && !refreshWorks) throw await refused();
        return { id_token: token((now - Date.now()) / 1000 + 100), refresh_token: 'r' };
      },
      () => now,
    );
    await credentials.token();
    await credentials.token();
    now += 50_000;
    await credentials.token();
    refreshWorks = false;
    now += 60_000;
    await credentials.token();
    expect(logins).toEqual(['user_credentials', 'refresh_token', 'refresh_token', 'user_credentials']);
  });

  async function refused() {
    return thrownBy(get(() => 'not json'));
  }

  test('that a log-in refuses are told so, without the password', async () => {
    answers = [answer(401, { message: 'Wrong password' })];
    const thrown = await thrownBy(get(() => '{"username":"user","password":"PASSWORD"}'));
    expect(requests[0]).toMatchObject({ method: 'POST', url: 'https://dataloop.test/token?default' });
    expect(thrown.name).toBe('DataloopCredentialsError');
    expect(`${thrown.message} ${thrown.stack}`).not.toContain('PASSWORD');
  });
});

test('Retry-After is seconds or a date', () => {
  expect(retryAfterMs('7', 0)).toBe(7_000);
  expect(retryAfterMs('Thu, 01 Jan 1970 00:00:09 GMT', 2_000)).toBe(7_000);
  expect(retryAfterMs('soon', 0)).toBeUndefined();
  expect(retryAfterMs(null, 0)).toBeUndefined();
});

test('what Dataloop says is bounded and cannot forge a line', () => {
  expect(saidBy(JSON.stringify({ message: 'a\nlevel=ERROR b' }))).toBe('a level=ERROR b');
  expect(saidBy(JSON.stringify({ message: 'x'.repeat(1_000) })).length).toBe(400);
  expect(saidBy('<html>')).toBe('no reason given');
});

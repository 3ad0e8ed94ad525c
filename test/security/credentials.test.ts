/** Dataloop's credentials change while the service runs: no deployment is needed, and what is wrong is told. */
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { IntegrationAnswer } from '../../local/observe/api-client.ts';
import {
  api,
  client,
  connect,
  control,
  deployment,
  disconnect,
  environment,
  listing,
  settled,
  uniqueName,
} from '../integration/deployment.ts';
import { forced } from '../service.ts';

const { sandbox } = environment;
const SecretId = `dataloop-cross-account/${deployment.stage}/dataloop`;
const secrets = new SecretsManagerClient(client);
const put = (value: object) =>
  secrets.send(new PutSecretValueCommand({ SecretId, SecretString: JSON.stringify(value) }));

let before = '';
beforeAll(async () => {
  const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId }));
  before = SecretString;
});
afterEach(() => control.acceptAllTokens());
afterAll(async () => {
  await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: before }));
});

const provision = async (what: string): Promise<IntegrationAnswer> =>
  settled((await connect(uniqueName(what))).integrationId);

/** JSON web token of Dataloop's shape that ended a minute ago. */
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const expired = `${part({ alg: 'HS256' })}.${part({ email: 'a@b.c', exp: Math.floor(Date.now() / 1000) - 60 })}.x`;

test('rotated: functions that hold the old key go on with what the secret holds then', async () => {
  await put({ apiKey: sandbox.token });
  const first = await provision('rotated');
  expect(first.status).toBe('ready');

  // Another kind of credentials, and the old one of no use any more.
  await put({ username: sandbox.username, password: sandbox.password });
  await control.revokeToken(sandbox.token);

  const second = await provision('rotated');
  expect(second.error).toBeUndefined();
  expect(second.status).toBe('ready');
  for (const { integrationId } of [first, second]) {
    expect((await disconnect(integrationId)).status).toBe('removed');
  }
});

test.each<[string, () => object, RegExp]>([
  ['revoked', () => ({ apiKey: sandbox.token }), /401.*wrong, expired or revoked\. Replace them/],
  ['expired', () => ({ apiKey: expired }), /has expired\. Create a new one/],
  [
    'wrong',
    () => ({ username: sandbox.username, password: 'no longer' }),
    /401.*wrong, expired or revoked\. Replace them/,
  ],
  ['not credentials at all', () => ({ token: 'x' }), /must hold JSON/],
])('%s: told as such, with the secret to change, and nothing is left', async (what, value, said) => {
  const started = await listing();
  await put(value());
  // Functions that hold any token from before ask the secret again when it is refused.
  await control.revokeAllTokens();
  const failed = await provision(what.replace(/ .*/, ''));
  expect(failed).toMatchObject({
    status: 'failed',
    residue: [],
    error: {
      type: 'urn:dataloop-cross-account:problem:dataloop-credentials',
      detail: expect.stringMatching(said),
      step: 'Preflight',
    },
  });
  expect(failed.error?.detail).toContain(SecretId);
  expect(failed.error?.detail).not.toContain(sandbox.token);
  expect(await listing()).toEqual(started);
});

test('revoked before a removal: access ends all the same, the rest is named, and DELETE again finishes it', async () => {
  await put({ username: sandbox.username, password: sandbox.password });
  const ready = await provision('removal');
  expect(ready.status).toBe('ready');
  await put({ apiKey: sandbox.token });
  await control.revokeAllTokens();

  // Whether somebody else's drivers use the integration only Dataloop knows.
  const asked = await api.request('DELETE', `/integrations/${ready.integrationId}`);
  expect([asked.status, JSON.stringify(asked.body)]).toEqual([503, expect.stringContaining('force=true')]);
  const left = await disconnect(ready.integrationId, forced);
  expect(left.status).toBe('residue');
  expect(left.residue.map(({ type }) => type).sort()).toEqual(['Dataloop::Driver', 'Dataloop::Integration']);
  for (const { reason } of left.residue) expect(reason).toContain(SecretId);

  await put({ username: sandbox.username, password: sandbox.password });
  expect((await disconnect(ready.integrationId)).status).toBe('removed');
});

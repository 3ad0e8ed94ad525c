/** An operator makes the integration at Dataloop, because the service's credentials may not. */
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetRoleCommand } from '@aws-sdk/client-iam';
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { until } from '../until.ts';
import { commandLine } from './command-line.ts';
import {
  api,
  client,
  connect,
  control,
  deployment,
  disconnect,
  environment,
  iam,
  listing,
  read,
  settled,
  uniqueName,
} from './deployment.ts';
import { documentOf } from './policy-documents.ts';

const { sandbox } = environment;
const SecretId = `dataloop-cross-account/${deployment.stage}/dataloop`;
const secrets = new SecretsManagerClient(client);

/** A call of Dataloop's API in the console of the organisation's owner, who has logged in. */
async function asOwner(method: string, path: string, body?: object): Promise<unknown> {
  const login = await fetch(`${new URL(sandbox.apiUrl).origin}/token?default`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      type: 'user_credentials',
      username: sandbox.username,
      password: sandbox.password,
    }),
  });
  const { id_token: token } = z.object({ id_token: z.string() }).parse(await login.json());
  const answer = await fetch(`${sandbox.apiUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`);
  const text = await answer.text();
  const parsed: unknown = text === '' ? undefined : JSON.parse(text);
  return parsed;
}

const integrations = `/orgs/${sandbox.organizationId}/integrations`;
const madeSchema = z.object({
  id: z.string(),
  metadata: z.array(z.object({ name: z.string(), value: z.string() })),
});

/** "Get IAM user" in the console. */
async function getIamUser(name: string) {
  const made = madeSchema.parse(
    await asOwner('POST', integrations, { type: 'aws-cross', name: `${name} by hand`, options: {} }),
  );
  const userArn = made.metadata.find((entry) => entry.name === 'userArn')?.value ?? '';
  return { id: made.id, userArn };
}

const giveRole = (integrationId: string, roleArn: string) =>
  asOwner('PATCH', integrations, {
    integrationId,
    credentials: { type: 'aws-cross', options: { roleArn } },
  });

const waitingSchema = z.looseObject({
  status: z.string(),
  action: z
    .looseObject({
      what: z.string(),
      steps: z.array(z.string()),
      roleArn: z.string(),
      trustPolicy: z.unknown().optional(),
    })
    .optional(),
});

/** What the API says that a person has to do, once it says so. */
async function actionOf(integrationId: string, what: RegExp) {
  return until(`${what} is asked for`, async () => {
    const seen = waitingSchema.parse((await api.request('GET', `/integrations/${integrationId}`)).body);
    if (seen.action && what.test(seen.action.what)) return seen.action;
    if (seen.status !== 'provisioning') throw new Error(`It is ${seen.status}: ${JSON.stringify(seen)}`);
    return undefined;
  });
}

const start = (name: string) =>
  connect(name, { dataloop: { projectId: sandbox.projectId, createdBy: 'operator' } });
const confirm = (integrationId: string, body: object) =>
  api.request('POST', `/integrations/${integrationId}/iam-user`, { body });

/** Waits until a step says that it is tried again because of what was named. */
const refusedFor = (integrationId: string, step: string, named: string) =>
  until(`${step} says why it is tried again`, async () => {
    const { status, steps } = await read(integrationId);
    if (status !== 'provisioning') throw new Error(`It is ${status}.`);
    return steps.find(({ name }) => name === step)?.reason?.includes(named);
  });

/** Sends a correction, again where an attempt of the step runs just now. */
const corrected = (integrationId: string, body: object) =>
  until('the correction is taken', async () => {
    const { status } = await confirm(integrationId, body);
    return status === 202 ? true : undefined;
  });

describe('with credentials that may neither make nor see integrations', () => {
  let before = '';
  beforeAll(async () => {
    before = (await secrets.send(new GetSecretValueCommand({ SecretId }))).SecretString ?? '';
    const [, , apiKey] = (await control.state()).apiKeys;
    await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: JSON.stringify({ apiKey }) }));
    // Functions that hold the owner's key ask the secret when it is refused.
    await control.revokeToken(sandbox.token);
  });
  afterAll(async () => {
    await control.acceptAllTokens();
    await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: before }));
  });

  test('the service itself cannot, and says which role is missing', async () => {
    const failed = await settled((await connect(uniqueName('noowner'))).integrationId);
    expect(failed.error?.type).toBe('urn:dataloop-cross-account:problem:dataloop-forbidden');
    expect(failed.error?.detail).toContain('owner or admin of the organisation');
  });

  test('an operator does what is asked for, and the integration becomes ready', async () => {
    const name = uniqueName('operator');
    const { integrationId } = await start(name);
    const first = await actionOf(integrationId, /IAM user/);
    expect(first.steps.join('\n')).toContain(`POST /integrations/${integrationId}/iam-user`);

    const refused = await confirm(integrationId, { userArn: 'arn:aws:iam::333333333333:user/theirs' });
    expect([refused.status, refused.body]).toMatchObject([400, { errors: [{ pointer: '/userArn' }] }]);
    const { id, userArn } = await getIamUser(name);
    expect((await confirm(integrationId, { userArn })).status).toBe(202);
    // Sent again, as after an answer that was lost.
    expect((await confirm(integrationId, { userArn })).status).toBe(202);

    const second = await actionOf(integrationId, /role/);
    // The role trusts the first.
    expect((await confirm(integrationId, { userArn: `${userArn}x` })).status).toBe(409);
    const { Role } = await iam.send(new GetRoleCommand({ RoleName: `dataloop-${name}` }));
    expect(second.roleArn).toBe(Role?.Arn);
    expect(second.trustPolicy).toEqual(documentOf(Role?.AssumeRolePolicyDocument));
    expect(JSON.stringify(second.trustPolicy)).toContain(userArn);
    await giveRole(id, second.roleArn);
    // Without it nothing has changed, and the answer says again what is awaited.
    expect(await confirm(integrationId, { userArn })).toMatchObject({
      status: 202,
      body: { action: { what: second.what } },
    });
    // The operator's command follows the workflow to its end.
    const program = await commandLine();
    const flags = ['--user-arn', userArn, '--dataloop-integration', id];
    const confirmed = await program.piped(['confirm-user', name, ...flags]);
    program.remove();
    expect(confirmed).toMatchObject({ code: 0, out: expect.stringContaining(`: ${integrationId}`) });

    const ready = await settled(integrationId);
    expect(ready.error).toBeUndefined();
    expect(ready.status).toBe('ready');
    expect(ready.resources).toContainEqual({ type: 'Dataloop::Integration', id, origin: 'adopted' });
    expect(ready).not.toHaveProperty('action');
    expect((await confirm(integrationId, { userArn })).status).toBe(409);

    // Who said so is in the journal.
    const { Item } = await new DynamoDBClient(client).send(
      new GetItemCommand({
        TableName: deployment.outputs.TableName,
        Key: { pk: { S: `integration#${integrationId}` } },
      }),
    );
    expect(Item?.['operator']?.M?.['named']?.M?.['by']?.S).toMatch(/^arn:aws:iam::\d{12}:/);

    expect(await disconnect(integrationId)).toMatchObject({
      status: 'removed',
      leftAlone: [{ type: 'Dataloop::Integration', id }],
    });
    const { integrations: left, roles, policies, buckets, drivers } = await listing(name);
    expect(left).toHaveLength(1);
    expect([roles, policies, buckets, drivers]).toEqual([[], [], [], []]);
    await asOwner('DELETE', `${integrations}/${id}`);
  });

  test('an operator who says too much is not believed: the driver test has to pass', async () => {
    const name = uniqueName('toosoon');
    const { integrationId } = await start(name);
    await actionOf(integrationId, /IAM user/);
    const { id, userArn } = await getIamUser(name);
    await confirm(integrationId, { userArn });
    await actionOf(integrationId, /role/);
    // The role was never given to Dataloop.
    expect((await confirm(integrationId, { userArn, dataloopIntegrationId: id })).status).toBe(202);
    const failed = await settled(integrationId);
    expect(failed).toMatchObject({
      status: 'failed',
      error: { type: 'urn:dataloop-cross-account:problem:driver-test-failed', step: 'TestDriver' },
    });
    await asOwner('DELETE', `${integrations}/${id}`);
    expect(Object.values(await listing(name)).flat()).toEqual([]);
  });
});

test('credentials that may see integrations check what the operator names, who can correct it', async () => {
  const name = uniqueName('invented');
  const { integrationId } = await start(name);
  await actionOf(integrationId, /issue an IAM user/);
  const invented = `arn:aws:iam::${sandbox.accountId}:user/dataloop-invented`;
  expect((await confirm(integrationId, { userArn: invented })).status).toBe(202);
  const wrongUser = await actionOf(integrationId, /^Check the IAM user/);
  expect(Date.parse(String(wrongUser['until']))).toBeGreaterThan(Date.now());
  await refusedFor(integrationId, 'CreateRole', invented);

  const { id, userArn } = await getIamUser(name);
  await corrected(integrationId, { userArn });
  const { roleArn } = await actionOf(integrationId, /^Give the role/);
  await giveRole(id, roleArn);
  expect((await confirm(integrationId, { userArn, dataloopIntegrationId: 'no-such-one' })).status).toBe(202);
  await actionOf(integrationId, /^Check the integration/);
  await refusedFor(integrationId, 'CompleteIntegration', 'no-such-one');
  await corrected(integrationId, { userArn, dataloopIntegrationId: id });

  expect((await settled(integrationId)).status).toBe('ready');
  await disconnect(integrationId);
  await asOwner('DELETE', `${integrations}/${id}`);
});

test('an integration that the service makes itself waits for nobody', async () => {
  const { integrationId } = await connect(uniqueName('nobody'));
  const answer = await confirm(integrationId, {
    userArn: `arn:aws:iam::${sandbox.accountId}:user/dataloop-invented`,
  });
  expect([answer.status, answer.body]).toMatchObject([
    409,
    { type: 'urn:dataloop-cross-account:problem:nothing-awaited' },
  ]);
  await settled(integrationId);
  await disconnect(integrationId);
});

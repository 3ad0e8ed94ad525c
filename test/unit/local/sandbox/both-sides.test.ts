/**
 * The client of the service against the sandbox, once for each thing of which nobody outside of Dataloop knows how it
 * is. AWS is in memory.
 */
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { makeCertificate } from '../../../../local/environment/certificate.ts';
import type { DataloopAws } from '../../../../local/sandbox/aws.ts';
import { type Settings, settingsSchema } from '../../../../local/sandbox/schemas.ts';
import { type Sandbox, sandbox } from '../../../../local/sandbox/server.ts';
import { issueToken } from '../../../../local/sandbox/tokens.ts';
import * as client from '../../../../src/clients/dataloop/client.ts';
import type { DataloopSettings } from '../../../../src/config.ts';
import { until } from '../../../until.ts';

const s3 = mockClient(S3Client);
let mayAssume = true;
const aws: DataloopAws = {
  createUser: async (name) => ({
    name,
    arn: `arn:aws:iam::222222222222:user/${name}`,
    accessKeyId: '',
    secretAccessKey: '',
  }),
  deleteUser: async () => undefined,
  listUserNames: async () => [],
  assume: async () => {
    if (!mayAssume) throw new Error('AccessDenied');
    return new S3Client({ region: 'eu-west-1' });
  },
};

let folder = '';
let running: Sandbox;
let origin = '';
let certificates = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'both-sides-'));
  const { certFile, keyFile } = await makeCertificate(folder);
  const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
  certificates = cert.toString('utf8');
  running = sandbox(aws, { cert, key });
  running.server.listen(0, '127.0.0.1');
  await once(running.server, 'listening');
  const address = running.server.address();
  if (typeof address !== 'object' || !address) throw new Error('The sandbox has no port.');
  origin = `https://127.0.0.1:${address.port}`;
});
afterAll(async () => {
  running.server.closeAllConnections();
  running.server.close();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  await running.reset();
  s3.reset();
  s3.onAnyCommand().resolves({});
  mayAssume = true;
});

const roleArn = 'arn:aws:iam::111111111111:role/dataloop-acme';
const organizationId = () => running.platform.organisation.id;
const projectId = () => running.platform.project.id;

function callsAs(apiKey = running.apiKey, options: NonNullable<DataloopSettings['options']> = {}) {
  const dataloop = client.dataloopClient(
    {
      apiUrl: `${origin}/api/v1`,
      secretId: 'the-secret',
      organizationId: undefined,
      accountId: undefined,
      options: { certificates, ...options },
    },
    async () => JSON.stringify({ apiKey }),
  );
  return {
    create: (name = 'acme') => client.createIntegration(dataloop)(organizationId(), name),
    get: (id: string) => client.getIntegration(dataloop)(organizationId(), id),
    list: () => client.listIntegrations(dataloop)(organizationId(), { name: 'acme' }),
    remove: (id: string) => client.deleteIntegration(dataloop)(organizationId(), id),
    giveRole: (id: string) => client.setRoleArn(dataloop)(organizationId(), id, roleArn),
    project: () => client.getProject(dataloop)(projectId()),
    driversOf: (dataloopIntegrationId: string) =>
      client.listDrivers(dataloop)(projectId(), { dataloopIntegrationId }),
    testDriver: (dataloopIntegrationId: string, path = 'raw') =>
      client.testDriver(dataloop)(driver(dataloopIntegrationId, path)),
    createDriver: (dataloopIntegrationId: string) =>
      client.createDriver(dataloop)(driver(dataloopIntegrationId, 'raw')),
  };
}
const driver = (dataloopIntegrationId: string, path: string) => ({
  name: 'acme',
  dataloopIntegrationId,
  projectId: projectId(),
  bucketName: 'dataloop-acme',
  region: 'eu-west-1',
  path,
  allowExternalDelete: true,
});

const play = (settings: Settings) => running.behaviour.set('', settingsSchema.parse(settings));

describe('a role that cannot be assumed yet', () => {
  test('is answered with another status', async () => {
    mayAssume = false;
    const { id } = await callsAs().create();
    expect((await callsAs().giveRole(id)).trustStatus).toBe('waiting-trust');
    mayAssume = true;
    expect((await callsAs().giveRole(id)).trustStatus).toBe('trust-established');
  });

  test.each([400, 409, 422, 424] as const)('or refused with %i', async (untrusted) => {
    play({ untrusted });
    mayAssume = false;
    const { id } = await callsAs().create();
    await expect(callsAs().giveRole(id)).rejects.toMatchObject({ name: 'TrustNotEstablishedError' });
    mayAssume = true;
    expect((await callsAs().giveRole(id)).trustStatus).toBe('trust-established');
  });
});

test('an answer that takes longer than is waited for it has its effect all the same', async () => {
  const { id } = await callsAs().create();
  play({ answerDelaySeconds: 3_600 });
  const impatient = callsAs(running.apiKey, { answerSeconds: 1 });
  await until('Dataloop trusts the role', async () => {
    await expect(impatient.giveRole(id)).rejects.toMatchObject({ name: 'DataloopUnavailableError' });
    return (await impatient.get(id))?.trustStatus === 'trust-established';
  });
});

test.each(['repeat', 'unique'] as const)('names of integrations %s', async (names) => {
  play({ names });
  await callsAs().create();
  const second = callsAs().create();
  if (names === 'repeat') await expect(second).resolves.toMatchObject({ name: 'acme' });
  else await expect(second).rejects.toMatchObject({ name: 'EarlierCallOpenError' });
  expect(await callsAs().list()).toHaveLength(names === 'repeat' ? 2 : 1);
});

test.each(['deleted', 'refused'] as const)(
  'an integration that drivers use is %s',
  async (integrationInUse) => {
    play({ integrationInUse });
    const { id } = await callsAs().create();
    await callsAs().createDriver(id);
    const removal = callsAs().remove(id);
    if (integrationInUse === 'deleted') await expect(removal).resolves.toBeUndefined();
    else await expect(removal).rejects.toThrow(/\(400: .* is in use/);
  },
);

test.each(['there', 404, 405] as const)('the test before there is a driver: %s', async (testBefore) => {
  play({ testBefore });
  const { id } = await callsAs().create();
  await callsAs().giveRole(id);
  await expect(callsAs().testDriver(id)).resolves.toBe(testBefore === 'there' ? 'passed' : 'not offered');
});

describe('the driver test', () => {
  const tried = async (settings: Settings) => {
    play(settings);
    const { id } = await callsAs().create();
    await callsAs().giveRole(id);
    await callsAs().testDriver(id);
    return {
      listed: s3.commandCalls(ListObjectsV2Command).map(({ args }) => args[0].input.Prefix),
      written: s3.commandCalls(PutObjectCommand).map(({ args }) => args[0].input.Key),
    };
  };

  test.each([
    ['folder/', 'raw/'],
    ['folder', 'raw'],
    ['all', undefined],
  ] as const)('lists %s', async (testLists, prefix) => {
    expect((await tried({ testLists })).listed).toEqual([prefix]);
  });

  test.each([
    ['folder', 'raw/.dataloop/test-file'],
    ['root', '.dataloop/test-file'],
  ] as const)('has its hidden files in the %s', async (hiddenFiles, key) => {
    expect((await tried({ hiddenFiles })).written).toEqual(['raw/test-file', key]);
  });
});

test.each<Settings>([
  { others: 'odd' },
  { lists: 'paged', others: 'odd' },
  { dates: 'numbers' },
  { organizations: 'objects' },
  { organizations: 'texts' },
])('answers of the form %j are understood', async (settings) => {
  play(settings);
  const { id } = await callsAs().create();
  const made = await callsAs().createDriver(id);
  expect((await callsAs().list()).map((each) => each.id)).toContain(id);
  expect((await callsAs().driversOf(id)).map((each) => each.id)).toEqual([made.id]);
  expect(await callsAs().project()).toEqual({ id: projectId(), organizationId: organizationId() });
});

test.each(['statusCode', 'status'] as const)('a refusal with its %s says why', async (errors) => {
  play({ errors });
  await expect(callsAs().giveRole('unknown')).rejects.toThrow('(404: Integration unknown was not found)');
});

test.each([
  ['owner', true],
  ['admin', true],
  ['developer', false],
  ['member', false],
  ['bot', false],
])('the %s of an organisation may create integrations: %s', async (who, may) => {
  const creating = callsAs(issueToken(`${who}@example.com`, 3_600)).create();
  if (may) await expect(creating).resolves.toMatchObject({ name: 'acme' });
  else await expect(creating).rejects.toMatchObject({ name: 'DataloopForbiddenError' });
});

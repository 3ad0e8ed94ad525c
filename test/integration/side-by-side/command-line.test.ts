/** `dataloop-connect` from doctor to disconnect, and every exit code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { DeleteBucketCommand, DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { projectRoot } from '../../../local/environment/paths.ts';
import { integrationSchema } from '../../../local/observe/api-client.ts';
import { type CommandLine, commandLine, execute } from '../command-line.ts';
import { api, control, disconnect, environment, listing, python, s3, uniqueName } from '../deployment.ts';

let program: CommandLine;
const { projectId } = environment.sandbox;

const connected = (name: string) => ['--bucket', `dataloop-${name}`, '--project', projectId];

beforeAll(async () => {
  program = await commandLine();
});
afterAll(() => program.remove());

const piped: CommandLine['piped'] = (args, input) => program.piped(args, input);
const typed: CommandLine['typed'] = (args, type) => program.typed(args, type);

test('a whole life in a terminal: doctor, plan, connect, test, leftovers, disconnect', async () => {
  const name = uniqueName('typed');
  const doctor = await piped(['doctor', '--project', projectId]);
  expect(doctor.code).toBe(0);
  for (const check of ['Credentials', 'Stack', 'API', 'Secret', 'Dataloop role', 'Dataloop quota']) {
    expect(doctor.out).toMatch(new RegExp(`^[✓!] ${check} `, 'm'));
  }

  const connect = await typed(['connect', name, ...connected(name)], [{ after: 'Connect it?', keys: 'y\r' }]);
  expect(connect.code).toBe(0);
  expect(connect.out).toContain('\u001b[32m');
  const screen = stripVTControlCharacters(connect.out);
  for (const step of ['Preflight', 'CreateBucket', 'RequestIamUser', 'CreateRole', 'Activate']) {
    expect(screen).toMatch(new RegExp(`✓ ${step} +succeeded +[\\d.]+ s  \\d attempt`));
  }
  expect(screen).toMatch(/Ready in \d+ (s|min).*: int_/);
  expect(screen).toContain(`dataloop-connect test ${name}`);

  const test = await piped(['test', name]);
  expect(test.code).toBe(0);
  expect(test.out).toContain('✓ DriverTest');
  const status = await piped(['status', name, '--output', 'json']);
  const { integrationId } = integrationSchema.parse(JSON.parse(status.out));
  // What the program passes on is what the API answers.
  expect(JSON.parse(status.out)).toEqual((await api.request('GET', `/integrations/${integrationId}`)).body);

  // With the caller's own rights, from IAM.
  const report = join(program.folder, 'report.html');
  expect((await piped(['report', name, '--html', report])).code).toBe(0);
  const page = readFileSync(report, 'utf8');
  for (const text of [
    `dataloop-${name}`,
    'sts:AssumeRole',
    's3:ListBucket',
    '"name":"CreateRole","status":"succeeded"',
  ]) {
    expect(page).toContain(text);
  }

  // The page: what the program reads with the caller's credentials, until Ctrl-C.
  const browser = await program.withPage(['watch', name, '--browser'], async (address) => {
    const [document = '', path = ''] = address.split('#');
    expect(await (await fetch(document)).text()).toContain('<title>dataloop-connect</title>');
    const read = async (what: string) => (await fetch(`${document}data/${what}`)).json();
    expect(await read('integrations')).toContainEqual(expect.objectContaining({ name, status: 'ready' }));
    expect(await read(path)).toMatchObject({ integrationId, status: 'ready' });
    expect(await read(`${path}/policies`)).toMatchObject({
      trust: { Statement: [{ Action: 'sts:AssumeRole' }] },
    });
    // Each state that was entered, with its input.
    expect(await read(`${path}/history`)).toMatchObject({
      states: { Preflight: { input: expect.stringContaining(integrationId) }, MergeBranches: {}, Ready: {} },
    });
  });
  expect(browser).toMatchObject({ code: 0, err: expect.stringContaining('until you press Ctrl-C') });
  const template = await piped(['export', name, '--format', 'cloudformation']);
  expect(Object.keys(JSON.parse(template.out).Resources)).toHaveLength(3);

  // The same request connects once; another one of that name is refused.
  const again = await piped(['connect', name, ...connected(name), '--yes']);
  expect(again.code).toBe(0);
  expect(again.out).toContain(integrationId);
  const other = await piped(['connect', name, ...connected(`${name}-other`), '--yes']);
  expect(other.code).toBe(3);
  expect(other.err).toContain(`Next: dataloop-connect status ${integrationId}`);

  const object = { Bucket: `dataloop-${name}`, Key: 'image.jpg' };
  await s3.send(new PutObjectCommand({ ...object, Body: 'image' }));
  const left = await piped(['disconnect', name, '--yes']);
  expect(left.code).toBe(5);
  expect(left.out).toContain(`Left: Bucket s3://dataloop-${name}`);
  await s3.send(new DeleteObjectCommand(object));
  const removed = await typed(['disconnect', name], [{ after: 'Disconnect it?', keys: 'y\r' }]);
  expect(removed.code).toBe(0);
  expect(stripVTControlCharacters(removed.out)).toContain(`Removed: ${integrationId}; nothing is left.`);
  for (const [kind, names] of Object.entries(await listing(name))) expect([kind, names]).toEqual([kind, []]);
});

test('one more bucket, one less, and one that stays with its owner', async () => {
  const name = uniqueName('kept');
  const added = `${name}-added`;
  expect((await piped(['connect', name, ...connected(name), '--yes'])).code).toBe(0);
  const add = await piped(['add-bucket', name, ...connected(added), '--yes', '--output', 'json']);
  expect(add.code).toBe(0);
  const { driverId, status } = integrationSchema.parse(JSON.parse(add.out));
  expect(status).toBe('ready');
  // By its bucket, as people call it.
  const shown = await piped(['status', name, `dataloop-${added}`, '--steps']);
  expect([shown.code, shown.out]).toEqual([0, expect.stringMatching(/GrantAccess +succeeded/)]);
  const open = await piped(['open', name, driverId ?? '', '--output', 'json']);
  expect(JSON.parse(open.out).execution).toMatch(new RegExp(`:${driverId}$`));
  expect((await piped(['remove-bucket', name, `dataloop-${added}`, '--yes'])).code).toBe(0);
  expect((await listing(added))['buckets']).toEqual([]);

  const Bucket = `dataloop-${name}`;
  await s3.send(new PutObjectCommand({ Bucket, Key: 'image.jpg', Body: 'image' }));
  const kept = await piped(['disconnect', name, '--keep-bucket', '--yes']);
  expect(kept.code).toBe(0);
  expect(kept.out).toMatch(/^Access ended /m);
  expect(kept.out).toContain(`s3://${Bucket}`);
  const { buckets, ...others } = await listing(name);
  expect(buckets).toEqual([Bucket]);
  expect(new Set(Object.values(others).flat())).toEqual(new Set());
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'image.jpg' }));
  await s3.send(new DeleteBucketCommand({ Bucket }));
});

test('Ctrl-C leaves the workflow running, and watch comes back to it', async () => {
  const name = uniqueName('stopped');
  await control.set(name, { userArnDelaySeconds: 'never' });
  const stopped = await typed(
    ['connect', name, ...connected(name), '--yes'],
    [{ after: 'Preflight', keys: '\u0003' }],
  );
  expect(stopped.code).toBe(130);
  expect(stripVTControlCharacters(stopped.out)).toMatch(
    /The workflow goes on\. To come back:\s+dataloop-connect watch int_\w+/,
  );

  // Nobody stopped it: it waits in vain for the IAM user. Each change is a line.
  const watched = await piped(['watch', name, '--output', 'json']);
  expect(watched.code).toBe(4);
  const states = watched.out.trimEnd().split('\n');
  const last = integrationSchema.parse(JSON.parse(states.at(-1) ?? ''));
  expect({ status: last.status, step: last.error?.step }).toEqual({
    status: 'failed',
    step: 'RequestIamUser',
  });
});

test('each end has its exit code, and scripts get no colours and no questions', async () => {
  const name = uniqueName('piped');
  const request = JSON.stringify({
    name,
    bucket: { name: `dataloop-${name}` },
    dataloop: { projectId: 'no-such' },
  });
  const blocked = await piped(['connect', '--file', '-', '--yes'], request);
  expect(blocked.code).toBe(3);
  expect(blocked.out).not.toContain('\u001b');
  const noPlan = ['connect', '--file', '-', '--yes', '--no-plan'];
  expect((await piped([...noPlan, '--no-wait'], request)).code).toBe(6);
  const failed = await piped(['watch', name, '--output', 'json'], request);
  expect(failed.code).toBe(4);
  const { integrationId, status, error } = integrationSchema.parse(
    JSON.parse(failed.out.trimEnd().split('\n').at(-1) ?? ''),
  );
  expect({ status, step: error?.step }).toEqual({ status: 'failed', step: 'Preflight' });
  expect((await piped(['list', '--status', 'failed'])).out).toContain(integrationId);

  expect((await piped(['connect', name, ...connected(name)])).code).toBe(2);
  expect((await piped(['status', uniqueName('nobody')])).code).toBe(3);
  const nothing = await piped(['list', '--api-url', environment.endpointUrl]);
  expect(nothing.code).toBe(1);
  expect(nothing.err).toContain('Next: dataloop-connect doctor');
  await disconnect(integrationId);
});

const examples: readonly (readonly [string, readonly string[]])[] = [
  ['python', [join(python, 'python'), join(projectRoot, 'examples', 'python', 'connect.py')]],
  ['typescript', [process.execPath, join(projectRoot, 'examples', 'typescript', 'connect.ts')]],
];

test.each(examples)(
  'the caller in examples/%s connects, and says what is refused',
  async (language, caller) => {
    const name = uniqueName(language);
    const connect = await execute([...caller, name, `dataloop-${name}`, projectId, `Images of ${name}`]);
    expect(connect).toMatchObject({ code: 0, err: expect.stringContaining('Idempotency-Key') });
    const { integrationId, resources, dataset } = JSON.parse(connect.out);
    expect(dataset).toMatchObject({ name: `Images of ${name}`, sync: 'succeeded', items: 0 });
    expect(resources).toContainEqual(expect.objectContaining({ arn: `arn:aws:s3:::dataloop-${name}` }));
    const refused = await execute([...caller, name, `dataloop-${name}-other`, projectId]);
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toContain(`The name "${name}" is used by ${integrationId}`);
    const bad = await execute([...caller, name, 'Dataloop_', projectId]);
    expect(bad.err).toContain('/bucket/name: ');
    await disconnect(integrationId);
  },
);

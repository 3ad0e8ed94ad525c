import { describe, expect, test } from '@jest/globals';
import { requestSchema } from '../../../src/domain/model/request.ts';
import { ok, plan, run } from './world.ts';

const script = { 'POST /plans': [ok(plan())] };

describe('a request', () => {
  test('has a flag for each usual field', async () => {
    const flags = [
      ...['--bucket', 'dataloop-acme', '--bucket-region', 'eu-west-1', '--prefix', 'raw/', '--no-cors'],
      ...['--kms-key', 'arn:aws:kms:eu-west-1:111111111111:key/1', '--project', 'P', '--organization', 'O'],
      ...['--driver-name', 'images', '--no-delete', '--role', 'reader', '--adopt-role', '--adopt-bucket'],
      ...['--tag', 'a=1', 'b=2=3', '--description', 'text', '--dataloop-integration', 'I'],
      ...['--block-public-access', '--dataset', 'Images'],
    ];
    const ran = await run(['plan', 'acme', ...flags], { script });
    expect(ran.code).toBe(0);
    const body = {
      name: 'acme',
      description: 'text',
      bucket: {
        name: 'dataloop-acme',
        mode: 'adopt',
        region: 'eu-west-1',
        prefix: 'raw/',
        kmsKeyArn: 'arn:aws:kms:eu-west-1:111111111111:key/1',
        cors: false,
        blockPublicAccess: true,
      },
      dataloop: {
        projectId: 'P',
        organizationId: 'O',
        integrationId: 'I',
        driverName: 'images',
        allowDelete: false,
      },
      dataset: { name: 'Images' },
      role: { name: 'reader', mode: 'adopt' },
      tags: { a: '1', b: '2=3' },
    };
    expect(ran.requests[0]?.body).toEqual(body);
    // All fields that there are, but for the one that --operator sets.
    const fields = (schema: { shape: object }) => Object.keys(schema.shape).sort();
    expect(Object.keys(body).sort()).toEqual(fields(requestSchema));
    expect(Object.keys(body.bucket).sort()).toEqual(fields(requestSchema.shape.bucket));
    expect([...Object.keys(body.dataloop), 'createdBy'].sort()).toEqual(fields(requestSchema.shape.dataloop));
  });

  test('comes from a file of YAML or JSON, or from standard input; flags win', async () => {
    const files = {
      'request.yaml': 'name: acme\nbucket: { name: dataloop-acme, cors: false }\ndataloop:\n  projectId: P\n',
      '-': '{"name":"acme","bucket":{"name":"dataloop-acme"},"dataloop":{"projectId":"P"}}',
    };
    const yaml = await run(['plan', '-f', 'request.yaml', '--project', 'Q', '--prefix', 'raw/'], {
      script,
      files,
    });
    expect(yaml.requests[0]?.body).toEqual({
      name: 'acme',
      bucket: { name: 'dataloop-acme', cors: false, prefix: 'raw/' },
      dataloop: { projectId: 'Q' },
    });
    const json = await run(['plan', 'other', '--file', '-'], { script, files });
    expect(json.requests[0]?.body).toMatchObject({ name: 'other', dataloop: { projectId: 'P' } });
  });

  test('is checked before it is sent, by the words of the API, all fields at once', async () => {
    const ran = await run(['plan', 'Acme', '--bucket', 'x'], { script });
    expect(ran).toMatchObject({ code: 2, requests: [] });
    expect(ran.err).toContain('3 fields are invalid. Nothing was sent.');
    expect(ran.err).toContain('/name: name must have 1 to 48 lower-case letters');
    expect(ran.err).toContain('/bucket/name: A bucket name must have 3 to 63');
    expect(ran.err).toContain('/dataloop: This field is required. (--project)');
  });

  test.each([
    ['a file that is not there', { 'other.yaml': '' }, 'cannot be read: ENOENT'],
    ['what is neither JSON nor YAML', { 'request.yaml': '{"name": ' }, 'is neither JSON nor YAML'],
    ['what is no object', { 'request.yaml': '- acme' }, 'must be an object'],
  ])('is not made of %s', async (_what, files, said) => {
    const ran = await run(['plan', '-f', 'request.yaml'], { script, files });
    expect(ran).toMatchObject({ code: 2, requests: [] });
    expect(ran.err).toContain(said);
  });

  test.each([
    ['name: !Ref Name\n', 'Unresolved tag: !Ref at line 1, column 7'],
    ['name: a\n---\nname: b\n', 'it holds several documents'],
    ['{"name": "a"', 'Flow map must end with a } at line 1, column 13'],
  ])('in a file that is not to be read as it is written is refused: %j', async (text, reason) => {
    const ran = await run(['plan', '-f', 'request.yaml'], { script, files: { 'request.yaml': text } });
    expect(ran).toMatchObject({ code: 2, out: '', requests: [] });
    expect(ran.err).toContain(`✗ request.yaml is neither JSON nor YAML: ${reason}`);
    expect(ran.err).toMatch(/[^:]\n$/);
  });

  test('in an empty file is none', async () => {
    const ran = await run(['plan', '-f', 'request.yaml'], { script, files: { 'request.yaml': '' } });
    expect(ran).toMatchObject({ code: 2, err: '✗ request.yaml holds no request: it must be an object.\n' });
  });

  test('has tags with values', async () => {
    const ran = await run(['plan', 'acme', '--tag', 'team'], { script });
    expect(ran.code).toBe(2);
    expect(ran.err).toContain('Write --tag KEY=VALUE.');
  });
});

describe('plan', () => {
  const flags = ['acme', '--bucket', 'dataloop-acme', '--project', 'P'];

  test('shows both policies on request', async () => {
    const short = await run(['plan', ...flags], { script });
    expect(short.out).not.toContain('TrustsDataloop');
    expect(short.out).toContain('Nothing blocks it.');
    const long = await run(['plan', ...flags, '--policies'], { script });
    expect(long.out).toContain('TrustsDataloop');
    expect(long.out).toContain('AllowsObjects');
  });

  test('is one document for programs, and its exit code says whether it is blocked', async () => {
    const finding = {
      severity: 'unknown',
      type: 'x:dataloop-unavailable',
      title: 'T',
      resource: { type: 'R' },
      detail: 'D',
    };
    const blocked = plan({ clear: false, findings: [finding] });
    const ran = await run(['plan', ...flags, '--output', 'json'], {
      script: { 'POST /plans': [ok(blocked)] },
    });
    expect(ran.code).toBe(3);
    expect(JSON.parse(ran.out)).toEqual(blocked);
  });
});

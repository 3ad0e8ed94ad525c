import { describe, expect, test } from '@jest/globals';
import {
  accepted,
  answer,
  bucket,
  integration,
  integrationId,
  type Options,
  ok,
  plan,
  problem,
  run,
  step,
} from './world.ts';

const self = `GET /integrations/${integrationId}`;
const flags = ['acme', '--bucket', 'dataloop-acme', '--project', 'P'];
const succeeded = step('CreateBucket', 'succeeded', { endedAt: '2026-11-28T10:00:00.400Z' });

const script = (last: object, more: Options['script'] = {}) => ({
  'POST /plans': [ok(plan())],
  'POST /integrations': [accepted(integration('provisioning'))],
  [self]: [ok(integration('provisioning', { steps: [step('CreateBucket', 'running')] })), ok(last)],
  ...more,
});
const ready = integration('ready', { resources: [bucket], steps: [succeeded] });

describe('connect', () => {
  test('shows the plan, asks, sends a key of its own, and follows to the end', async () => {
    const ran = await run(['connect', ...flags], { script: script(ready), columns: 80, answers: [true] });
    expect(ran).toMatchObject({ code: 0, questions: ['Connect it?'], waits: [1_000] });
    expect(ran.out).toContain('create  Bucket  dataloop-acme (eu-west-1)');
    expect(ran.out).toContain('✓ CreateBucket         succeeded     0.4 s  1 attempt');
    expect(ran.out).toContain(`in 1 s: ${integrationId}`);
    expect(ran.out).toContain('s3://dataloop-acme');
    expect(ran.out).toContain('dataloop-connect test acme');
    const [planned, sent] = ran.requests;
    const body = { name: 'acme', bucket: { name: 'dataloop-acme' }, dataloop: { projectId: 'P' } };
    expect(planned).toMatchObject({ path: '/plans', body });
    expect(sent).toMatchObject({ path: '/integrations', body });
    const key = sent?.headers?.['idempotency-key'] ?? '';
    expect(key).toMatch(/^[0-9a-f-]{36}$/);
    expect(ran.err).toContain(`Idempotency-Key: ${key}\n`);
  });

  test.each([
    [{ sync: 'succeeded', items: 1 }, /Dataset "Images": synced, 1 item\n/],
    [{ sync: 'succeeded', items: 1200 }, /Dataset "Images": synced, 1200 items\n/],
    [{ sync: 'failed', reason: 'Access Denied.' }, /Dataset "Images": not synced\n {2}Access Denied\.\n/],
  ])('asks for a dataset, and says how its sync ended: %j', async (more, said) => {
    const last = integration('ready', { dataset: { name: 'Images', ...more } });
    const ran = await run(['connect', ...flags, '--yes', '--dataset', 'Images'], { script: script(last) });
    expect(ran.code).toBe(0);
    expect(ran.requests.map(({ body }) => body).filter(Boolean)).toEqual(
      [1, 2].map(() => expect.objectContaining({ dataset: { name: 'Images' } })),
    );
    expect(ran.out).toMatch(said);
  });

  test('sends nothing after no', async () => {
    const ran = await run(['connect', ...flags], { script: script(ready), columns: 80, answers: [false] });
    expect(ran.code).toBe(130);
    expect(ran.requests.map(({ path }) => path)).toEqual(['/plans']);
    expect(ran.err).toContain('Nothing was sent.');
  });

  test('names the integrations at Dataloop that wait for a role', async () => {
    const waitingIntegrations = [{ id: 'free', name: 'made by hand' }];
    const plans = { 'POST /plans': [ok(plan({ waitingIntegrations }))] };
    const ran = await run(['plan', ...flags], { script: script(ready, plans) });
    expect(ran.out.replaceAll(/\s+/g, ' ')).toContain(
      'At Dataloop these wait for a role: "made by hand" (free). To use one, say --dataloop-integration ID.',
    );
  });

  test('needs --yes where nobody can be asked', async () => {
    const ran = await run(['connect', ...flags], { script: script(ready) });
    expect(ran).toMatchObject({ code: 2, requests: [] });
    expect(ran.err).toContain('Add --yes');
  });

  test('shows all that blocks it and sends nothing', async () => {
    const finding = (severity: string, detail: string) => ({
      severity,
      type: 'urn:dataloop-cross-account:problem:bucket-name-taken',
      title: 'The bucket name is taken',
      resource: { type: 'AWS::S3::Bucket' },
      pointer: '/bucket/name',
      detail,
    });
    const findings = [finding('error', 'First.'), finding('error', 'Second.'), finding('warning', 'Third.')];
    const ran = await run(['connect', ...flags, '--yes'], {
      script: script(ready, { 'POST /plans': [ok(plan({ clear: false, findings }))] }),
    });
    expect(ran.code).toBe(3);
    expect(ran.requests).toHaveLength(1);
    for (const text of ['First.', 'Second.', 'Third.', '/bucket/name', '2 blocking issues.']) {
      expect(ran.out).toContain(text);
    }
  });

  test('lets the API decide where the name is in use: the same request connects once', async () => {
    const taken = {
      severity: 'error',
      type: 'urn:dataloop-cross-account:problem:name-or-bucket-taken',
      title: 'Taken',
      resource: { type: 'Integration', id: integrationId },
      detail: `Already connected as ${integrationId}.`,
    };
    const plans = { 'POST /plans': [ok(plan({ clear: false, findings: [taken] }))] };
    const same = await run(['connect', ...flags, '--yes'], { script: script(ready, plans) });
    expect(same.code).toBe(0);
    const refusal = problem('name-or-bucket-taken', `The name is used by ${integrationId}.`, 409);
    const other = await run(['connect', ...flags, '--yes'], {
      script: script(ready, { ...plans, 'POST /integrations': [refusal] }),
    });
    expect(other.code).toBe(3);
    expect(other.err).toContain(`The name is used by ${integrationId}.`);
    expect(other.err).toContain(`Next: dataloop-connect status ${integrationId}`);
  });

  test('says what failed, why, and that nothing is left', async () => {
    const error = {
      type: 't',
      title: 'Dataloop cannot use the bucket',
      detail: 'S3 denied it.',
      step: 'TestDriver',
    };
    const ran = await run(['connect', ...flags, '--yes'], {
      script: script(integration('failed', { error })),
    });
    expect(ran.code).toBe(4);
    expect(ran.out).toContain('Failed at TestDriver');
    expect(ran.out).toContain('nothing is left');
    expect(ran.out).toContain('Cause: Dataloop cannot use the bucket: S3 denied it.');
  });

  test('names each leftover with the reason and what to do', async () => {
    const residue = [{ ...bucket, reason: 'It holds objects.', advice: 'Empty it.' }];
    const ran = await run(['connect', ...flags, '--yes'], {
      script: script(integration('residue', { residue })),
    });
    expect(ran.code).toBe(5);
    for (const text of ['s3://dataloop-acme', 'It holds objects.', 'Empty it.'])
      expect(ran.out).toContain(text);
    expect(ran.out).toContain('Next: dataloop-connect disconnect acme');
  });

  test('stops waiting after --timeout, and at once with --no-wait: the workflow goes on', async () => {
    const open = integration('provisioning');
    const late = await run(['connect', ...flags, '--yes', '--timeout', '3'], { script: script(open) });
    expect(late).toMatchObject({ code: 6, waits: [1_000, 1_000, 1_000] });
    expect(late.out).toContain(`Next: dataloop-connect watch ${integrationId}`);
    const early = await run(['connect', ...flags, '--yes', '--no-wait'], { script: script(open) });
    expect(early).toMatchObject({ code: 6, waits: [] });
  });

  test('leaves the workflow running on Ctrl-C, and says how to come back', async () => {
    const said: string[] = [];
    await run(['connect', ...flags, '--yes', '--stage', 'prod'], {
      script: script(ready),
      onDelay: (interrupt) => said.push(...interrupt()),
    });
    expect(said).toEqual([
      'The workflow goes on. To come back:',
      `  dataloop-connect watch ${integrationId} --stage prod`,
    ]);
  });

  test('stops where it waits for an operator, with what to do as commands', async () => {
    const action = {
      what: 'Let Dataloop issue an IAM user, and send its ARN.',
      steps: [
        'Open the console.',
        `Send POST /integrations/${integrationId}/iam-user with {"userArn":"THE ARN"}.`,
      ],
      roleArn: 'arn:aws:iam::111111111111:role/dataloop-acme',
      permissionPolicy: { Version: '2012-10-17', Statement: [] },
    };
    const ran = await run(['connect', ...flags, '--yes', '--operator'], {
      script: script(integration('provisioning', { action })),
    });
    expect(ran.code).toBe(6);
    expect(ran.requests[1]?.body).toMatchObject({ dataloop: { createdBy: 'operator' } });
    expect(ran.out).toContain('1. Open the console.');
    expect(ran.out).not.toContain('Send POST');
    expect(ran.out).toContain('Next: dataloop-connect confirm-user acme --user-arn ARN');
  });

  test('answers programs with one document, as the API gave it', async () => {
    const ran = await run(['connect', ...flags, '--yes', '--output', 'json'], {
      script: script({ ...ready, ofALaterVersion: true }),
    });
    expect(JSON.parse(ran.out)).toEqual({ ...ready, ofALaterVersion: true });
  });
});

describe('a call that does not go through', () => {
  test('is made again after the time that the API asks for, with the same key', async () => {
    const ran = await run(['connect', ...flags, '--yes', '--no-plan', '--no-wait'], {
      script: {
        'POST /integrations': [
          answer(429, problem('too-many-open', 'Too many.', 429).body, 30),
          answer(503, undefined),
          new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') }),
          accepted(integration('provisioning')),
        ],
      },
    });
    expect(ran).toMatchObject({ code: 6, waits: [30_000, 2_000, 4_000] });
    expect(new Set(ran.requests.map(({ headers }) => headers?.['idempotency-key'])).size).toBe(1);
    expect(ran.err).toContain('Too many. Trying again in 30 s.');
  });

  test('is refused at the end in the words of the API', async () => {
    const ran = await run(['connect', ...flags, '--yes', '--no-plan'], {
      script: { 'POST /integrations': [problem('too-many-open', 'Too many.', 429)] },
    });
    expect(ran.code).toBe(3);
    expect(ran.waits).toHaveLength(5);
    expect(ran.err).toContain('✗ The title: Too many.\n');
  });

  test.each([
    'The security token included in the request is expired',
    'The request signature we calculated does not match the signature you provided.',
  ])('blames credentials, and no missing right: %s', async (message) => {
    const script = { 'POST /integrations': [answer(403, { message })] };
    const ran = await run(['connect', ...flags, '--yes', '--no-plan'], { script });
    expect(ran.code).toBe(2);
    expect(ran.err).toContain(`✗ AWS does not accept the credentials: ${message}\n  Log in again`);
    expect(ran.err).not.toContain('execute-api:Invoke');
  });

  test('names a missing right', async () => {
    const ran = await run(['list'], {
      script: { 'GET /integrations': [answer(403, { message: 'Forbidden' })] },
    });
    expect(ran.code).toBe(3);
    expect(ran.err).toContain('execute-api:Invoke');
  });

  test('is told as JSON to programs', async () => {
    const refusal = problem('invalid-request', 'Bad.', 400, {
      errors: [{ pointer: '/name', detail: 'Too long.' }],
    });
    const ran = await run(['connect', ...flags, '--yes', '--no-plan', '--output', 'json'], {
      script: { 'POST /integrations': [refusal] },
    });
    expect(ran).toMatchObject({ code: 3, out: '' });
    // What it has to say meanwhile is a line of JSON, too.
    expect(
      ran.err
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { note: expect.stringMatching(/^Idempotency-Key: [0-9a-f-]{36}$/) },
      {
        error: {
          message: 'The title: Bad.',
          details: ['/name: Too long.'],
          exitCode: 3,
          answer: refusal.body,
        },
      },
    ]);
  });
});

import { describe, expect, test } from '@jest/globals';
import {
  accepted,
  answer,
  bucket,
  driverId,
  integration,
  integrationId,
  ok,
  problem,
  run,
  step,
} from './world.ts';

const self = `/integrations/${integrationId}`;
const page = (...items: object[]) => ok({ items });
const driver = {
  driverId,
  name: 'videos',
  bucket: 'dataloop-videos',
  projectId: 'P',
  links: { self: `${self}/drivers/${driverId}` },
};
const found = { 'GET /integrations': [page(integration('ready'))] };
const added = (status: string) => ({
  ...integration(status),
  driverId,
  bucket: 'dataloop-videos',
  links: { ...integration(status).links, self: driver.links.self },
});

describe('a name', () => {
  test('serves as an id: of several with one name, that of which something is left', async () => {
    const ran = await run(['status', 'acme'], {
      script: { ...found, [`GET ${self}`]: [ok(integration('ready', { resources: [bucket] }))] },
    });
    expect(ran.code).toBe(0);
    expect(ran.requests[0]?.path).toContain(
      'status=provisioning%2Cready%2Crolling-back%2Cremoving%2Cresidue',
    );
    expect(ran.out).toContain(`acme  ${integrationId}  READY, 2026-11-28`);
  });

  test('shows its steps, and last what to do next, also after a failure', async () => {
    const steps = [step('CreateBucket', 'succeeded', { endedAt: '2026-11-28T10:00:01.000Z' })];
    const shown = async (status: string) =>
      (
        await run(['status', integrationId, '--steps'], {
          script: { [`GET ${self}`]: [ok(integration(status, { steps }))] },
        })
      ).out;
    expect(await shown('ready')).toMatch(/✓ CreateBucket.*\nNext: dataloop-connect test acme\n$/);
    expect(await shown('failed')).toMatch(
      /✓ CreateBucket.*\nNext: solve the cause, then connect acme again\.\n$/,
    );
  });

  test('is looked for on every page, then among those that ended', async () => {
    const other = integration('ready', { name: 'acne' });
    const ran = await run(['status', 'acme'], {
      script: {
        'GET /integrations': [
          ok({ items: [other], nextToken: 'T' }),
          page(other),
          page(integration('failed')),
        ],
        [`GET ${self}`]: [ok(integration('failed'))],
      },
    });
    expect(ran.code).toBe(4);
    expect(ran.requests.map(({ path }) => /nextToken=T|status=failed/.exec(path)?.[0])).toEqual([
      undefined,
      'nextToken=T',
      'status=failed',
      undefined,
    ]);
  });

  test('that is mistyped is told apart', async () => {
    const ran = await run(['status', 'acne'], { script: found });
    expect(ran.code).toBe(3);
    expect(ran.err).toBe(
      '✗ No integration is named "acne".\n  Did you mean "acme"?\nNext: dataloop-connect list\n',
    );
  });

  test.each(['dataloop-videos', 'videos', driverId])('of an added bucket is %s', async (name) => {
    const ran = await run(['status', 'acme', name], {
      script: {
        ...found,
        [`GET ${self}`]: [ok(integration('ready', { drivers: [driver] }))],
        [`GET ${driver.links.self}`]: [ok(added('residue'))],
      },
    });
    expect(ran.code).toBe(5);
    expect(ran.out).toContain(`Next: dataloop-connect remove-bucket ${integrationId} ${driverId}`);
  });

  test('of an added bucket that fits several is refused, with their ids', async () => {
    const twin = { ...driver, driverId: 'drv_01M85CZQP0Y0YS5TZMSXQSHEJS', name: 'others' };
    const ran = await run(['status', 'acme', 'dataloop-videos'], {
      script: { ...found, [`GET ${self}`]: [ok(integration('ready', { drivers: [driver, twin] }))] },
    });
    expect(ran.code).toBe(3);
    expect(ran.err).toContain(twin.driverId);
  });
});

describe('watch', () => {
  const states = [
    integration('provisioning', { steps: [step('CreateBucket', 'running')] }),
    integration('provisioning', { steps: [step('CreateBucket', 'running')] }),
    integration('ready'),
  ];
  const script = { [`GET ${self}`]: [ok(states[0]), ...states.map(ok)] };

  test('writes a line for each change where the output is piped', async () => {
    const ran = await run(['watch', integrationId], { script });
    expect(ran.code).toBe(0);
    expect(ran.out.match(/CreateBucket/g)).toHaveLength(1);
    expect(ran.out).not.toContain('\u001b');
  });

  test('writes a document a line for programs, one for each change', async () => {
    const ran = await run(['watch', integrationId, '--output', 'json'], { script });
    const lines = ran.out.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([states[0], states[2]]);
  });

  test('says that the workflow goes on where it can no longer look', async () => {
    const ran = await run(['watch', integrationId], {
      script: { [`GET ${self}`]: [ok(states[0]), problem('internal', 'It failed.', 500)] },
    });
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('The workflow goes on.');
    expect(ran.err).toContain(`Next: dataloop-connect watch ${integrationId}`);
  });
});

describe('list', () => {
  test('fits 80 columns: names are cut, ids never', async () => {
    const long = integration('ready', { name: 'a'.repeat(48) });
    const script = { 'GET /integrations': [page(long)] };
    const { out, code } = await run(['list'], { script, columns: 80 });
    expect(code).toBe(0);
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(out).toContain(integrationId);
    expect(out).toContain('…');
    // Programs that read columns get all of it.
    expect((await run(['list'], { script })).out).toContain('a'.repeat(48));
  });

  test('joins pages up to a limit, and notes records that somebody damaged', async () => {
    const items = [integration('ready'), integration('failed', { name: 'second' })];
    const script = {
      'GET /integrations': [ok({ items, damaged: ['int_X'], nextToken: 'T' }), page(...items)],
    };
    const all = await run(['list', '--output', 'json'], { script });
    expect(JSON.parse(all.out)).toMatchObject({ items: { length: 4 }, damaged: ['int_X'] });
    expect(all.err).toContain('int_X');
    const some = await run(['list', '--output', 'json', '--limit', '3'], { script });
    expect(JSON.parse(some.out).items).toHaveLength(3);
  });

  test('knows the statuses', async () => {
    const ran = await run(['list', '--status', 'redy']);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain('Did you mean "ready"?');
  });
});

describe('disconnect', () => {
  const ended = '2026-11-28T10:00:02.000Z';
  const removedSteps = [step('DeleteRole', 'succeeded', { startedAt: ended, endedAt: ended })];
  const script = {
    ...found,
    [`GET ${self}`]: [
      ok(integration('ready', { resources: [bucket] })),
      ok(integration('removed', { steps: [step('CreateBucket', 'succeeded'), ...removedSteps] })),
    ],
    [`POST ${self}/removal-plan`]: [problem('route-not-found', 'No such route.', 404)],
    [`DELETE ${self}`]: [accepted(integration('removing', { updatedAt: '2026-11-28T10:00:01.000Z' }))],
  };

  test('shows what is there, asks, and follows the removal only', async () => {
    const ran = await run(['disconnect', 'acme'], { script, columns: 80, answers: [true] });
    expect(ran).toMatchObject({ code: 0, questions: ['Disconnect it?'] });
    expect(ran.out).toContain('s3://dataloop-acme');
    expect(ran.out).toContain('✓ DeleteRole');
    expect(ran.out).not.toContain('CreateBucket');
    expect(ran.out).toMatch(/Access ended 2026-11-2\d \d\d:\d\d:\d\d\n/);
  });

  test('passes on --keep-bucket and --force, and says what is kept', async () => {
    const released = [{ ...bucket, reason: 'You asked to keep it.' }];
    const ran = await run(['disconnect', 'acme', '--keep-bucket', '--force', '--yes'], {
      script: {
        ...script,
        [`GET ${self}`]: [ok(integration('ready')), ok(integration('removed', { released }))],
      },
    });
    expect(ran.out).toContain('nothing else is left.\nKept: Bucket s3://dataloop-acme; it is yours now\n');
    expect(ran.requests.find(({ method }) => method === 'DELETE')?.path).toBe(
      `${self}?keepBucket=true&force=true`,
    );
  });

  test('of what is still being connected ends well where it is rolled back', async () => {
    const ran = await run(['disconnect', integrationId, '--yes'], {
      script: { ...script, [`GET ${self}`]: [ok(integration('provisioning')), ok(integration('failed'))] },
    });
    expect(ran.code).toBe(0);
    expect(ran.out).toContain(`Removed: ${integrationId}; nothing is left.`);
  });

  const plan = (more: object) => ({
    [`POST ${self}/removal-plan`]: [
      ok({
        name: 'acme',
        clear: true,
        resources: [{ action: 'delete', type: 'AWS::S3::Bucket', arn: 'arn:aws:s3:::dataloop-acme' }],
        datasets: [],
        foreignDrivers: [],
        findings: [],
        ...more,
      }),
    ],
  });
  const inUse = {
    clear: false,
    datasets: [{ id: 'D', name: 'streets' }],
    findings: [
      {
        severity: 'error',
        type: 't',
        title: 'In use',
        resource: { type: 'Dataloop::Dataset' },
        detail: 'A dataset.',
      },
    ],
  };

  test('shows the plan before it asks; what is in the way needs --force', async () => {
    const clear = await run(['disconnect', 'acme', '--keep-bucket'], {
      script: { ...script, ...plan({}) },
      answers: [true],
    });
    expect(clear.code).toBe(0);
    expect(clear.out).toContain('  keep  Bucket  s3://dataloop-acme');
    const blocked = await run(['disconnect', 'acme'], {
      script: { ...script, ...plan(inUse) },
      answers: [true],
    });
    expect(blocked).toMatchObject({ code: 3, questions: [] });
    expect(blocked.out).toContain('streets (D)');
    expect(blocked.out).toContain('✗ In use\n    A dataset.');
    expect(blocked.out).toContain('Next: dataloop-connect disconnect acme --force');
    const forced = await run(['disconnect', 'acme', '--force'], {
      script: { ...script, ...plan(inUse) },
      answers: [true],
    });
    expect(forced.code).toBe(0);
  });

  test('keeps the bucket in what it shows and proposes, where that was asked for', async () => {
    const plain = await run(['disconnect', 'acme', '--plan'], { script: { ...script, ...plan({}) } });
    expect(plain.out).toMatch(/delete +Bucket/);
    const kept = await run(['disconnect', 'acme', '--plan', '--keep-bucket'], {
      script: { ...script, ...plan({}) },
    });
    expect(kept.out).toMatch(/keep +Bucket/);
    const blocked = await run(['disconnect', 'acme', '--keep-bucket'], {
      script: { ...script, ...plan(inUse) },
      answers: [true],
    });
    expect(blocked.out).toContain('Next: dataloop-connect disconnect acme --keep-bucket --force\n');
  });

  test('with --plan shows it and changes nothing', async () => {
    const ran = await run(['disconnect', 'acme', '--plan', '--output', 'json'], {
      script: { ...script, ...plan(inUse) },
    });
    expect(ran.code).toBe(3);
    expect(JSON.parse(ran.out)).toMatchObject(inUse);
    expect(ran.requests.filter(({ method }) => method === 'DELETE')).toEqual([]);
    const none = {
      ...script,
      [`POST ${self}/removal-plan`]: [problem('route-not-found', 'No such route.', 404)],
    };
    expect(await run(['disconnect', 'acme', '--plan'], { script: none })).toMatchObject({ code: 3, out: '' });
  });

  test('needs an answer, and removes nothing without one', async () => {
    expect(await run(['disconnect', 'acme'], { script })).toMatchObject({ code: 2 });
    const refused = await run(['disconnect', 'acme'], { script, answers: [false] });
    expect(refused.code).toBe(130);
    expect(refused.requests.filter(({ method }) => method === 'DELETE')).toEqual([]);
  });
});

describe('an added bucket', () => {
  const script = {
    ...found,
    [`GET ${self}`]: [ok(integration('ready', { drivers: [driver] }))],
    [`POST ${self}/drivers`]: [accepted(added('provisioning'))],
    [`GET ${driver.links.self}`]: [ok(added('ready'))],
    [`DELETE ${driver.links.self}`]: [accepted(added('removing'))],
    [`POST ${driver.links.self}/test`]: [
      ok({
        integrationId,
        driverId,
        status: 'failed',
        checks: [{ name: 'Cors', status: 'failed', detail: 'Gone.' }],
      }),
    ],
  };

  test('is added by a request of its own kind', async () => {
    const flags = ['--bucket', 'dataloop-videos', '--project', 'P', '--yes'];
    const ran = await run(['add-bucket', 'acme', ...flags], { script });
    expect(ran.code).toBe(0);
    const sent = ran.requests.find(({ method }) => method === 'POST');
    expect(sent?.body).toEqual({ bucket: { name: 'dataloop-videos' }, dataloop: { projectId: 'P' } });
    expect(sent?.headers).toHaveProperty('idempotency-key');
  });

  test('is removed alone', async () => {
    const ran = await run(['remove-bucket', 'acme', 'videos', '--yes', '--no-wait'], { script });
    expect(ran.code).toBe(6);
    expect(ran.requests.at(-1)).toMatchObject({ method: 'DELETE', path: driver.links.self });
  });

  test('is tested alone, and a failed check is an exit code', async () => {
    const ran = await run(['test', 'acme', 'videos'], { script });
    expect(ran.code).toBe(4);
    expect(ran.out).toContain('✗ Cors  Gone.');
  });
});

describe('confirm-user', () => {
  const action = (what: string) => ({
    what,
    steps: ['Do it.'],
    roleArn: 'a',
    permissionPolicy: { Statement: [] },
  });
  const asked = integration('provisioning', { action: action('First?') });
  const script = {
    [`GET ${self}`]: [ok(asked), ok(asked), ok(integration('provisioning', { action: action('Second?') }))],
    [`POST ${self}/iam-user`]: [accepted(asked)],
  };

  test('sends what the operator did, and waits for the next question', async () => {
    const userArn = 'arn:aws:iam::111111111111:user/dataloop';
    const ran = await run(['confirm-user', integrationId, '--user-arn', userArn], { script });
    expect(ran.code).toBe(6);
    expect(ran.requests[1]?.body).toEqual({ userArn });
    expect(ran.out).toContain('Second?');
    expect(ran.out).not.toContain('First?');
  });

  test('waits while the service only checks what was said', async () => {
    const check = integration('provisioning', {
      action: action('Check the integration 6748f0c2: the service asks Dataloop about it.'),
    });
    const told = ['confirm-user', integrationId, '--user-arn', 'arn:aws:iam::111111111111:user/dataloop'];
    const ran = await run([...told, '--dataloop-integration', '6748f0c2'], {
      script: {
        [`GET ${self}`]: [ok(asked), ok(check), ok(check), ok(integration('ready'))],
        [`POST ${self}/iam-user`]: [accepted(check)],
      },
    });
    expect(ran.code).toBe(0);
    expect(ran.out).toContain('Ready');
  });

  test('is checked before it is sent', async () => {
    const ran = await run(['confirm-user', integrationId]);
    expect(ran).toMatchObject({ code: 2, requests: [] });
    expect(ran.err).toContain('/userArn: This field is required. (--user-arn)');
  });
});

describe('open', () => {
  const link = integration('ready').links.console;

  test('opens the console where there is a person, and prints the link', async () => {
    const script = { [`GET ${self}`]: [ok(integration('ready'))] };
    expect(await run(['open', integrationId], { script, answers: [] })).toMatchObject({
      opened: [link],
      out: `${link}\n`,
    });
    expect(await run(['open', integrationId], { script })).toMatchObject({ opened: [], out: `${link}\n` });
  });

  test('opens nothing but the console of AWS', async () => {
    const links = { ...integration('ready').links, console: 'https://example.com/' };
    const script = { [`GET ${self}`]: [ok(integration('ready', { links }))] };
    expect(await run(['open', integrationId], { script, answers: [] })).toMatchObject({ opened: [] });
  });
});

test('what the API answers cannot steer the terminal', async () => {
  const error = { type: 't', title: 'T', detail: 'a\u001b[2Jb\u202ec', step: 'CreateRole' };
  const ran = await run(['status', integrationId], {
    script: { [`GET ${self}`]: [ok(integration('failed', { error }))] },
  });
  expect(ran.out).toContain('a [2Jb c');
  const refused = await run(['list'], {
    script: { 'GET /integrations': [answer(403, { message: 'x\u001b[2Jy' })] },
  });
  expect(refused.err).toContain('x [2Jy');
});

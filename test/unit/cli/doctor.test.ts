import { describe, expect, test } from '@jest/globals';
import type { Account } from '../../../cli/connection/account.ts';
import type { Stack } from '../../../cli/connection/stack.ts';
import { checkNode, checkStack } from '../../../cli/doctor/surroundings.ts';
import { CommandError, exitCodes } from '../../../cli/exit-codes.ts';
import { answer, ok, plan, problem, run } from './world.ts';

const stack: Stack = {
  name: 'dataloop-cross-account-dev',
  status: 'UPDATE_COMPLETE',
  updatedAt: undefined,
  outputs: { HttpApiUrl: 'https://api.example', Version: '0.1.0', DataloopSecretName: 'its/secret' },
};

const secrets: string[] = [];
const healthy: Partial<Account> = {
  caller: async () => 'arn:aws:iam::111111111111:user/ann',
  stack: async () => stack,
  secret: async (name) => {
    secrets.push(name);
    return 'there';
  },
  alarms: async () => [{ name: 'dataloop-cross-account-dev-DeadLetterAlarm', actions: 1 }],
};

const nobody = '/integrations/int_00000000000000000000000000';
const missing = problem('integration-not-found', 'No such integration.', 404);
const invalid = problem('invalid-request', 'Invalid.', 400);
const plans = (findings: readonly object[]) => [
  invalid,
  ok(plan({ clear: findings.length === 0, findings })),
];
const finding = (kind: string, detail: string, severity = 'error') => ({
  severity,
  type: `urn:dataloop-cross-account:problem:${kind}`,
  title: 'T',
  resource: { type: 'Dataloop::Project' },
  detail,
});
const script = {
  'GET /integrations': [ok({ items: [] })],
  'POST /plans': plans([]),
  'POST /integrations': [invalid],
  [`POST ${nobody}/drivers`]: [invalid],
  [`POST ${nobody}/test`]: [missing],
  [`DELETE ${nobody}`]: [missing],
  [`POST ${nobody}/iam-user`]: [invalid],
};

const doctor = (account: Partial<Account>, more: object = {}, ...args: string[]) =>
  run(['doctor', ...args], { account: { ...healthy, ...account }, script: { ...script, ...more } });

describe('doctor', () => {
  test('passes where all is well, and names what it saw', async () => {
    const ran = await doctor({}, {}, '--project', 'P');
    expect(ran.code).toBe(0);
    expect(ran.out).not.toMatch(/^[!✗-]/m);
    for (const text of [
      '✓ Node.js        20.19.0',
      'user/ann',
      'dataloop-cross-account-dev, UPDATE_COMPLETE, version 0.1.0',
      'you may look, plan, connect, add buckets, test, disconnect',
      'its/secret is there',
      'owner or admin of the organisation',
      'has room for another integration',
      'Next: dataloop-connect plan',
    ]) {
      expect(ran.out).toContain(text);
    }
    expect(secrets).toEqual(['its/secret']);
    // No call of it can change anything: it names what cannot be there, or has an empty body.
    const writing = ran.requests.filter(({ method, path }) => method !== 'GET' && path !== '/plans');
    for (const { path, body } of writing) {
      expect(path.startsWith(nobody) || JSON.stringify(body) === '{}').toBe(true);
    }
    expect(ran.requests.at(-1)?.body).toMatchObject({ dataloop: { projectId: 'P' } });
  });

  test.each([
    [
      'no credentials',
      {
        caller: () =>
          Promise.reject(
            new CommandError(exitCodes.usage, 'No AWS credentials: none.', { lines: ['Log in.'] }),
          ),
      },
      {},
      ['✗ Credentials    No AWS credentials: none.', '→ Log in.'],
    ],
    [
      'no region',
      { region: () => Promise.reject(new CommandError(exitCodes.usage, 'No AWS region is set.')) },
      {},
      ['✗ Region         No AWS region is set.'],
    ],
    [
      'no stack',
      { stack: () => Promise.reject(new CommandError(exitCodes.usage, 'There is no stack.')) },
      {},
      ['✗ Stack          There is no stack.'],
    ],
    [
      'no secret',
      { secret: async () => 'missing' as const },
      {},
      ['✗ Secret', 'store-dataloops-credentials'],
    ],
    ['a deleted secret', { secret: async () => 'deleted' as const }, {}, ['✗ Secret', 'restore-secret']],
    [
      'a secret that Dataloop does not take',
      {},
      { 'POST /plans': plans([finding('dataloop-credentials', 'The key has expired.')]) },
      ['✗ Dataloop       The key has expired.'],
    ],
    [
      'a user without the role',
      {},
      { 'POST /plans': plans([finding('dataloop-forbidden', 'Make it an owner.')]) },
      ['✓ Dataloop       accepts the secret', '✗ Dataloop role  Make it an owner.'],
    ],
    [
      'an API that fails',
      {},
      { 'GET /integrations': [answer(500, {})] },
      ['✗ API            https://api.example fails: look (500)'],
    ],
    [
      'no rights at all',
      {},
      Object.fromEntries(Object.keys(script).map((call) => [call, [answer(403, { message: 'Forbidden' })]])),
      ['✗ API            https://api.example lets you do nothing', 'allow-people-to-call-it'],
    ],
  ])('fails for %s, and says what to do', async (_what, account, more, said) => {
    const ran = await doctor(account, more, '--project', 'P');
    expect(ran.code).toBe(4);
    for (const text of said) expect(ran.out).toContain(text);
  });

  test.each([
    [
      'an alarm without a subscriber',
      { alarms: async () => [{ name: 'PollQueueAgeAlarm', actions: 0 }] },
      {},
      '! Alarms         Nobody hears of: PollQueueAgeAlarm',
    ],
    [
      "Dataloop's quota",
      {},
      { 'POST /plans': plans([finding('dataloop-integration-limit', '15 of 15.', 'warning')]) },
      '! Dataloop quota 15 of 15.',
    ],
    [
      'a Dataloop that does not answer now',
      {},
      { 'POST /plans': plans([finding('dataloop-unavailable', 'No answer.', 'unknown')]) },
      '! Dataloop       No answer.',
    ],
    [
      'an API key that expires soon',
      {},
      { 'POST /plans': plans([finding('dataloop-api-key-expires', 'It expires.', 'warning')]) },
      '! Dataloop       accepts the secret. It expires.',
    ],
    ['what may not be seen', { secret: () => Promise.reject(new Error('AccessDenied')) }, {}, '- Secret'],
  ])('warns of %s, and passes', async (_what, account, more, said) => {
    const ran = await doctor(account, more, '--project', 'P');
    expect(ran.out).toContain(said);
    expect(ran.code).toBe(0);
  });

  test('looks at no role without a project', async () => {
    const unknown = plans([finding('dataloop-not-found', 'No such project.')]);
    const ran = await doctor({}, { 'POST /plans': unknown });
    expect(ran.code).toBe(0);
    expect(ran.out).toContain('✓ Dataloop       accepts the secret');
    expect(ran.out).toContain('doctor --project PROJECT_ID');
  });

  test('names rights that are missing, and does not plan without that right', async () => {
    const ran = await doctor({}, { 'POST /plans': [answer(403, { message: 'Forbidden' })] });
    expect(ran.code).toBe(0);
    expect(ran.out.replaceAll(/\s+/g, ' ')).toContain('; not plan');
    expect(ran.out).toContain('- Dataloop       not looked at');
  });

  test('is one document for programs', async () => {
    const ran = await doctor({ secret: async () => 'missing' }, {}, '--output', 'json');
    expect(ran.code).toBe(4);
    const { status, checks } = JSON.parse(ran.out);
    expect(status).toBe('failed');
    expect(checks).toContainEqual(expect.objectContaining({ name: 'Secret', status: 'failed' }));
  });
});

test.each([
  ['20.18.0', 'failed'],
  ['20.19.0', 'passed'],
  ['21.9.0', 'failed'],
  ['22.12.0', 'failed'],
  ['22.13.0', 'passed'],
  ['23.5.0', 'failed'],
  ['24.0.0', 'passed'],
  ['26.1.0', 'passed'],
])('Node.js %s has %s', (nodeVersion, status) => {
  expect(checkNode({ nodeVersion }).status).toBe(status);
});

test.each([
  [{}, 'passed'],
  [{ status: 'UPDATE_IN_PROGRESS' }, 'warning'],
  [{ status: 'UPDATE_ROLLBACK_FAILED' }, 'failed'],
  [{ status: 'ROLLBACK_COMPLETE' }, 'failed'],
  [{ status: 'UPDATE_ROLLBACK_COMPLETE' }, 'passed'],
  [{ outputs: {} }, 'warning'],
  [{ outputs: { Version: '0.2.0' } }, 'warning'],
])('a stack with %j has %s', (more, status) => {
  expect(checkStack({ ...stack, ...more }, '0.1.0').status).toBe(status);
});

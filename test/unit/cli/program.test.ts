import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { commands } from '../../../cli/commands/index.ts';
import { settingsFrom } from '../../../cli/connection/settings.ts';
import { integration, integrationId, ok, run } from './world.ts';

const names = commands.map(({ name }) => name);
const page = { 'GET /integrations': [ok({ items: [integration('ready')] })] };

describe('help', () => {
  test.each(names)('of %s has an example, and fits 80 columns but for what is copied', async (name) => {
    const { out, code } = await run([name, '--help']);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`Examples?:\\n {2}\\$ .*dataloop-connect ${name}`));
    const wide = out.split('\n').filter((line) => line.length > 80 && !line.startsWith('  $ '));
    expect(wide).toEqual([]);
  });

  test('names all commands and exit codes', async () => {
    const { out } = await run(['--help']);
    for (const name of names) expect(out).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    expect(out).toContain('130 interrupted');
    expect(out.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });
});

describe('what is mistyped', () => {
  test('is answered with what was meant, and exit code 2', async () => {
    const command = await run(['conect']);
    expect(command.code).toBe(2);
    expect(command.err).toContain('(Did you mean connect?)');
    const flag = await run(['connect', 'acme', '--projct', 'P']);
    expect(flag.code).toBe(2);
    expect(flag.err).toContain('(Did you mean --project?)');
    expect((await run(['list', '--output', 'xml'])).code).toBe(2);
    expect((await run(['watch', 'acme', '--timeout', 'soon'])).err).toContain('whole number of seconds');
    expect((await run([])).code).toBe(2);
  });

  test.each([[['help', 'conect']], [['conect', '--help']], [['conect', 'acme', '--projct', 'P']]])(
    '%j: of a command that does not exist there is no help, but what was meant',
    async (args) => {
      expect(await run(args)).toMatchObject({
        code: 2,
        out: '',
        err: "✗ unknown command 'conect'\n  (Did you mean connect?)\nNext: dataloop-connect --help\n",
      });
    },
  );

  test('leads to the help of its command, and is JSON for programs', async () => {
    const { err, out, code } = await run(['list', '--stauts', 'ready', '--output', 'json']);
    expect({ out, code }).toEqual({ out: '', code: 2 });
    expect(JSON.parse(err)).toEqual({
      error: {
        message: "unknown option '--stauts'",
        details: ['(Did you mean --status?)'],
        next: 'dataloop-connect list --help',
        exitCode: 2,
      },
    });
    expect((await run(['test'])).err).toBe(
      "✗ missing required argument 'integration'\nNext: dataloop-connect test --help\n",
    );
  });
});

describe('the deployment', () => {
  test('is named by flags, then by the environment', () => {
    const env = {
      DATALOOP_CONNECT_STAGE: 'prod',
      AWS_DEFAULT_REGION: 'eu-north-1',
      AWS_PROFILE: 'work',
      API_URL: 'https://api',
    };
    expect(settingsFrom({}, env)).toEqual({
      stage: 'prod',
      profile: 'work',
      region: 'eu-north-1',
      apiUrl: 'https://api',
    });
    expect(settingsFrom({}, {})).toMatchObject({ stage: 'dev', region: undefined, apiUrl: undefined });
    expect(settingsFrom({ region: 'eu-west-1' }, { ...env, AWS_REGION: 'eu-west-2' }).region).toBe(
      'eu-west-1',
    );
    // Another stage is another address.
    expect(settingsFrom({ stage: 'test' }, env)).toMatchObject({ stage: 'test', apiUrl: undefined });
  });

  test('stays the same in the command that is proposed next', async () => {
    const flags = ['--stage', 'prod', '--region=eu-west-1'];
    const ran = await run(['status', 'nobody', ...flags], { script: page });
    expect(ran.err).toContain('Next: dataloop-connect list --stage prod --region=eu-west-1\n');
    const script = { [`GET /integrations/${integrationId}`]: [ok(integration('ready'))] };
    const ready = await run(['status', integrationId, ...flags], { script });
    expect(ready.out).toContain('Next: dataloop-connect test acme --stage prod --region eu-west-1\n');
  });
});

describe('colours', () => {
  const status = ['status', integrationId];
  const script = { [`GET /integrations/${integrationId}`]: [ok(integration('ready'))] };

  test('are for terminals, and not where NO_COLOR is set', async () => {
    expect((await run(status, { script, columns: 80 })).out).toContain('\u001b[');
    expect((await run(status, { script })).out).not.toContain('\u001b[');
    expect((await run(status, { script, columns: 80, env: { NO_COLOR: '1' } })).out).not.toContain('\u001b[');
    expect((await run(status, { script, columns: 80, env: { TERM: 'dumb' } })).out).not.toContain('\u001b[');
  });
});

describe('completion', () => {
  test.each(['bash', 'zsh', 'fish'])('for %s knows commands and flags', async (shell) => {
    const { out, code } = await run(['completion', shell]);
    expect(code).toBe(0);
    for (const name of names) expect(out).toContain(name);
    expect(out).toContain('keep-bucket');
  });

  test('is taken by bash', async () => {
    const { out } = await run(['completion', 'bash']);
    const asked = `${out}\nCOMP_WORDS=(dataloop-connect disc) COMP_CWORD=1; _dataloop_connect; echo "\${COMPREPLY[@]}"`;
    expect(execFileSync('bash', ['-c', asked], { encoding: 'utf8' })).toBe('disconnect\n');
  });

  test('of another shell is refused', async () => {
    expect(await run(['completion', 'tcsh'])).toMatchObject({ code: 2, out: '' });
  });
});

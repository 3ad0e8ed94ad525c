import { describe, expect, test } from '@jest/globals';
import { parseOptions } from '../../../../local/rehearsal/options.ts';

const deployed = ['--stage', 'dev', '--region', 'eu-west-1', '--project', 'p-1'];

describe('without options', () => {
  test('a local environment is rehearsed, every step', () => {
    expect(parseOptions([], { AWS_REGION: 'eu-west-1' })).toEqual({ deployed: undefined, only: [] });
  });

  test('some steps only, where they are named', () => {
    const options = parseOptions(['--only', 'CreateRole', '--only', 'DeleteRole'], {});
    expect(options).toEqual({ deployed: undefined, only: ['CreateRole', 'DeleteRole'] });
  });

  test('a stage that npm has taken for itself, as under PowerShell, is not rehearsed elsewhere', () => {
    expect(() => parseOptions([], { npm_config_stage: 'dev' })).toThrow('npm has taken "--stage=dev"');
  });

  test.each(['--region', '--project', '--api-url'])('%s alone is refused: it asks for a stage', (name) => {
    expect(() => parseOptions([name, 'x'], {})).toThrow(`${name} applies only to a deployed stage`);
  });
});

describe('with a stage', () => {
  test('it is rehearsed on AWS', () => {
    expect(parseOptions(deployed, {})).toEqual({
      deployed: {
        stage: 'dev',
        region: 'eu-west-1',
        projectId: 'p-1',
        apiUrl: undefined,
        endpoint: undefined,
        dataloop: undefined,
      },
      only: [],
    });
  });

  test('what npm run local wrote is enough', () => {
    const env = {
      AWS_REGION: 'eu-west-1',
      AWS_ENDPOINT_URL: 'https://127.0.0.1:47100',
      API_URL: 'https://127.0.0.1:47100/_aws/execute-api/abc/',
      DATALOOP_API_URL: 'https://127.0.0.1:47101/api/v1',
      DATALOOP_TOKEN: 't',
      DATALOOP_ORG_ID: 'o',
      DATALOOP_PROJECT_ID: 'p',
    };
    expect(parseOptions(['--stage', 'local'], env)).toMatchObject({
      deployed: {
        region: 'eu-west-1',
        projectId: 'p',
        apiUrl: 'https://127.0.0.1:47100/_aws/execute-api/abc',
        endpoint: 'https://127.0.0.1:47100',
        dataloop: { apiUrl: 'https://127.0.0.1:47101/api/v1', token: 't', orgId: 'o' },
      },
    });
  });

  test('Dataloop’s own API is asked where no other is given', () => {
    const env = { DATALOOP_TOKEN: 't', DATALOOP_ORG_ID: 'o' };
    expect(parseOptions(deployed, env)).toMatchObject({
      deployed: { dataloop: { apiUrl: 'https://gate.dataloop.ai/api/v1' } },
    });
  });

  test('a token without an organisation is refused', () => {
    expect(() => parseOptions(deployed, { DATALOOP_TOKEN: 't' })).toThrow('Missing DATALOOP_ORG_ID');
  });

  test.each([
    { args: ['--stage', 'dev', '--project', 'p'], missing: '--region' },
    { args: ['--stage', 'dev', '--region', 'eu-west-1'], missing: '--project' },
  ])('$missing is needed', ({ args, missing }) => {
    expect(() => parseOptions(args, {})).toThrow(missing);
  });
});

test.each(['prod', 'production', 'prodeu', 'prd', 'live'])('the stage %s is refused', (stage) => {
  expect(() => parseOptions([...deployed, '--stage', stage], {})).toThrow('looks like production');
});

test.each(['Dev', 'a/b', '-x', ''])('"%s" is no stage', (stage) => {
  expect(() => parseOptions([...deployed, `--stage=${stage}`], {})).toThrow('Invalid stage');
});

test('an option that there is not is refused with those that there are', () => {
  expect(() => parseOptions(['--yes'], {})).toThrow(/--yes[\s\S]*--stage/);
});

test('a step that there is not is refused with those that there are', () => {
  expect(() => parseOptions(['--only', 'MakeRole'], {})).toThrow(/MakeRole.*CreateRole/);
});

test('--help needs nothing else', () => {
  expect(parseOptions(['--help'], {})).toBe('help');
});

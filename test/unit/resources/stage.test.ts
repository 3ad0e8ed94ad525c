/** Which stage is deployed, and what its file says of the parameters. */
import { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import * as z from 'zod';
import { projectFile } from '../../bundle.ts';

interface Source {
  readonly resolveVariable: (name: string) => Promise<unknown>;
}
interface Stage {
  name: (source: Source) => Promise<string>;
  region: (source: Source) => Promise<string | null>;
  file: (source: Source) => Promise<{ path: string; exists: boolean; account: string }>;
  refuseMisnamed: (stage: string, names: readonly string[]) => void;
  refusePolicyVariables: (where: string, text: string) => void;
}
const load = createRequire(import.meta.url);
const stage: Stage = load('../../../resources/stage.cjs');
const parameters: (source: Source) => Promise<Record<string, unknown>> = load(
  '../../../resources/parameters.cjs',
);

const schema = z
  .object({ properties: z.record(z.string(), z.unknown()) })
  .loose()
  .parse(JSON.parse(projectFile('stages/schema.json')));
const isValid = new Ajv({ allowUnionTypes: true }).compile(schema);
const ofStage = ['account', 'region'];
const known = Object.keys(schema.properties).filter((name) => !ofStage.includes(name));

/** Defaults of serverless.yml, in its own words. */
const defaults: Readonly<Record<string, unknown>> = {
  dataloopApiUrl: 'https://gate.dataloop.ai/api/v1',
  dataloopConsoleOrigin: 'https://console.dataloop.ai',
  dataloopCorsMethods: 'GET,HEAD,PUT,POST',
  dataloopTrustedStatuses: 'trust-established',
  dataloopWaitingStatuses: 'waiting-trust',
  dataloopTrustSeconds: 240,
  dataloopDriverTestSeconds: 60,
  dataloopAnswerSeconds: 25,
  dataloopPathStyle: 'folder',
  dataloopIntegrationLimit: 15,
  dataloopSecretName: 'secret',
  bucketNamePattern: 'dataloop-dev-*',
  roleNamePattern: 'dataloop-*',
  policyNamePattern: 'dataloop-*',
  regions: 'eu-west-1',
  tagKeys: '*',
  apiRequestsPerSecond: 20,
  apiBurst: 40,
  looksPerSecond: 2,
  openPerCaller: 20,
  iamUserTimeoutSeconds: 3600,
  logRetentionInDays: 90,
  denyPlainHttp: false,
  deletionProtection: false,
  cutOff: false,
  stackRolePath: '/',
};

interface Given {
  readonly file?: unknown;
  readonly param?: readonly string[];
  readonly params?: object;
  readonly options?: Readonly<Record<string, string>>;
}

/** The framework's sources of values, as far as they are asked. */
const source = ({ file = '', param = [], params = {}, options = {} }: Given): Source => {
  const command = new Map(
    param.map((each): [string, unknown] => [each.split('=')[0] ?? '', each.split('=')[1]]),
  );
  const values: Readonly<Record<string, unknown>> = {
    'sls:stage': 'dev',
    'self:provider.region': 'eu-west-1',
    "file(stages/dev.yml), ''": file,
    "opt:param, ''": param.length > 0 ? param : '',
    "opt:stage, ''": options['stage'] ?? '',
    "self:params, ''": params,
  };
  return {
    resolveVariable: async (name) => {
      const parameter = /^param:(.+)$/.exec(name)?.[1];
      return parameter ? (command.get(parameter) ?? defaults[parameter] ?? '') : values[name];
    },
  };
};
const deployedWith = (given: Given) => parameters(source(given));

test('what the file of the stage says goes over the default, and --param over both', async () => {
  const file = { bucketNamePattern: 'acme-*', roleNamePattern: 'acme-*' };
  expect(await deployedWith({ file, param: ['roleNamePattern=acme-dev-*'] })).toMatchObject({
    bucketNamePattern: 'acme-*',
    roleNamePattern: 'acme-dev-*',
    policyNamePattern: 'dataloop-*',
  });
});

test('a list may be written as a list or as text', async () => {
  const regions = { text: 'eu-west-1,eu-north-1', list: ['eu-west-1', 'eu-north-1'] };
  for (const written of [regions.list, regions.text]) {
    expect(await deployedWith({ file: { regions: written } })).toMatchObject({ regions });
  }
  expect(await deployedWith({ file: { tagKeys: [] } })).toMatchObject({ tagKeys: { text: '', list: [] } });
});

test.each([
  ['--param', { param: ['bucketNamePatern=acme-*'] }, 'in --param'],
  ['the file of the stage', { file: { bucketnamepattern: 'acme-*' } }, 'in stages/dev.yml'],
  [
    'serverless.yml',
    { params: { default: {}, dev: { bucketPattern: 'a' } } },
    'in serverless.yml, params.dev',
  ],
])('an unknown name in %s is refused with the nearest known one', async (_where, given, place) => {
  await expect(deployedWith(given)).rejects.toThrow(`" ${place}. Did you mean "bucketNamePattern"?`);
});

test.each([
  [
    { kmsKeyArns: null },
    'stages/dev.yml has no value for kmsKeyArns. For an empty one write: kmsKeyArns: ""',
  ],
  [{ cutOff: true }, 'stages/dev.yml may not hold cutOff: it is for one deployment, by --param.'],
  [['kmsKeyArns'], 'stages/dev.yml must hold lines like "NAME: value", as stages/example.yml does.'],
  ['text', 'stages/dev.yml must hold lines like "NAME: value"'],
  [
    { dataloopAccountId: 12_345_678_901 },
    'The parameter dataloopAccountId in stages/dev.yml is "12345678901"; it must be empty, or the twelve digits of an AWS account id (in YAML between quotes).',
  ],
  [{ regions: ['Ireland'] }, 'The parameter regions in stages/dev.yml is "Ireland"; it must be'],
  [
    { denyPlainHttp: 'yes' },
    'The parameter denyPlainHttp in stages/dev.yml is "yes"; it must be true or false.',
  ],
])('the file %j is refused with its path', async (file, message) => {
  await expect(deployedWith({ file })).rejects.toThrow(message);
});

test('region and account may stand in the file', async () => {
  const given = source({ file: { region: 'eu-north-1', account: '012345678901' } });
  expect(await stage.region(given)).toBe('eu-north-1');
  expect(await stage.file(given)).toEqual({ path: 'stages/dev.yml', exists: false, account: '012345678901' });
  await expect(parameters(given)).resolves.not.toHaveProperty('region');

  expect(await stage.region(source({}))).toBeNull();
  expect(await stage.file(source({}))).toMatchObject({ account: '' });
  await expect(stage.region(source({ file: { region: 'Ireland' } }))).rejects.toThrow('region is "Ireland"');
  await expect(stage.file(source({ file: { account: 12_345 } }))).rejects.toThrow('account is "12345"');
});

test('nothing is deployed to a stage that nobody has named', async () => {
  expect(await stage.name(source({ options: { stage: 'prod' } }))).toBe('prod');
  await expect(stage.name(source({}))).rejects.toThrow(
    /^No stage is named\. Name it after "--", for example: npm run deploy -- --stage dev\. In PowerShell write: npm run deploy '--' /,
  );
  await expect(stage.name(source({ options: { stage: 'example' } }))).rejects.toThrow(
    'Copy stages/example.yml to stages/STAGE.yml',
  );
});

test.each([
  ['stage', 'prod', {}],
  ['stage', 'prod', { stage: 'dev' }],
  ['region', 'eu-north-1', { stage: 'dev' }],
  ['param', 'regions=eu-north-1', { stage: 'dev' }],
])(
  'a %s that npm has taken for itself, as under PowerShell, is not lost in silence',
  async (option, value, options) => {
    process.env[`npm_config_${option}`] = value;
    try {
      await expect(stage.name(source({ options }))).rejects.toThrow(
        `npm has taken "--${option}=${value}" for itself. Name it`,
      );
    } finally {
      delete process.env[`npm_config_${option}`];
    }
  },
);

test('settings in a file that nobody reads are not lost in silence', () => {
  for (const name of ['dev.yaml', 'Dev.yml', 'dev.json', 'dev']) {
    expect(() => stage.refuseMisnamed('dev', ['example.yml', name])).toThrow(
      `Nobody reads stages/${name}. Rename it to stages/dev.yml.`,
    );
  }
  for (const names of [['prod.yaml', 'devel.yml'], ['dev.yml', 'dev.yaml'], []]) {
    expect(() => stage.refuseMisnamed('dev', names)).not.toThrow();
  }
});

test('a variable of IAM is refused where the framework would take it for its own', () => {
  for (const variable of ['\u0024{aws:PrincipalTag/team}', '\u0024{aws:username}', '\u0024{s3:prefix}']) {
    expect(() => stage.refusePolicyVariables('in stages/dev.yml', `Resource: "arn:x/${variable}"`)).toThrow(
      `${variable} in stages/dev.yml would be taken`,
    );
  }
  for (const text of ['\u0024{aws:accountId}', '\u0024{env:X}', String.raw`\u0024{aws:username}`]) {
    expect(() => stage.refusePolicyVariables('in stages/dev.yml', text)).not.toThrow();
  }
});

/** A list or map of YAML on one line. */
const flow = (text: string): unknown =>
  JSON.parse(
    text.replaceAll(/"[^"]*"|[^\s,[\]{}:"][^,[\]{}:"]*/g, (word) =>
      word.startsWith('"') ? word : JSON.stringify(word.trim()),
    ),
  );

/** The example with what it leaves out (`#name: value`). It holds one value a line, or one item of a list. */
function example(): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  const scalar = (text: string): unknown => {
    const bare = /^(true|false|\d+)$/.test(text);
    return bare ? JSON.parse(text) : text.replace(/^"(.*)"$/, '$1');
  };
  let list: unknown[] = [];
  for (const line of projectFile('stages/example.yml')
    .replaceAll(/^#(?=\w)/gm, '')
    .split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, name = '', text = ''] = /^(\w+): *(.*)$/.exec(line) ?? [];
    const item = /^ {2}- (.+)$/.exec(line)?.[1];
    if (item) list.push(scalar(item));
    else if (text === '') values[name] = list = [];
    else if (/^[[{]/.test(text)) values[name] = flow(text);
    else values[name] = scalar(text);
  }
  return values;
}

test('the example is one that may be deployed, and that the schema takes', async () => {
  const file = example();
  expect(Object.keys(file).length).toBeGreaterThan(20);
  await expect(deployedWith({ file })).resolves.toMatchObject({ bucketNamePattern: 'acme-labelling-*' });
  expect(await stage.file(source({ file }))).toMatchObject({ account: '111111111111' });
  expect([isValid(file), isValid.errors]).toEqual([true, null]);
});

test('the schema has each parameter that there is, and no other', async () => {
  const taken = await deployedWith({});
  const derived = [
    ...['deploymentBucket', 'nameOfDeploymentBucket', 'codeBucket', 'reach', 'usesVpc', 'cutOff'],
    ...['dataKeys', 'secretKeys', 'roleTagKeys'],
    ...['dataloopCertificates', 'dataloopOptions'],
  ];
  expect(
    Object.keys(taken)
      .filter((name) => !derived.includes(name))
      .sort(),
  ).toEqual([...known].sort());
  expect(isValid({ bucketNamePatern: 'acme-*' })).toBe(false);
});

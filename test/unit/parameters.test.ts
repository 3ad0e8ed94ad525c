import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { generate } from 'selfsigned';
import * as z from 'zod';
import { dataloopOptions, usualDataloopOptions } from '../../src/config.ts';

type Parameters = (serverless: {
  resolveVariable: (name: string) => Promise<unknown>;
}) => Promise<Record<string, unknown>>;
const parameters: Parameters = createRequire(import.meta.url)('../../resources/parameters.cjs');

/** The defaults of serverless.yml. */
const defaults = {
  dataloopApiUrl: 'https://gate.dataloop.ai/api/v1',
  dataloopGateUrl: '',
  dataloopProxyUrl: '',
  dataloopCaFile: '',
  dataloopConsoleOrigin: 'https://console.dataloop.ai',
  dataloopCorsMethods: 'GET,HEAD,PUT,POST',
  dataloopTrustedStatuses: 'trust-established',
  dataloopWaitingStatuses: 'waiting-trust',
  dataloopTrustSeconds: 240,
  dataloopDriverTestSeconds: 60,
  dataloopAnswerSeconds: 25,
  dataloopStorageClass: '',
  dataloopAllowExternalModification: '',
  dataloopPathStyle: 'folder',
  dataloopRegions: '',
  dataloopIntegrationLimit: 15,
  dataloopSecretName: 'dataloop-cross-account/dev/dataloop',
  dataloopOrganizationId: '',
  dataloopAccountId: '',
  bucketNamePattern: 'dataloop-dev-*',
  roleNamePattern: 'dataloop-*',
  policyNamePattern: 'dataloop-*',
  regions: 'eu-west-1',
  tagKeys: '*',
  kmsKeyArns: '',
  adoptableBucketArns: '',
  adoptableRoleArns: '',
  dataKeyArn: '',
  apiRequestsPerSecond: 20,
  apiBurst: 40,
  looksPerSecond: 2,
  openPerCaller: 20,
  iamUserTimeoutSeconds: 3600,
  logRetentionInDays: 90,
  denyPlainHttp: 'false',
  deletionProtection: false,
  cutOff: false,
  secretKeyArn: '',
  stackBoundaryArn: '',
  stackRolePath: '/',
  stackRolePrefix: '',
  boundaryDenials: '',
  stackTags: '',
  defaultTags: '',
  vpcSubnetIds: '',
  vpcSecurityGroupIds: '',
  deploymentBucketName: '',
};

function deployedWith(given: Record<string, unknown>, stage = 'dev') {
  const values = new Map<string, unknown>([
    ['sls:stage', stage],
    ['self:provider.region', 'eu-west-1'],
    ...Object.entries({ ...defaults, ...given }).map(([name, value]): [string, unknown] => [
      `param:${name}`,
      value,
    ]),
  ]);
  return parameters({ resolveVariable: async (name) => values.get(name) });
}

const pattern = (name: string) => ({ 'Fn::Sub': `arn:\u0024{AWS::Partition}:s3:::${name}` });
const keyArn = 'arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const roleArn = 'arn:aws:iam::111111111111:role/team/AcmeLabelling';

const listed = (text: string) => ({ text, list: text.split(',') });

test('the defaults pass as they are, lists as lists', async () => {
  const none = { text: '', list: [] };
  await expect(deployedWith({})).resolves.toEqual({
    ...defaults,
    dataloopConsoleOrigin: listed(defaults.dataloopConsoleOrigin),
    dataloopCorsMethods: listed(defaults.dataloopCorsMethods),
    dataloopTrustedStatuses: listed(defaults.dataloopTrustedStatuses),
    dataloopWaitingStatuses: listed(defaults.dataloopWaitingStatuses),
    dataloopRegions: none,
    dataloopOptions: '',
    dataloopCertificates: '""',
    regions: { text: 'eu-west-1', list: ['eu-west-1'] },
    tagKeys: { text: '*', list: ['*'] },
    kmsKeyArns: none,
    adoptableBucketArns: { ...none, objects: [] },
    adoptableRoleArns: none,
    boundaryDenials: { json: '[]' },
    stackTags: {},
    defaultTags: { map: {}, json: '{}' },
    vpcSubnetIds: [],
    vpcSecurityGroupIds: [],
    deploymentBucket: '\u0024{ServerlessDeploymentBucket}',
    nameOfDeploymentBucket: { Ref: 'ServerlessDeploymentBucket' },
    codeBucket: { blockPublicAccess: true },
    reach: [pattern('dataloop-dev-*'), pattern('dataloop-dev-*/*')],
    dataKeys: [],
    secretKeys: [],
    usesVpc: 'false',
    roleTagKeys: ['dataloop-cross-account:integration-id'],
  });
});

test('roles for Dataloop reach what the parameters name, and no more', async () => {
  const { reach } = await deployedWith({
    bucketNamePattern: 'acme-*',
    adoptableBucketArns: 'arn:aws:s3:::acme-photos',
    adoptableRoleArns: roleArn,
    kmsKeyArns: keyArn,
  });
  expect(reach).toEqual([
    pattern('acme-*'),
    pattern('acme-*/*'),
    'arn:aws:s3:::acme-photos',
    'arn:aws:s3:::acme-photos/*',
    keyArn,
  ]);
});

test('a list is what stands between commas', async () => {
  const list = [keyArn, `${keyArn}0`];
  await expect(deployedWith({ kmsKeyArns: ` ${keyArn}, ${keyArn}0` })).resolves.toMatchObject({
    kmsKeyArns: { text: list.join(','), list },
  });
  for (const bad of ['*', keyArn.replace('key/', 'alias/'), `${keyArn},${keyArn}`, `${keyArn},`, undefined]) {
    await expect(deployedWith({ kmsKeyArns: bad })).rejects.toThrow(
      `The parameter kmsKeyArns is "${bad}"; it must be empty, or a comma-separated list of KMS key ARNs (no aliases), each once`,
    );
  }
});

test('buckets that may be adopted come with the objects in them', async () => {
  await expect(
    deployedWith({ adoptableBucketArns: 'arn:aws:s3:::acme-photos, arn:aws:s3:::_Old..1-' }),
  ).resolves.toMatchObject({
    adoptableBucketArns: {
      text: 'arn:aws:s3:::acme-photos,arn:aws:s3:::_Old..1-',
      list: ['arn:aws:s3:::acme-photos', 'arn:aws:s3:::_Old..1-'],
      objects: ['arn:aws:s3:::acme-photos/*', 'arn:aws:s3:::_Old..1-/*'],
    },
  });
});

const manyBuckets = Array.from({ length: 20 }, (_, index) => `arn:aws:s3:::${index}${'b'.repeat(40)}`);

test.each([
  [
    'adoptableBucketArns',
    'bucket ARNs',
    [
      '*',
      'acme-photos',
      'arn:aws:s3:::*',
      'arn:aws:s3:::acme-*',
      'arn:aws:s3:::acme-photos/*',
      'arn:aws:s3:::acme-photos,arn:aws:s3:::acme-photos',
      'arn:aws:s3:::ac',
      'arn:aws:s3:::a?c',
      'arn:aws:iam::111111111111:role/x',
      manyBuckets.join(','),
      undefined,
    ],
  ],
  [
    'adoptableRoleArns',
    'role ARNs',
    [
      '*',
      'AcmeLabelling',
      'arn:aws:iam::111111111111:role/*',
      'arn:aws:iam::*:role/AcmeLabelling',
      'arn:aws:iam::111111111111:role/team/',
      'arn:aws:iam::111111111111:user/AcmeLabelling',
      `${roleArn},${roleArn}`,
      undefined,
    ],
  ],
])('%s names each thing that may be adopted, whole and once', async (name, rule, bad) => {
  for (const value of bad) {
    await expect(deployedWith({ [name]: value })).rejects.toThrow(
      `The parameter ${name} is "${value}"; it must be empty, or a comma-separated list of ${rule}, each once and without wildcards`,
    );
  }
});

test.each([
  [
    'regions',
    'a comma-separated list of AWS regions, each once',
    ['eu-west-1', 'eu-west-1, us-gov-east-1,ap-southeast-7'],
    ['', '*', 'eu-*', 'Ireland', 'eu-west-1,eu-west-1', 'eu-west-1,', undefined],
  ],
  [
    'tagKeys',
    'empty, or a comma-separated list of tag keys, each once, with * only at the end of one',
    ['', '*', 'cost-center', 'cost-*, team/größe:x', 'a b'],
    ['*x', 'a*b', 'a**', 'team,team', 'a<b', 'team,', undefined],
  ],
])('%s are listed, each once', async (name, rule, good, bad) => {
  for (const value of good) {
    const list = value.split(',').map((each) => each.trim());
    await expect(deployedWith({ [name]: value })).resolves.toMatchObject({
      [name]: value === '' ? { text: '', list: [] } : { text: list.join(','), list },
    });
  }
  for (const value of bad) {
    await expect(deployedWith({ [name]: value })).rejects.toThrow(
      `The parameter ${name} is "${value}"; it must be ${rule}`,
    );
  }
});

/** As many values as fit, each as short as it may be: quotes and commas count, too. */
const filled = (length: number, arnOf: (index: number) => string): string => {
  const values: string[] = [];
  while ([...values, arnOf(values.length)].join(',').length <= length) values.push(arnOf(values.length));
  return values.join(',');
};
const shortBucket = (index: number) => `arn:aws:s3:::${index.toString(36).padStart(3, 'b')}`;
const shortKey = (index: number) => `arn:aws:kms:eu-west-1:111111111111:key/${index.toString(36)}`;
const shortRole = (index: number) => `arn:aws:iam::111111111111:role/${index.toString(36)}`;

test('lists are as long as the environment of a function and the boundary have room for', async () => {
  const longest = {
    adoptableBucketArns: filled(1_000, shortBucket),
    kmsKeyArns: filled(980, shortKey),
  };
  await expect(deployedWith(longest)).resolves.toMatchObject({});
  // What is unusual about Dataloop takes its room, too; what is as usual takes none.
  await expect(
    deployedWith({ ...longest, dataloopConsoleOrigin: `https://${'x'.repeat(200)}.example` }),
  ).rejects.toThrow('and those of Dataloop have 2');
  for (const name of ['kmsKeyArns', 'adoptableBucketArns', 'adoptableRoleArns'] as const) {
    const arnOf = { kmsKeyArns: shortKey, adoptableBucketArns: shortBucket, adoptableRoleArns: shortRole }[
      name
    ];
    await expect(deployedWith({ [name]: filled(1_050, arnOf) })).rejects.toThrow(
      'of at most 1000 characters',
    );
  }
  await expect(deployedWith({ ...longest, adoptableRoleArns: filled(100, shortRole) })).rejects.toThrow(
    /^The parameters regions, tagKeys, kmsKeyArns, .* have 2\d{3} characters together; 2000 fit\.$/,
  );
});

test.each([
  [
    'dataloopConsoleOrigin',
    ['https://console.acme.example:8443', 'https://console.dataloop.ai,https://*.apps.dataloop.ai'],
    ['', 'https://console.dataloop.ai/', 'https://*', '*', 'http://console.dataloop.ai', 'https://*.*.ai'],
  ],
  ['dataloopCorsMethods', ['GET', 'GET,HEAD,PUT,POST,DELETE'], ['', 'PUT', 'get', 'GET,PATCH', 'GET,GET']],
  ['dataloopTrustedStatuses', ['trusted,trust-established'], ['', 'two words', 'a,a', 'x'.repeat(100)]],
  ['dataloopWaitingStatuses', ['waiting'], ['', 'waiting,']],
  ['dataloopRegions', ['', 'eu-west-1,us-east-1'], ['Ireland', 'eu-west-1,eu-west-1']],
] as const)('%s is a list that holds what is good', async (name, good, bad) => {
  for (const value of good) {
    await expect(deployedWith({ [name]: value })).resolves.toMatchObject({ [name]: { text: value } });
  }
  for (const value of bad) {
    await expect(deployedWith({ [name]: value })).rejects.toThrow(
      `The parameter ${name} is "${value}"; it must be `,
    );
  }
});

describe('what is unusual about Dataloop', () => {
  test('goes to the functions in one variable', async () => {
    const { dataloopOptions: variable } = await deployedWith({
      dataloopGateUrl: 'https://rc-gate.dataloop.ai',
      dataloopTrustedStatuses: 'trusted, trust-established',
      dataloopAllowExternalModification: 'false',
      dataloopPathStyle: '/folder',
      dataloopIntegrationLimit: '40',
      dataloopTrustSeconds: 600,
    });
    expect(JSON.parse(String(variable))).toEqual({
      gateUrl: 'https://rc-gate.dataloop.ai',
      trustedStatuses: ['trusted', 'trust-established'],
      allowExternalModification: false,
      pathStyle: '/folder',
      integrationLimit: 40,
    });
  });

  test('is read by the functions under the same names', async () => {
    const unusual = {
      dataloopGateUrl: 'https://rc-gate.dataloop.ai',
      dataloopProxyUrl: 'http://proxy.example.com:3128',
      dataloopTrustedStatuses: 'trusted',
      dataloopWaitingStatuses: 'waiting',
      dataloopAnswerSeconds: 20,
      dataloopStorageClass: 'STANDARD',
      dataloopAllowExternalModification: true,
      dataloopPathStyle: 'folder/',
      dataloopIntegrationLimit: 40,
    };
    const { dataloopOptions: variable } = await deployedWith(unusual);
    process.env['DATALOOP_OPTIONS'] = String(variable);
    expect(dataloopOptions()).toEqual({ ...JSON.parse(String(variable)), certificates: undefined });
    expect(Object.keys(JSON.parse(String(variable)))).toHaveLength(Object.keys(unusual).length);
    // Left out of the variable: as usual.
    process.env['DATALOOP_OPTIONS'] = String((await deployedWith({}))['dataloopOptions']);
    expect(dataloopOptions()).toEqual(usualDataloopOptions);
    process.env['DATALOOP_OPTIONS'] = '{"gateUrl":1}';
    expect(dataloopOptions).toThrow('The environment variable DATALOOP_OPTIONS is damaged.');
    delete process.env['DATALOOP_OPTIONS'];
  });

  test('is refused at deployment where it would fail later', async () => {
    await expect(deployedWith({ dataloopRegions: 'us-east-1' })).rejects.toThrow(
      'The parameter regions names eu-west-1, where Dataloop supports no buckets: dataloopRegions is "us-east-1".',
    );
    await expect(deployedWith({ dataloopWaitingStatuses: 'trust-established' })).rejects.toThrow(
      /both have "trust-established"/,
    );
  });

  test('may be certificates of authorities, which go into the code of the functions', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'authorities-'));
    const make = async (days: number) => {
      const notAfterDate = new Date(Date.now() + days * 86_400_000);
      const extensions = [{ name: 'basicConstraints' as const, cA: true }];
      const { cert } = await generate([{ name: 'commonName', value: 'x' }], {
        notBeforeDate: new Date(Date.now() - 10 * 86_400_000),
        notAfterDate,
        extensions,
      });
      return cert.trim();
    };
    const file = join(folder, 'authorities.pem');
    const [valid, expired] = [await make(10), await make(-1)];
    writeFileSync(file, `# ours\n${valid}\n\n${valid}\n`);
    const { dataloopCertificates } = await deployedWith({ dataloopCaFile: file });
    const pem = JSON.parse(String(dataloopCertificates));
    expect(pem.replaceAll('\r', '')).toBe(`${valid}\n${valid}`.replaceAll('\r', ''));
    writeFileSync(file, `${valid}\n${expired}\n`);
    await expect(deployedWith({ dataloopCaFile: file })).rejects.toThrow('that are valid now');
    rmSync(folder, { recursive: true });
  });
});

test('roles that may be adopted may lie under any path', async () => {
  const list = [roleArn, 'arn:aws:iam::111111111111:role/A+=.@_-z'];
  await expect(deployedWith({ adoptableRoleArns: list.join(',') })).resolves.toMatchObject({
    adoptableRoleArns: { text: list.join(','), list },
  });
});

test('text from the command line becomes what CloudFormation wants', async () => {
  await expect(
    deployedWith({ iamUserTimeoutSeconds: '20', logRetentionInDays: '7', deletionProtection: 'true' }),
  ).resolves.toMatchObject({ iamUserTimeoutSeconds: 20, logRetentionInDays: 7, deletionProtection: true });
  await expect(deployedWith({ deletionProtection: 'false' })).resolves.toMatchObject({
    deletionProtection: false,
  });
});

test.each([
  [
    'dataloopApiUrl',
    ['https://127.0.0.1:4567/api/v1', 'https://gate.dataloop.ai'],
    [
      'http://gate.dataloop.ai/api/v1',
      'gate.dataloop.ai',
      'https://',
      'https://gate.dataloop.ai/api?x=1',
      undefined,
    ],
  ],
  [
    'dataloopGateUrl',
    ['', 'https://rc-gate.dataloop.ai'],
    ['https://gate.dataloop.ai/', 'http://gate.dataloop.ai', 'https://a@b', undefined],
  ],
  [
    'dataloopProxyUrl',
    ['', 'http://proxy.example.com:3128', 'https://10.0.0.1'],
    ['proxy.example.com', 'http://user:secret@proxy', 'http://proxy/', undefined],
  ],
  ['dataloopCaFile', [''], ['missing.pem', 'package.json', undefined]],
  ['dataloopTrustSeconds', [30, '3600'], [29, 3_601, '', undefined]],
  ['dataloopDriverTestSeconds', [10, '1800'], [9, 1_801, '']],
  ['dataloopAnswerSeconds', [5, '25'], [4, 26, '']],
  ['dataloopStorageClass', ['', 'STANDARD_IA'], ['a b', undefined]],
  ['dataloopPathStyle', ['folder/', '/folder', '/folder/'], ['', '/', 'Folder', undefined]],
  ['dataloopIntegrationLimit', [1, '100'], [0, 10_001, '']],
  [
    'dataloopSecretName',
    ['acme/dataloop+key_1@x.y=z-0', 'x'.repeat(512)],
    ['', 'x'.repeat(513), 'arn:aws:secretsmanager:eu-west-1:111111111111:secret:x', 'a b'],
  ],
  ['dataloopOrganizationId', ['org_1-A', 'x'.repeat(100)], ['org 1', 'a/b', 'x'.repeat(101)]],
  ['dataloopAccountId', ['222222222222'], ['22222222222', '2222222222222', '2222-2222-22', '22222222222a']],
  [
    'bucketNamePattern',
    ['acme-*', 'dataloop-acme', 'abc*'],
    ['*', 'ab*', 'a*b*c', '*-dataloop', 'acme-**', ''],
  ],
  ['roleNamePattern', ['Acme+=,.@_-*', 'dataloop-acme'], ['*', 'ab*', '*Role', 'path/role*', 'acme?']],
  ['policyNamePattern', ['Acme-*'], ['*', 'ab*']],
  ['dataKeyArn', ['', keyArn], ['alias/mine', keyArn.replace(':key/', ':alias/'), `${keyArn},${keyArn}`]],
  ['apiRequestsPerSecond', [1, '10000'], [0, 10_001, 'many', '']],
  ['apiBurst', [1, '5000'], [0, 5_001, '']],
  ['looksPerSecond', [1, '1000'], [0, 1_001, '']],
  ['openPerCaller', [1, '100'], [0, 101, 'many', '']],
  ['iamUserTimeoutSeconds', [10, '86400'], [9, 86_401, '60.5', 'soon', '', undefined]],
  ['logRetentionInDays', [1, '3653'], [2, '31', 'forever', '', undefined]],
  ['denyPlainHttp', [true, 'false'], ['yes', 1, 'TRUE', '', undefined]],
  ['deletionProtection', [true, 'false'], ['yes', 1, 'TRUE', '', undefined]],
  ['cutOff', [true, 'false'], ['yes', 1, 'TRUE', '', undefined]],
] as [keyof typeof defaults, unknown[], unknown[]][])(
  '%s takes what is good and refuses what is bad, naming parameter, value and rule',
  async (name, good, bad) => {
    for (const value of good) {
      const taken = (await deployedWith({ [name]: value }))[name];
      expect(String(taken)).toBe(String(value));
      expect(typeof taken).toBe(typeof defaults[name]);
    }
    for (const value of bad) {
      const deploying = deployedWith({ [name]: value });
      await expect(deploying).rejects.toThrow(`The parameter ${name} is "${value}"; it must be `);
      // A stack helps nobody who deploys.
      await expect(deploying).rejects.toMatchObject({ stack: expect.not.stringContaining('parameters.cjs') });
    }
  },
);

test('a stage is short and lower-case: names of AWS resources are made of it', async () => {
  await expect(deployedWith({}, 'crossing')).resolves.toMatchObject({});
  for (const stage of ['Dev', '1st', 'astagethatislong', 'dev_1', 'dev-eu', 'cross', '']) {
    await expect(deployedWith({}, stage)).rejects.toThrow(
      `The stage is "${stage}"; it must be a lower-case letter`,
    );
  }
});

describe('the rules of an organisation', () => {
  const boundary = 'arn:aws:iam::111111111111:policy/platform/stack-boundary';
  const denial = { Sid: 'NothingLegal', Effect: 'Deny', Action: 's3:*', Resource: 'arn:aws:s3:::*/legal/*' };
  const tooManyTags = Array.from({ length: 10 }, (_, index) => `k${index}=v`).join(',');

  test.each([
    ['stackBoundaryArn', [boundary, 'arn:aws:iam::aws:policy/PowerUserAccess'], ['boundary', roleArn, '*']],
    [
      'stackRolePath',
      ['/', '/platform/a/', '/dataloop/'],
      ['platform', '/platform', '', '/a b/', '/dataloop-cross-account/dev/'],
    ],
    ['stackRolePrefix', ['', 'acme-'], ['a'.repeat(21), 'a/b', 'ä']],
    ['secretKeyArn', ['', keyArn], ['*', keyArn.replace('key/', 'alias/')]],
    ['deploymentBucketName', ['', 'acme-code'], ['Acme', 'arn:aws:s3:::acme-code', 'a*']],
    [
      'boundaryDenials',
      ['', [denial], JSON.stringify([denial])],
      ['deny', '{}', [{ ...denial, Sid: '' }], undefined],
    ],
    [
      'stackTags',
      ['', 'team=data', { team: 'data', 'cost-center': 42 }],
      ['team', 'aws:x=y', 'team=a,team=b', 'team=*', { 'dataloop-cross-account:x': 'y' }, tooManyTags, 7],
    ],
    ['defaultTags', ['', 'team=data'], [`team=${'a'.repeat(256)},unit=${'b'.repeat(200)}`, 'team=?']],
  ] as [keyof typeof defaults, unknown[], unknown[]][])('%s', async (name, good, bad) => {
    for (const value of good) await expect(deployedWith({ [name]: value })).resolves.toMatchObject({});
    for (const value of bad) {
      await expect(deployedWith({ [name]: value })).rejects.toThrow(`The parameter ${name} is "`);
    }
  });

  // Whatever else it says: a statement that allows, or that takes the place of one of ours, could widen the boundary.
  test('boundaryDenials may hold variables of IAM, which the framework does not see', async () => {
    const variable = '\u0024{aws:PrincipalTag/team}';
    const written = JSON.stringify([{ ...denial, Resource: `arn:x/${variable}` }]).replace('$', '\\u0024');
    const { boundaryDenials } = await deployedWith({ boundaryDenials: written });
    expect(JSON.stringify(boundaryDenials)).not.toContain('\u0024{');
    const { json } = z.object({ json: z.string() }).parse(boundaryDenials);
    expect(JSON.parse(json)).toEqual([{ ...denial, Resource: `arn:x/${variable}` }]);
  });

  test('statements for the boundary of created roles only deny, under names of their own', async () => {
    for (const bad of [
      { ...denial, Effect: 'Allow' },
      { ...denial, Effect: { Ref: 'AWS::NoValue' } },
      { ...denial, Sid: 'NothingElse' },
      { ...denial, Principal: '*' },
      { ...denial, NotAction: 's3:*' },
      { ...denial, Resource: { 'Fn::If': ['HasDataKey', '*', '*'] } },
      { ...denial, Resource: [] },
      { Sid: 'A', Effect: 'Deny', Resource: '*' },
    ]) {
      await expect(deployedWith({ boundaryDenials: [bad] })).rejects.toThrow(
        'it must be empty, or a list of',
      );
    }
    await expect(deployedWith({ boundaryDenials: [denial, denial] })).rejects.toThrow('a Sid of its own');
    const long = [{ ...denial, Resource: `arn:aws:s3:::${'a'.repeat(800)}` }];
    await expect(deployedWith({ boundaryDenials: long })).rejects.toThrow('of at most 800 characters');
  });

  test('default tags are demanded of each created role, with their values', async () => {
    await expect(deployedWith({ defaultTags: 'team=data' })).resolves.toMatchObject({
      defaultTags: { map: { team: 'data' }, json: '{"team":"data"}' },
      roleTagKeys: ['dataloop-cross-account:integration-id', 'team'],
    });
  });

  test('functions are in a VPC with subnets and security groups, or in none', async () => {
    const vpc = { vpcSubnetIds: 'subnet-0123456789abcdef0', vpcSecurityGroupIds: 'sg-0123456789abcdef0' };
    await expect(deployedWith(vpc)).resolves.toMatchObject({
      usesVpc: 'true',
      vpcSubnetIds: ['subnet-0123456789abcdef0'],
      vpcSecurityGroupIds: ['sg-0123456789abcdef0'],
    });
    for (const name of ['vpcSubnetIds', 'vpcSecurityGroupIds'] as const) {
      await expect(deployedWith({ [name]: vpc[name] })).rejects.toThrow(
        'Set both vpcSubnetIds and vpcSecurityGroupIds',
      );
      await expect(deployedWith({ [name]: 'vpc-1' })).rejects.toThrow(`The parameter ${name} is "vpc-1"`);
    }
  });

  test('a deployment bucket of one’s own is none that requests may name', async () => {
    await expect(deployedWith({ deploymentBucketName: 'acme-code' })).resolves.toMatchObject({
      deploymentBucket: 'acme-code',
      nameOfDeploymentBucket: 'acme-code',
      codeBucket: { blockPublicAccess: true, name: 'acme-code' },
    });
    for (const reachable of [
      { bucketNamePattern: 'acme-*' },
      { bucketNamePattern: 'acme-code' },
      { adoptableBucketArns: 'arn:aws:s3:::acme-code' },
    ]) {
      await expect(deployedWith({ deploymentBucketName: 'acme-code', ...reachable })).rejects.toThrow(
        'The bucket acme-code (deploymentBucketName) holds the code of the functions',
      );
    }
  });

  test('keys are in regions in which they can be used', async () => {
    await expect(deployedWith({ dataKeyArn: keyArn })).resolves.toMatchObject({
      dataKeys: [keyArn],
      codeBucket: { serverSideEncryption: 'aws:kms', sseKMSKeyId: keyArn },
    });
    const elsewhere = keyArn.replace('eu-west-1', 'us-east-1');
    for (const name of ['dataKeyArn', 'secretKeyArn']) {
      await expect(deployedWith({ [name]: elsewhere })).rejects.toThrow(
        `The key ${elsewhere} (${name}) must be in the region of the deployment, eu-west-1.`,
      );
    }
    await expect(deployedWith({ kmsKeyArns: elsewhere })).rejects.toThrow(
      'its region is none of regions, eu-west-1.',
    );
    await expect(deployedWith({ kmsKeyArns: elsewhere, regions: 'us-east-1' })).resolves.toMatchObject({});
  });
});

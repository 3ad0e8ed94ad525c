import { posix } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { matchesPattern, parseRequest } from '../../../../src/domain/model/allowed.ts';
import {
  defaultRoleName,
  isBucketName,
  jsonPointer,
  tagPrefix,
} from '../../../../src/domain/model/request.ts';
import { maximumBodyBytes } from '../../../../src/domain/model/request-size.ts';
import { ServiceError } from '../../../../src/errors.ts';
import { runs } from '../../runs.ts';
import { account, body, requestOf } from '../fakes.ts';

/** The refusal of a request; undefined where it is taken. */
function refusalOf(request: unknown, allowed: Parameters<typeof parseRequest>[1] = account) {
  try {
    parseRequest(request, allowed);
  } catch (error) {
    if (error instanceof ServiceError && error.name === 'InvalidRequestError') return error;
    throw error;
  }
  return undefined;
}

/** What is said of each bad field, by pointer. */
const errorsOf = (request: unknown, allowed = account): Record<string, string> =>
  Object.fromEntries(
    (refusalOf(request, allowed)?.fields ?? []).map(({ pointer, detail }) => [pointer, detail]),
  );

const withBucket = (more: object) => ({ ...body, bucket: { ...body.bucket, ...more } });
const withDataloop = (more: object) => ({ ...body, dataloop: { ...body.dataloop, ...more } });

describe('a request', () => {
  test('that is as short as can be gets its defaults', () => {
    expect(requestOf()).toEqual({
      name: 'acme',
      bucket: { name: 'dataloop-acme', mode: 'create', cors: true },
      dataloop: { projectId: 'project-1', allowDelete: true },
    });
  });

  test('that says everything is kept as it is', () => {
    const full = {
      name: 'acme-images',
      description: 'Images for the labelling team, ©',
      bucket: { name: 'dataloop-acme', mode: 'create', region: 'us-gov-west-1', prefix: 'raw/', cors: false },
      dataloop: { projectId: 'p', organizationId: 'o', driverName: 'My driver', allowDelete: false },
      role: { name: 'dataloop-acme@x', mode: 'create' },
      tags: { 'cost-center': '42', 'Größe/größe': '' },
    };
    expect(parseRequest(full, { ...account, regions: ['us-gov-west-1'] })).toEqual(full);
  });

  test('is told of every bad field at once, how many they are, and that nothing was created', () => {
    const refusal = refusalOf({ ...withBucket({ prefix: '/x', cors: 'yes' }), name: 'A' });
    expect(refusal?.fields.map(({ pointer }) => pointer).sort()).toEqual([
      '/bucket/cors',
      '/bucket/prefix',
      '/name',
    ]);
    expect(refusal?.message).toMatch(/^3 fields are invalid\. .*Nothing was created/);
    expect(refusalOf({ ...body, name: 'A' })?.message).toMatch(/^One field is invalid\. /);
  });

  test('is told of what is missing, by its pointer', () => {
    expect(errorsOf({})).toEqual({
      '/name': 'This field is required.',
      '/bucket': 'This field is required.',
      '/dataloop': 'This field is required.',
    });
  });

  test('is told what a field of another type must be', () => {
    expect(errorsOf({ name: 4, bucket: 'x', dataloop: [] })).toEqual({
      '/name': 'name must be a string.',
      '/bucket': 'This must be an object.',
      '/dataloop': 'This must be an object.',
    });
    expect(errorsOf({ ...body, name: null, tags: { a: 4 } })).toEqual({
      '/name': 'name must be a string.',
      '/tags/a': 'A tag value must be a string.',
    });
  });

  test.each([
    ['Bilder — neu', 'character 8 is U+2014'],
    ['line\nbreak', 'character 5 is U+000A'],
    ['😀', 'character 1 is U+1F600'],
  ])('is told which character of a description IAM cannot hold: %j', (description, said) => {
    expect(errorsOf({ ...body, description })).toEqual({
      '/description': `description must have printable Latin characters only: ${said}.`,
    });
  });

  test.each([' ', ' team', 'team '])('is told that the tag key %j has a space at its end', (key) => {
    expect(errorsOf({ ...body, tags: { [key]: 'x' } })).toEqual({
      [`/tags/${key}`]: 'A tag key must not be blank, nor begin or end with a space.',
    });
  });

  test('with unknown fields is refused, at every depth', () => {
    const errors = errorsOf({ ...withBucket({ 'a/b~c': 1 }), extra: 1, role: { arn: 'x' } });
    expect(Object.keys(errors).sort()).toEqual(['/bucket/a~1b~0c', '/extra', '/role/arn']);
  });

  test.each([null, [], 'text', 4, true])('that is %j is refused', (value) => {
    expect(refusalOf(value)?.fields.length).toBeGreaterThan(0);
  });

  test('is taken, or refused as invalid with a reason, whatever JSON it is', () => {
    const fields = fc.record(
      { name: fc.jsonValue(), bucket: fc.jsonValue(), dataloop: fc.jsonValue(), tags: fc.jsonValue() },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fields), (value) => {
        expect(refusalOf(value)?.fields.length).toBeGreaterThan(0);
      }),
      { numRuns: runs(1_000) },
    );
  });

  test('with all the tags it may have fits the largest body', () => {
    const tags = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [`${index}`.padEnd(128, 'k'), 'v'.repeat(256)]),
    );
    const largest = { ...withBucket({ prefix: `${'p'.repeat(511)}/` }), description: 'd'.repeat(500), tags };
    expect(refusalOf(largest)).toBeUndefined();
    expect(Buffer.byteLength(JSON.stringify(largest))).toBeLessThan(maximumBodyBytes);
  });
});

const kmsKeyArn = 'arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab';

describe('what is adopted', () => {
  const bucket = { name: 'acme-photos', mode: 'adopt' };
  const role = { name: 'AcmeLabelling', mode: 'adopt' };

  test('is named whole at deployment, outside of every pattern', () => {
    const request = {
      ...body,
      bucket: { ...bucket, blockPublicAccess: true },
      role,
      dataloop: { ...body.dataloop, integrationId: 'waiting-1' },
    };
    expect(parseRequest(request, account)).toMatchObject(request);
  });

  test.each([
    ['/bucket/mode', withBucket({ mode: 'take' }), '"adopt"'],
    ['/role/mode', { ...body, role: { mode: 'take' } }, '"adopt"'],
    ['/role/name', { ...body, role: { mode: 'adopt' } }, 'required'],
    ['/dataloop/integrationId', withDataloop({ integrationId: '../x' }), 'letters, digits'],
    ['/bucket/blockPublicAccess', withBucket({ blockPublicAccess: true }), 'always closed'],
    ['/bucket/blockPublicAccess', withBucket({ blockPublicAccess: 'yes' }), 'true or false'],
  ])('%s is refused in %j', (pointer, request, detail) => {
    expect(errorsOf(request)).toEqual({ [pointer]: expect.stringContaining(detail) });
  });

  test.each([
    [
      'a bucket, though its name fits the pattern',
      withBucket({ mode: 'adopt' }),
      '/bucket/name',
      'adoptableBucketArns',
    ],
    [
      'a role, though its name fits the pattern',
      { ...body, role: { name: 'dataloop-acme', mode: 'adopt' } },
      '/role/name',
      'adoptableRoleArns',
    ],
    [
      'a bucket that is to be created',
      { ...body, bucket: { name: 'acme-photos' } },
      '/bucket/name',
      'bucketNamePattern',
    ],
    [
      'a role that is to be created',
      { ...body, role: { name: 'AcmeLabelling' } },
      '/role/name',
      'roleNamePattern',
    ],
  ])('and not named is refused with the parameter to change: %s', (_what, request, pointer, parameter) => {
    expect(errorsOf(request)).toEqual({ [pointer]: expect.stringContaining(parameter) });
  });

  test('is none where the deployment names none', () => {
    const none = { ...account, adoptableBucketArns: [], adoptableRoleArns: [] };
    const refused = refusalOf({ ...body, bucket, role }, none)?.fields;
    expect(refused).toEqual([
      {
        pointer: '/bucket/name',
        detail: 'This deployment may adopt no buckets. Add yours to the parameter adoptableBucketArns.',
      },
      {
        pointer: '/role/name',
        detail: 'This deployment may adopt no roles. Add yours to the parameter adoptableRoleArns.',
      },
    ]);
  });

  test('is a bucket of the deployment’s partition', () => {
    expect(refusalOf({ ...body, bucket }, { ...account, partition: 'aws-cn' })?.fields).toMatchObject([
      { pointer: '/bucket/name' },
    ]);
  });

  test('is no role of which the deployment names two', () => {
    const two = [...account.adoptableRoleArns, 'arn:aws:iam::111111111111:role/AcmeLabelling'];
    expect(refusalOf({ ...body, role }, { ...account, adoptableRoleArns: two })?.fields).toEqual([
      { pointer: '/role/name', detail: expect.stringContaining('several roles of this name') },
    ]);
  });

  test('is a role whose policy still has a name that the deployment allows', () => {
    const allowed = { ...account, roleNamePattern: 'team-*', policyNamePattern: 'team-*' };
    expect(refusalOf({ ...body, role }, allowed)?.fields).toEqual([
      { pointer: '/name', detail: expect.stringMatching(/"dataloop-acme".*another policyNamePattern\.$/) },
    ]);
    expect(refusalOf({ ...body, role }, { ...account, roleNamePattern: 'team-*' })).toBeUndefined();
  });
});

describe('bucket names', () => {
  test.each(['abc', 'a.b-c', 'dataloop-acme', '0'.repeat(63), '1.2.3', 'xn-abc', 'milan'])(
    '%s is one',
    (name) => {
      expect(isBucketName(name)).toBe(true);
    },
  );

  test.each([
    'ab',
    'a'.repeat(64),
    'Abc',
    'a_b',
    '-abc',
    'abc-',
    '.abc',
    'a..b',
    '192.168.0.1',
    'xn--abc',
    'sthree-abc',
    'amzn-s3-demo-abc',
    'abc-s3alias',
    'abc--ol-s3',
    'abc.mrap',
    'abc--x-s3',
    'abc--table-s3',
    'abc-an',
    'abc\n',
    'abc/def',
    'abc*',
  ])('%j is none', (name) => {
    expect(isBucketName(name)).toBe(false);
  });

  const adopting = (name: string) =>
    errorsOf(
      { ...body, bucket: { name, mode: 'adopt' } },
      { ...account, adoptableBucketArns: [`arn:aws:s3:::${name}`] },
    );

  test.each([
    'Abc_Def',
    'amzn-s3-demo-abc',
    'abc-an',
    'a'.repeat(255),
    'xn--abc',
    '_ab',
    'ab-',
    'a..b',
    '-ab',
  ])('%s is none for a new bucket, and one that can be adopted', (name) => {
    expect(adopting(name)).toEqual({});
    expect(errorsOf(withBucket({ name }))).toEqual({
      '/bucket/name': expect.stringContaining('A bucket name must have'),
    });
  });

  test.each(['ab', 'a'.repeat(256), 'a/b', 'a*b', 'a$b', 'a b', 'abc\n'])(
    '%j is none, also of a bucket to adopt',
    (name) => {
      expect(adopting(name)).toHaveProperty(['/bucket/name']);
    },
  );

  test('that are taken can break out of neither ARN nor policy nor address', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab1-.*?/:"\\ \n{$}é'), maxLength: 12 }), (text) => {
        const name = `dataloop-${text}`;
        if (isBucketName(name)) {
          expect(new URL(`https://${name}.s3.amazonaws.com/`).hostname).toBe(`${name}.s3.amazonaws.com`);
          expect(JSON.stringify(name)).toBe(`"${name}"`);
          expect(name).not.toMatch(/[*?$:/]/);
        }
      }),
      { numRuns: runs(3_000) },
    );
  });
});

describe('prefixes', () => {
  test.each([
    'raw/',
    'a/b c/d!_.()-/',
    'v1.0/',
    'dt=2026-01-01/hour=07/',
    "a+b,c:d@e'f/",
    `${'p'.repeat(511)}/`,
  ])('%s is taken', (prefix) => {
    expect(errorsOf(withBucket({ prefix }))).toEqual({});
  });

  test.each([
    ['raw*/', /^prefix must not contain "\*", which would mean more than one folder in a policy\. /],
    ['ra?/', /^prefix must not contain "\?", which would mean/],
    ['\u0024{aws:username}/', /^prefix must not contain "\$", which would mean/],
    ['{a}/', /^prefix must not contain "\{"\. prefix must name one folder/],
    ['donnée/', /^prefix must not contain the character U\+00E9\. /],
    ['a\n/', /^prefix must not contain the character U\+000A\. /],
    ['a\u{1f600}/', /^prefix must not contain the character U\+1F600\. /],
    ['raw', /^prefix must name one folder and end with a slash/],
  ])('%j is refused, and the message names the character', (prefix, message) => {
    expect(errorsOf(withBucket({ prefix }))['/bucket/prefix']).toMatch(message);
  });

  test.each([
    'raw',
    '/raw/',
    'a//b/',
    '../',
    './',
    '*/',
    'a?/',
    '$username/',
    'é/',
    '/',
    '',
    `${'p'.repeat(512)}/`,
  ])('%j is refused', (prefix) => {
    expect(errorsOf(withBucket({ prefix }))).toHaveProperty(['/bucket/prefix']);
  });

  test('that are taken name one folder below the bucket and mean nothing else in a policy', () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."ab./.* ?{$}é\n=+,:@'"), maxLength: 12 }), (text) => {
        const prefix = `${text}/`;
        if (errorsOf(withBucket({ prefix }))['/bucket/prefix'] !== undefined) return;
        taken += 1;
        expect(posix.join('/', prefix)).toBe(`/${prefix}`);
        expect(prefix).not.toMatch(/[*?${}\n]/);
      }),
      { numRuns: runs(3_000) },
    );
    expect(taken).toBeGreaterThan(0);
  });
});

describe('the name of a driver', () => {
  const nameOf = (driverName: string) =>
    parseRequest(withDataloop({ driverName }), account).dataloop.driverName;

  test.each([
    '写真データ（本番）',
    'صور المنتجات',
    'फ़ोटो',
    'Größe “1” – №2',
    'Фото #3',
    '👍 fine',
    '語'.repeat(100),
  ])('may have letters of any script: %j', (name) => {
    expect(nameOf(name)).toBe(name.normalize('NFC'));
  });

  test('is kept as Unicode composes it, so that what looks alike is one name', () => {
    expect(nameOf('Gro\u0308\u00dfe')).toBe('Gr\u00f6\u00dfe');
    // Counted as it is kept.
    expect(nameOf('o\u0308'.repeat(100))).toHaveLength(100);
    expect(Object.keys(errorsOf(withDataloop({ driverName: '\ufb2c'.repeat(50) })))).toEqual([
      '/dataloop/driverName',
    ]);
  });

  test.each([
    ['images\u202egpj', 'character 7 is U+202E'],
    ['a\u2066b', 'character 2 is U+2066'],
    ['a\u200bb', 'character 2 is U+200B'],
    ['a\u3164b', 'character 2 is U+3164'],
    ['a\u00adb', 'character 2 is U+00AD'],
    ['👩\u200d💻', 'character 2 is U+200D'],
    ['❤\ufe0f', 'character 2 is U+FE0F'],
    ['a\nb', 'character 2 is U+000A'],
    ['a\u2028b', 'character 2 is U+2028'],
    ['a\ue000b', 'character 2 is U+E000'],
    ['a\ud800', 'character 2 is U+D800'],
    ['cut…', 'character 4 is U+2026'],
  ])('has nothing that does not show: %j', (driverName, said) => {
    expect(errorsOf(withDataloop({ driverName }))).toEqual({
      '/dataloop/driverName': expect.stringContaining(`does not show: ${said}.`),
    });
  });

  test('does not begin with a mark', () => {
    expect(errorsOf(withDataloop({ driverName: '\u0301a' }))).toEqual({
      '/dataloop/driverName': 'driverName must not begin with a mark that belongs to a letter.',
    });
  });
});

describe('other fields', () => {
  test.each([
    ['/name', { ...body, name: 'a'.repeat(49) }],
    ['/name', { ...body, name: 'a_b' }],
    ['/name', { ...body, name: 'a-' }],
    ['/name', { ...body, name: 'a\n' }],
    ['/description', { ...body, description: '' }],
    ['/description', { ...body, description: 'x'.repeat(501) }],
    ['/description', { ...body, description: 'a\nforged line of a log' }],
    ['/description', { ...body, description: '日本語' }],
    ['/bucket/region', withBucket({ region: 'Ireland' })],
    ['/bucket/region', withBucket({ region: 'eu-west-1.evil.example' })],
    ['/dataloop/projectId', withDataloop({ projectId: '../organizations' })],
    ['/dataloop/organizationId', withDataloop({ organizationId: '' })],
    ['/dataloop/driverName', withDataloop({ driverName: 'x'.repeat(101) })],
    ['/dataloop/allowDelete', withDataloop({ allowDelete: 'false' })],
    ['/role/name', { ...body, role: { name: 'dataloop-a/b' } }],
    ['/role/name', { ...body, role: { name: `dataloop-${'x'.repeat(56)}` } }],
  ])('%s is refused in %j', (pointer, request) => {
    expect(Object.keys(errorsOf(request))).toEqual([pointer]);
  });

  test.each(['eu-west-1', 'us-gov-east-1', 'us-iso-east-1', 'cn-north-1', 'ap-southeast-7', 'il-central-1'])(
    'the region %s is taken',
    (region) => {
      expect(refusalOf(withBucket({ region }), { ...account, regions: [region] })).toBeUndefined();
    },
  );

  test('the longest name still makes a role name that IAM takes', () => {
    const request = { ...body, name: 'a'.repeat(48) };
    expect(errorsOf(request)).toEqual({});
    expect(defaultRoleName(request.name).length).toBeLessThanOrEqual(64);
  });
});

describe('tags', () => {
  test('are not taken with a key that differs in case only: IAM takes both for the same', () => {
    const tags = { team: 'a', Team: 'b', größe: 'c', GRÖSSE: 'd', GRÖßE: 'e' };
    expect(Object.keys(errorsOf({ ...body, tags }))).toEqual(['/tags/Team', '/tags/GRÖßE']);
  });

  test('are not left out without a word', () => {
    const tags: unknown = JSON.parse('{"__proto__":"x"}');
    expect(Object.keys(errorsOf({ ...body, tags }))).toEqual(['/tags/__proto__']);
    expect(requestOf({ tags: { constructor: 'x', toString: 'y' } }).tags).toEqual({
      constructor: 'x',
      toString: 'y',
    });
  });

  test('that are reserved or malformed are refused, each by its key', () => {
    const tags = {
      'aws:x': '1',
      'AWS:y': '1',
      [`${tagPrefix}integration-id`]: 'x',
      [`${tagPrefix.toUpperCase()}x`]: 'x',
      'x~/y<': '1',
      ['k'.repeat(129)]: '',
      '': 'x',
      'too long': 'x'.repeat(257),
      'new line': 'a\nb',
      fine: '1',
    };
    const refused = Object.keys(tags).filter((key) => key !== 'fine');
    expect(Object.keys(errorsOf({ ...body, tags })).sort()).toEqual(
      refused.map((key) => jsonPointer(['tags', key])).sort(),
    );
  });

  test('are forty at most, which leaves room for ours', () => {
    const tagsOf = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, '']));
    expect(errorsOf({ ...body, tags: tagsOf(40) })).toEqual({});
    expect(errorsOf({ ...body, tags: tagsOf(41) })).toHaveProperty(['/tags']);
  });
});

describe('what the deployment may not touch is refused with the parameter to change', () => {
  test.each([
    ['a bucket', withBucket({ name: 'production' }), '/bucket/name', 'bucketNamePattern'],
    ['a role', { ...body, role: { name: 'Admin' } }, '/role/name', 'roleNamePattern'],
    ['a KMS key', withBucket({ kmsKeyArn }), '/bucket/kmsKeyArn', 'kmsKeyArns'],
  ])('%s', (_what, request, pointer, parameter) => {
    expect(errorsOf(request)).toEqual({ [pointer]: expect.stringContaining(parameter) });
  });

  test('a region, that of the deployment too', () => {
    const allowed = { ...account, regions: ['us-east-1', 'eu-central-1'] };
    const refused = (request: unknown) => refusalOf(request, allowed)?.fields;
    expect(refused(withBucket({ region: 'us-east-1' }))).toBeUndefined();
    for (const [region, request] of [
      ['sa-east-1', withBucket({ region: 'sa-east-1' })],
      ['eu-west-1', body],
    ] as const) {
      expect(refused(request)).toEqual([
        {
          pointer: '/bucket/region',
          detail:
            'This deployment allows only these regions: us-east-1, eu-central-1. Choose one of them, or add ' +
            `${region} to the parameter regions.`,
        },
      ]);
    }
  });

  test('a tag key, each by its own pointer', () => {
    const request = { ...body, tags: { 'cost-center': '42', team: 'a', 'team/lead': 'b', Team2: 'c' } };
    const refused = (tagKeys: readonly string[]) =>
      refusalOf(request, { ...account, tagKeys })?.fields.map(({ pointer, detail }) => [pointer, detail]);
    expect(refused(['*'])).toBeUndefined();
    expect(refused(['cost-*', 'team*', 'Team2'])).toBeUndefined();
    expect(refused(['cost-*', 'team'])).toEqual([
      [
        '/tags/team~1lead',
        expect.stringMatching(/only these tag keys: cost-\*, team\. .* parameter tagKeys\.$/),
      ],
      ['/tags/Team2', expect.stringContaining('tagKeys')],
    ]);
    expect(refused([])).toHaveLength(4);
    expect(refused([])?.[0]).toEqual([
      '/tags/cost-center',
      'This deployment allows no tags of your own. Omit tags, or add the key to the parameter tagKeys.',
    ]);
    expect(refusalOf(body, { ...account, tagKeys: [] })).toBeUndefined();
  });

  test.each(['create', 'adopt'])('the bucket with the service’s own code (%s)', (mode) => {
    const deploymentBucket = 'dataloop-code';
    const allowed = {
      ...account,
      deploymentBucket,
      adoptableBucketArns: [`arn:aws:s3:::${deploymentBucket}`],
    };
    expect(refusalOf(withBucket({ name: deploymentBucket, mode }), allowed)?.fields).toEqual([
      { pointer: '/bucket/name', detail: "This bucket holds the service's own code. Choose another one." },
    ]);
    expect(
      refusalOf(withBucket({ name: deploymentBucket, mode }), { ...allowed, deploymentBucket: 'other' }),
    ).toBe(undefined);
  });

  test('a policy, which has the name of the role', () => {
    expect(refusalOf(body, { ...account, policyNamePattern: 'team-*' })?.fields).toEqual([
      { pointer: '/role/name', detail: expect.stringContaining('policyNamePattern') },
    ]);
  });

  test('a KMS key is one of the deployment’s, and of the bucket’s region', () => {
    const other = kmsKeyArn.replace('1234abcd', 'other');
    const allowed = { ...account, kmsKeyArns: [kmsKeyArn, other] };
    expect(refusalOf(withBucket({ kmsKeyArn }), allowed)).toBeUndefined();
    expect(refusalOf(withBucket({ kmsKeyArn: `${kmsKeyArn}0` }), allowed)?.fields).toEqual([
      { pointer: '/bucket/kmsKeyArn', detail: expect.stringContaining(`${kmsKeyArn}, ${other}`) },
    ]);
    expect(refusalOf(withBucket({ kmsKeyArn, region: 'us-east-1' }), allowed)?.fields).toEqual([
      { pointer: '/bucket/kmsKeyArn', detail: expect.stringContaining('us-east-1') },
    ]);
  });

  test.each([
    'alias/mine',
    'arn:aws:kms:eu-west-1:111111111111:alias/mine',
    'arn:aws:kms:eu-west-1:111111111111:key/*',
    'arn:aws:kms:eu-west-1:111111111111:key/',
    'arn:aws:s3:::dataloop-acme',
    `${kmsKeyArn}\n`,
    null,
    7,
  ])('%j names no KMS key', (value) => {
    expect(errorsOf(withBucket({ kmsKeyArn: value }))).toEqual({
      '/bucket/kmsKeyArn': expect.stringContaining('kmsKeyArn must be'),
    });
  });

  test('a role whose name comes from the integration’s', () => {
    const refusal = refusalOf(body, { ...account, roleNamePattern: 'team-*' });
    expect(refusal?.fields).toEqual([
      { pointer: '/role/name', detail: expect.stringContaining('"dataloop-acme"') },
    ]);
  });

  test('another organisation than the deployment’s', () => {
    const request = withDataloop({ organizationId: 'other' });
    const refusal = refusalOf(request, { ...account, organizationId: 'mine' });
    expect(refusal?.fields).toEqual([
      { pointer: '/dataloop/organizationId', detail: expect.stringContaining('dataloopOrganizationId') },
    ]);
    expect(refusalOf(request, { ...account, organizationId: 'other' })).toBeUndefined();
    expect(refusalOf(body, { ...account, organizationId: 'mine' })).toBeUndefined();
  });
});

describe('patterns of names', () => {
  const plain = fc.string({ unit: fc.constantFrom(...'ab.+?()[]^$|\\-'), maxLength: 6 });

  test('stand for themselves but for the star', () => {
    fc.assert(
      fc.property(plain, plain, (name, pattern) => {
        expect(matchesPattern(name, pattern)).toBe(name === pattern);
        expect(matchesPattern(pattern, pattern)).toBe(true);
      }),
    );
  });

  test('take any run of characters for the star, at the end, the start and in between', () => {
    fc.assert(
      fc.property(plain, plain, plain, (head, middle, tail) => {
        expect(matchesPattern(head + middle + tail, `${head}*${tail}`)).toBe(true);
        expect(matchesPattern(middle, `${head}*`)).toBe(middle.startsWith(head));
        expect(matchesPattern(middle, `*${tail}`)).toBe(middle.endsWith(tail));
      }),
    );
  });
});

test('pointers read back as the path they were made of (RFC 6901)', () => {
  expect(jsonPointer(['a/b', 'm~n', 0])).toBe('/a~1b/m~0n/0');
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom(...'a~/01'), maxLength: 5 })), (path) => {
      const read = jsonPointer(path)
        .split('/')
        .slice(1)
        .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
      expect(read).toEqual(path);
    }),
  );
});

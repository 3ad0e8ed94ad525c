import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isBucketName, jsonPointer, matchesPattern, parseRequest } from '../../../src/domain/request.ts';
import { ServiceError } from '../../../src/errors.ts';
import { account, body, requestOf } from './fakes.ts';

function errorsOf(request: unknown): Record<string, string> {
  try {
    parseRequest(request, account);
  } catch (error) {
    if (error instanceof ServiceError && error.name === 'InvalidRequestError') {
      return Object.fromEntries(error.fields.map(({ pointer, detail }) => [pointer, detail]));
    }
    throw error;
  }
  return {};
}

test('the shortest request gets its defaults', () => {
  expect(requestOf()).toEqual({
    name: 'acme',
    bucket: { name: 'dataloop-acme', mode: 'create', cors: true },
    dataloop: { projectId: 'project-1', allowDelete: true },
  });
});

test('what is missing is named, each by its pointer', () => {
  expect(errorsOf({})).toEqual({
    '/name': 'This field is required.',
    '/bucket': 'This field is required.',
    '/dataloop': 'This field is required.',
  });
});

test('what has another type is told what it must be', () => {
  expect(errorsOf({ name: 4, bucket: 'x', dataloop: [] })).toEqual({
    '/name': 'name is a string.',
    '/bucket': 'This must be an object.',
    '/dataloop': 'This must be an object.',
  });
});

test('unknown fields are refused at every depth', () => {
  const errors = errorsOf({ ...body, extra: 1, bucket: { ...body.bucket, 'a/b~c': 1 } });
  expect(Object.keys(errors).sort()).toEqual(['/bucket/a~1b~0c', '/extra']);
});

test.each([null, [], 'text', 4, true])('a body that is %j is refused', (value) => {
  expect(Object.keys(errorsOf(value)).length).toBeGreaterThan(0);
});

describe('fields of later versions are refused, not ignored', () => {
  test.each([
    [
      '/bucket/kmsKeyArn',
      { bucket: { ...body.bucket, kmsKeyArn: 'arn:aws:kms:eu-west-1:111111111111:key/x' } },
    ],
    ['/bucket/mode', { bucket: { ...body.bucket, mode: 'adopt' } }],
    ['/role/mode', { role: { mode: 'adopt' } }],
    ['/dataloop/integrationId', { dataloop: { ...body.dataloop, integrationId: 'x' } }],
  ])('%s', (pointer, more) => {
    expect(errorsOf({ ...body, ...more })[pointer]).toMatch(/this version/i);
  });
});

describe('bucket names', () => {
  test.each(['abc', 'a.b-c', 'dataloop-acme', '0'.repeat(63)])('%s is one', (name) => {
    expect(isBucketName(name)).toBe(true);
  });
  test.each([
    'ab',
    'a'.repeat(64),
    'Abc',
    'a_b',
    '-abc',
    'abc-',
    'a..b',
    '192.168.0.1',
    'xn--abc',
    'sthree-abc',
    'amzn-s3-demo-abc',
    'abc-s3alias',
    'abc--ol-s3',
    'abc.mrap',
    'abc--x-s3',
    'abc\n',
    'ab c',
    'abc/def',
    'abc*',
  ])('%j is none', (name) => {
    expect(isBucketName(name)).toBe(false);
  });
});

describe('prefixes', () => {
  test.each(['raw/', 'a/b c/d!_.()-/', 'v1.0/'])('%s is taken', (prefix) => {
    expect(errorsOf({ ...body, bucket: { ...body.bucket, prefix } })).toEqual({});
  });
  test.each(['raw', '/raw/', 'a//b/', '../', './', '*/', 'a?/', '$username/', 'é/', '/', ''])(
    '%j is refused',
    (prefix) => {
      expect(errorsOf({ ...body, bucket: { ...body.bucket, prefix } })).toHaveProperty(['/bucket/prefix']);
    },
  );
});

test('reserved and malformed tags are refused by key', () => {
  const tags = {
    'aws:x': '1',
    'dataloop-cross-account:integration-id': 'x',
    ok: 'x'.repeat(257),
    'b<d': '1',
  };
  expect(Object.keys(errorsOf({ ...body, tags })).sort()).toEqual([
    '/tags/aws:x',
    '/tags/b<d',
    '/tags/dataloop-cross-account:integration-id',
    '/tags/ok',
  ]);
  const many = Object.fromEntries(Array.from({ length: 41 }, (_, index) => [`key${index}`, '']));
  expect(errorsOf({ ...body, tags: many })).toHaveProperty(['/tags']);
});

test('names outside of the deployment are refused with the parameter to change', () => {
  const errors = errorsOf({ ...body, bucket: { name: 'production' }, role: { name: 'Admin' } });
  expect(errors['/bucket/name']).toContain('bucketNamePattern');
  expect(errors['/role/name']).toContain('roleNamePattern');
});

test('another organisation than the deployment’s is refused', () => {
  const request = { ...body, dataloop: { projectId: 'p', organizationId: 'other' } };
  expect(() => parseRequest(request, { ...account, organizationId: 'mine' })).toThrow(
    expect.objectContaining({ name: 'InvalidRequestError' }),
  );
  expect(parseRequest(request, { ...account, organizationId: 'other' }).dataloop.organizationId).toBe(
    'other',
  );
});

test('whatever JSON comes in, it is taken or refused as invalid, never anything else', () => {
  const fields = fc.record(
    { name: fc.jsonValue(), bucket: fc.jsonValue(), dataloop: fc.jsonValue(), tags: fc.jsonValue() },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), fields), (value) => {
      expect(Object.keys(errorsOf(value)).length).toBeGreaterThan(0);
    }),
    { numRuns: 2_000 },
  );
});

test('a name that is taken can break out of neither ARN nor policy', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 70 }), (text) => {
      const accepted = Object.keys(errorsOf({ ...body, bucket: { name: `dataloop-${text}` } })).length === 0;
      if (accepted) expect(`dataloop-${text}`).toMatch(/^[a-z0-9.-]+$/);
    }),
    { numRuns: 2_000 },
  );
});

test('a pattern’s star stands for any run of characters, everything else for itself', () => {
  expect(matchesPattern('dataloop-x', 'dataloop-*')).toBe(true);
  expect(matchesPattern('dataloop-', 'dataloop-*')).toBe(true);
  expect(matchesPattern('xdataloop-x', 'dataloop-*')).toBe(false);
  expect(matchesPattern('dataloopsx', 'dataloop.*')).toBe(false);
});

test('pointers escape as RFC 6901 says', () => {
  expect(jsonPointer(['a/b', 'm~n', 0])).toBe('/a~1b/m~0n/0');
});

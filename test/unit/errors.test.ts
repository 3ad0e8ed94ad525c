import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type ErrorName,
  errorKinds,
  isErrorName,
  printable,
  problemType,
  ServiceError,
  statusOf,
  toServiceError,
} from '../../src/errors.ts';
import { anyText, hostileText } from '../security/bad-requests.ts';
import { isFitToTell } from './arbitraries.ts';
import { runs } from './runs.ts';

const names = Object.keys(errorKinds).filter(isErrorName);

describe('a service error', () => {
  test('carries its literal name, which Lambda reports and the state machines match', () => {
    const error = new ServiceError('RoleNameTakenError', 'taken');
    expect(error).toBeInstanceOf(Error);
    expect(Object.getOwnPropertyDescriptor(error, 'name')?.value).toBe('RoleNameTakenError');
    expect(String(error)).toBe('RoleNameTakenError: taken');
  });

  test('keeps its cause and the bad fields, where it has any', () => {
    const cause = new Error('socket hang up');
    const fields = [{ pointer: '/name', detail: 'too long' }];
    expect(new ServiceError('InvalidRequestError', 'x', { cause, fields })).toMatchObject({ cause, fields });
    const bare = new ServiceError('InternalError', 'x');
    expect(bare.fields).toEqual([]);
    expect(Object.hasOwn(bare, 'cause')).toBe(false);
  });

  test('is fit to tell, whatever it quotes, and still says what comes next', () => {
    const error = new ServiceError('AwsUnavailableError', `a\r\nb\u202e\u0000${'x'.repeat(100_000)}`, {
      mayPass: true,
    });
    expect(error.message).toMatch(/^a b x+…$/);
    expect(error.messageOnce).toMatch(/^a b x+… Try again in a moment\.$/);
    expect(Math.max(error.message.length, error.messageOnce.length)).toBeLessThan(8_100);
  });

  test('knows whether it may pass by itself', () => {
    expect(new ServiceError('AwsUnavailableError', 'x').retryable).toBe(true);
    expect(new ServiceError('AwsAccessDeniedError', 'x').retryable).toBe(false);
  });
});

describe('a printable text', () => {
  test.each([
    ['Images “raw” – größe…', 30, 'Images “raw” – größe…'],
    ['', 30, ''],
    ['a\tb\u2028c\u200bd', 30, 'a b c d'],
    ['写真 صور हिन्दी 👍', 30, '写真 صور हिन्दी 👍'],
    ['a\u202egpj\u2066b\u3164c\u00add\u2800e\ue000f', 30, 'a gpj b c d e f'],
    ['\ud800', 30, ' '],
    ['0123456789', 10, '0123456789'],
    ['01234567890', 10, '012345678…'],
    ['\n'.repeat(100), 10, ' …'],
  ])('of %j within %i characters is %j', (text, longest, shown) => {
    expect(printable(text, longest)).toBe(shown);
  });

  test('stays as it is the second time', () => {
    fc.assert(
      fc.property(fc.oneof(hostileText, anyText()), fc.integer({ min: 1, max: 50 }), (text, longest) => {
        const once = printable(text, longest);
        expect([once.length <= longest, printable(once, longest)]).toEqual([true, once]);
        expect(isFitToTell(once, longest)).toBe(true);
      }),
      { numRuns: runs(1_000) },
    );
  });
});

describe('the names of errors', () => {
  test('are told from what every object has, and from AWS’s own', () => {
    expect(names).toHaveLength(Object.keys(errorKinds).length);
    for (const other of ['toString', '__proto__', 'constructor', 'Error', 'States.Timeout', '']) {
      expect(isErrorName(other)).toBe(false);
    }
  });

  test('come to problem types that are URNs and differ from each other', () => {
    const types = names.map(problemType);
    for (const type of types) expect(type).toMatch(/^urn:dataloop-cross-account:problem:[a-z]+(-[a-z]+)*$/);
    expect(new Set(types).size).toBe(names.length);
    expect(problemType('IamUserNotIssuedError')).toBe(
      'urn:dataloop-cross-account:problem:iam-user-not-issued',
    );
  });

  test.each<[ErrorName, number]>([
    ['InvalidRequestError', 400],
    ['IntegrationNotFoundError', 404],
    ['NameOrBucketTakenError', 409],
    ['IdempotencyKeyReusedError', 422],
    ['TooManyOpenError', 429],
    ['TryAgainError', 503],
    ['ConfigurationError', 500],
  ])('come to the status that the API promises: %s is %i', (name, status) => {
    expect(statusOf(name)).toBe(status);
  });

  test('come to a fault of ours where the caller cannot do anything', () => {
    expect(statusOf('AwsAccessDeniedError')).toBe(500);
    expect(statusOf('RoleNameTakenError')).toBe(500);
  });

  test('ask no caller to try again what never passes, and the other way round', () => {
    for (const name of names) {
      const status = statusOf(name);
      if (status === 503) expect([name, errorKinds[name].retryable]).toEqual([name, true]);
      if (status < 500) expect([name, errorKinds[name].retryable]).toEqual([name, false]);
    }
  });
});

describe('anything thrown', () => {
  test('stays the service error that it is', () => {
    const error = new ServiceError('BucketNameTakenError', 'taken');
    expect(toServiceError(error)).toBe(error);
  });

  test('becomes an internal error that says what it was, and keeps it as its cause', () => {
    const thrown = new TypeError('x is not a function');
    const error = toServiceError(thrown);
    expect(error).toMatchObject({ name: 'InternalError', retryable: false, cause: thrown });
    expect(error.message).toContain('TypeError: x is not a function');
  });

  test('is never taken for one of ours because of its name', () => {
    const thrown = Object.assign(new Error('down'), { name: 'AwsUnavailableError' });
    expect(toServiceError(thrown)).toMatchObject({ name: 'InternalError', retryable: false });
  });

  test.each(['text', undefined, null, { secret: 'x' }])(
    'is not quoted where it is no error: %j',
    (thrown) => {
      expect(toServiceError(thrown).message).toBe('A value that is not an Error was thrown.');
    },
  );
});

import { describe, expect, test } from '@jest/globals';
import { awsCall, awsCallOr, awsErrorCode, given, mapAwsError } from '../../../../src/clients/aws/errors.ts';
import { ServiceError } from '../../../../src/errors.ts';
import { sdkError } from './sdk-answers.ts';

test('the code is the documented one: Code before name, without the suffix that only some carry', () => {
  const code = (name: string, Code?: string) => awsErrorCode(sdkError(name, 400, Code ? { Code } : {}));
  expect(code('EntityAlreadyExistsException', 'EntityAlreadyExists')).toBe('EntityAlreadyExists');
  expect(code('Sender', 'MalformedPolicyDocumentException')).toBe('MalformedPolicyDocument');
  expect(code('ConditionalCheckFailedException')).toBe('ConditionalCheckFailed');
  expect(code('NoSuchBucket')).toBe('NoSuchBucket');
  expect([awsErrorCode('text'), awsErrorCode(undefined)]).toEqual(['Unknown', 'Unknown']);
});

describe('mapAwsError', () => {
  test.each([
    [
      'AwsUnavailableError',
      'throttling, under the names that the services give it',
      ['Throttling', 400],
      ['ThrottlingException', 400],
      ['TooManyRequestsException', 400],
      ['RequestThrottledException', 400],
      ['ProvisionedThroughputExceededException', 400],
      ['ExecutionLimitExceeded', 400],
      ['NeverHeardOf', 429],
    ],
    [
      'AwsUnavailableError',
      'a fault of AWS',
      ['InternalException', 500],
      ['SlowDown', 503],
      ['NeverHeardOf', 502],
    ],
    [
      'AwsConflictError',
      'another change of the same resource',
      ['OperationAborted', 409],
      ['ConcurrentModificationException', 409],
      ['DeleteConflictException', 409],
      ['TransactionConflictException', 400],
    ],
    [
      'AwsNotYetConsistentError',
      'what was just created',
      ['NoSuchBucket', 404],
      ['NoSuchEntityException', 404],
    ],
    ['AwsQuotaExceededError', 'a quota', ['LimitExceededException', 409], ['TooManyBuckets', 400]],
    [
      'AwsAccessDeniedError',
      'a call that is not allowed',
      ['AccessDenied', 403],
      ['AccessDeniedException', 400],
      ['ExpiredToken', 403],
    ],
    [
      'AwsRequestRefusedError',
      'what only another request changes',
      ['InvalidBucketName', 400],
      ['PolicyNotAttachableException', 400],
      ['NotFound', 404],
    ],
  ] as [string, string, ...[string, number][]][])('%s is %s', (expected, _what, ...errors) => {
    const names = errors.map(([name, status]) => [name, mapAwsError(sdkError(name, status), 'do it').name]);
    expect(names).toEqual(errors.map(([name]) => [name, expected]));
  });

  test('a principal that IAM does not see yet is tried again', () => {
    const error = sdkError('MalformedPolicyDocumentException', 400, {
      message: 'Invalid principal in policy: "AWS":"arn:aws:iam::222222222222:user/dataloop-1"',
    });
    expect(mapAwsError(error, 'create role dataloop-acme')).toMatchObject({
      name: 'AwsNotYetConsistentError',
      retryable: true,
    });
  });

  test.each(['AIDACKCEVSQ6C2EXAMPLE', 'AROADBQP57FF2AEXAMPLE'])(
    'a principal that was deleted lasts, and is named: %s',
    (id) => {
      const message = `Invalid principal in policy: "AWS":"${id}"`;
      const error = mapAwsError(sdkError('MalformedPolicyDocumentException', 400, { message }), 'change it');
      expect(error).toMatchObject({ name: 'AwsRequestRefusedError', retryable: false });
      expect(error.message).toContain(`${id} is the id of a user or role that was deleted`);
    },
  );

  test('a region without an endpoint lasts; a name server that does not answer passes', () => {
    const lookup = (code: string) =>
      Object.assign(new Error(`getaddrinfo ${code}`), { code, hostname: 'b.s3.eu-west-9.amazonaws.com' });
    const error = mapAwsError(lookup('ENOTFOUND'), 'create bucket b');
    expect(error.name).toBe('AwsRequestRefusedError');
    expect(error.message).toMatch(/no endpoint b\.s3\.eu-west-9\.amazonaws\.com\. .*region exists/);
    expect(mapAwsError(lookup('EAI_AGAIN'), 'create bucket b').name).toBe('AwsUnavailableError');
  });

  test.each(['InvalidToken', 'InvalidClientTokenId', 'UnrecognizedClientException', 'AuthFailure'])(
    'a region that does not know the caller says so: %s',
    (code) => {
      const error = mapAwsError(sdkError(code, 403), 'create bucket b');
      expect(error.name).toBe('AwsAccessDeniedError');
      expect(error.message).toContain('Check that the region is enabled');
    },
  );

  test('promises no further attempt: which one is the last, only the state machine knows', () => {
    const error = mapAwsError(sdkError('SlowDown', 503), 'create bucket b');
    expect(error.message).toBe('AWS did not create bucket b (SlowDown: AWS says SlowDown).');
    expect(error.messageOnce).toMatch(/Try again in a moment\.$/);
  });

  test('any other malformed policy is not', () => {
    const error = sdkError('MalformedPolicyDocumentException', 400, { message: 'Syntax errors in policy.' });
    expect(mapAwsError(error, 'create role dataloop-acme')).toMatchObject({
      name: 'AwsRequestRefusedError',
      retryable: false,
    });
  });

  test('a lost connection, which has no status, is tried again', () => {
    const names = ['ECONNRESET', 'TimeoutError', 'Error'].map(
      (name) => mapAwsError(sdkError(name), 'do it').name,
    );
    expect(new Set(names)).toEqual(new Set(['AwsUnavailableError']));
  });

  test('says what was tried, what AWS said and what to do, and keeps the cause', () => {
    const cause = sdkError('AccessDenied', 403, { message: 'not authorized to perform: iam:CreateRole' });
    const error = mapAwsError(cause, 'create role dataloop-acme');
    expect(error.message).toMatch(
      /^AWS did not create role dataloop-acme \(AccessDenied: not authorized to perform: iam:CreateRole\)\. .*service and resource control policies/,
    );
    expect(error.cause).toBe(cause);
  });

  test('leaves an error of ours as it is', () => {
    const ours = new ServiceError('BucketNameTakenError', 'taken');
    expect(mapAwsError(ours, 'do it')).toBe(ours);
  });
});

describe('awsCall', () => {
  test('answers what the call answers, and maps what it throws', async () => {
    await expect(awsCall('do it', async () => 'done')).resolves.toBe('done');
    await expect(awsCall('do it', () => Promise.reject(sdkError('SlowDown', 503)))).rejects.toMatchObject({
      name: 'AwsUnavailableError',
      message: expect.stringContaining('do it'),
    });
  });
});

describe('awsCallOr', () => {
  const refusedWith = (name: string) =>
    awsCallOr('do it', ['NoSuchEntity'], 'gone', () => Promise.reject(sdkError(name, 404)));

  test('turns just the named codes into the value', async () => {
    await expect(refusedWith('NoSuchEntityException')).resolves.toBe('gone');
    await expect(refusedWith('NoSuchBucket')).rejects.toMatchObject({ name: 'AwsNotYetConsistentError' });
  });
});

describe('a field that an answer must have', () => {
  test.each([['AROA1'], [''], [0], [false], [null], [[]]])('is handed on as it is: %j', (value) => {
    expect(given(value, "the role's id", 'read role dataloop-acme')).toBe(value);
  });

  test('is no "there is nothing" where it is missing: nothing is known, and the call is tried again', () => {
    expect(() => given(undefined, "the role's id", 'read role dataloop-acme')).toThrow(
      expect.objectContaining({
        name: 'AwsUnavailableError',
        retryable: true,
        message: expect.stringMatching(/"read role dataloop-acme" lacks the role's id/),
      }),
    );
  });
});

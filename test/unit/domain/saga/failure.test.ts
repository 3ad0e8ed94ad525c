import { describe, expect, test } from '@jest/globals';
import { describeFailure } from '../../../../src/domain/saga/failure.ts';

const lambdaCause = (errorMessage: string) => JSON.stringify({ errorType: 'x', errorMessage, trace: [] });

describe('describeFailure', () => {
  test('names our own error, its message and the step', () => {
    const failure = describeFailure('CreateRole', {
      Error: 'RoleNameTakenError',
      Cause: lambdaCause('A role named x already exists.'),
    });
    expect(failure).toEqual({
      type: 'urn:dataloop-cross-account:problem:role-name-taken',
      title: 'The role name is taken',
      detail: 'A role named x already exists.',
      step: 'CreateRole',
    });
  });

  test('finds the step that failed inside of the parallel state', () => {
    const failure = describeFailure('PrepareBothSides', {
      Error: 'BucketNameTakenError',
      Cause: JSON.stringify({ step: 'CreateBucket', cause: lambdaCause('taken') }),
    });
    expect(failure).toMatchObject({ step: 'CreateBucket', detail: 'taken' });
  });

  test('takes no word for a step that is none', () => {
    const Cause = JSON.stringify({ step: '<script>', cause: 'x' });
    expect(describeFailure('CreateRole', { Error: 'Strange', Cause })).toMatchObject({ step: 'CreateRole' });
    const named = describeFailure('CreateRole', { Error: 'E'.repeat(10_000) });
    expect(named.detail).toBe(`${'E'.repeat(100)}: `);
  });

  test.each([
    'States.Timeout',
    // As a Fail state hands it on.
    'StepFunctions.Timeout',
  ])('tells a callback that never came from a step that was too slow: %s', (name) => {
    expect(describeFailure('RequestIamUser', { Error: name })).toMatchObject({
      type: 'urn:dataloop-cross-account:problem:iam-user-timeout',
      detail: expect.stringContaining('iamUserTimeoutSeconds'),
    });
    expect(describeFailure('CreateRole', { Error: name })).toMatchObject({
      type: 'urn:dataloop-cross-account:problem:step-timeout',
    });
  });

  test.each(['Sandbox.Timedout', 'Lambda.Unknown', 'Runtime.ExitError', 'Runtime.OutOfMemory'])(
    'says that a function died: %s',
    (name) => {
      expect(
        describeFailure('CreateBucket', { Error: name, Cause: 'RequestId: 1 Error: exited' }),
      ).toMatchObject({
        type: 'urn:dataloop-cross-account:problem:step-crashed',
        detail: expect.stringContaining(name),
      });
    },
  );

  test.each([
    [
      'Runtime.OutOfMemory',
      'RequestId: 1 Error: Runtime exited with error: signal: killed',
      'ran out of memory',
    ],
    [
      'Runtime.ExitError',
      'RequestId: 1 Error: Runtime exited with error: signal: killed',
      'ran out of memory',
    ],
    [
      'Runtime.ExitError',
      'RequestId: 1 Error: Runtime exited with error: signal: aborted (core dumped)',
      'ran out of memory',
    ],
    ['Runtime.ExitError', 'RequestId: 1 Error: Runtime exited with error: exit status 1', 'See its log.'],
  ])('says what a function died of: %s, %s', (name, said, expected) => {
    for (const Cause of [said, lambdaCause(said)]) {
      const { detail } = describeFailure('CreateBucket', { Error: name, Cause });
      expect(detail).toContain(expected);
    }
  });

  test('keeps what it does not know, and bounds its length', () => {
    const failure = describeFailure('CreateBucket', { Error: 'Strange', Cause: 'x'.repeat(10_000) });
    expect(failure.type).toBe('urn:dataloop-cross-account:problem:internal');
    expect(failure.detail).toMatch(/^Strange: x+$/);
    expect(failure.detail.length).toBeLessThan(2_100);
  });

  test('has no line break or hidden character, whoever wrote the cause', () => {
    for (const name of ['DataloopAnswerError', 'Strange\n']) {
      const { detail } = describeFailure('CreateBucket', { Error: name, Cause: 'a\r\n\u0000\u202eb' });
      expect(detail).toMatch(/^(Strange : )?a b$/);
    }
  });

  test('leaves room for a list of all that is in the way', () => {
    const Cause = JSON.stringify({ errorMessage: 'x'.repeat(10_000) });
    const failure = describeFailure('Preflight', { Error: 'BucketNameTakenError', Cause });
    expect(failure.detail).toHaveLength(8_000);
  });
});

import { expect, test } from '@jest/globals';
import { nextAttemptBy } from '../../../../src/domain/model/retry-delays.ts';
import { type ErrorName, isErrorName } from '../../../../src/errors.ts';
import * as retries from '../../../../statemachines/retries.ts';

const secondsAfter = (error: ErrorName, attempt: number) =>
  Date.parse(nextAttemptBy(error, attempt, 0)) / 1000;

test.each([
  ['DataloopUnavailableError', 1, 2],
  ['DataloopUnavailableError', 4, 16],
  ['DataloopUnavailableError', 9, 30],
  ['DriverTestFailedError', 9, 15],
  ['TrustNotEstablishedError', 9, 60],
  ['OperatorAwaitedError', 2_000, 60],
] as const)('after %s in attempt %d, the next one begins within %d s', (error, attempt, seconds) => {
  expect(secondsAfter(error, attempt)).toBe(seconds);
});

const { crowded, ...others } = retries;

test('a crowd waits for shorter turns than is said of the same errors elsewhere', () => {
  expect(crowded.ErrorEquals).toEqual(retries.throttled.ErrorEquals);
  expect(crowded.MaxDelaySeconds).toBeLessThan(secondsAfter('AwsUnavailableError', 1_000));
});

test.each(Object.entries(others))('no retry waits longer than is said: %s', (_name, given) => {
  const retrier = typeof given === 'function' ? given(3_600) : given;
  for (const error of retrier.ErrorEquals) {
    // Lambda's own errors wait as long as most of ours, or as what is throttled.
    const ofLambda = retrier === retries.throttled ? 'AwsUnavailableError' : 'AwsConflictError';
    const own = isErrorName(error) ? error : ofLambda;
    expect(retrier.MaxDelaySeconds).toBe(secondsAfter(own, 1_000));
  }
});

test.each([
  [30, 5],
  [60, 6],
  [240, 12],
  [3_600, 124],
])('trust may take %d s on average: %d attempts', (seconds, attempts) => {
  expect(retries.trustNotEstablished(seconds).MaxAttempts).toBe(attempts);
});

test('a driver test is tried for a minute, or as long as is said', () => {
  expect(retries.driverTestFailed(60).MaxAttempts).toBe(10);
  expect(retries.driverTestFailed(600).MaxAttempts).toBe(82);
});

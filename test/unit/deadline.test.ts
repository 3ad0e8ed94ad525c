import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { boundedBy } from '../../src/deadline.ts';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const never = new Promise<never>(() => undefined);

/** How a promise stands: what it was rejected with, or nothing yet. */
function watched(promise: Promise<unknown>) {
  const state: { error?: unknown } = {};
  promise.catch((error: unknown) => {
    state.error = error;
  });
  return state;
}

test('what answers in time is handed on, a failure too, and no timer is left', async () => {
  const bound = boundedBy(30_000);
  await expect(bound('x', Promise.resolve(1))).resolves.toBe(1);
  const failure = new Error('no');
  await expect(bound('x', Promise.reject(failure))).rejects.toBe(failure);
  expect(jest.getTimerCount()).toBe(0);
});

test('what does not is given up two seconds before the function ends, by its name', async () => {
  const bound = boundedBy(20_000);
  const first = watched(bound('role acme', never));
  await jest.advanceTimersByTimeAsync(10_000);
  // The limit is that of the whole request, not of each part.
  const second = watched(bound('policy acme', never));
  await jest.advanceTimersByTimeAsync(7_999);
  expect([first, second]).toEqual([{}, {}]);
  await jest.advanceTimersByTimeAsync(1);
  expect(first.error).toMatchObject({
    name: 'TryAgainError',
    retryable: true,
    message: expect.stringContaining('Timed out while reading role acme'),
  });
  expect(second.error).toMatchObject({ message: expect.stringContaining('policy acme') });
});

test('a function that has no time left waits for nothing', async () => {
  const waiting = watched(boundedBy(500)('role acme', never));
  await jest.advanceTimersByTimeAsync(0);
  expect(waiting.error).toMatchObject({ name: 'TryAgainError' });
});

import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { boundedBy } from '../../../src/handlers/bound.ts';

const never = new Promise<never>(() => undefined);

test('what answers in time is handed on, a failure too', async () => {
  const bound = boundedBy(30_000);
  await expect(bound('x', Promise.resolve(1))).resolves.toBe(1);
  const failure = new Error('no');
  await expect(bound('x', Promise.reject(failure))).rejects.toBe(failure);
});

test('what does not is given up two seconds before the function ends, by its name', async () => {
  const bound = boundedBy(2_030);
  await expect(bound('role acme', never)).rejects.toMatchObject({
    name: 'TryAgainError',
    retryable: true,
    message: expect.stringContaining('No answer about role acme came in time'),
  });
  // The limit is that of the whole request, not of each part.
  const late = delay(1_000, 'late');
  await expect(bound('policy acme', late)).rejects.toMatchObject({ name: 'TryAgainError' });
});

test('a function that has no time left waits for nothing', async () => {
  await expect(boundedBy(500)('role acme', never)).rejects.toMatchObject({ name: 'TryAgainError' });
});

test('a failure that comes after it was given up is nobody’s', async () => {
  const failing = delay(20).then(() => Promise.reject(new Error('too late')));
  await expect(boundedBy(0)('x', failing)).rejects.toMatchObject({ name: 'TryAgainError' });
  await delay(40);
});

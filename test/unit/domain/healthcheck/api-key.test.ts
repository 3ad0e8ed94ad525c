import { describe, expect, test } from '@jest/globals';
import {
  type KeyWatch,
  type Notice,
  noticeDue,
  watchApiKey,
} from '../../../../src/domain/healthcheck/api-key.ts';

const day = 86_400_000;
const now = Date.parse('2026-11-28T12:00:00.000Z');

function watching(apiKeyEnd: number | undefined, { isBusDown = false } = {}) {
  const told: Notice[] = [];
  const events: unknown[] = [];
  const parts: KeyWatch = {
    apiKeyEnd: async () => apiKeyEnd,
    wasTold: async ({ expiresAt, days }) =>
      told.some((each) => each.expiresAt === expiresAt && each.days === days),
    keepNotice: async (notice) => void told.push(notice),
    publish: async (detailType, detail) => {
      if (isBusDown) throw new Error('down');
      events.push([detailType, detail]);
    },
    secretId: 'the-secret',
  };
  return { parts, told, events };
}

test.each([
  [31, undefined],
  [30, 30],
  [8, 30],
  [7, 7],
  [1.01, 7],
  [1, 1],
  [-3, 1],
])('with %d days left, the notice of %p days is due', (left, days) => {
  expect(noticeDue(now + left * day, now)).toBe(days);
});

describe('the API key', () => {
  test('is told of 30, 7 and 1 days before its end, once each, however often it is looked at', async () => {
    const end = now + 31 * day;
    const { parts, events } = watching(end);
    for (let hour = 0; hour < 32 * 24; hour += 1) await watchApiKey(parts, now + hour * 3_600_000);
    expect(events).toEqual(
      [30, 7, 1].map((daysLeft) => [
        'Dataloop API Key Expires',
        { version: '1', secretId: 'the-secret', expiresAt: new Date(end).toISOString(), daysLeft },
      ]),
    );
  });

  test('that replaces another is told of anew', async () => {
    const { parts, events } = watching(now + 7 * day);
    await watchApiKey(parts, now);
    await watchApiKey({ ...parts, apiKeyEnd: async () => now + 30 * day }, now);
    expect(events).toHaveLength(2);
  });

  test('whose notice could not be published is told of by the next look', async () => {
    const { parts, told } = watching(now + day, { isBusDown: true });
    await expect(watchApiKey(parts, now)).rejects.toThrow('down');
    expect(told).toEqual([]);
  });

  test('is none where the secret holds a log-in', async () => {
    const { parts, events } = watching(undefined);
    expect(await watchApiKey(parts, now)).toBeUndefined();
    expect(events).toEqual([]);
  });
});

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { ApiClient } from '../../../../local/observe/api-client.ts';

const waits: number[] = [];
// Replaced before it is loaded, so that following an integration takes no time.
jest.unstable_mockModule('node:timers/promises', () => ({
  setTimeout: async (ms: number) => {
    waits.push(ms);
    jest.setSystemTime(Date.now() + ms);
  },
}));
const { follow } = await import('../../../../local/observe/progress.ts');

const startedAt = '2026-11-23T10:00:00.000Z';
const second = (count: number) => Date.parse(startedAt) + count * 1000;
const succeeded = {
  name: 'CreateBucket',
  status: 'succeeded',
  startedAt,
  endedAt: '2026-11-23T10:00:00.400Z',
  attempts: 1,
};
const line = '  ✓ CreateBucket         succeeded     0.4 s  1 attempt\n';

function screen(isTerminal: boolean) {
  const written: string[] = [];
  return {
    isTerminal,
    write: (text: string) => {
      written.push(text);
    },
    /** What was written since the last look. */
    take: () => written.splice(0).join(''),
  };
}

describe('following', () => {
  const integration = {
    integrationId: 'int_A',
    name: 'acme',
    createdAt: startedAt,
    updatedAt: startedAt,
    resources: [],
    residue: [],
    links: { self: '', execution: '', console: '' },
  };
  const apiThatAnswers = (...statuses: string[]) => {
    const request = jest.fn<ApiClient['request']>(async () => ({
      status: 200,
      headers: new Headers(),
      body: {
        ...integration,
        status: statuses.length > 1 ? statuses.shift() : statuses[0],
        steps: [succeeded],
      },
    }));
    return { request };
  };

  beforeEach(() => {
    waits.length = 0;
    jest.useFakeTimers({ now: second(0) });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('asks until the integration settles, and shows its steps once', async () => {
    const log = screen(false);
    const api = apiThatAnswers('provisioning', 'provisioning', 'ready');
    const settled = await follow(api, '/integrations/int_A', log, { timeoutSeconds: 60 });
    expect(settled.status).toBe('ready');
    expect(api.request.mock.calls).toEqual(Array(3).fill(['GET', '/integrations/int_A']));
    expect(waits).toHaveLength(2);
    expect(log.take()).toBe(line);
  });

  test('draws again on a terminal, and leaves what has ended', async () => {
    const terminal = screen(true);
    await follow(apiThatAnswers('provisioning', 'ready'), '/integrations/int_A', terminal, {
      timeoutSeconds: 60,
    });
    expect(terminal.take()).toBe(line);
  });

  test('leaves out what began before', async () => {
    const log = screen(false);
    await follow(apiThatAnswers('removed'), '/integrations/int_A', log, {
      since: '2026-11-23T10:00:00.001Z',
      timeoutSeconds: 60,
    });
    expect(log.take()).toBe('');
  });

  test('gives up after its time, and says where the integration is', async () => {
    await expect(
      follow(apiThatAnswers('provisioning'), '/integrations/int_A', screen(false), { timeoutSeconds: 1 }),
    ).rejects.toThrow('/integrations/int_A is still provisioning after 1 s.');
  });

  test('gives up at once on an answer that is not the integration', async () => {
    const api = {
      request: async () => ({ status: 404, headers: new Headers(), body: { title: 'No such integration' } }),
    };
    await expect(follow(api, '/integrations/int_A', screen(false), { timeoutSeconds: 60 })).rejects.toThrow(
      /answered 404: .*No such integration/,
    );
  });
});

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
const { follow, progressPrinter, stepLine } = await import('../../../../local/observe/progress.ts');

const startedAt = '2026-11-23T10:00:00.000Z';
const second = (count: number) => Date.parse(startedAt) + count * 1000;
const running = { name: 'CreateBucket', status: 'running', startedAt, attempts: 1 };
const succeeded = { ...running, status: 'succeeded', endedAt: '2026-11-23T10:00:00.400Z' };
const waiting = {
  name: 'RequestIamUser',
  status: 'waiting',
  startedAt: '2026-11-23T10:00:01.000Z',
  attempts: 1,
};

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

describe('the line of a step', () => {
  test('shows how long it took, once it has ended', () => {
    expect(stepLine(succeeded, second(60))).toBe('  ✓ CreateBucket         succeeded     0.4 s  1 attempt');
  });

  test('shows for how long it runs, and how often it was tried', () => {
    expect(stepLine({ ...running, status: 'retrying', attempts: 3 }, second(12.34))).toBe(
      '  … CreateBucket         retrying     12.3 s  3 attempts',
    );
  });

  test('marks a failure', () => {
    expect(stepLine({ ...succeeded, status: 'failed' }, 0)).toMatch(/^ {2}✗ CreateBucket +failed /);
  });

  test('counts an attempt after an earlier one that ended from the clock', () => {
    expect(stepLine({ ...succeeded, status: 'retrying' }, second(5))).toContain(' 5.0 s');
  });

  test('never shows less than nothing, where clocks differ', () => {
    expect(stepLine(running, second(-3))).toContain(' 0.0 s');
  });
});

describe('progress where there is no terminal', () => {
  test('is a line for each change, in the order of the starts, and nothing that redraws', () => {
    const log = screen(false);
    const printer = progressPrinter(log, () => second(2));
    printer.show([waiting, running]);
    expect(log.take()).toBe(`${stepLine(running, second(2))}\n${stepLine(waiting, second(2))}\n`);
    printer.show([waiting, running]);
    expect(log.take()).toBe('');
    printer.show([waiting, succeeded]);
    expect(log.take()).toBe(`${stepLine(succeeded, second(2))}\n`);
  });

  test('says that a step is tried again', () => {
    const log = screen(false);
    const printer = progressPrinter(log, () => second(2));
    printer.show([running]);
    log.take();
    printer.show([{ ...running, attempts: 2 }]);
    expect(log.take()).toContain('2 attempts');
  });
});

describe('progress on a terminal', () => {
  const clearLine = '\r\u001b[2K';

  test('names what is open on a line that is redrawn, with a spinner that turns', () => {
    const terminal = screen(true);
    const printer = progressPrinter(terminal, () => second(2));
    printer.show([running, waiting]);
    const first = terminal.take();
    printer.show([running, waiting]);
    const next = terminal.take();
    expect(first).toBe(`${clearLine}  ⠙ CreateBucket, RequestIamUser (waiting)`);
    expect(next).toBe(`${clearLine}  ⠹ CreateBucket, RequestIamUser (waiting)`);
  });

  test('keeps a line of each step that has ended', () => {
    const terminal = screen(true);
    const printer = progressPrinter(terminal, () => second(2));
    printer.show([succeeded]);
    expect(terminal.take()).toBe(`${clearLine}${stepLine(succeeded, 0)}\n`);
    printer.show([succeeded]);
    expect(terminal.take()).toBe(clearLine);
  });
});

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
    expect(log.take()).toBe(`${stepLine(succeeded, 0)}\n`);
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

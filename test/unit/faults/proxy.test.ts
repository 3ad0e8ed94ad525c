/** The proxy as a whole: cases side by side, processes, its control server, and what it does when it fails itself. */
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { faultControl } from '../../faults/proxy/control-client.ts';
import type { FaultControl } from '../../faults/proxy/fault-control.ts';
import { FaultProxy } from '../../faults/proxy/proxy.ts';
import { rawRequest, uninvited } from '../../raw-request.ts';
import { until } from '../../until.ts';
import { errorOf, type Fixture, reset, startFixture, workerOf } from './fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
beforeEach(() => reset(fixture));
afterAll(() => fixture.stop());

const driver = (name: string) => ({ url: `${fixture.apiUrl}/drivers`, method: 'POST', body: name });
const login = () => ({ url: `${new URL(fixture.apiUrl).origin}/token`, method: 'POST', body: '{}' });

describe('two cases side by side', () => {
  beforeEach(async () => {
    await fixture.proxy.open('f3k9x2');
    await fixture.proxy.open('b7m4q1');
  });
  afterEach(async () => {
    await fixture.proxy.close('f3k9x2');
    await fixture.proxy.close('b7m4q1');
    expect(await fixture.proxy.failures()).toEqual([]);
  });

  test('only the case that the rule names meets it', async () => {
    await fixture.proxy.addRule({
      scope: 'f3k9x2',
      operation: 'dataloop:POST /drivers',
      call: 3,
      fault: { kind: 'refuse' },
    });
    const call = async (name: string) => {
      const { url, ...init } = driver(name);
      return (await fetch(url, init)).status;
    };
    const calls = Array.from({ length: 40 }, (_, index) => (index % 2 ? 'f3k9x2' : 'b7m4q1'));
    const statuses = await Promise.all(calls.map(call));
    expect(statuses.filter((status) => status === 403)).toHaveLength(1);
    const [met, unmet] = await Promise.all(['f3k9x2', 'b7m4q1'].map((each) => fixture.proxy.calls(each)));
    expect(met).toHaveLength(20);
    expect(met?.filter(({ fault }) => fault !== undefined)).toMatchObject([{ call: 3, status: 403 }]);
    expect(unmet?.map(({ call: nth }) => nth)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(unmet?.filter(({ fault }) => fault !== undefined)).toEqual([]);
  });

  test('a driver is that of the case that made it, even where it never learnt of it', async () => {
    fixture.sandbox.answer = ({ method }) => (method === 'POST' ? { body: '{"id":"driver-1"}' } : {});
    await fixture.proxy.addRule({
      scope: 'f3k9x2',
      operation: 'dataloop:POST /drivers',
      fault: { kind: 'answer-lost' },
    });
    const { url, ...init } = driver('f3k9x2');
    expect(await errorOf(fetch(url, init))).toMatchObject({ name: 'TypeError' });
    await fetch(`${url}/driver-1/test`);
    expect(await fixture.proxy.calls('f3k9x2')).toMatchObject([
      { attributedBy: 'scope', outcome: 'lost' },
      { attributedBy: 'dataloop-id', outcome: 'forwarded' },
    ]);
  });

  test('what a process that is no worker does without naming a case is nobody’s', async () => {
    for (const { url, ...init } of [driver('f3k9x2'), login()]) await fetch(url, init);
    expect(await fixture.proxy.calls('f3k9x2')).toHaveLength(1);
    expect((await fixture.proxy.calls()).at(-1)).toMatchObject({
      operation: 'dataloop:POST /token',
      pid: process.pid,
    });
  });

  test('a log-in is that of the case its worker works for', async () => {
    const requests = (scope: string) => [login(), driver(scope), login()];
    const [one, other] = await Promise.all(
      ['f3k9x2', 'b7m4q1'].map((scope) => workerOf('service-test-createDriver', fixture, requests(scope))),
    );
    expect(one?.answers).toEqual([200, 200, 200]);
    for (const [scope, worker] of [
      ['f3k9x2', one],
      ['b7m4q1', other],
    ] as const) {
      expect(await fixture.proxy.calls(scope)).toMatchObject([
        { operation: 'dataloop:POST /drivers', attributedBy: 'scope', pid: worker?.pid },
        { operation: 'dataloop:POST /token', attributedBy: 'worker', pid: worker?.pid },
      ]);
      // The one before it first named its case.
      const nobodys = (await fixture.proxy.calls()).filter(({ pid }) => pid === worker?.pid);
      expect(nobodys).toMatchObject([{ operation: 'dataloop:POST /token', function: 'createDriver' }]);
    }
  });
});

describe('the control server', () => {
  test.each(uninvited('TOKEN').map(([how]) => how))('refuses a request %s', async (how) => {
    const { controlUrl, controlToken } = fixture.proxy;
    const [, status, headers] = uninvited(controlToken).find(([each]) => each === how) ?? [];
    for (const [method, path] of [
      ['GET', 'calls'],
      ['POST', 'scopes/f3k9x2'],
      ['GET', 'nothing'],
    ]) {
      const answer = await rawRequest(`${controlUrl}/${path}`, { method, headers });
      expect([path, answer.status]).toEqual([path, status]);
      expect(answer.text).not.toContain(controlToken);
    }
    await expect(faultControl(fixture.proxy).calls('f3k9x2')).rejects.toThrow('is not open');
  });
});

describe('the control client', () => {
  let control: FaultControl;
  beforeEach(async () => {
    control = faultControl(fixture.proxy);
    await control.open('f3k9x2');
  });
  afterEach(async () => {
    // A test may have closed it.
    await control.close('f3k9x2').catch(() => undefined);
  });

  test('adds rules, reads the record and clears the rules', async () => {
    const { url, ...init } = driver('f3k9x2');
    const id = await control.addRule({
      scope: 'f3k9x2',
      operation: 'dataloop:*',
      attempts: [1],
      fault: { kind: 'throttle' },
    });
    expect((await fetch(url, init)).status).toBe(429);
    expect(await control.calls('f3k9x2')).toEqual(await fixture.proxy.calls('f3k9x2'));
    expect(await control.calls('f3k9x2')).toMatchObject([{ fault: id, outcome: 'faulted', status: 429 }]);
    await control.clearRules('f3k9x2');
    expect((await fetch(url, init)).status).toBe(200);
  });

  test('keeps the id that a rule has', async () => {
    const rule = { id: 'mine', scope: 'f3k9x2', operation: '*', fault: { kind: 'hang' } } as const;
    expect(await control.addRule(rule)).toBe('mine');
  });

  test('releases what is held', async () => {
    await control.addRule({ scope: 'f3k9x2', operation: '*', fault: { kind: 'hold', name: 'a/b' } });
    const { url, ...init } = driver('f3k9x2');
    const call = fetch(url, init);
    await until('it is held', async () => (await control.held()).includes('a/b'));
    expect(await control.release('a/b')).toBe(1);
    expect((await call).status).toBe(200);
    expect(await control.held()).toEqual([]);
  });

  test('registers integrations', async () => {
    const integrationId = 'int_01M85CZQP0Y0YS5TZMSXQSHEJR';
    await control.registerIntegration('f3k9x2', integrationId);
    await fetch(`${fixture.apiUrl}/drivers/${integrationId}`);
    expect(await control.calls('f3k9x2')).toMatchObject([{ attributedBy: 'integration' }]);
  });

  test('forgets a scope that is closed', async () => {
    await control.close('f3k9x2');
    await expect(control.calls('f3k9x2')).rejects.toThrow('The scope f3k9x2 is not open.');
  });

  test.each([
    ['a scope that is open', () => control.open('f3k9x2'), /open already/],
    ['a scope that no bucket can be named after', () => control.open('F3K9X2'), /4 to 40/],
    ['an id that is no integration’s', () => control.registerIntegration('f3k9x2', 'int_1'), /pattern/],
    [
      'a rule for a scope that is not open',
      () => control.addRule({ scope: 'b7m4q1', operation: '*', fault: { kind: 'hang' } }),
      /b7m4q1 is not open/,
    ],
    [
      'an operation of no service',
      () => control.addRule({ scope: 'f3k9x2', operation: 'CreateRole', fault: { kind: 'hang' } }),
      /begins with its service/,
    ],
  ])('is told of %s', async (_, call, message) => {
    await expect(call()).rejects.toThrow(message);
  });
});

describe('a failure of the proxy itself', () => {
  let proxy: FaultProxy;
  let apiUrl: string;
  beforeEach(async () => {
    proxy = await FaultProxy.start({
      certificate: fixture.certificate,
      emulator: { listenPort: 0, targetUrl: fixture.emulator.url },
      // Nobody listens there: start() does not mind.
      sandbox: { listenPort: 0, targetUrl: 'https://127.0.0.1:1' },
    });
    apiUrl = `https://127.0.0.1:${proxy.sandboxPort}/api/v1`;
    await proxy.open('f3k9x2');
  });
  afterEach(() => proxy.stop());

  test('an upstream that cannot be reached is on record, and no fault', async () => {
    const response = await fetch(`${apiUrl}/drivers/f3k9x2`, { method: 'DELETE' });
    expect(response.status).toBe(502);
    expect(await response.text()).toMatch(/^The fault proxy failed: .*ECONNREFUSED/);
    expect(await faultControl(proxy).failures()).toMatchObject([
      { operation: 'dataloop:DELETE /drivers/{id}', message: expect.stringContaining('ECONNREFUSED') },
    ]);
    const [call] = await proxy.calls('f3k9x2');
    expect(call).toMatchObject({ outcome: 'failed' });
    expect(call?.fault).toBeUndefined();
  });

  test('a client that is no worker is not killed', async () => {
    await proxy.addRule({ scope: 'f3k9x2', operation: '*', fault: { kind: 'kill-before' } });
    expect((await fetch(`${apiUrl}/drivers/f3k9x2`)).status).toBe(502);
    const message = expect.stringContaining('There is no worker to kill');
    expect(await proxy.failures()).toMatchObject([{ message }]);
  });

  test('stopping ends requests that hang, at once, and is none', async () => {
    await proxy.addRule({ scope: 'f3k9x2', operation: '*', fault: { kind: 'hang' } });
    const call = errorOf(fetch(`${apiUrl}/drivers/f3k9x2`));
    await until('it hangs', async () => (await proxy.calls('f3k9x2')).length === 1);
    // By itself the client would give up after minutes.
    await proxy.stop();
    expect(await call).toMatchObject({ name: 'TypeError' });
    expect(await proxy.failures()).toEqual([]);
  });

  test('a port that is taken is said at once', async () => {
    const { certificate, emulator, sandbox } = fixture;
    const starting = FaultProxy.start({
      certificate,
      emulator: { listenPort: 0, targetUrl: emulator.url },
      sandbox: { listenPort: proxy.sandboxPort, targetUrl: sandbox.url },
    });
    await expect(starting).rejects.toThrow(/EADDRINUSE/);
  });
});

test('an idle connection that the upstream has closed is no failure', async () => {
  const upstream = createServer((socket) => {
    // Answers, says that the connection stays, and hangs up as soon as it is used again.
    let requests = 0;
    socket.on('error', () => undefined);
    socket.on('data', () => {
      requests += 1;
      if (requests > 1) socket.destroy();
      else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\n{}');
    });
  });
  await new Promise<void>((resolve) => {
    upstream.listen(0, '127.0.0.1', resolve);
  });
  const address = upstream.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const proxy = await FaultProxy.start({
    certificate: fixture.certificate,
    emulator: { listenPort: 0, targetUrl: fixture.emulator.url },
    sandbox: { listenPort: 0, targetUrl: `http://127.0.0.1:${port}` },
  });
  const url = `https://127.0.0.1:${proxy.sandboxPort}/api/v1/drivers`;
  for (let call = 0; call < 4; call += 1) {
    const response = await fetch(url);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('{}');
  }
  expect(await proxy.failures()).toEqual([]);
  await proxy.stop();
  upstream.close();
});

import { beforeEach, describe, expect, test } from '@jest/globals';
import { Behaviour } from '../../../../local/sandbox/behaviour.ts';

let behaviour = new Behaviour();
beforeEach(() => {
  behaviour = new Behaviour();
});

describe('settings', () => {
  test('hold for all integrations, or for those whose name contains the scope', () => {
    behaviour.set('', { driverTest: 'real', integrationLimit: 15 });
    behaviour.set('acme', { driverTest: 'fail' });
    expect(behaviour.settingsFor('acme int_A')).toEqual({ driverTest: 'fail', integrationLimit: 15 });
    expect(behaviour.settingsFor('other int_B')).toEqual({ driverTest: 'real', integrationLimit: 15 });
  });

  test('of one scope add up', () => {
    behaviour.set('acme', { userArnDelaySeconds: 'never' });
    behaviour.set('acme', { trustDelaySeconds: 3 });
    behaviour.set('acme', { userArnDelaySeconds: 1 });
    expect(behaviour.settingsFor('acme')).toEqual({ userArnDelaySeconds: 1, trustDelaySeconds: 3 });
  });
});

describe('a fault', () => {
  const fault = { method: 'POST', path: '^/orgs/[^/]+/integrations$', status: 503, when: 'before' } as const;

  test('meets requests of its method and path alone', () => {
    behaviour.addFault(fault);
    expect(behaviour.takeFault('POST', '/orgs/o/integrations', '')).toBe(fault);
    expect(behaviour.takeFault('GET', '/orgs/o/integrations', '')).toBeUndefined();
    expect(behaviour.takeFault('POST', '/orgs/o/integrations/i', '')).toBeUndefined();
  });

  test('is used up after so many times; the next of its kind takes over', () => {
    const next = { ...fault, status: 429 };
    behaviour.addFault({ ...fault, times: 2 });
    behaviour.addFault(next);
    const met = [1, 2, 3, 4].map(() => behaviour.takeFault('POST', '/orgs/o/integrations', '')?.status);
    expect(met).toEqual([503, 503, 429, 429]);
  });

  test('of a scope meets only its integrations, and is not used up by others', () => {
    behaviour.addFault({ ...fault, scope: 'acme', times: 1 });
    expect(behaviour.takeFault('POST', '/orgs/o/integrations', 'other int_B')).toBeUndefined();
    expect(behaviour.takeFault('POST', '/orgs/o/integrations', 'acme int_A')).toMatchObject({ status: 503 });
    expect(behaviour.takeFault('POST', '/orgs/o/integrations', 'acme int_A')).toBeUndefined();
  });

  test('ends when the faults are cleared', () => {
    behaviour.addFault(fault);
    behaviour.clearFaults();
    expect(behaviour.takeFault('POST', '/orgs/o/integrations', '')).toBeUndefined();
  });
});

describe('the rate limit', () => {
  test('there is none unless one is set', () => {
    expect([1, 2, 3].map(() => behaviour.isRateLimited(0))).toEqual([false, false, false]);
  });

  test('lets so many requests pass in any second; a refused one does not count', () => {
    behaviour.set('', { rateLimitPerSecond: 2 });
    const limited = [0, 400, 800, 999, 1_000, 1_100, 1_400].map((now) => behaviour.isRateLimited(now));
    expect(limited).toEqual([false, false, true, true, false, true, false]);
  });
});

test('the log of requests keeps the newest five thousand', () => {
  for (let index = 0; index <= 5_000; index += 1) {
    behaviour.log({ time: '', method: 'GET', path: `/${index}`, status: 200 });
  }
  expect([behaviour.requests.length, behaviour.requests[0]?.path]).toEqual([5_000, '/1']);
});

test('a reset forgets settings, faults, requests and the rate', () => {
  behaviour.set('', { rateLimitPerSecond: 1 });
  behaviour.addFault({ method: 'GET', path: '/', status: 500, when: 'before' });
  behaviour.log({ time: '', method: 'GET', path: '/', status: 200 });
  behaviour.isRateLimited(0);
  behaviour.reset();
  behaviour.set('', { rateLimitPerSecond: 1 });
  expect(behaviour.settingsFor('x')).toEqual({ rateLimitPerSecond: 1 });
  expect(behaviour.takeFault('GET', '/', '')).toBeUndefined();
  expect(behaviour.requests).toEqual([]);
  expect(behaviour.isRateLimited(0)).toBe(false);
});

/** What `npm run bench` computes; how fast anything is, no test asks. */
import { expect, test } from '@jest/globals';
import { connecting, longestPath } from '../../bench/bound.ts';
import { readOptions } from '../../bench/options.ts';
import { type Run, resultOf, tableOf } from '../../bench/report.ts';
import { figuresOf } from '../../bench/statistics.ts';
import { breakdown, randomFrom, SlowWorld, type TimedCall } from '../../bench/world.ts';
import type { RecordedCall } from '../../faults/proxy/call-log.ts';

const latencies = { aws: 100, journal: 10, dataloop: 300, principal: 4_000 };

test('the bound is the longest path of calls that need each other', () => {
  const { milliseconds, calls } = longestPath(connecting, latencies);
  expect(calls).toEqual([
    'GET project',
    'POST integration',
    'IAM sees the user',
    'CreateRole',
    'AttachRolePolicy',
    'PATCH integration',
    'POST driver test',
    'POST driver',
    'GET driver test',
  ]);
  expect(milliseconds).toBe(2 * 300 + 4_000 + 2 * 100 + 4 * 300);
  // Where AWS is slow and the user is seen at once, the bucket or the policy may be what is waited for.
  const slow = longestPath(connecting, { ...latencies, aws: 10_000, principal: 0, dataloop: 1 });
  expect(slow.calls.slice(0, 2)).not.toEqual(['CreateBucket', 'CreateRole']);
  expect(slow.milliseconds).toBe(20_000 + 4 + 2);
});

test('a graph with a circle, or with a call that is not there, has no bound', () => {
  const circle = { a: { takes: 'aws', after: ['b'] }, b: { takes: 'aws', after: ['a'] } } as const;
  expect(() => longestPath(circle, latencies)).toThrow('circle');
  expect(() => longestPath({ a: { takes: 'aws', after: ['c'] } }, latencies)).toThrow('no call "c"');
});

test('median, p95 and spread are runs that were measured', () => {
  const runs = Array.from({ length: 20 }, (_, index) => 20 - index);
  expect(figuresOf(runs)).toEqual({ median: 10, p95: 19, spread: [1, 20] });
  expect(figuresOf([7])).toEqual({ median: 7, p95: 7, spread: [7, 7] });
});

const call = (
  part: TimedCall['part'],
  from: number,
  to: number,
  operation = 's3:CreateBucket',
  isTooEarly = false,
): TimedCall => ({ operation, part, from, to, isTooEarly });

test('each moment of a run goes to one part, and the parts are the run', () => {
  const calls = [
    call('Journal', 10, 20),
    call('Dataloop', 30, 60),
    call('AWS', 50, 70),
    call('AWS', 80, 90, 'iam:CreateRole', true),
    call('AWS', 150, 160, 'iam:CreateRole'),
    call('Journal', 100, 110),
  ];
  expect(breakdown(calls, 0, 200)).toEqual({
    Dataloop: 30,
    AWS: 30,
    Journal: 20,
    Waiting: 50,
    'Own work': 70,
  });
});

test('a seed decides how long calls take, and IAM sees a user only after a while', () => {
  const first = Array.from({ length: 5 }, randomFrom(7));
  expect(Array.from({ length: 5 }, randomFrom(7))).toEqual(first);
  expect(Array.from({ length: 5 }, randomFrom(8))).not.toEqual(first);
  const recorded = (operation: string, service: RecordedCall['service']): RecordedCall => ({
    sequence: 1,
    time: '',
    service,
    operation,
    logicalCall: '1',
    call: 1,
    attempt: 1,
    outcome: 'pending',
  });
  const request = (body: string) => ({ method: 'POST', url: '/', headers: {}, body: Buffer.from(body) });
  const arn = 'arn:aws:iam::222222222222:user/dataloop-1';
  const role = [
    recorded('iam:CreateRole', 'iam'),
    request(`AssumeRolePolicyDocument=${encodeURIComponent(arn)}`),
  ] as const;
  const faultWith = (principal: number) => {
    const world = new SlowWorld({ ...latencies, principal }, 7);
    world
      .meet(recorded('dataloop:POST', 'dataloop'), request(''))
      .answered(Buffer.from(`{"userArn":"${arn}"}`));
    const { fault, milliseconds } = world.meet(...role);
    expect(Math.abs(milliseconds - latencies.aws)).toBeLessThanOrEqual(latencies.aws / 10);
    return fault;
  };
  expect(faultWith(3_600_000)).toMatchObject({ code: 'MalformedPolicyDocument' });
  expect(faultWith(0)).toBeUndefined();
});

test('the table fits into 80 columns, and the bound stands beside what was measured', () => {
  const run: Run = {
    milliseconds: 7_500,
    parts: { Dataloop: 1_800, AWS: 700, Journal: 200, Waiting: 4_000, 'Own work': 800 },
    calls: 21,
  };
  const runs = new Map([
    ['ours, warm', [run, run]],
    ['side by side, retrying', [run]],
  ]);
  const lines = tableOf(runs, latencies).split('\n');
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  expect(lines[1]).toMatch(/^ours, warm +7\.50 +7\.50 +7\.50 +7\.50 +1\.25 +21$/);
  expect(lines).toContainEqual(expect.stringMatching(/^bound +6\.00 +1\.00 +13$/));
  expect(resultOf(runs, latencies)).toMatchObject({
    bound: { milliseconds: 6_000, leastCalls: 13 },
    measured: { 'ours, warm': { runs: 2, median: 7_500, parts: { Waiting: 4_000 } } },
  });
});

test('all of it can be set, and what is no number is refused', () => {
  expect(readOptions([])).toMatchObject({ runs: 20, latencies, isJson: false });
  expect(readOptions(['--runs', '3', '--aws', '50', '--json'])).toMatchObject({
    runs: 3,
    latencies: { aws: 50 },
    isJson: true,
  });
  expect(() => readOptions(['--aws', 'fast'])).toThrow('--aws is a whole number, not "fast"');
});

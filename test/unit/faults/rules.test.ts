/** Which calls a rule means. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CallLog } from '../../faults/proxy/call-log.ts';
import { type RuleInput, ruleSchema } from '../../faults/proxy/faults.ts';
import { Rules } from '../../faults/proxy/rules.ts';

let log = new CallLog(100);
let rules = new Rules();
let sequence = 0;
let now = 0;
beforeEach(() => {
  log = new CallLog(100);
  rules = new Rules();
  sequence = 0;
  now = 0;
});

const add = (rule: Partial<RuleInput>) =>
  rules.add(
    rule.id ?? 'rule',
    ruleSchema.parse({ scope: 'f3k9x2', operation: '*', fault: { kind: 'throttle' }, ...rule }),
    sequence,
  );

/** One request, by default the first attempt of a call of its own. @returns id of the rule that meets it */
function arrives(
  operation: string,
  more: { function?: string; logicalCall?: string; attempt?: number } = {},
) {
  sequence += 1;
  const entry = log.add({
    sequence,
    time: new Date(0).toISOString(),
    scope: 'f3k9x2',
    service: 'iam',
    operation,
    logicalCall: `call ${sequence}`,
    attempt: 1,
    ...more,
  });
  return rules.meet(entry, log, now)?.id;
}

describe('an operation', () => {
  test('is meant by its name, its service or everything', () => {
    add({ operation: 'iam:CreateRole', id: 'name', times: 1 });
    add({ operation: 'iam:*', id: 'service', times: 1 });
    add({ operation: '*', id: 'everything' });
    const met = ['iam:CreateRoleAlias', 'iam:CreateRole', 'iam:CreateRole', 's3:HeadBucket'].map((each) =>
      arrives(each),
    );
    expect(met).toEqual(['service', 'name', 'everything', 'everything']);
  });

  test('without its service is refused: the rule would never meet anything', () => {
    expect(() => add({ operation: 'CreateRole' })).toThrow(/begins with its service/);
    expect(() => add({ operation: 'ima:CreateRole' })).toThrow(/begins with its service/);
  });

  test('can be meant of one function alone', () => {
    add({ function: 'createRole' });
    expect(arrives('iam:GetRole', { function: 'deleteRole' })).toBeUndefined();
    expect(arrives('iam:GetRole')).toBeUndefined();
    expect(arrives('iam:GetRole', { function: 'createRole' })).toBe('rule');
  });

  test('can be meant of all functions but some', () => {
    add({ exceptFunctions: ['createRole'], call: 2 });
    expect(arrives('iam:GetRole')).toBeUndefined();
    expect(arrives('iam:GetRole', { function: 'createRole' })).toBeUndefined();
    expect(arrives('iam:GetRole', { function: 'deleteRole' })).toBe('rule');
  });
});

describe('the nth call', () => {
  test('counts calls, not the attempts of one', () => {
    add({ operation: 'iam:CreateRole', call: 2 });
    const met = [
      arrives('iam:CreateRole', { logicalCall: 'a', attempt: 1 }),
      arrives('iam:CreateRole', { logicalCall: 'a', attempt: 2 }),
      arrives('iam:GetRole'),
      arrives('iam:CreateRole', { logicalCall: 'b', attempt: 1 }),
      arrives('iam:CreateRole', { logicalCall: 'b', attempt: 2 }),
      arrives('iam:CreateRole', { logicalCall: 'c', attempt: 1 }),
    ];
    expect(met).toEqual([undefined, undefined, undefined, 'rule', 'rule', undefined]);
  });

  test('counts from when the rule was added; a call that had begun is none of them', () => {
    arrives('iam:CreateRole', { logicalCall: 'before', attempt: 1 });
    add({ operation: 'iam:CreateRole', call: 1 });
    expect(arrives('iam:CreateRole', { logicalCall: 'before', attempt: 2 })).toBeUndefined();
    expect(arrives('iam:CreateRole')).toBe('rule');
    expect(arrives('iam:CreateRole')).toBeUndefined();
  });

  test('and those after it are met where the rule goes on', () => {
    arrives('iam:CreateRole', { logicalCall: 'before', attempt: 1 });
    add({ operation: 'iam:CreateRole', call: 2, onwards: true });
    const met = ['before', 'a', 'b', 'b', 'c'].map((logicalCall) =>
      arrives('iam:CreateRole', { logicalCall }),
    );
    expect(met).toEqual([undefined, undefined, 'rule', 'rule', 'rule']);
  });

  test('of a pattern counts all that the pattern means', () => {
    add({ operation: 'dynamodb:*', call: 2 });
    expect(['dynamodb:GetItem', 'iam:GetRole', 'dynamodb:PutItem'].map((each) => arrives(each))).toEqual([
      undefined,
      undefined,
      'rule',
    ]);
  });

  test('is in the record by function and operation', () => {
    arrives('iam:GetRole', { function: 'createRole' });
    arrives('iam:GetRole', { function: 'deleteRole' });
    arrives('iam:GetRole', { function: 'createRole', logicalCall: 'a' });
    arrives('iam:GetRole', { function: 'createRole', logicalCall: 'a', attempt: 2 });
    expect(log.calls.map(({ call }) => call)).toEqual([1, 1, 2, 2]);
  });

  test('any order of attempts meets just the attempts of that call', () => {
    const calls = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(calls, fc.integer({ min: 1, max: 4 }), (order, nth) => {
        log = new CallLog(100);
        rules = new Rules();
        add({ call: nth });
        const met = order.filter((logicalCall) => arrives('iam:GetRole', { logicalCall }) !== undefined);
        const meant = [...new Set(order)][nth - 1];
        expect(met).toEqual(order.filter((each) => each === meant));
      }),
    );
  });
});

test.each([
  ['first', [1]],
  ['all', [1, 2, 3]],
  [
    [2, 3],
    [2, 3],
  ],
] as const)('attempts %o meet %o', (attempts, met) => {
  add({ attempts: typeof attempts === 'string' ? attempts : [2, 3] });
  const hit = [1, 2, 3].filter((attempt) => arrives('iam:GetRole', { logicalCall: 'a', attempt }) === 'rule');
  expect(hit).toEqual(met);
});

describe('a rule ends', () => {
  test('after so many requests; the next one takes over', () => {
    add({ id: 'first', times: 2 });
    add({ id: 'second' });
    expect([1, 2, 3].map(() => arrives('iam:GetRole'))).toEqual(['first', 'first', 'second']);
  });

  test('so long after its first hit, not after it was added', () => {
    add({ forSeconds: 2 });
    const met = [5_000, 6_999, 7_000].map((time) => {
      now = time;
      return arrives('iam:GetRole');
    });
    expect(met).toEqual(['rule', 'rule', undefined]);
  });

  test('when the rules are cleared', () => {
    add({});
    rules.clear();
    expect(arrives('iam:GetRole')).toBeUndefined();
  });
});

test('a rate limit counts what it lets pass within a second', () => {
  add({ fault: { kind: 'rate-limit', perSecond: 2 } });
  const met = [0, 100, 200, 999, 1_000, 1_050, 1_100].map((time) => {
    now = time;
    return arrives('iam:GetRole') === 'rule';
  });
  expect(met).toEqual([false, false, true, true, false, true, false]);
});

test('the log keeps the latest calls', () => {
  log = new CallLog(3);
  for (let call = 0; call < 5; call += 1) arrives('iam:GetRole');
  expect(log.calls.map((call) => call.sequence)).toEqual([3, 4, 5]);
});

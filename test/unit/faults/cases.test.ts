/** The matrix is made of the graph that was recorded, and its sample leaves out no call and no fault. */
import { describe, expect, test } from '@jest/globals';
import { faultNames, matrix, releases, sample, together } from '../../faults/cases.ts';
import { type GraphCall, graphOf, type Phase } from '../../faults/graph.ts';
import type { RecordedCall } from '../../faults/proxy/call-log.ts';

const calls = (phase: Phase, caller: string, ...operations: string[]): GraphCall[] =>
  operations.map((operation, index) => ({
    phase,
    function: caller,
    operation,
    call: operations.slice(0, index).filter((each) => each === operation).length + 1,
  }));

const update = 'dynamodb:UpdateItem';
const graph: GraphCall[] = [
  ...calls('at-once', 'startProvisioning', 'dynamodb:TransactWriteItems', 'states:StartExecution'),
  ...calls(
    'at-once',
    'createRole',
    update,
    'dataloop:GET /orgs/{id}/integrations/{id}',
    'iam:CreateRole',
    update,
  ),
  ...calls('at-once', 'verifyDriver', update, 'dataloop:GET /drivers/{id}/test', update),
  ...calls('at-once', 'activate', update, update, 'events:PutEvents', update),
  ...calls('late', 'createRole', update, 'iam:CreateRole'),
  ...calls('late', 'pollIamUser', 'dynamodb:GetItem', 'events:PutEvents'),
  ...calls('remove', 'deleteRole', update, 'iam:GetRole', 'iam:DeleteRole', update),
  ...calls('undo', 'rollBack', update, 'states:StartExecution'),
  ...calls('undo', 'deleteRole', update, 'iam:GetRole', 'iam:DeleteRole', update),
  ...calls('add', 'grantAccess', update, 'iam:CreatePolicyVersion', update),
  ...calls('take', 'revokeAccess', update, 'iam:CreatePolicyVersion', update),
  ...calls('adopt', 'createRole', 'iam:UpdateAssumeRolePolicy'),
  ...calls('release', 'deleteRole', 'iam:UpdateAssumeRolePolicy'),
];
const all = matrix(graph);
const rowsOf = (part: string) => new Set(all.filter((each) => each.part === part).map(({ row }) => row));

describe('the matrix', () => {
  test('meets every call of a provisioning and of a removal with every fault', () => {
    for (const { phase, function: caller, operation, call } of graph) {
      if (
        ['undo', 'add', 'take', 'adopt', 'release'].includes(phase) ||
        (phase === 'late' && caller !== 'pollIamUser')
      )
        continue;
      const row = `${caller} ${operation} #${call}`;
      const part = phase === 'remove' ? 'remove' : 'provision';
      const columns = all
        .filter((each) => each.part === part && each.row === row)
        .map(({ column }) => column);
      expect([row, columns]).toEqual([row, faultNames]);
    }
  });

  test('meets every call of a driver’s own functions with every fault, while it is added or taken away', () => {
    const drivers = all.filter(({ part }) => part === 'drivers');
    expect(drivers).toHaveLength(6 * faultNames.length);
    for (const { during, column, end, rules } of drivers) {
      const isAdding = during === 'add';
      expect(rules).toMatchObject([{ function: isAdding ? 'grantAccess' : 'revokeAccess' }]);
      expect(end).toBe(column === 'refused' ? 'any' : isAdding ? 'ready' : 'clean');
    }
  });

  test('meets with every fault what adopting and giving back call', () => {
    const adopted = all.filter(({ part }) => part === 'adopted');
    expect(adopted.map(({ during, column, end }) => [during, column, end])).toEqual([
      ...faultNames.map((name) => ['connect', name, name === 'refused' ? 'any' : 'ready']),
      ...faultNames.map((name) => ['disconnect', name, name === 'refused' ? 'any' : 'clean']),
    ]);
  });

  test('takes calls of a late IAM user only where it makes others than one at once', () => {
    expect(all.filter(({ userArn }) => userArn === 'late').map(({ row }) => row)).not.toContain(
      'createRole iam:CreateRole #1',
    );
    expect(rowsOf('provision')).toContain('pollIamUser events:PutEvents #1');
  });

  test('meets every call of the undo with every fault, on top of a step that fails for good', () => {
    const undo = all.filter(({ part }) => part === 'undo');
    expect(undo).toHaveLength(6 * faultNames.length);
    for (const { rules } of undo) {
      expect(rules).toMatchObject([
        {
          function: expect.stringMatching(/verifyDriver|activate/),
          fault: { kind: 'refuse' },
          onwards: true,
        },
        { function: expect.stringMatching(/rollBack|deleteRole/) },
      ]);
    }
    // After the write that makes it ready, nothing is rolled back any more.
    const forward = undo
      .flatMap(({ rules }) => rules.slice(0, 1))
      .filter((rule) => rule.function === 'activate');
    expect(new Set(forward.map(({ operation, call }) => `${operation} ${call}`))).toEqual(
      new Set([`${update} 1`, `${update} 2`]),
    );
  });

  test('takes DynamoDB down from each of its calls on, for all functions', () => {
    const journal = all.filter(({ part }) => part === 'journal');
    expect(journal.map(({ rules }) => rules[0]?.call)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 1, 2]);
    expect(journal.every(({ rules }) => rules[0]?.function === undefined)).toBe(true);
  });

  test('holds back every write of a step, and lets it go at each point', () => {
    const late = all.filter(({ part }) => part === 'late');
    expect(new Set(late.map(({ row }) => row))).toEqual(
      new Set([
        `createRole ${update} #1`,
        'createRole iam:CreateRole #1',
        `createRole ${update} #2`,
        `verifyDriver ${update} #1`,
        `verifyDriver ${update} #2`,
        `activate ${update} #1`,
        `activate ${update} #2`,
        'activate events:PutEvents #1',
        `activate ${update} #3`,
      ]),
    );
    expect(late).toHaveLength(9 * releases.length);
  });

  test('demands more than one of the three endings wherever the fault passes', () => {
    for (const { column, part, end } of all) {
      if (part === 'late' || part === 'views') continue;
      const passes = ['provision', 'journal', 'drivers', 'adopted'].includes(part)
        ? ['ready', 'clean']
        : ['clean'];
      if (column === 'refused') expect(end).toBe('any');
      else expect(passes).toContain(end);
    }
  });

  test('has an id for each case', () => {
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  });
});

describe('late views', () => {
  const conditional = [
    ...calls('at-once', 'createRole', 'iam:CreateRole', 'iam:AttachRolePolicy', 'iam:GetRole'),
    ...calls('remove', 'deleteRole', 'iam:GetRole', 'iam:DetachRolePolicy', 'iam:DeleteRole'),
    ...calls('take', 'revokeAccess', 'iam:CreatePolicyVersion'),
  ];
  const views = matrix(conditional).filter(({ part }) => part === 'views');

  test('meet each call that is allowed by path, tags or boundary', () => {
    expect(views.map(({ row, during, end }) => [row, during, end])).toEqual([
      ['createRole iam:AttachRolePolicy #1', 'connect', 'ready'],
      ['deleteRole iam:DetachRolePolicy #1', 'disconnect', 'any'],
      ['deleteRole iam:DeleteRole #1', 'disconnect', 'any'],
      ['revokeAccess iam:CreatePolicyVersion #1', 'take', 'any'],
    ]);
  });

  test('are in the sample only where no machine is too slow for them', () => {
    const chosen = sample(matrix(conditional)).filter(({ part }) => part === 'views');
    expect(chosen.map(({ row }) => row)).toEqual(['createRole iam:AttachRolePolicy #1']);
  });
});

test('the sample leaves out no call and no fault', () => {
  const chosen = sample(all);
  expect(chosen.length).toBeLessThan(all.length / 4);
  const called = (cases: typeof all) =>
    new Set(cases.filter(({ part }) => part !== 'journal').map(({ row }) => row));
  expect(called(chosen)).toEqual(called(all));
  const columns = new Set(chosen.map(({ column }) => column));
  expect(faultNames.filter((name) => !columns.has(name))).toEqual([]);
});

describe('the graph', () => {
  const recorded = (caller: string | undefined, operation: string, logicalCall: string): RecordedCall => ({
    sequence: 1,
    time: '2026-11-24T00:00:00.000Z',
    service: 'dynamodb',
    operation,
    logicalCall,
    call: 1,
    attempt: 1,
    outcome: 'forwarded',
    ...(caller === undefined ? {} : { function: caller }),
  });

  test('counts a call once, however often the SDK tried, and leaves out what is not a function’s', () => {
    const found = graphOf('at-once', [
      recorded('createRole', update, 'a'),
      recorded('createRole', update, 'a'),
      recorded('createRole', update, 'b'),
      recorded(undefined, update, 'c'),
      recorded('getIntegration', 'dynamodb:GetItem', 'd'),
      recorded('sweep', 'dynamodb:GetItem', 'e'),
    ]);
    expect(found).toEqual(calls('at-once', 'createRole', update, update));
  });

  test('has no look at the places of the caller: others decide how many there are', () => {
    const registering = ['TransactWriteItems', 'GetItem', 'TransactWriteItems', 'GetItem'];
    const found = graphOf('at-once', [
      ...registering.map((operation, index) =>
        recorded('startProvisioning', `dynamodb:${operation}`, `${index}`),
      ),
      recorded('rollBack', 'dynamodb:GetItem', 'r'),
    ]);
    expect(found).toEqual([
      ...calls('at-once', 'startProvisioning', 'dynamodb:TransactWriteItems'),
      ...calls('at-once', 'rollBack', 'dynamodb:GetItem'),
    ]);
  });

  test('has what one announcement of the IAM user leads to: a second one may come or not', () => {
    const looks = ['a', 'b', 'c'].map((call) => recorded('resumeProvisioning', 'dynamodb:GetItem', call));
    expect(graphOf('late', looks)).toEqual(
      calls('late', 'resumeProvisioning', 'dynamodb:GetItem', 'dynamodb:GetItem'),
    );
  });

  test('has the first poll, and only where the IAM user is awaited by polls', () => {
    const polls = [
      recorded('pollIamUser', 'dynamodb:GetItem', 'a'),
      recorded('pollIamUser', 'dynamodb:GetItem', 'b'),
    ];
    expect(graphOf('late', polls)).toEqual(calls('late', 'pollIamUser', 'dynamodb:GetItem'));
    expect(graphOf('at-once', polls)).toEqual([]);
  });
});

describe('several faults in one run', () => {
  const chosen = sample(all);
  const runs = together(chosen);

  test('leave out none of them, and are fewer runs', () => {
    const parts = runs.flatMap(({ id }) => id.split(' + '));
    expect(parts.sort()).toEqual(chosen.map(({ id }) => id).sort());
    expect(runs.length).toBeLessThan(chosen.length);
  });

  test('are of one kind of case, each of another function or operation, and all must strike', () => {
    for (const { id, rules, strikes = 1, end, part, during } of runs) {
      const members = chosen.filter((each) => id.split(' + ').includes(each.id));
      if (members.length === 1) continue;
      expect(end).not.toBe('any');
      expect(strikes).toBe(rules.length);
      const before = members[0]?.rules.slice(0, -1) ?? [];
      expect(rules).toEqual([...before, ...members.flatMap((each) => each.rules.slice(-1))]);
      for (const each of members) expect(each.rules.length).toBe(before.length + 1);
      expect(new Set(rules.map((rule) => `${rule.function} ${rule.operation}`)).size).toBe(rules.length);
      for (const each of members) expect(each).toMatchObject({ end, part, during });
    }
  });

  test('what is refused, outages, and what is released late stay by themselves', () => {
    for (const { id, column, part } of runs.filter(({ id: joined }) => joined.includes(' + '))) {
      expect([id, column.split(' + ').includes('refused'), part]).toEqual([id, false, part]);
      expect(['journal', 'late']).not.toContain(part);
    }
  });
});

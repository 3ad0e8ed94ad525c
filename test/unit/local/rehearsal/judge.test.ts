import { describe, expect, test } from '@jest/globals';
import { integrationSchema } from '../../../../local/observe/api-client.ts';
import {
  changeInWords,
  denialActed,
  judgeConnection,
  judgeKept,
  judgeRemoval,
  judgeStanding,
  removedBy,
} from '../../../../local/rehearsal/judge.ts';
import { versionsChanged } from '../../../../local/rehearsal/snapshot.ts';
import { ownerTag } from '../../../../src/domain/model/desired-state.ts';
import { answer, connectionOf, leftover, refused, removalOf, resources, run } from './answers.ts';

const undone = [
  run('SUCCEEDED', { bucket: 'removed', policy: 'removed', role: 'removed', integration: 'removed' }),
];

describe('a connection that was to fail', () => {
  const createRole = connectionOf('CreateRole');
  const failed = answer({ status: 'failed', error: refused('CreateRole') });

  test('is right where it failed there, by the denial, and what had been made was removed', () => {
    expect(judgeConnection(createRole, failed, undone)).toEqual([]);
  });

  test('is right where it could not read the secret, only if that was denied', () => {
    const type = 'urn:dataloop-cross-account:problem:dataloop-credentials';
    const now = { ...failed, error: { ...refused('CreateRole'), type } };
    const denials = [
      { role: 'CreateRole', actions: ['secretsmanager:GetSecretValue'], on: 'everything' },
    ] as const;
    expect(judgeConnection({ ...createRole, denials }, now, undone)).toEqual([]);
    expect(judgeConnection(createRole, now, undone)).toHaveLength(1);
  });

  test.each([
    { what: 'left something', now: { status: 'residue' }, says: 'ended as "residue"' },
    { what: 'failed elsewhere', now: { error: refused('CreateBucket') }, says: 'failed at CreateBucket' },
    {
      what: 'failed for another reason',
      now: { error: { ...refused('CreateRole'), type: 'urn:x:role-name-taken', title: 'Taken' } },
      says: 'another reason than the denial: Taken',
    },
    {
      what: 'names residue',
      now: { residue: [leftover(resources.role)] },
      says: 'AWS::IAM::Role arn:aws:iam::1:role/x/dataloop-r',
    },
  ])('is wrong where it $what', ({ now, says }) => {
    const problems = judgeConnection(createRole, { ...failed, ...now }, undone);
    expect(problems).toEqual([expect.stringContaining(says)]);
  });

  test('is wrong where the undo had not what it was to undo', () => {
    const early = [
      run('SUCCEEDED', {
        bucket: 'removed',
        policy: 'removed',
        role: 'does not exist',
        integration: 'removed',
      }),
    ];
    expect(judgeConnection(createRole, failed, early)).toEqual([expect.stringContaining('removed no role')]);
  });
});

describe('a removal that was to fail', () => {
  const deleteRole = removalOf('DeleteRole');
  const kept = [leftover(resources.role), leftover(resources.bucket)];
  const residue = answer({ status: 'residue', residue: kept });

  test('is right where just that is left and named', () => {
    expect(judgeRemoval(deleteRole, residue, [run('SUCCEEDED')])).toEqual([]);
  });

  test('is wrong where something else is named as well', () => {
    const more = { ...residue, residue: [...kept, leftover(resources.driver)] };
    expect(judgeRemoval(deleteRole, more, [])).toEqual([expect.stringContaining('Dataloop::Driver')]);
  });

  test('is wrong where nothing says what to do', () => {
    const silent = { ...residue, residue: [{ ...leftover(resources.role), advice: '' }, ...kept.slice(1)] };
    expect(judgeRemoval(deleteRole, silent, [])).toEqual([expect.stringContaining('what to do')]);
  });

  test('is right where nothing is left by a step after the last deletion, and an execution failed', () => {
    const removed = answer({ status: 'removed' });
    expect(judgeRemoval(removalOf('Conclude'), removed, [run('FAILED')])).toEqual([]);
    expect(judgeRemoval(removalOf('Conclude'), removed, [run('SUCCEEDED')])).toEqual([
      'no execution of the undo failed',
    ]);
  });
});

describe('a removal that keeps the bucket', () => {
  const tagged = (...keys: readonly string[]) => ({ TagSet: keys.map((Key) => ({ Key, Value: 'v' })) });
  const found = (keys: readonly string[], settings: object = {}) => ({
    settings: JSON.stringify({ tags: tagged(...keys), cors: 'none', ...settings }),
    objects: new Map([['a', '1']]),
  });
  const before = found([ownerTag, 'team'], { policy: 'ours' });
  const after = found(['team']);
  const released = [{ ...resources.bucket, reason: 'You asked to keep it.' }];
  const removed = answer({ status: 'removed', released });
  const problemsOf = (now = removed, then: Parameters<typeof judgeKept>[3] = after) =>
    judgeKept('dataloop-r', now, before, then);

  test('is right where only our tag and policy are gone from it', () => {
    expect(problemsOf()).toEqual([]);
    expect(problemsOf(removed, { ...after, objects: new Map([...after.objects, ['b', '2']]) })).toEqual([]);
  });

  test('is wrong where it ends otherwise', () => {
    const ended = { ...removed, status: 'residue', residue: [leftover(resources.bucket)] };
    expect(problemsOf(ended)).toEqual([
      'it ended as "residue"; expected "removed"',
      expect.stringContaining('left over: AWS::S3::Bucket'),
    ]);
  });

  test.each([
    { names: 'nothing', of: undefined },
    { names: 'AWS::S3::Bucket other', of: [{ ...released[0], arn: 'arn:aws:s3:::other' }] },
    {
      names: 'AWS::S3::Bucket dataloop-r, AWS::IAM::Role arn:aws:iam::1:role/x/dataloop-r',
      of: [...released, { ...resources.role, reason: 'r' }],
    },
  ])('is wrong where released names $names', ({ names, of }) => {
    expect(problemsOf(integrationSchema.parse({ ...removed, released: of }))).toEqual([
      `released names ${names}; expected AWS::S3::Bucket dataloop-r`,
    ]);
  });

  test('is wrong where the bucket, an object, a tag or another setting has gone or changed', () => {
    expect(judgeKept('dataloop-r', removed, before, undefined)).toEqual(['gone: the bucket dataloop-r']);
    expect(problemsOf(removed, { ...after, objects: new Map() })).toEqual(['gone: the object a']);
    expect(problemsOf(removed, { ...after, objects: new Map([['a', '2']]) })).toEqual([
      'changed: the object a',
    ]);
    expect(problemsOf(removed, found([]))).toEqual([expect.stringContaining('settings of the bucket')]);
    expect(problemsOf(removed, found(['team'], { cors: 'other' }))).toEqual([
      expect.stringContaining('"cors":"other"'),
    ]);
  });

  test('is wrong where the bucket still counts as the service’s', () => {
    expect(problemsOf(removed, found([ownerTag, 'team']))).toEqual([
      `the bucket dataloop-r still carries the tag ${ownerTag}`,
    ]);
  });
});

describe('whether the denial had acted', () => {
  const rolledBack = (status: string) =>
    answer({
      status: 'failed',
      steps: [{ name: 'RollBack', status, startedAt: '2026-11-23T10:00:00.000Z', attempts: 1 }],
    });

  test.each([
    { step: 'CreateRole', now: answer({ status: 'failed' }), acted: true },
    { step: 'CreateRole', now: answer({ status: 'ready' }), acted: false },
    { step: 'RollBack', now: rolledBack('failed'), acted: true },
    { step: 'RollBack', now: rolledBack('succeeded'), acted: false },
  ])('$step: $acted where it ended as $now.status', ({ step, now, acted }) => {
    expect(denialActed(connectionOf(step), now, [])).toBe(acted);
  });

  test.each([
    { step: 'DeleteRole', status: 'residue', undo: 'SUCCEEDED', acted: true },
    { step: 'DeleteRole', status: 'removed', undo: 'SUCCEEDED', acted: false },
    { step: 'Conclude', status: 'removed', undo: 'FAILED', acted: true },
    { step: 'Conclude', status: 'removed', undo: 'SUCCEEDED', acted: false },
  ])('$step: $acted where it ended as $status after $undo', ({ step, status, undo, acted }) => {
    expect(denialActed(removalOf(step), answer({ status }), [run(undo)])).toBe(acted);
  });
});

describe('what stands', () => {
  const kinds = ['buckets', 'policies', 'roles', 'integrations', 'drivers'];
  const all = [leftover(resources.bucket), leftover(resources.role), leftover(resources.driver)];
  const changes = [
    '+ buckets: dataloop-r',
    '+ roles: arn:aws:iam::1:role/x/dataloop-r',
    '+ drivers: rehearsal-a-1 (d-1)',
  ];

  test('is right where it is just what residue names', () => {
    expect(judgeStanding(changes, all, kinds)).toEqual([]);
  });

  test('is wrong where something stands that residue does not name', () => {
    expect(judgeStanding(changes, all.slice(1), kinds)).toEqual([
      expect.stringContaining('buckets: dataloop-r'),
    ]);
    expect(judgeStanding(['+ drivers: other (d-2)'], [], kinds)).toHaveLength(1);
  });

  test('is wrong where something of somebody else’s went or changed, whatever residue names', () => {
    const foreign = ['- buckets: dataloop-r', '~ roles: arn:aws:iam::1:role/x/dataloop-r'];
    expect(judgeStanding([...changes, ...foreign], all, kinds)).toHaveLength(2);
  });

  test('is wrong where residue names what does not stand', () => {
    expect(judgeStanding(changes.slice(0, 2), all, kinds)).toEqual([
      'the answer lists Dataloop::Driver d-1, which does not exist',
    ]);
  });

  test('is not asked of Dataloop where Dataloop was not looked at', () => {
    expect(judgeStanding(changes.slice(0, 2), all, kinds.slice(0, 3))).toEqual([]);
  });
});

describe('what stands of an integration that a driver is added to', () => {
  const arn = 'arn:aws:iam::1:policy/x/dataloop-host';
  const kinds = ['buckets', 'policies', 'roles'];
  const written = { arns: [arn], rewritten: true };
  const access = [leftover({ type: 'AWS::IAM::ManagedPolicy', arn })];

  test('is right where its policy was written and says what it said', () => {
    expect(judgeStanding([versionsChanged(arn)], [], kinds, written)).toEqual([]);
  });

  test('is wrong where its policy was written and nothing had been granted, or it is another policy', () => {
    const untouched = { arns: [arn], rewritten: false };
    expect(judgeStanding([versionsChanged(arn)], [], kinds, untouched)).toHaveLength(1);
    expect(judgeStanding([versionsChanged('arn:other')], [], kinds, written)).toHaveLength(1);
  });

  test('is wrong where its policy says something else, and residue does not name it', () => {
    const found = [`~ policies: ${arn}`, versionsChanged(arn)];
    expect(judgeStanding(found, [], kinds, written)).toEqual([`changed: policies: ${arn}`]);
    expect(judgeStanding(found, access, kinds, written)).toEqual([]);
  });

  test('is wrong where its policy is gone, whatever residue names', () => {
    expect(judgeStanding([`- policies: ${arn}`], access, kinds, written)).toEqual([
      `gone: policies: ${arn}`,
      expect.stringContaining('which does not exist'),
    ]);
  });

  test('is wrong where residue names access that is not left', () => {
    expect(judgeStanding([versionsChanged(arn)], access, kinds, written)).toEqual([
      expect.stringContaining('which does not exist'),
    ]);
  });
});

test('a driver that was to fail is wrong where its access was not taken back', () => {
  const verifyDriver = connectionOf('VerifyDriver', 'driver');
  const failed = answer({ status: 'failed', error: refused('VerifyDriver') });
  const kept = [run('SUCCEEDED', { driver: 'removed', bucket: 'removed', access: 'nothing was granted' })];
  expect(judgeConnection(verifyDriver, failed, kept)).toEqual([expect.stringContaining('removed no access')]);
});

test('what an undo removed is what its executions say, in whichever run', () => {
  const runs = [run('FAILED'), run('SUCCEEDED', { driver: 'removed', bucket: 'left: It is not empty' })];
  expect(removedBy([...runs, run('SUCCEEDED', { integration: 'removed' })])).toEqual([
    'dataloopIntegration',
    'driver',
  ]);
});

test('a change is told in words', () => {
  expect(changeInWords('- buckets: a')).toBe('gone: buckets: a');
  expect(changeInWords('~ roles: r')).toBe('changed: roles: r');
});

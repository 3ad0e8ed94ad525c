import { describe, expect, test } from '@jest/globals';
import type { IntegrationAnswer } from '../../../../local/api-client.ts';
import { type Bench, rehearse, rehearseNothing, resourceOf } from '../../../../local/rehearsal/rehearse.ts';
import type { UndoRun } from '../../../../local/rehearsal/service.ts';
import type { Standing } from '../../../../local/rehearsal/standing.ts';
import { answer, connectionOf, leftover, refused, removalOf, resources, run } from './answers.ts';

const stack = {
  partition: 'aws',
  accountId: '111111111111',
  settings: { BUCKET_NAME_PATTERN: 'dataloop-*', ROLE_NAME_PATTERN: 'dataloop-*', IAM_PATH: '/x/dev/' },
};
const standing = (roles: string[]): Standing => ({
  listing: { buckets: [], roles },
  contents: new Map(),
});
const nothing = standing([]);

/** A deployment that answers as it is told, and notes what is done to it. */
function fakeBench(says: {
  connects: readonly (IntegrationAnswer | Error)[];
  removes?: readonly IntegrationAnswer[];
  runs?: readonly UndoRun[];
  stands?: readonly Standing[];
}) {
  const done: string[] = [];
  const [connects, removes, stands] = [
    [...says.connects],
    [...(says.removes ?? [])],
    [...(says.stands ?? [])],
  ];
  let count = 0;
  const note = (what: string) => {
    done.push(what);
  };
  const bench = {
    stack: { ...stack, physicalId: (id: string) => id },
    iamDelayMs: 0,
    takeStanding: async () => {
      note('look');
      return stands.shift() ?? nothing;
    },
    interventions: {
      deny: async (role: string, { actions, resource }: { actions: readonly string[]; resource: string }) =>
        note(`deny ${role} ${actions.join()} on ${resource}`),
      startAnew: async (name: string) => note(`start anew ${name}`),
      takeAllBack: async () => note('take back'),
    },
    service: {
      nextNames: () => {
        count += 1;
        return { name: `r-${count}`, bucketName: `dataloop-r-${count}`, roleName: `dataloop-r-${count}` };
      },
      connect: async () => {
        note('connect');
        const next = connects.shift();
        if (next instanceof Error) throw next;
        return next;
      },
      remove: async () => {
        note('remove');
        return removes.shift() ?? answer({ status: 'removed' });
      },
      undoRuns: async () => says.runs ?? [],
    },
  };
  return { bench: bench as unknown as Bench, done };
}

const failed = answer({ status: 'failed', error: refused('CreateBucket') });
const undone = [run('SUCCEEDED', { bucket: 'removed' })];

describe('a connection', () => {
  test('meets the denial on its own bucket, which is gone before anything is looked at', async () => {
    const { bench, done } = fakeBench({ connects: [failed], runs: undone });
    const result = await rehearse(connectionOf('CreateBucket'), bench, nothing);
    expect(result).toMatchObject({
      problems: [],
      tries: 1,
      ended: 'failed at CreateBucket',
      removed: ['bucket'],
    });
    expect(done.slice(0, 4)).toEqual([
      'deny CreateBucketRole s3:PutBucketCORS on arn:aws:s3:::dataloop-r-1',
      'connect',
      'take back',
      'look',
    ]);
  });

  test('whose function keeps a token starts it anew after the denial', async () => {
    const { bench, done } = fakeBench({ connects: [failed] });
    await rehearse(connectionOf('TestDriver'), bench, nothing);
    expect(done.slice(0, 3)).toEqual([
      'deny TestDriverRole secretsmanager:GetSecretValue on *',
      'start anew TestDriverLambdaFunction',
      'connect',
    ]);
  });

  test('that becomes ready is removed and tried again, under another name', async () => {
    const { bench, done } = fakeBench({ connects: [answer(), answer(), failed], runs: undone });
    const result = await rehearse(connectionOf('CreateBucket'), bench, nothing);
    expect(result).toMatchObject({ problems: [], tries: 3 });
    expect(done.filter((what) => what === 'remove')).toHaveLength(2);
    expect(done).toContain('deny CreateBucketRole s3:PutBucketCORS on arn:aws:s3:::dataloop-r-3');
  });

  test('that becomes ready three times proves nothing', async () => {
    const { bench } = fakeBench({ connects: [answer(), answer(), answer()] });
    const { problems } = await rehearse(connectionOf('CreateBucket'), bench, nothing);
    expect(problems).toEqual(['nothing failed, 3 times: the denial does not act']);
  });

  test('that leaves something is a problem', async () => {
    const { bench } = fakeBench({ connects: [failed], runs: undone, stands: [standing(['arn:left'])] });
    const { problems } = await rehearse(connectionOf('CreateBucket'), bench, nothing);
    expect(problems).toEqual([expect.stringContaining('arn:left')]);
  });

  test('that breaks off leaves no denial', async () => {
    const { bench, done } = fakeBench({ connects: [new Error('no answer')] });
    await expect(rehearse(connectionOf('CreateBucket'), bench, nothing)).rejects.toThrow('no answer');
    expect(done.at(-1)).toBe('take back');
  });
});

describe('a removal', () => {
  const ready = answer({ resources: [{ ...resources.role, origin: 'created' }] });
  const residue = answer({ status: 'residue', residue: [leftover(resources.role)] });
  const stands = [standing([resources.role.arn]), nothing];

  test('names what is left, and DELETE again takes it away', async () => {
    const { bench, done } = fakeBench({ connects: [ready], removes: [residue], stands });
    const result = await rehearse(removalOf('DeleteRole'), bench, nothing);
    expect(result).toMatchObject({ problems: [], ended: 'residue, then removed', removed: ['role'] });
    expect(done).toEqual([
      'connect',
      'deny DeleteRoleRole iam:DeleteRole on arn:aws:iam::111111111111:role/x/dev/dataloop-r-1',
      'remove',
      'take back',
      'look',
      'remove',
      'look',
      'take back',
    ]);
  });

  test('is a problem where what is named does not stand', async () => {
    const { bench } = fakeBench({ connects: [ready], removes: [residue] });
    const { problems } = await rehearse(removalOf('DeleteRole'), bench, nothing);
    expect(problems).toEqual([expect.stringContaining('which does not stand')]);
  });

  test('is a problem where DELETE again does not take it away', async () => {
    const { bench } = fakeBench({ connects: [ready], removes: [residue, residue], stands });
    const { problems } = await rehearse(removalOf('DeleteRole'), bench, nothing);
    expect(problems).toEqual(['DELETE again ended as "residue", not as "removed"']);
  });

  test('that cannot be connected before says why, and denies nothing', async () => {
    const { bench, done } = fakeBench({ connects: [failed] });
    const { problems } = await rehearse(removalOf('DeleteRole'), bench, nothing);
    expect(problems).toEqual([
      expect.stringContaining('without any denial, the connection ended as "failed"'),
    ]);
    expect(done).toEqual(['connect', 'take back']);
  });
});

describe('the control', () => {
  test('denies nothing, connects and removes', async () => {
    const { bench, done } = fakeBench({ connects: [answer()] });
    expect(await rehearseNothing(bench, nothing)).toMatchObject({
      problems: [],
      ended: 'ready, then removed',
    });
    expect(done).toEqual(['connect', 'remove', 'look']);
  });

  test('says why where the service does not work', async () => {
    const { bench } = fakeBench({ connects: [failed] });
    const { problems } = await rehearseNothing(bench, nothing);
    expect(problems).toEqual([expect.stringContaining('AWS did not do it.')]);
  });
});

test.each([
  { on: 'everything' as const, resource: '*' },
  { on: 'bucket' as const, resource: 'arn:aws:s3:::b' },
  { on: 'role' as const, resource: 'arn:aws:iam::111111111111:role/x/dev/r' },
  { on: 'policy' as const, resource: 'arn:aws:iam::111111111111:policy/x/dev/r' },
])('a denial on $on is on $resource', ({ on, resource }) => {
  expect(resourceOf(on, { name: 'n', bucketName: 'b', roleName: 'r' }, stack)).toBe(resource);
});

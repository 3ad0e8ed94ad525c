import { describe, expect, test } from '@jest/globals';
import { type IntegrationAnswer, integrationSchema } from '../../../../local/observe/api-client.ts';
import type { Host } from '../../../../local/rehearsal/host.ts';
import { rehearseKeeping } from '../../../../local/rehearsal/kept-bucket.ts';
import { type Bench, rehearse, rehearseNothing, resourceOf } from '../../../../local/rehearsal/rehearse.ts';
import type { UndoRun } from '../../../../local/rehearsal/service.ts';
import type { Standing } from '../../../../local/rehearsal/snapshot.ts';
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
const scene = { before: nothing };

const driver = answer({
  driverId: 'drv_B',
  links: { ...answer().links, self: '/integrations/int_A/drivers/drv_B' },
});

/** A deployment that answers as it is told, and notes what is done to it. */
function fakeBench(says: {
  connects: readonly (IntegrationAnswer | Error)[];
  removes?: readonly IntegrationAnswer[];
  runs?: readonly UndoRun[];
  stands?: readonly Standing[];
  adds?: readonly IntegrationAnswer[];
  /** What GET answers, by path. */
  reads?: Readonly<Record<string, IntegrationAnswer>>;
  faults?: readonly string[];
}) {
  const done: string[] = [];
  const [connects, removes, stands, adds] = [
    [...says.connects],
    [...(says.removes ?? [])],
    [...(says.stands ?? [])],
    [...(says.adds ?? [])],
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
    data: {
      put: async (bucket: string) => note(`put into ${bucket}`),
      in: async () => new Map([['a', '1']]),
      clear: async () => note('clear'),
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
      remove: async (_path: string, { keepBucket = false } = {}) => {
        note(keepBucket ? 'remove and keep' : 'remove');
        return removes.shift() ?? answer({ status: 'removed' });
      },
      addDriver: async ({ links }: Pick<IntegrationAnswer, 'links'>) => {
        note(`add to ${links.self}`);
        return adds.shift() ?? driver;
      },
      read: async (path: string) => says.reads?.[path] ?? answer(),
      faultsOf: async () => says.faults ?? [],
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
    const result = await rehearse(connectionOf('CreateBucket'), bench, scene);
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
    await rehearse(connectionOf('TestDriver'), bench, scene);
    expect(done.slice(0, 3)).toEqual([
      'deny TestDriverRole secretsmanager:GetSecretValue on *',
      'start anew TestDriverLambdaFunction',
      'connect',
    ]);
  });

  test('that becomes ready is removed and tried again, under another name', async () => {
    const { bench, done } = fakeBench({ connects: [answer(), answer(), failed], runs: undone });
    const result = await rehearse(connectionOf('CreateBucket'), bench, scene);
    expect(result).toMatchObject({ problems: [], tries: 3 });
    expect(done.filter((what) => what === 'remove')).toHaveLength(2);
    expect(done).toContain('deny CreateBucketRole s3:PutBucketCORS on arn:aws:s3:::dataloop-r-3');
  });

  test('that becomes ready three times proves nothing', async () => {
    const { bench } = fakeBench({ connects: [answer(), answer(), answer()] });
    const { problems } = await rehearse(connectionOf('CreateBucket'), bench, scene);
    expect(problems).toEqual(['nothing failed in 3 tries: the denial has no effect']);
  });

  test('that leaves something is a problem', async () => {
    const { bench } = fakeBench({ connects: [failed], runs: undone, stands: [standing(['arn:left'])] });
    const { problems } = await rehearse(connectionOf('CreateBucket'), bench, scene);
    expect(problems).toEqual([expect.stringContaining('arn:left')]);
  });

  test('that breaks off leaves no denial', async () => {
    const { bench, done } = fakeBench({ connects: [new Error('no answer')] });
    await expect(rehearse(connectionOf('CreateBucket'), bench, scene)).rejects.toThrow('no answer');
    expect(done.at(-1)).toBe('take back');
  });
});

describe('a removal', () => {
  const ready = answer({ resources: [{ ...resources.role, origin: 'created' }] });
  const residue = {
    ...answer({ status: 'residue', residue: [leftover(resources.role), leftover(resources.bucket)] }),
    accessSeconds: 1.5,
  };
  const left = { listing: { buckets: ['dataloop-r'], roles: [resources.role.arn] }, contents: new Map() };
  const stands = [left, nothing];

  test('names what is left, says when access ended, and DELETE again takes it away', async () => {
    const { bench, done } = fakeBench({ connects: [ready], removes: [residue], stands });
    const result = await rehearse(removalOf('DeleteRole'), bench, scene);
    expect(result).toMatchObject({
      problems: [],
      ended: 'residue, then removed',
      removed: ['role'],
      accessSeconds: 1.5,
    });
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
    const { problems } = await rehearse(removalOf('DeleteRole'), bench, scene);
    expect(problems).toEqual(Array(2).fill(expect.stringContaining('which does not exist')));
  });

  test('is a problem where DELETE again does not take it away', async () => {
    const { bench } = fakeBench({ connects: [ready], removes: [residue, residue], stands });
    const { problems } = await rehearse(removalOf('DeleteRole'), bench, scene);
    expect(problems).toEqual(['the second DELETE ended as "residue"; expected "removed"']);
  });

  test('that cannot be connected before says why, and denies nothing', async () => {
    const { bench, done } = fakeBench({ connects: [failed] });
    const { problems } = await rehearse(removalOf('DeleteRole'), bench, scene);
    expect(problems).toEqual([
      expect.stringContaining('with nothing denied, the connection ended as "failed"'),
    ]);
    expect(done).toEqual(['connect', 'take back']);
  });
});

describe('a removal of an integration with a driver', () => {
  const ready = answer();
  const added = {
    driverId: 'drv_B',
    name: 'b',
    links: { self: '/integrations/int_A/drivers/drv_B' },
  };
  const named = { type: 'Dataloop::Driver', name: 'b' };
  const residue = answer({ status: 'residue', residue: [leftover(named)], drivers: [added] });
  const bucket = { ...resources.bucket, origin: 'created' };
  const says = { ...driver, status: 'removing', resources: [bucket] };
  const stands = [{ ...nothing, listing: { buckets: ['dataloop-r'], roles: [] } }, nothing];

  test('may leave what the driver says is there, and DELETE again takes it away', async () => {
    const { bench, done } = fakeBench({
      connects: [ready],
      removes: [residue],
      reads: { [added.links.self]: says },
      stands,
    });
    const { problems } = await rehearse(removalOf('RemoveDrivers'), bench, scene);
    expect(problems).toEqual([]);
    expect(done.slice(0, 4)).toEqual([
      'connect',
      'add to /integrations/int_A',
      'deny RemoveDriversRole states:StartExecution on *',
      'remove',
    ]);
  });

  test('is a problem where more is left than the driver says', async () => {
    const { bench } = fakeBench({
      connects: [ready],
      removes: [residue],
      reads: { [added.links.self]: { ...says, resources: [] } },
      stands,
    });
    const { problems } = await rehearse(removalOf('RemoveDrivers'), bench, scene);
    expect(problems).toEqual([expect.stringContaining('buckets: dataloop-r')]);
  });
});

describe('a driver', () => {
  const policyArn = 'arn:aws:iam::111111111111:policy/x/dev/host';
  const stays = { driverId: 'drv_A', name: 'a', links: { self: '/integrations/int_A/drivers/drv_A' } };
  const host: Host = {
    names: { name: 'host', bucketName: 'dataloop-host', roleName: 'host' },
    integration: answer({ drivers: [stays] }),
    policyArns: [policyArn],
    paths: ['/integrations/int_A'],
  };
  const withHost = { before: nothing, host };
  const failedDriver = { ...driver, status: 'failed', error: refused('GrantAccess') };
  const undoneDriver = [run('SUCCEEDED', { bucket: 'removed', access: 'removed' })];
  const grantAccess = connectionOf('GrantAccess', 'driver');
  const benchOf = (says: Partial<Parameters<typeof fakeBench>[0]>) =>
    fakeBench({
      connects: [],
      runs: undoneDriver,
      reads: { '/integrations/int_A': host.integration },
      ...says,
    });

  test('is added to the integration, whose policy the denial is on', async () => {
    const { bench, done } = benchOf({ adds: [failedDriver] });
    const result = await rehearse(grantAccess, bench, withHost);
    expect(result).toMatchObject({
      problems: [],
      subject: 'driver',
      removed: ['bucket', 'access'],
      id: 'drv_B',
    });
    expect(done.slice(0, 2)).toEqual([
      `deny GrantAccessRole iam:CreatePolicyVersion on ${policyArn}`,
      'add to /integrations/int_A',
    ]);
  });

  test.each([
    {
      what: 'is not ready any more',
      now: { status: 'removing' },
      says: 'status is "removing"; before, it was "ready"',
    },
    {
      what: 'still lists the driver',
      now: { drivers: [stays, { ...stays, driverId: 'drv_B' }] },
      says: 'drv_B',
    },
    {
      what: 'has lost the one that stays',
      now: { drivers: undefined },
      says: 'drivers is missing; before, it was',
    },
    {
      what: 'has other resources',
      now: { resources: [{ ...resources.role, origin: 'created' }] },
      says: 'resources',
    },
  ])('is a problem where the integration $what', async ({ now, says }) => {
    const { bench } = benchOf({
      adds: [failedDriver],
      reads: { '/integrations/int_A': integrationSchema.parse({ ...host.integration, ...now }) },
    });
    const { problems } = await rehearse(grantAccess, bench, withHost);
    expect(problems).toEqual([expect.stringContaining(says)]);
  });

  test('is a problem where the integration does not work any more', async () => {
    const { bench } = benchOf({
      adds: [failedDriver],
      faults: ['PermissionPolicy: It says something else.'],
    });
    const { problems } = await rehearse(grantAccess, bench, withHost);
    expect(problems).toEqual([expect.stringContaining('no longer works: PermissionPolicy')]);
  });

  test('is a problem where the policy was written although nothing was granted', async () => {
    const saying = (says: string): Standing => ({
      ...nothing,
      contents: new Map([[`versions of policies: ${policyArn}`, says]]),
    });
    const failing = (step: string) => ({ ...failedDriver, error: refused(step) });
    const problemsOf = async (step: string, ...versions: readonly string[]) => {
      const { bench } = benchOf({ adds: [failing(step)], stands: versions.map(saying) });
      const atFirst = { ...withHost, before: saying('v1') };
      return (await rehearse(connectionOf(step, 'driver'), bench, atFirst)).problems;
    };
    expect(await problemsOf('CreateBucket', 'v1', 'v2')).toEqual([expect.stringContaining(policyArn)]);
    // The driver before had it written.
    expect(await problemsOf('CreateBucket', 'v2', 'v2')).toEqual([]);
    expect(await problemsOf('GrantAccess', 'v2')).toEqual([]);
  });

  test('has a control of its own', async () => {
    const { bench, done } = benchOf({});
    const result = await rehearseNothing(bench, withHost);
    expect(result).toMatchObject({ problems: [], subject: 'driver', ended: 'ready, then removed' });
    expect(done).toEqual(['add to /integrations/int_A', 'remove', 'look']);
  });
});

describe('the control', () => {
  test('denies nothing, connects and removes', async () => {
    const { bench, done } = fakeBench({ connects: [answer()] });
    expect(await rehearseNothing(bench, scene)).toMatchObject({
      problems: [],
      ended: 'ready, then removed',
    });
    expect(done).toEqual(['connect', 'remove', 'look']);
  });

  test('says why where the service does not work', async () => {
    const { bench } = fakeBench({ connects: [failed] });
    const { problems } = await rehearseNothing(bench, scene);
    expect(problems).toEqual([expect.stringContaining('AWS did not do it.')]);
  });
});

describe('a bucket with data', () => {
  const bucket = { type: 'AWS::S3::Bucket', arn: 'arn:aws:s3:::dataloop-r-1' };
  const removed = answer({ status: 'removed', released: [{ ...bucket, reason: 'You asked to keep it.' }] });
  const there: Standing = {
    listing: { buckets: ['dataloop-r-1'], roles: [] },
    contents: new Map([['buckets: dataloop-r-1', JSON.stringify({ tags: 'NoSuchTagSet' })]]),
  };
  const keep = (stands: readonly Standing[], ends = removed) => {
    const { bench, done } = fakeBench({ connects: [answer()], removes: [ends], stands });
    return { done, result: rehearseKeeping(bench, scene) };
  };

  test('is kept by its owner, and then deleted by the rehearsal', async () => {
    const { done, result } = keep([there, there, there, there]);
    expect(await result).toMatchObject({
      step: 'keepBucket',
      problems: [],
      ended: 'ready, then removed',
      released: removed.released,
    });
    expect(done.filter((what) => what !== 'look')).toEqual([
      'connect',
      'put into dataloop-r-1',
      'remove and keep',
      'clear',
    ]);
  });

  test('is a problem where anything else is left, or it is gone', async () => {
    const more = { ...there, listing: { ...there.listing, roles: ['arn:left'] } };
    expect((await keep([there, more, there, there]).result).problems).toEqual([
      expect.stringContaining('arn:left'),
    ]);
    expect((await keep([there, nothing, nothing]).result).problems).toEqual([
      expect.stringContaining('which does not exist'),
      'gone: the bucket dataloop-r-1',
    ]);
  });

  test('is a problem where the answer does not name it, or the rehearsal cannot delete it', async () => {
    const silent = answer({ status: 'removed' });
    expect((await keep([there, there, there, there], silent).result).problems).toEqual([
      expect.stringContaining('buckets: dataloop-r-1'),
      'released names nothing; expected AWS::S3::Bucket dataloop-r-1',
    ]);
    expect((await keep([there, there, there, there, there]).result).problems).toEqual([
      expect.stringContaining('buckets: dataloop-r-1'),
    ]);
  });

  test('says why where it could not be connected', async () => {
    const { bench, done } = fakeBench({ connects: [failed] });
    expect((await rehearseKeeping(bench, scene)).problems).toEqual([
      expect.stringContaining('AWS did not do it.'),
    ]);
    expect(done).toEqual(['connect']);
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

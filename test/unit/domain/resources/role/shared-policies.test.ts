import { describe, expect, test } from '@jest/globals';
import { canonicalJson } from '../../../../../src/domain/model/canonical-json.ts';
import { roughGrantsOf } from '../../../../../src/domain/model/desired-state.ts';
import {
  earlierPolicy,
  grantOf,
  permissionPolicy,
} from '../../../../../src/domain/model/permission-policy.ts';
import { type ResourceRecord, statuses } from '../../../../../src/domain/model/record.ts';
import { policyKeys } from '../../../../../src/domain/model/resource-keys.ts';
import { grantAccess } from '../../../../../src/domain/resources/role/grant-access.ts';
import { revokeAccess } from '../../../../../src/domain/resources/role/revoke-access.ts';
import { roomFor } from '../../../../../src/domain/resources/role/shared-policies.ts';
import { whileCallsAreInFlight } from '../../../../../src/domain/saga/in-flight-calls.ts';
import type { Tags } from '../../../../../src/domain/saga/ownership.ts';
import { ServiceError } from '../../../../../src/errors.ts';
import { accessWorld, addedTo, driverIdOf, driverRecord, longTo, planOf, sha256 } from '../../fake-access.ts';
import {
  account,
  everyInterruption,
  fencedStepOf,
  ours,
  type Passage,
  recordOf,
  retried,
  stepOf,
  theirs,
  thrownBy,
} from '../../fakes.ts';

const hash = (document: unknown) => sha256(canonicalJson(document));
const [one, two, three] = [driverIdOf(1), driverIdOf(2), driverIdOf(3)];
const roleName = 'dataloop-acme';
const theirStatement = { Sid: 'Theirs', Effect: 'Allow', Action: 's3:ListAllMyBuckets', Resource: '*' };

/** One driver is new; the integration has no other. */
const first = (more: Partial<Parameters<typeof accessWorld>[0]> = {}) =>
  accessWorld({ drivers: { [one]: addedTo('dataloop-b') }, ...more });

/** One driver is granted already, in the first policy. */
const granted = (more: Partial<Parameters<typeof accessWorld>[0]> = {}) =>
  accessWorld({
    drivers: { [one]: addedTo('dataloop-b', { placedIn: 'policy' }), [two]: addedTo('dataloop-c') },
    ...more,
  });

const full = {
  [driverIdOf(7)]: addedTo('dataloop-w', { prefix: 'w/', placedIn: 'policy' }),
  [driverIdOf(8)]: longTo('dataloop-x', 'policy'),
  [driverIdOf(9)]: longTo('dataloop-y', 'policy'),
} as const;

/** The first policy is full. */
const further = (more: Partial<Parameters<typeof accessWorld>[0]> = {}) =>
  accessWorld({ drivers: { ...full, [one]: longTo('dataloop-b') }, ...more });

/** A driver has the second policy for itself. */
function alone(more: Partial<Parameters<typeof accessWorld>[0]> = {}) {
  const driver = longTo('dataloop-b', 'policy2');
  const drivers = { ...full, [one]: driver, [two]: longTo('dataloop-c') };
  const { plan } = accessWorld({ drivers });
  const document = permissionPolicy([grantOf(driver, account)]);
  const policy2: ResourceRecord = {
    state: 'created',
    arn: `${plan.policy.arn}-2`,
    uniqueId: 'ANPA2',
    written: [hash(document)],
  };
  return accessWorld({ drivers, resources: { policy2 }, ...more });
}

const accessOf = (arn: string) =>
  ({ resources: { access: { state: 'created', arn, origin: 'adopted' } } }) as const;

/** A granted driver in the journal of an integration that knows the document it wrote for it. */
function grantedWorld(more: Parameters<typeof granted>[0] = {}) {
  const world = granted(more);
  world.become({
    resources: {
      ...world.integration().resources,
      policy: {
        state: 'created',
        arn: world.arnOf('policy'),
        uniqueId: 'ANPA0',
        written: [hash(permissionPolicy([world.plan.grant])), hash(world.documentOf('policy'))],
      },
    },
  });
  return world;
}

describe('GrantAccess', () => {
  test('journals each intent before IAM is written, and the outcome after it, under the lock', async () => {
    const world = first();
    const driver = world.driverOf(one);
    expect(await driver.grant()).toEqual({ policyArn: world.arnOf('policy') });
    expect(world.events).toEqual([
      'lock',
      'journal access intended',
      'place in policy',
      'journal policy created',
      'set policy',
      'journal access created',
      'unlock',
    ]);
    expect(driver.record().resources.access).toEqual({
      state: 'created',
      arn: world.arnOf('policy'),
      origin: 'adopted',
    });
  });

  test('writes a document for all buckets, and journals those that may stand', async () => {
    const world = granted();
    const before = world.document('policy');
    const known: ResourceRecord = {
      state: 'created',
      arn: world.arnOf('policy'),
      uniqueId: 'ANPA0',
      written: [hash(before)],
    };
    world.become({ resources: { ...world.integration().resources, policy: known } });
    await world.driverOf(two).grant();
    const document = world.document('policy');
    expect(document).toEqual(world.documentOf('policy'));
    expect(JSON.stringify(document)).toContain('"arn:aws:s3:::dataloop-acme/*","arn:aws:s3:::dataloop-b"');
    expect(JSON.stringify(document)).toContain('"arn:aws:s3:::dataloop-c/*"');
    expect(world.integration().resources.policy).toEqual({
      ...known,
      written: [hash(before), hash(document)],
      writtenAt: expect.any(Number),
    });
    expect(world.integration().addedBuckets?.[two]?.placedIn).toBe('policy');
  });

  test('makes one more policy where the first is full, and attaches it', async () => {
    const world = further();
    const before = world.document('policy');
    expect(await world.driverOf(one).grant()).toEqual({ policyArn: world.arnOf('policy2') });
    expect(world.events).toEqual([
      'lock',
      'journal access intended',
      'place in policy2',
      'journal policy2 intended',
      'create policy2',
      'journal policy2 created',
      `attach policy2 to ${roleName}`,
      'journal access created',
      'unlock',
    ]);
    expect(world.policy('policy2')).toEqual({
      uniqueId: 'ANPA-new-1',
      tags: ours,
      documents: [world.documentOf('policy2')],
    });
    expect(world.integration().resources.policy2).toEqual({
      state: 'created',
      arn: `${world.arnOf('policy')}-2`,
      uniqueId: 'ANPA-new-1',
      written: [hash(world.documentOf('policy2'))],
      writtenAt: expect.any(Number),
    });
    expect(world.document('policy')).toEqual(before);
  });

  test('shares that policy with the next bucket', async () => {
    const world = alone();
    await world.driverOf(two).grant();
    expect(world.document('policy2')).toEqual(world.documentOf('policy2'));
    expect(world.integration().addedBuckets?.[two]?.placedIn).toBe('policy2');
    expect(world.events).toContain(`attach policy2 to ${roleName}`);
    expect(world.events).not.toContain('create policy2');
  });

  test('repeated, stays with its policy and writes no further version', async () => {
    for (const world of [first(), further()]) {
      const driver = world.driverOf(one);
      const answer = await driver.grant();
      const policies = [world.policy('policy'), world.policy('policy2')];
      expect(await driver.grant(2)).toEqual(answer);
      expect([world.policy('policy'), world.policy('policy2')]).toEqual(policies);
      expect(world.holder()).toBeUndefined();
    }
  });

  test('stays with its policy, also where an earlier one has room by now', async () => {
    const world = further();
    const driver = world.driverOf(one);
    await driver.grant();
    const { [one]: placed = addedTo('dataloop-missing') } = world.integration().addedBuckets ?? {};
    world.become({ addedBuckets: { [one]: placed } });
    await driver.grant(2);
    expect(world.integration().addedBuckets?.[one]?.placedIn).toBe('policy2');
  });

  describe('where the policy is not as the service wrote it', () => {
    type World = ReturnType<typeof granted>;
    const narrowed = (world: World) => ({ ...world.documentOf('policy'), Statement: [theirStatement] });
    const cases: [string, (world: World) => void, RegExp][] = [
      [
        'somebody narrowed it',
        (world) => world.edit('policy', narrowed(world)),
        /Somebody changed the policy/,
      ],
      [
        'somebody added something',
        (world) => {
          const document = world.documentOf('policy');
          world.edit('policy', { ...document, Statement: [...document.Statement, theirStatement] });
        },
        /Somebody changed the policy/,
      ],
      ['it is gone', (world) => world.replace('policy', undefined), /Somebody deleted the policy/],
      [
        'somebody made another one in its place',
        (world) =>
          world.replace('policy', { uniqueId: 'ANPA9', tags: ours, documents: [world.documentOf('policy')] }),
        /Somebody changed the policy/,
      ],
      [
        'it carries the tag of another integration',
        (world) =>
          world.replace('policy', {
            uniqueId: 'ANPA0',
            tags: theirs,
            documents: [world.documentOf('policy')],
          }),
        /Somebody changed the policy/,
      ],
    ];

    test.each(cases)('because %s, it is left so', async (_what, change, message) => {
      const world = grantedWorld();
      change(world);
      const before = world.policy('policy');
      const driver = world.driverOf(two);
      for (const attempt of [1, 2, 3, 4, 5]) {
        expect([attempt, await thrownBy(driver.grant(attempt))]).toEqual([
          attempt,
          expect.objectContaining({ name: 'AwsNotYetConsistentError', retryable: true }),
        ]);
      }
      for (const attempt of [6, 7]) {
        expect(await thrownBy(driver.grant(attempt))).toMatchObject({
          name: 'PolicyChangedError',
          retryable: false,
          message: expect.stringMatching(message),
        });
      }
      expect(world.policy('policy')).toEqual(before);
      expect(world.events.filter((event) => event.startsWith('set'))).toEqual([]);
      expect(world.holder()).toBeUndefined();
    });

    test('and it shows again as it was written, the bucket is added', async () => {
      const world = grantedWorld();
      world.show({ tags: ours, uniqueId: 'ANPA0', versionId: 'v0', document: { Statement: [] } }, undefined);
      await retried(world.driverOf(two).grant);
      expect(world.document('policy')).toEqual(world.documentOf('policy'));
    });

    test('nothing is widened by the undo either', async () => {
      const world = grantedWorld();
      const document = narrowed(world);
      world.edit('policy', document);
      const driver = world.driverOf(two);
      expect((await thrownBy(retried(driver.grant))).name).toBe('PolicyChangedError');
      await retried(driver.revoke);
      // No version was written: the oldest, which may be wanted back, is not pushed out.
      expect(world.policy('policy')?.documents).toHaveLength(2);
      expect(world.document('policy')).toEqual(document);
      expect(world.integration().addedBuckets?.[two]).toEqual(addedTo('dataloop-c'));
    });
  });

  describe('where an earlier version of the service wrote the policy', () => {
    test.each<[string, (world: ReturnType<typeof granted>) => readonly string[] | undefined]>([
      ['and journalled nothing of it', () => undefined],
      ['and journalled it', (world) => [hash(earlierPolicy([world.plan.grant]))]],
    ])('%s, the bucket is added, and all of it is as it is written now', async (_what, writtenOf) => {
      const world = first();
      const written = writtenOf(world);
      const { policy: known } = world.integration().resources;
      if (!known) throw new Error('There is no policy.');
      const { written: _asMadeNow, ...policy } = known;
      world.become({
        resources: {
          ...world.integration().resources,
          policy: { ...policy, ...(written ? { written: [...written] } : {}) },
        },
      });
      const earlier = earlierPolicy([world.plan.grant]);
      world.edit('policy', earlier);
      await world.driverOf(one).grant();
      expect(world.document('policy')).toEqual(world.documentOf('policy'));
      expect(world.integration().resources.policy?.written).toEqual([
        hash(earlier),
        hash(world.document('policy')),
      ]);
      await world.driverOf(one, accessOf(world.arnOf('policy'))).revoke();
      expect(world.document('policy')).toEqual(permissionPolicy([world.plan.grant]));
    });

    test('and somebody brought it to what is written now, the bucket is added', async () => {
      const world = first();
      world.edit('policy', earlierPolicy([world.plan.grant]));
      world.edit('policy', permissionPolicy([world.plan.grant]));
      await world.driverOf(one).grant();
      expect(world.document('policy')).toEqual(world.documentOf('policy'));
    });

    test('and this one wrote it since, it counts as changed', async () => {
      const world = grantedWorld();
      world.edit('policy', earlierPolicy([world.plan.grant]));
      expect((await thrownBy(world.driverOf(two).grant(6))).name).toBe('PolicyChangedError');
    });

    test('with more than fits by now, a bucket is still taken out of it', async () => {
      const drivers = Object.fromEntries(
        Array.from({ length: 21 }, (_, index) => [
          driverIdOf(index),
          addedTo(`dataloop-${index}`, { prefix: `folder-${index}/`, placedIn: 'policy' }),
        ]),
      );
      const world = accessWorld({ drivers });
      const grants = (but?: string) => {
        const { addedBuckets = {} } = world.integration();
        const others = Object.fromEntries(Object.entries(addedBuckets).filter(([id]) => id !== but));
        return roughGrantsOf({ addedBuckets: others }, world.plan, 'policy');
      };
      const standing = earlierPolicy(grants());
      world.edit('policy', standing);
      const { policy } = world.integration().resources;
      if (!policy) throw new Error('There is no policy.');
      const resources = {
        ...world.integration().resources,
        policy: { ...policy, written: [hash(standing)] },
      };
      world.become({ resources });
      await world.driverOf(one, accessOf(world.arnOf('policy'))).revoke();
      expect(world.document('policy')).toEqual(earlierPolicy(grants(one)));
      expect(JSON.stringify(world.document('policy'))).not.toContain('"arn:aws:s3:::dataloop-1/');
    });
  });

  describe('where IAM shows an older document', () => {
    const stale = (document: unknown) => ({ tags: ours, uniqueId: 'ANPA0', versionId: 'v0', document });

    test('that was ours, writes what the journal says', async () => {
      const world = grantedWorld();
      world.show(stale(permissionPolicy([world.plan.grant])));
      await world.driverOf(two).grant();
      expect(world.document('policy')).toEqual(world.documentOf('policy'));
    });

    test('and is cut off before it writes, still knows the one that stands', async () => {
      const world = grantedWorld();
      world.show(stale(permissionPolicy([world.plan.grant])));
      const cut = {
        ...world.access,
        iam: { ...world.iam, createPolicyVersion: () => Promise.reject(new Error('cut')) },
      };
      const record = driverRecord(two, addedTo('dataloop-c'));
      await thrownBy(grantAccess(stepOf(record), cut, account));
      await world.driverOf(two).grant(2);
      expect(world.document('policy')).toEqual(world.documentOf('policy'));
    });

    test('that happens to be the wanted one, does not take it for written', async () => {
      const world = grantedWorld();
      const both = world.document('policy');
      const driver = world.driverOf(one, accessOf(world.arnOf('policy')));
      await driver.revoke();
      world.show(stale(both));
      await world.driverOf(one).grant();
      expect(world.document('policy')).toEqual(both);
      expect(world.policy('policy')?.documents).toHaveLength(3);
    });

    test('that it does not remember, waits a minute after the last write, however long it waited before', async () => {
      const world = grantedWorld();
      await world.driverOf(two).grant();
      const before = world.policy('policy');
      world.show(...Array(5).fill(stale({ Statement: [theirStatement] })));
      // Attempts that met the lock of others count as attempts, and saw nothing.
      for (const step of [
        () => world.driverOf(one, accessOf(world.arnOf('policy'))).revoke(9),
        () => world.driverOf(two).grant(9),
      ]) {
        expect(await thrownBy(step())).toMatchObject({ name: 'AwsNotYetConsistentError', retryable: true });
      }
      expect(world.policy('policy')).toEqual(before);
      world.wait(40_000);
      expect((await thrownBy(world.driverOf(two).grant(9))).name).toBe('PolicyChangedError');
    });

    test('remembers no more than the last three documents', async () => {
      const world = grantedWorld();
      const driver = world.driverOf(two);
      await driver.grant();
      expect(world.integration().resources.policy?.written).toHaveLength(3);
      await driver.revoke();
      await world.driverOf(two).grant();
      const written = world.integration().resources.policy?.written;
      expect(written).toHaveLength(3);
      expect(written?.at(-1)).toBe(hash(world.document('policy')));
    });
  });

  describe('the name of one more policy', () => {
    test('that another one has is refused, and that one left alone', async () => {
      const world = further();
      const before = { uniqueId: 'ANPA9', tags: theirs, documents: ['theirs'] };
      world.replace('policy2', before);
      expect(await thrownBy(world.driverOf(one).grant())).toMatchObject({
        name: 'PolicyNameTakenError',
        message: expect.stringContaining('dataloop-acme-2'),
      });
      expect([world.policy('policy2'), world.isAttached('policy2')]).toEqual([before, false]);
    });

    test.each([
      [5, 'AwsNotYetConsistentError'],
      [6, 'PolicyNameTakenError'],
    ])('that is taken by what IAM does not show ends attempt %i with %s', async (attempt, name) => {
      const world = further();
      world.replace('policy2', { uniqueId: 'ANPA9', tags: theirs, documents: ['theirs'] });
      world.show(undefined);
      expect((await thrownBy(world.driverOf(one).grant(attempt))).name).toBe(name);
    });

    describe('that an earlier attempt made', () => {
      const interrupted = () => {
        const earlier = 'of an earlier attempt';
        const world = further();
        const { hash, arnOf } = world;
        const policy2 = { state: 'intended' as const, arn: arnOf('policy2'), written: [hash(earlier)] };
        world.become({ resources: { ...world.integration().resources, policy2 } });
        const standing = { uniqueId: 'ANPA3', tags: ours, documents: [earlier] };
        world.replace('policy2', standing);
        return { world, standing };
      };

      test('is ours, and brought up to date', async () => {
        const { world } = interrupted();
        await world.driverOf(one).grant(2);
        expect(world.policy('policy2')?.documents.at(-1)).toEqual(world.documentOf('policy2'));
        expect(world.integration().resources.policy2?.uniqueId).toBe('ANPA3');
        expect(world.isAttached('policy2')).toBe(true);
      });

      test.each([
        [5, 'AwsNotYetConsistentError'],
        [6, 'PolicyChangedError'],
      ])('and somebody edited since, is left as it is: attempt %i ends with %s', async (attempt, name) => {
        const { world, standing } = interrupted();
        const edited = { ...standing, documents: ['narrowed by hand'] };
        world.replace('policy2', edited);
        expect((await thrownBy(world.driverOf(one).grant(attempt))).name).toBe(name);
        expect([world.policy('policy2'), world.isAttached('policy2')]).toEqual([edited, false]);
      });
    });
  });

  describe('one more policy for a role', () => {
    test('that somebody has replaced is not attached to the other one', async () => {
      const world = further();
      world.replaceRole('AROA9');
      expect(await thrownBy(world.driverOf(one).grant())).toMatchObject({
        name: 'RoleChangedError',
        message: expect.stringContaining(world.plan.role.arn),
      });
      expect(world.isAttached('policy2')).toBe(false);
    });

    test('that IAM does not show is attached later', async () => {
      const world = further();
      world.replaceRole(undefined);
      expect((await thrownBy(world.driverOf(one).grant())).name).toBe('AwsNotYetConsistentError');
      world.replaceRole('AROA0');
      await world.driverOf(one).grant(2);
      expect(world.isAttached('policy2')).toBe(true);
    });
  });

  test('of two buckets that were cut off in one new policy is found out, whichever is taken back', async () => {
    const world = accessWorld({
      drivers: { ...full, [one]: longTo('dataloop-b'), [two]: longTo('dataloop-c') },
    });
    const died = () => Promise.reject(new ServiceError('AwsUnavailableError', 'The function died.'));
    const cutOff = async (id: string, name: string, broken: Partial<typeof world.iam>) => {
      const access = { ...world.access, iam: { ...world.iam, ...broken } };
      await thrownBy(grantAccess(stepOf(driverRecord(id, longTo(name))), access, account));
    };
    await cutOff(one, 'dataloop-b', {
      createPolicy: async (policy) => {
        await world.iam.createPolicy(policy);
        return died();
      },
    });
    await cutOff(two, 'dataloop-c', { createPolicyVersion: died });
    expect(world.integration().resources.policy2?.state).toBe('intended');

    expect(await world.driverOf(two, accessOf(world.arnOf('policy2'))).revoke()).toEqual({
      outcome: 'removed',
    });
    await world.driverOf(one).grant(2);
    expect(world.document('policy2')).toEqual(world.documentOf('policy2'));
    expect(world.isAttached('policy2')).toBe(true);
  });

  test.each([
    ['the first policy', first],
    ['a further one', further],
  ])('a bucket that AWS does not show as made for it is not granted in %s', async (_which, begin) => {
    const world = begin();
    world.foreignBuckets.add('dataloop-b');
    expect((await thrownBy(world.driverOf(one).grant())).name).toBe('BucketChangedError');
    expect(world.events.filter((event) => /^(create|set|attach) /.test(event))).toEqual([]);
    world.foreignBuckets.clear();
    await world.driverOf(one).grant(2);
    expect(world.events.some((event) => /^(create|set) /.test(event))).toBe(true);
  });

  test('a further policy that somebody swapped before it was attached ends the step', async () => {
    // However often the call waited for its turn before: it has only just written.
    for (const attempt of [1, 6, 40]) {
      const world = further();
      const attachRolePolicy: typeof world.iam.attachRolePolicy = async (...call) => {
        await world.iam.attachRolePolicy(...call);
        world.edit('policy2', { Version: '2012-10-17', Statement: [] });
      };
      const driver = world.driverOf(one);
      const step = driver.journal.step(['provisioning'], { step: 'GrantAccess', attempt });
      const access = { ...world.access, iam: { ...world.iam, attachRolePolicy } };
      expect((await thrownBy(grantAccess(step, access, account))).name).toBe('AwsNotYetConsistentError');
      world.wait(60_000);
      expect((await thrownBy(driver.grant(attempt + 6))).name).toBe('PolicyChangedError');
      expect(driver.record().resources.access?.state).not.toBe('created');
    }
  });

  test('one that is granted already, and has lost its tag, keeps no other from being added', async () => {
    const world = granted();
    world.foreignBuckets.add('dataloop-b');
    await world.driverOf(two).grant();
    expect(world.document('policy')).toEqual(world.documentOf('policy'));
  });

  describe('the lock', () => {
    test('of another call is waited for, and left to it', async () => {
      const world = first();
      world.endLock('another call');
      expect(await thrownBy(world.driverOf(one).grant())).toMatchObject({
        name: 'AccessLockedError',
        retryable: true,
      });
      expect([world.events, world.holder()]).toEqual([[], 'another call']);
    });

    test('is given back whatever call fails', async () => {
      for (const call of ['getDefaultPolicyVersion', 'createPolicy', 'attachRolePolicy'] as const) {
        const world = further();
        if (call === 'getDefaultPolicyVersion')
          world.replace('policy2', { uniqueId: 'x', tags: ours, documents: [] });
        const broken = new ServiceError('AwsAccessDeniedError', `${call} is denied`);
        const iam = { ...world.iam, [call]: () => Promise.reject(broken) };
        const step = stepOf(driverRecord(one, longTo('dataloop-b')));
        const granting = grantAccess(step, { ...world.access, iam }, account);
        expect(await thrownBy(granting)).toBe(broken);
        expect([call, world.holder(), world.events.at(-1)]).toEqual([call, undefined, 'unlock']);
      }
    });

    test('that cannot be given back does not hide what went wrong', async () => {
      const world = first();
      const denied = new ServiceError('AwsAccessDeniedError', 'denied');
      const broken = {
        ...world.access,
        iam: { ...world.iam, getDefaultPolicyVersion: () => Promise.reject(denied) },
        journal: { ...world.journal, unlock: () => Promise.reject(new Error('no unlock')) },
      };
      const step = stepOf(driverRecord(one, addedTo('dataloop-b')));
      expect(await thrownBy(grantAccess(step, broken, account))).toBe(denied);
    });

    test('that cannot be given back after the work is done is an error: the step is tried again', async () => {
      const world = first();
      const broken = {
        ...world.access,
        journal: { ...world.journal, unlock: () => Promise.reject(new Error('no unlock')) },
      };
      const step = stepOf(driverRecord(one, addedTo('dataloop-b')));
      expect((await thrownBy(grantAccess(step, broken, account))).message).toBe('no unlock');
    });
  });

  test.each(statuses.filter((status) => status !== 'ready'))(
    'does nothing on an integration that is %s by now',
    async (status) => {
      const world = first({ status });
      expect((await thrownBy(world.driverOf(one).grant())).name).toBe('IntegrationMovedOnError');
      expect(world.events).toEqual([]);
    },
  );

  test('attaches nothing to an adopted role without a permissions boundary', async () => {
    const world = further();
    const adopted: typeof planOf = (record) => {
      const plan = planOf(record);
      return { ...plan, role: { ...plan.role, mode: 'adopt' } };
    };
    const step = stepOf(driverRecord(one, longTo('dataloop-b')));
    const granting = grantAccess(step, { ...world.access, desiredStateOf: adopted }, account);
    expect((await thrownBy(granting)).name).toBe('RoleNotAdoptableError');
    expect(world.events).not.toContain(`attach ${world.plan.policy.name}-2 to ${roleName}`);
  });

  test('does nothing for a driver that the integration has forgotten', async () => {
    const world = first();
    const driver = world.driverOf(three);
    expect(await thrownBy(driver.grant())).toMatchObject({
      name: 'IntegrationMovedOnError',
      message: expect.stringContaining(three),
    });
    expect(world.events).toEqual(['lock', 'unlock']);
  });

  test('does nothing for a driver that is being undone by now', async () => {
    const world = first();
    const step = fencedStepOf(driverRecord(one, addedTo('dataloop-b')));
    const granting = grantAccess(step, world.access, account);
    expect((await thrownBy(granting)).name).toBe('IntegrationMovedOnError');
    expect(world.events).toEqual(['lock', 'unlock']);
  });

  test('is for drivers that were added, not for integrations', async () => {
    const world = first();
    const granting = grantAccess(stepOf(recordOf()), world.access, account);
    expect((await thrownBy(granting)).name).toBe('InternalError');
  });
});

describe('room for one more bucket', () => {
  const plan = planOf(recordOf());
  const long = longTo('dataloop-z');
  /** Drivers that fill a number of policies. */
  const filled = (count: number) =>
    Object.fromEntries(
      policyKeys
        .slice(0, count)
        .flatMap((placedIn, index) =>
          [0, 1, 2].map((each) => [
            driverIdOf(index * 3 + each),
            longTo(`dataloop-${index}-${each}`, placedIn),
          ]),
        ),
    );

  test('is in the first policy that has it', () => {
    expect(roomFor({}, plan, long, 'dataloop-*')).toBe('policy');
    expect(roomFor({ addedBuckets: filled(1) }, plan, long, 'dataloop-*')).toBe('policy2');
    expect(roomFor({ addedBuckets: filled(9) }, plan, long, 'dataloop-*')).toBe('policy10');
    // What is short still fits into the first.
    expect(roomFor({ addedBuckets: filled(9) }, plan, addedTo('dataloop-z'), 'dataloop-*')).toBe('policy');
    // Nobody is placed by the journal before it is.
    const waiting = { [one]: longTo('dataloop-b'), [two]: longTo('dataloop-c') };
    expect(roomFor({ addedBuckets: waiting }, plan, long, 'dataloop-*')).toBe('policy');
  });

  test('is nowhere once ten policies are full', () => {
    const asking = async () => roomFor({ addedBuckets: filled(10) }, plan, long, 'dataloop-*');
    return expect(asking()).rejects.toMatchObject({
      name: 'AccessFullError',
      message: expect.stringMatching(/^All 10 policies .* are full for integration int_/),
    });
  });

  test('is nowhere once the record of the integration would be too long, although short names would fit', async () => {
    const short = addedTo('dataloop-z');
    const named = { ...short, dataloop: { ...short.dataloop, driverName: 'é'.repeat(100) } };
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_each, index) => [driverIdOf(index), named]));
    expect(roomFor({ addedBuckets: many(500) }, plan, short, 'dataloop-*')).toBe('policy');
    const asking = async () => roomFor({ addedBuckets: many(600) }, plan, short, 'dataloop-*');
    await expect(asking()).rejects.toMatchObject({
      name: 'AccessFullError',
      message: expect.stringMatching(
        /^The record of integration int_\w{26} has no room for another bucket\./,
      ),
    });
  });

  test('is in the policy that is there, whatever policies the deployment may make', () => {
    expect(roomFor({}, plan, long, 'other-*')).toBe('policy');
  });

  test('is not in a policy that the deployment may not make', async () => {
    const exactly = 'dataloop-acme';
    expect(roomFor({}, plan, long, exactly)).toBe('policy');
    const asking = async () => roomFor({ addedBuckets: filled(1) }, plan, long, exactly);
    await expect(asking()).rejects.toMatchObject({
      name: 'AccessFullError',
      message: expect.stringContaining(
        'one more policy, "dataloop-acme-2", but policy names in this deployment must match "dataloop-acme"',
      ),
    });
  });

  test('that is missing ends GrantAccess before anything is journalled or made', async () => {
    const world = further();
    const granting = world.driverOf(one).grant(1, 'dataloop-acme');
    expect((await thrownBy(granting)).name).toBe('AccessFullError');
    expect(world.events).toEqual(['lock', 'unlock']);
  });
});

describe('RevokeAccess', () => {
  test('does nothing where nothing was granted', async () => {
    const world = first();
    expect(await world.driverOf(one).revoke()).toEqual({ outcome: 'nothing to remove' });
    const gone = world.driverOf(one, { resources: { access: { state: 'gone', arn: 'arn:x' } } });
    expect(await gone.revoke()).toEqual({ outcome: 'nothing to remove' });
    expect(world.events).toEqual([]);
  });

  test('takes the bucket out of its policy, journalling before and after, under the lock', async () => {
    const world = grantedWorld();
    const driver = world.driverOf(one, accessOf(world.arnOf('policy')));
    expect(await driver.revoke()).toEqual({ outcome: 'removed' });
    expect(world.events).toEqual([
      'lock',
      'journal policy created',
      'set policy',
      'place in none',
      'journal access gone',
      'unlock',
    ]);
    expect(world.document('policy')).toEqual(permissionPolicy([world.plan.grant]));
    expect(world.integration().resources.policy?.written?.at(-1)).toBe(hash(world.document('policy')));
    expect(await driver.revoke(2)).toEqual({ outcome: 'nothing to remove' });
  });

  test('of the last bucket of a further policy takes that policy away', async () => {
    const world = alone();
    const driver = world.driverOf(one, accessOf(world.arnOf('policy2')));
    expect(await driver.revoke()).toEqual({ outcome: 'removed' });
    expect(world.events).toEqual([
      'lock',
      'journal policy2 intended',
      `detach policy2 from ${roleName}`,
      'delete policy2',
      'journal policy2 gone',
      'place in none',
      'journal access gone',
      'unlock',
    ]);
    expect([world.policy('policy2'), world.isAttached('policy2')]).toEqual([undefined, false]);
  });

  test('of one of two buckets leaves the other its policy', async () => {
    const world = alone();
    await world.driverOf(two).grant();
    await world.driverOf(one, accessOf(world.arnOf('policy2'))).revoke();
    expect(world.document('policy2')).toEqual(world.documentOf('policy2'));
    expect(JSON.stringify(world.document('policy2'))).not.toContain('dataloop-b');
    expect(world.isAttached('policy2')).toBe(true);
  });

  test('lets a policy that was taken away be made again', async () => {
    const world = alone();
    await world.driverOf(one, accessOf(world.arnOf('policy2'))).revoke();
    await world.driverOf(two).grant();
    expect(world.policy('policy2')?.uniqueId).toBe('ANPA-new-1');
    expect(world.integration().resources.policy2).toMatchObject({ state: 'created', uniqueId: 'ANPA-new-1' });
    expect(world.isAttached('policy2')).toBe(true);
  });

  test('does nothing to IAM where the driver was never placed', async () => {
    const world = first();
    const driver = world.driverOf(one, accessOf(world.arnOf('policy')));
    expect(await driver.revoke()).toEqual({ outcome: 'nothing was granted' });
    expect(world.events).toEqual(['lock', 'journal access gone', 'unlock']);
  });

  test.each(statuses)('takes the bucket out while the integration is %s', async (status) => {
    const world = grantedWorld();
    world.become({ status });
    const driver = world.driverOf(one, accessOf(world.arnOf('policy')));
    expect(await driver.revoke()).toEqual({ outcome: 'removed' });
    expect(world.document('policy')).toEqual(permissionPolicy([world.plan.grant]));
    expect(driver.record().resources.access?.state).toBe('gone');
  });

  describe('of an integration that goes, too', () => {
    /** The integration has had its turn: its policies are gone, in IAM and by the journal. */
    const going = (passage?: Passage) => {
      const world = grantedWorld(passage ? { passage } : {});
      const { resources } = world.integration();
      world.become({
        status: 'removing',
        resources: { ...resources, policy: { ...resources.policy, state: 'gone' } },
      });
      world.replace('policy', undefined);
      return { world, driver: world.driverOf(one, accessOf(world.arnOf('policy'))) };
    };

    test('is gone with the policy, without a look at IAM', async () => {
      const { world, driver } = going();
      expect(await driver.revoke()).toEqual({ outcome: 'gone with its policy' });
      expect(world.events).toEqual(['lock', 'place in none', 'journal access gone', 'unlock']);
    });

    test('is gone with the policy, whatever call is cut off', async () => {
      const begin = (passage: Passage) => {
        const { world, driver } = going(passage);
        return { world, driver, journal: driver.journal, attempt: () => driver.revoke() };
      };
      await everyInterruption(begin, async ({ world, driver }, where) => {
        world.endLock();
        await retried((attempt) => driver.revoke(attempt + 1));
        expect([where, driver.record().resources.access?.state]).toEqual([where, 'gone']);
        expect([where, world.integration().resources.policy?.state]).toEqual([where, 'gone']);
      });
    });

    test('does not call a policy standing that DeletePolicy deletes meanwhile', async () => {
      const world = grantedWorld();
      world.become({ status: 'removing' });
      const driver = world.driverOf(one, accessOf(world.arnOf('policy')));
      const { getDefaultPolicyVersion } = world.iam;
      const iam: typeof world.iam = {
        ...world.iam,
        getDefaultPolicyVersion: async (arn) => {
          const found = await getDefaultPolicyVersion(arn);
          const { resources } = world.integration();
          world.become({ resources: { ...resources, policy: { ...resources.policy, state: 'gone' } } });
          world.replace('policy', undefined);
          return found;
        },
      };
      const meanwhile = revokeAccess(
        driver.journal.step([driver.record().status]),
        { ...world.access, iam },
        account,
      );
      expect((await thrownBy(meanwhile)).name).toBe('AccessLockedError');
      expect(world.integration().resources.policy?.state).toBe('gone');
      expect(await driver.revoke(2)).toEqual({ outcome: 'gone with its policy' });
    });
  });

  describe('while GrantAccess is in flight', () => {
    const inFlightCalls = { 'execution/GrantAccess/1': { step: 'GrantAccess', until: 0 } } as const;
    const early = (world: ReturnType<typeof grantedWorld>, key: 'policy' | 'policy2') => {
      const driver = world.driverOf(one, { ...accessOf(world.arnOf(key)), inFlightCalls });
      const step = whileCallsAreInFlight(driver.journal.step([driver.record().status]), 'access');
      return { driver, revoke: () => revokeAccess(step, world.access, account) };
    };

    test('takes the bucket out and does not believe that it stays out; the second call does', async () => {
      const world = grantedWorld();
      const { driver, revoke } = early(world, 'policy');
      expect(await revoke()).toEqual({ outcome: 'removed' });
      expect(JSON.stringify(world.document('policy'))).not.toContain('dataloop-b');
      expect(driver.record().resources.access?.state).toBe('created');
      expect(world.holder()).toBeUndefined();

      // The call that was in flight grants the access once more.
      await world.driverOf(one).grant();
      expect(JSON.stringify(world.document('policy'))).toContain('dataloop-b');
      expect(await retried((attempt) => driver.revoke(attempt + 1))).toEqual({ outcome: 'removed' });
      expect(JSON.stringify(world.document('policy'))).not.toContain('dataloop-b');
      expect(driver.record().resources.access?.state).toBe('gone');
    });

    test('does not forget where the access may be once IAM shows its policy', async () => {
      const world = alone();
      // Neither of the two that the role has.
      world.show(undefined, undefined);
      const { driver, revoke } = early(world, 'policy2');
      expect(await revoke()).toEqual({ outcome: 'does not exist' });
      expect(world.integration().addedBuckets?.[one]?.placedIn).toBe('policy2');
      expect(driver.record().resources.access?.state).toBe('created');
      expect(await retried((attempt) => driver.revoke(attempt + 1))).toEqual({ outcome: 'removed' });
      expect(world.policy('policy2')).toBeUndefined();
    });
  });

  describe('from a policy that somebody edited', () => {
    const edited = () => {
      const world = grantedWorld();
      const { Statement, ...rest } = world.documentOf('policy');
      world.edit('policy', { ...rest, Statement: [...Statement, theirStatement] });
      return { world, driver: world.driverOf(one, accessOf(world.arnOf('policy'))) };
    };

    test.each([1, 2, 3, 4, 5])('writes nothing on attempt %i: IAM may show an old one', async (attempt) => {
      const { world, driver } = edited();
      const before = world.policy('policy');
      expect(await thrownBy(driver.revoke(attempt))).toMatchObject({
        name: 'AwsNotYetConsistentError',
        retryable: true,
      });
      expect([world.policy('policy'), world.holder()]).toEqual([before, undefined]);
    });

    test('takes out this bucket alone, and does not call the rest its own', async () => {
      const { world, driver } = edited();
      const before = world.integration().resources.policy;
      expect(await driver.revoke(6)).toEqual({ outcome: 'removed' });
      const { Statement, ...rest } = permissionPolicy([world.plan.grant]);
      expect(world.document('policy')).toEqual({ ...rest, Statement: [...Statement, theirStatement] });
      expect(world.integration().resources.policy).toEqual({
        ...before,
        rewritten: hash(world.document('policy')),
        writtenAt: expect.any(Number),
      });
      // Still edited: nothing is added to it.
      world.wait(60_000);
      expect((await thrownBy(world.driverOf(two).grant(6))).name).toBe('PolicyChangedError');
    });

    test('does not wait again where it stands as the last removal left it', async () => {
      const placedIn = 'policy';
      const drivers = {
        [one]: addedTo('dataloop-b', { placedIn }),
        [two]: addedTo('dataloop-c', { placedIn }),
      } as const;
      const world = grantedWorld({ drivers });
      const { Statement, ...rest } = world.documentOf('policy');
      world.edit('policy', { ...rest, Statement: [...Statement, theirStatement] });
      const revoke = (id: string, attempt: number) =>
        world.driverOf(id, accessOf(world.arnOf('policy'))).revoke(attempt);
      await revoke(one, 6);
      expect(await revoke(two, 1)).toEqual({ outcome: 'removed' });
      const left = permissionPolicy([world.plan.grant]).Statement;
      expect(world.document('policy')).toEqual({ ...rest, Statement: [...left, theirStatement] });
    });

    test('deletes it where nothing is left of it', async () => {
      const world = alone();
      const { Statement, ...rest } = world.documentOf('policy2');
      world.edit('policy2', { ...rest, Statement: Statement.map(({ Sid: _name, ...each }) => each) });
      await world.driverOf(one, accessOf(world.arnOf('policy2'))).revoke(6);
      expect(world.policy('policy2')).toBeUndefined();
      expect(world.integration().resources.policy2?.state).toBe('gone');
    });
  });

  describe('where the policy', () => {
    test('is gone, is content after enough looks, and the next bucket makes it again', async () => {
      const world = alone();
      world.replace('policy2', undefined);
      const driver = world.driverOf(one, accessOf(world.arnOf('policy2')));
      for (const attempt of [1, 2, 3, 4, 5]) {
        expect((await thrownBy(driver.revoke(attempt))).name).toBe('AwsNotYetConsistentError');
        expect([world.integration().addedBuckets?.[one]?.placedIn, world.holder()]).toEqual([
          'policy2',
          undefined,
        ]);
      }
      expect(await driver.revoke(6)).toEqual({ outcome: 'does not exist' });
      expect(world.integration().addedBuckets?.[one]?.placedIn).toBeUndefined();
      await world.driverOf(two).grant();
      expect(world.document('policy2')).toEqual(world.documentOf('policy2'));
    });

    test('is gone while others need it, leaves it known as the integration’s', async () => {
      const world = grantedWorld();
      world.replace('policy', undefined);
      const driver = world.driverOf(one, accessOf(world.arnOf('policy')));
      await retried(driver.revoke);
      expect(world.integration().resources.policy?.state).toBe('created');
    });

    test.each([
      ['another one of its name', 'AROA9'],
      ['no role at all', undefined],
    ])('hangs on %s by now, is deleted, and that left alone', async (_what, roleId) => {
      const world = alone();
      world.replaceRole(roleId);
      const driver = world.driverOf(one, accessOf(world.arnOf('policy2')));
      expect(await driver.revoke()).toEqual({ outcome: 'removed' });
      expect(world.events.filter((event) => event.startsWith('detach'))).toEqual([]);
      expect(world.policy('policy2')).toBeUndefined();
    });

    test.each([
      ['was replaced by somebody', { uniqueId: 'ANPA9', tags: ours }],
      ['was replaced by another integration’s', { uniqueId: 'ANPA9', tags: theirs }],
    ])(
      '%s and grants the bucket, leaves it as it is, and the access with it as residue',
      async (_what, other) => {
        const world = alone();
        const replaced = { ...other, documents: [world.documentOf('policy2')] };
        world.replace('policy2', replaced);
        const driver = world.driverOf(one, accessOf(world.arnOf('policy2')));
        expect(await driver.revoke()).toEqual({ outcome: 'left: a policy still allows it' });
        expect([world.policy('policy2'), world.isAttached('policy2')]).toEqual([replaced, true]);
        expect(driver.record().resources.access).toMatchObject({
          state: 'created',
          residue: { reason: expect.stringContaining(world.arnOf('policy2')) },
        });
      },
    );

    test.each([
      ['was replaced by somebody', { uniqueId: 'ANPA9', tags: ours }],
      ['was replaced by another integration’s', { uniqueId: 'ANPA9', tags: theirs }],
    ])('%s and does not grant the bucket, leaves it as it is and says so', async (_what, other) => {
      const world = alone();
      const replaced = { ...other, documents: [{ Version: '2012-10-17', Statement: [theirStatement] }] };
      world.replace('policy2', replaced);
      const driver = world.driverOf(one, accessOf(world.arnOf('policy2')));
      expect(await retried(driver.revoke)).toEqual({ outcome: 'does not exist' });
      expect([world.policy('policy2'), world.isAttached('policy2')]).toEqual([replaced, true]);
      expect(driver.record().resources.access).toMatchObject({
        state: 'gone',
        leftAlone: expect.stringContaining('was not created by this service'),
      });
      expect(world.integration().addedBuckets?.[one]?.placedIn).toBeUndefined();
    });

    test('is tagged as somebody else’s by now, leaves it, and the access with it as residue', async () => {
      const world = alone();
      const retagged = { uniqueId: 'ANPA2', tags: theirs, documents: [world.documentOf('policy2')] };
      world.replace('policy2', retagged);
      const driver = world.driverOf(one, accessOf(world.arnOf('policy2')));
      expect(await driver.revoke()).toEqual({ outcome: 'left: its policy is not tagged as ours' });
      expect([world.policy('policy2'), world.isAttached('policy2')]).toEqual([retagged, true]);
      expect(driver.record().resources.access).toMatchObject({
        state: 'created',
        residue: {
          reason: expect.stringContaining('no longer carries the tag'),
          advice: expect.stringMatching(/^Restore the tag, or remove the bucket from the policy.*DELETE/),
        },
      });
      expect([world.integration().addedBuckets?.[one]?.placedIn, world.holder()]).toEqual([
        'policy2',
        undefined,
      ]);

      world.replace('policy2', { ...retagged, tags: ours });
      expect(await driver.revoke()).toEqual({ outcome: 'removed' });
      expect(driver.record().resources.access?.residue).toBeUndefined();
    });

    test('lost its tag and grants the bucket no more, is content after enough looks', async () => {
      const world = alone();
      const theirGrant = { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::theirs/*' };
      const emptied = { Version: '2012-10-17', Statement: [theirGrant] };
      world.replace('policy2', { uniqueId: 'ANPA2', tags: theirs, documents: [emptied] });
      const driver = world.driverOf(one, accessOf(world.arnOf('policy2')));
      expect(await retried(driver.revoke)).toEqual({ outcome: 'does not exist' });
      expect(driver.record().resources.access?.state).toBe('gone');
    });
  });

  describe('where a policy of the role grants the bucket still', () => {
    const wildcard = { Effect: 'Allow', Action: 's3:Get*', Resource: 'arn:aws:s3:::dataloop-*' };

    test.each<[string, 'policy' | 'policy2']>([
      ['by a pattern of the policy that it is in', 'policy2'],
      ['by a pattern of another policy', 'policy'],
    ])('%s, leaves the access as residue until it does not', async (_what, key) => {
      const world = alone();
      const before = world.documentOf(key);
      world.edit(key, { ...before, Statement: [...before.Statement, wildcard] });
      const driver = world.driverOf(one, accessOf(world.arnOf('policy2')));
      expect(await driver.revoke(6)).toEqual({ outcome: 'left: a policy still allows it' });
      expect(driver.record().resources.access).toMatchObject({
        state: 'created',
        residue: {
          reason: expect.stringContaining(world.arnOf(key)),
          advice: expect.stringMatching(/a pattern with \* matches the bucket.*DELETE/),
        },
      });
      const now = world.policy(key)?.documents.at(-1);
      expect(now).toMatchObject({ Statement: expect.arrayContaining([wildcard]) });
      expect(JSON.stringify(world.policy('policy2')?.documents.at(-1) ?? '')).not.toContain('dataloop-bppp');

      world.edit(key, { ...before, Statement: [theirStatement] });
      world.wait(60_000);
      expect(await driver.revoke(6)).not.toEqual({ outcome: 'left: a policy still allows it' });
      expect(driver.record().resources.access).toMatchObject({ state: 'gone' });
      expect(driver.record().resources.access?.residue).toBeUndefined();
    });

    test.each<[string, Partial<Parameters<ReturnType<typeof alone>['become']>[0]>]>([
      ['does not say in which', { addedBuckets: { ...full, [one]: longTo('dataloop-b') } }],
      ['names another one', { addedBuckets: { ...full, [one]: longTo('dataloop-b', 'policy') } }],
      [
        'says that it is in none that stands',
        { addedBuckets: { ...full, [one]: longTo('dataloop-b', 'policy3') } },
      ],
      ['has forgotten it', { addedBuckets: full }],
    ])('takes it out although the integration’s record %s', async (_what, forged) => {
      const world = alone();
      const driver = world.driverOf(one, accessOf(world.arnOf('policy2')));
      world.become(forged);
      expect(await retried((attempt) => driver.revoke(attempt))).toEqual({ outcome: 'removed' });
      expect([world.policy('policy2'), driver.record().resources.access?.state]).toEqual([undefined, 'gone']);
    });

    test.each<[string, string, Tags, boolean]>([
      ['is another’s by now', 'AROA-theirs', theirs, true],
      ['has lost its tag', 'AROA0', theirs, false],
      ['has another id than the record says', 'AROA-forged', ours, false],
    ])('where the role %s', async (_what, uniqueId, tags, isGone) => {
      const world = alone();
      const before = world.documentOf('policy');
      world.edit('policy', { ...before, Statement: [...before.Statement, wildcard] });
      world.replaceRole(uniqueId, tags);
      const driver = world.driverOf(one, accessOf(world.arnOf('policy2')));
      const { outcome } = await driver.revoke(6);
      // Whoever made a role of that name says what it may do.
      expect(outcome === 'left: a policy still allows it').toBe(!isGone);
    });

    test('by a policy of another name that a function may attach, leaves the access as residue', async () => {
      const world = alone();
      const { plan, iam } = world;
      const attach = async (name: string, Resource: string) => {
        const document = { Version: '2012-10-17' as const, Statement: [{ ...wildcard, Resource }] };
        await iam.createPolicy({ name, path: plan.iamPath, description: '', document, tags: theirs });
        await iam.attachRolePolicy(plan.role.name, arnOfOther(name));
      };
      const arnOfOther = (name: string) => `arn:aws:iam::111111111111:policy${plan.iamPath}${name}`;
      await attach('dataloop-elsewhere', 'arn:aws:s3:::theirs/*');
      await attach('dataloop-stolen', wildcard.Resource);
      const driver = world.driverOf(one, accessOf(world.arnOf('policy2')));
      expect(await driver.revoke(6)).toEqual({ outcome: 'left: a policy still allows it' });
      expect(world.policy('policy2')).toBeUndefined();
      const { reason } = driver.record().resources.access?.residue ?? {};
      expect(reason).toContain(arnOfOther('dataloop-stolen'));
      expect(reason).not.toContain('dataloop-elsewhere');
      expect(await driver.revoke(6)).toEqual({ outcome: 'left: a policy still allows it' });

      await iam.detachRolePolicy(plan.role.name, arnOfOther('dataloop-stolen'));
      expect(await retried((attempt) => driver.revoke(attempt))).not.toEqual({
        outcome: 'left: a policy still allows it',
      });
      expect(driver.record().resources.access).toMatchObject({ state: 'gone' });
    });

    test('takes the bucket of its own record out of an edited policy, whatever the integration’s names', async () => {
      const world = alone();
      const { Statement, ...rest } = world.documentOf('policy2');
      world.edit('policy2', { ...rest, Statement: [...Statement, theirStatement] });
      const driver = world.driverOf(one, accessOf(world.arnOf('policy2')));
      world.become({ addedBuckets: { ...full, [one]: longTo('dataloop-q', 'policy2') } });
      expect(await driver.revoke(6)).toEqual({ outcome: 'removed' });
      expect(world.document('policy2')).toEqual({ ...rest, Statement: [theirStatement] });
    });
  });

  test('gives the lock back when it fails', async () => {
    const world = grantedWorld();
    const denied = new ServiceError('AwsAccessDeniedError', 'denied');
    const iam = { ...world.iam, createPolicyVersion: () => Promise.reject(denied) };
    const record = driverRecord(one, addedTo('dataloop-b'), accessOf(world.arnOf('policy')));
    expect(await thrownBy(revokeAccess(stepOf(record), { ...world.access, iam }, account))).toBe(denied);
    expect([world.holder(), world.integration().addedBuckets?.[one]?.placedIn]).toEqual([
      undefined,
      'policy',
    ]);
  });

  test('waits for the lock of another call', async () => {
    const world = grantedWorld();
    world.endLock('another call');
    const driver = world.driverOf(one, accessOf(world.arnOf('policy')));
    expect((await thrownBy(driver.revoke())).name).toBe('AccessLockedError');
    expect([world.events, world.holder()]).toEqual([[], 'another call']);
  });
});

describe('whatever call is cut off, before it took effect or after', () => {
  type World = ReturnType<typeof accessWorld>;
  const worlds: [string, (passage: Passage) => World, 'policy' | 'policy2', string][] = [
    ['in the first policy', (passage) => first({ passage }), 'policy', one],
    ['beside another bucket', (passage: Passage) => grantedWorld({ passage }), 'policy', two],
    ['in a policy that is new', (passage) => further({ passage }), 'policy2', one],
    ['in a further policy that is there', (passage) => alone({ passage }), 'policy2', two],
  ];
  const beginGrant = (make: (passage: Passage) => World, id: string) => (passage: Passage) => {
    const world = make(passage);
    const driver = world.driverOf(id);
    return { world, driver, journal: driver.journal, attempt: () => driver.grant() };
  };
  /** A later attempt, once the lock of the first is free. */
  const later = (world: World, step: (attempt: number) => Promise<unknown>) => {
    world.endLock();
    return retried((attempt) => step(attempt + 1));
  };

  test.each(worlds)('a second attempt grants the bucket %s, once', async (_what, make, key, id) => {
    const interruptions = await everyInterruption(beginGrant(make, id), async ({ world, driver }, where) => {
      await later(world, driver.grant);
      expect([where, world.document(key)]).toEqual([where, world.documentOf(key)]);
      expect([where, world.isAttached(key), world.holder()]).toEqual([where, true, undefined]);
      expect(world.integration().addedBuckets?.[id]?.placedIn).toBe(key);
      expect(world.integration().resources[key]).toMatchObject({
        state: 'created',
        uniqueId: world.policy(key)?.uniqueId ?? 'ANPA0',
      });
      expect(driver.record().resources.access?.state).toBe('created');
    });
    expect(interruptions).toBeGreaterThan(10);
  });

  test.each(worlds)('the undo takes the bucket away again %s', async (_what, make, key, id) => {
    await everyInterruption(beginGrant(make, id), async ({ world, driver }, where) => {
      await later(world, driver.revoke);
      const isLeft = world.document(key) !== undefined;
      expect([where, isLeft]).toEqual([where, _what !== 'in a policy that is new']);
      if (isLeft) expect([where, world.document(key)]).toEqual([where, world.documentOf(key, id)]);
      expect([where, world.holder()]).toEqual([where, undefined]);
      expect(world.integration().addedBuckets?.[id]?.placedIn).toBeUndefined();
      expect([undefined, 'gone']).toContain(driver.record().resources.access?.state);
      // The next bucket finds a policy that it can be added to.
      const next = world.driverOf(id);
      world.endLock();
      await retried(next.grant);
      expect([where, world.document(key)]).toEqual([where, world.documentOf(key)]);
    });
  });

  const revokes: [string, (passage: Passage) => World, 'policy' | 'policy2'][] = [
    ['out of a policy that stays', (passage: Passage) => grantedWorld({ passage }), 'policy'],
    ['with its policy', (passage) => alone({ passage }), 'policy2'],
  ];
  test.each(revokes)('a second attempt of the undo takes the bucket away %s', async (_what, make, key) => {
    const begin = (passage: Passage) => {
      const world = make(passage);
      const driver = world.driverOf(one, accessOf(world.arnOf(key)));
      return { world, driver, journal: driver.journal, attempt: () => driver.revoke() };
    };
    const interruptions = await everyInterruption(begin, async ({ world, driver }, where) => {
      // Another bucket may come in between, once the lock is free.
      if (where.endsWith('3') || where.endsWith('5')) {
        world.endLock();
        await retried(world.driverOf(two).grant);
      }
      await later(world, driver.revoke);
      const others = world.documentOf(key, one);
      expect([where, world.document(key)]).toEqual([where, others.Statement.length > 0 ? others : undefined]);
      expect([where, world.holder()]).toEqual([where, undefined]);
      expect(world.integration().addedBuckets?.[one]?.placedIn).toBeUndefined();
      expect(driver.record().resources.access?.state).toBe('gone');
      world.endLock();
      await retried(world.driverOf(two).grant);
      expect([where, world.document(key)]).toEqual([where, world.documentOf(key)]);
    });
    expect(interruptions).toBeGreaterThan(10);
  });
});

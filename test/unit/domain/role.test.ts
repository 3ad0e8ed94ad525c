import { describe, expect, test } from '@jest/globals';
import { trustPolicy } from '../../../src/domain/plan.ts';
import { createRole, deleteRole, type RoleCreator, type RoleRemover } from '../../../src/domain/role.ts';
import { ServiceError } from '../../../src/errors.ts';
import {
  everyInterruption,
  fencedStepOf,
  journalOf,
  knowing,
  ours,
  type Passage,
  recordOf,
  stepOf,
  type Tags,
  theirs,
  thrownBy,
  userArn,
} from './fakes.ts';

const arn = 'arn:aws:iam::111111111111:role/dataloop-cross-account/test/dataloop-acme';
const policyArn = 'arn:aws:iam::111111111111:policy/dataloop-cross-account/test/dataloop-acme';
const trust = { partition: 'aws', dataloopAccountId: '222222222222' };
const created = knowing({ role: { state: 'created', arn } });

interface StandingRole {
  readonly arn: string;
  readonly tags: Tags;
  readonly made?: Parameters<RoleCreator['createRole']>[0];
}

/** IAM with one role name, and what is attached to it. As on AWS, a role with a policy cannot be deleted. */
function fakeIam(events: string[], before?: StandingRole, passage: Passage = (call) => call()) {
  let role = before;
  const attached = new Set<string>();
  const iam: RoleCreator & RoleRemover = {
    findRole: () => passage(async () => role && { arn: role.arn, tags: role.tags }),
    createRole: (made) =>
      passage(async () => {
        events.push('create role');
        if (role) return 'exists';
        role = { arn: `arn:aws:iam::111111111111:role${made.path}${made.name}`, tags: made.tags, made };
        return 'created';
      }),
    attachPolicy: (name, policy) =>
      passage(async () => {
        events.push(`attach to ${name}`);
        attached.add(policy);
      }),
    detachPolicy: (name, policy) =>
      passage(async () => {
        events.push(`detach from ${name}`);
        attached.delete(policy);
      }),
    deleteRole: (name) =>
      passage(async () => {
        events.push(`delete ${name}`);
        if (attached.size > 0) throw new Error('DeleteConflict');
        role = undefined;
      }),
  };
  return { iam, attached, standing: () => role };
}

describe('CreateRole', () => {
  test('journals the intent before the effect, and the outcome before the policy is attached', async () => {
    const events: string[] = [];
    await createRole(stepOf(recordOf(), events), fakeIam(events).iam, async () => userArn, trust);
    expect(events).toEqual([
      'journal role intended',
      'create role',
      'journal role created',
      'attach to dataloop-acme',
    ]);
  });

  test('trusts the one user that Dataloop names, within our boundary, and holds one policy', async () => {
    const { iam, attached, standing } = fakeIam([]);
    expect(await createRole(stepOf(recordOf()), iam, async () => userArn, trust)).toEqual({
      roleArn: arn,
      userArn,
    });
    expect(standing()?.made).toMatchObject({
      trust: trustPolicy(userArn),
      permissionsBoundaryArn: 'arn:aws:iam::111111111111:policy/boundary',
      tags: ours,
    });
    expect([...attached]).toEqual([policyArn]);
  });

  test.each([
    ['everybody', '*'],
    ['a whole account', 'arn:aws:iam::222222222222:root'],
    ['a user of an account that is not Dataloop’s', 'arn:aws:iam::333333333333:user/dataloop-1'],
    ['a user of another partition', 'arn:aws-cn:iam::222222222222:user/dataloop-1'],
  ])('makes no role, and no intent, where Dataloop names %s', async (_whom, named) => {
    const events: string[] = [];
    const creating = createRole(stepOf(recordOf(), events), fakeIam(events).iam, async () => named, trust);
    expect((await thrownBy(creating)).name).toBe('InvalidIamUserArnError');
    expect(events).toEqual([]);
  });

  test('makes no role while Dataloop has named nobody', async () => {
    const notYet = new ServiceError('IamUserNotIssuedError', 'not yet');
    const events: string[] = [];
    const creating = createRole(
      stepOf(recordOf(), events),
      fakeIam(events).iam,
      () => Promise.reject(notYet),
      trust,
    );
    expect(await thrownBy(creating)).toBe(notYet);
    expect(events).toEqual([]);
  });

  test.each([
    ['of another owner', { arn, tags: theirs }],
    ['on another path', { arn: 'arn:aws:iam::111111111111:role/dataloop-acme', tags: ours }],
  ])('attaches nothing to a role %s, and the undo leaves it alone', async (_what, before) => {
    const events: string[] = [];
    const journal = journalOf(recordOf());
    const { iam, standing, attached } = fakeIam(events, before);
    const error = await thrownBy(createRole(journal.step(), iam, async () => userArn, trust));
    expect(error).toMatchObject({
      name: 'RoleNameTakenError',
      message: expect.stringContaining('dataloop-acme'),
    });
    await deleteRole(journal.step(), iam);
    expect([standing(), [...attached], events]).toEqual([before, [], ['create role']]);
    expect(journal.record().resources.role?.state).toBe('gone');
  });

  test('attaches the policy to its own role when the answer to an earlier attempt was lost', async () => {
    const { iam, attached } = fakeIam([], { arn, tags: ours });
    const journal = journalOf(knowing({ role: { state: 'intended', arn } }));
    await createRole(journal.step(), iam, async () => userArn, trust);
    expect([...attached]).toEqual([policyArn]);
    expect(journal.record().resources.role).toEqual({ state: 'created', arn });
  });

  test('creates nothing when the journal takes its intent no more', async () => {
    const events: string[] = [];
    const creating = createRole(fencedStepOf(recordOf()), fakeIam(events).iam, async () => userArn, trust);
    expect((await thrownBy(creating)).name).toBe('IntegrationMovedOnError');
    expect(events).toEqual([]);
  });
});

describe('DeleteRole', () => {
  test('takes the permissions away before the role, and a second time does nothing', async () => {
    const events: string[] = [];
    const journal = journalOf(created, events);
    const { iam } = fakeIam(events, { arn, tags: ours });
    await deleteRole(journal.step(), iam);
    await deleteRole(journal.step(), iam);
    expect(events).toEqual(['detach from dataloop-acme', 'delete dataloop-acme', 'journal role gone']);
  });

  test('keeps a role as standing that cannot be deleted because of somebody else’s policy', async () => {
    const journal = journalOf(created);
    const { iam, attached, standing } = fakeIam([], { arn, tags: ours });
    attached.add(policyArn).add('arn:aws:iam::aws:policy/ReadOnlyAccess');
    await thrownBy(deleteRole(journal.step(), iam));
    // Dataloop's access has ended all the same.
    expect([...attached]).toEqual(['arn:aws:iam::aws:policy/ReadOnlyAccess']);
    expect([standing()?.arn, journal.record().resources.role?.state]).toEqual([arn, 'created']);
  });

  test('leaves a role of that name on another path alone: ours is gone', async () => {
    const events: string[] = [];
    const before = { arn: 'arn:aws:iam::111111111111:role/dataloop-acme', tags: ours };
    const { iam, standing } = fakeIam(events, before);
    await deleteRole(stepOf(created, events), iam);
    expect([standing(), events]).toEqual([before, ['journal role gone']]);
  });
});

describe('whatever call is cut off, before it took effect or after', () => {
  const begin = (passage: Passage) => {
    const journal = journalOf(recordOf(), [], passage);
    const { iam, standing, attached } = fakeIam([], undefined, passage);
    const attempt = () => createRole(journal.step(), iam, () => passage(async () => userArn), trust);
    return { journal, iam, standing, attached, attempt };
  };

  test('the undo of CreateRole leaves no role behind', async () => {
    const interruptions = await everyInterruption(begin, async ({ journal, iam, standing }, where) => {
      await deleteRole(journal.step(), iam);
      expect([where, standing()]).toEqual([where, undefined]);
      expect([undefined, 'gone']).toContain(journal.record().resources.role?.state);
    });
    expect(interruptions).toBe(10);
  });

  test('a second attempt of CreateRole ends with one role, its policy attached', async () => {
    await everyInterruption(begin, async ({ journal, standing, attached, attempt }, where) => {
      await attempt();
      expect([where, standing()?.arn, [...attached]]).toEqual([where, arn, [policyArn]]);
      expect(journal.record().resources.role?.state).toBe('created');
    });
  });

  test('a second attempt of DeleteRole leaves no role behind', async () => {
    const beginUndo = (passage: Passage) => {
      const journal = journalOf(created, [], passage);
      const { iam, standing, attached } = fakeIam([], { arn, tags: ours }, passage);
      attached.add(policyArn);
      return { journal, standing, attempt: () => deleteRole(journal.step(), iam) };
    };
    await everyInterruption(beginUndo, async ({ journal, standing, attempt }, where) => {
      await attempt();
      expect([where, standing(), journal.record().resources.role?.state]).toEqual([where, undefined, 'gone']);
    });
  });
});

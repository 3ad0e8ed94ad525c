import { describe, expect, test } from '@jest/globals';
import { trustPolicy } from '../../../../../src/domain/model/desired-state.ts';
import type { Role } from '../../../../../src/domain/resources/role/iam.ts';
import { createRole, deleteRole } from '../../../../../src/domain/resources/role/role.ts';
import { ServiceError } from '../../../../../src/errors.ts';
import { fakeIam } from '../../fake-iam.ts';
import {
  account,
  everyInterruption,
  fencedStepOf,
  journalOf,
  knowing,
  ours,
  type Passage,
  recordOf,
  requestOf,
  retried,
  stepOf,
  theirs,
  thrownBy,
  userArn,
} from '../../fakes.ts';

const arn = 'arn:aws:iam::111111111111:role/dataloop-cross-account/test/dataloop-acme';
const policyArn = 'arn:aws:iam::111111111111:policy/dataloop-cross-account/test/dataloop-acme';
const trust = { partition: 'aws', dataloopAccountId: '222222222222' };
const uniqueId = 'AROA0';
const noAccess = 'arn:aws:iam::111111111111:policy/no-access';
const intended = knowing({ role: { state: 'intended', arn } });
const created = knowing({ role: { state: 'created', arn, uniqueId } });

/** The role as an earlier attempt made it. */
const own: Role = {
  arn,
  uniqueId,
  tags: ours,
  trustPolicy: JSON.stringify(trustPolicy(userArn)),
  permissionsBoundaryArn: account.permissionsBoundaryArn,
};
const elsewhere: Role = { ...own, arn: 'arn:aws:iam::111111111111:role/dataloop-acme' };

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

  test.each([
    ['says something else', { tags: ours, document: { Version: '2012-10-17', Statement: [] } }],
    ['carries no tag of ours', { tags: theirs }],
  ])('attaches no policy that %s: somebody made it anew', async (_what, policy) => {
    const standing = { arn: policyArn, uniqueId: 'ANPA1', ...policy };
    const { iam, attached } = fakeIam([], { policy: standing });
    const creating = createRole(stepOf(recordOf()), iam, async () => userArn, trust);
    expect((await thrownBy(creating)).name).toBe('PolicyChangedError');
    expect([...attached]).toEqual([]);

    // And once it is attached: from then on nobody can delete it and make another one.
    const swapped = fakeIam([]);
    let looks = 0;
    const getDefaultPolicyVersion: typeof iam.getDefaultPolicyVersion = async (arnOf) => {
      looks += 1;
      // One look beside CreateRole, and one before the policy is attached.
      return looks <= 2 ? swapped.iam.getDefaultPolicyVersion(arnOf) : iam.getDefaultPolicyVersion(arnOf);
    };
    const late = createRole(
      stepOf(recordOf()),
      { ...swapped.iam, getDefaultPolicyVersion },
      async () => userArn,
      trust,
    );
    expect([(await thrownBy(late)).name, looks]).toEqual(['PolicyChangedError', 3]);
  });

  test('trusts the one user that Dataloop names, within our boundary, and holds one policy', async () => {
    const { iam, attached, role: standing } = fakeIam([]);
    expect(await createRole(stepOf(recordOf()), iam, async () => userArn, trust)).toEqual({
      roleArn: arn,
      userArn,
    });
    expect(standing()).toEqual({
      arn,
      uniqueId: 'AROA1',
      trustPolicy: JSON.stringify(trustPolicy(userArn)),
      permissionsBoundaryArn: 'arn:aws:iam::111111111111:policy/boundary',
      tags: ours,
    });
    expect([...attached]).toEqual([policyArn]);
  });

  test('has the owner tag and none of the caller’s, which other policies might let in', async () => {
    const { iam, role: standing } = fakeIam([]);
    const request = requestOf({ tags: { team: 'payroll' } });
    await createRole(stepOf(recordOf({ request })), iam, async () => userArn, trust);
    expect(standing()?.tags).toEqual(ours);
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

  test('journals the ARN, and the id by which it is told from a later one of the same name', async () => {
    const journal = journalOf(recordOf());
    await createRole(journal.step(), fakeIam([]).iam, async () => userArn, trust);
    expect(journal.record().resources.role).toEqual({
      state: 'created',
      arn,
      uniqueId: 'AROA1',
      writtenAt: 0,
    });
  });

  const creating = (journal: ReturnType<typeof journalOf>, iam: Parameters<typeof createRole>[1]) =>
    createRole(journal.step(), iam, async () => userArn, trust);

  test.each([
    ['of another owner', { ...own, tags: theirs }],
    ['without tags', { ...own, tags: {} }],
    ['on another path', elsewhere],
  ])('attaches nothing to a role %s, and the undo leaves it alone', async (_what, before) => {
    const events: string[] = [];
    const journal = journalOf(recordOf());
    const { iam, role: standing, attached } = fakeIam(events, { role: before });
    expect(await thrownBy(creating(journal, iam))).toMatchObject({
      name: 'RoleNameTakenError',
      message: expect.stringContaining('dataloop-acme'),
    });
    await retried(() => deleteRole(journal.step(), iam, noAccess));
    expect([standing(), [...attached], events]).toEqual([before, [], ['create role']]);
    expect(journal.record().resources.role?.state).toBe('gone');
  });

  test('attaches the policy to its own role when the answer to an earlier attempt was lost', async () => {
    const { iam, attached } = fakeIam([], { role: own });
    const journal = journalOf(intended);
    await creating(journal, iam);
    expect([...attached]).toEqual([policyArn]);
    expect(journal.record().resources.role).toEqual({ state: 'created', arn, uniqueId, writtenAt: 0 });
  });

  test('knows its own trust policy by what it says, not by the order of its members', async () => {
    const { Version, Statement } = trustPolicy(userArn);
    const reordered = {
      Statement: Statement.map((statement) => Object.fromEntries(Object.entries(statement).reverse())),
      Version,
    };
    const { iam, attached } = fakeIam([], { role: { ...own, trustPolicy: JSON.stringify(reordered) } });
    await creating(journalOf(intended), iam);
    expect([...attached]).toEqual([policyArn]);
  });

  test.each([
    ['trusts another user', { trustPolicy: JSON.stringify(trustPolicy(`${userArn}0`)) }],
    ['trusts a user that was deleted', { trustPolicy: JSON.stringify(trustPolicy('AIDAEXAMPLE')) }],
    ['has a trust policy that is not to be read', { trustPolicy: 'no JSON' }],
    ['has another boundary', { permissionsBoundaryArn: 'arn:aws:iam::aws:policy/AdministratorAccess' }],
    ['has lost its boundary', { permissionsBoundaryArn: undefined }],
  ])('attaches nothing to a role of ours that %s, and the undo removes it', async (_what, changed) => {
    const events: string[] = [];
    const journal = journalOf(intended);
    const { iam, role: standing } = fakeIam(events, { role: { ...own, ...changed } });
    expect(await thrownBy(creating(journal, iam))).toMatchObject({
      name: 'RoleChangedError',
      retryable: false,
      message: expect.stringContaining('dataloop-acme'),
    });
    expect(events).toEqual(['create role']);
    expect(await deleteRole(journal.step(), iam, noAccess)).toEqual({ outcome: 'removed' });
    expect(standing()).toBeUndefined();
  });

  test.each([
    ['an inline policy', { inline: ['theirs'] }],
    ['a policy of others', { attached: ['arn:aws:iam::aws:policy/ReadOnlyAccess'] }],
    ['a policy whose name begins like ours', { attached: [policyArn, `${policyArn}-x`] }],
  ])('attaches nothing to a role of ours that somebody gave %s', async (_what, given) => {
    const events: string[] = [];
    const { iam } = fakeIam(events, { role: own, ...given });
    expect(await thrownBy(creating(journalOf(intended), iam))).toMatchObject({
      name: 'RoleChangedError',
      message: expect.stringContaining('dataloop-acme'),
    });
    expect(events).toEqual(['create role']);
  });

  test('goes on with its own role to which an earlier attempt attached the policy', async () => {
    const { iam, attached } = fakeIam([], { role: own, attached: [policyArn] });
    await creating(journalOf(intended), iam);
    expect([...attached]).toEqual([policyArn]);
  });

  test('is tried again while IAM has a role of that name but does not show it', async () => {
    const events: string[] = [];
    const { iam } = fakeIam(events, { role: own });
    const blind: typeof iam = { ...iam, getRole: async () => undefined };
    expect(await thrownBy(creating(journalOf(intended), blind))).toMatchObject({
      name: 'AwsNotYetConsistentError',
      retryable: true,
      message: expect.stringContaining(arn),
    });
    expect(events).toEqual(['create role']);
  });

  test('is refused after some looks: a name that differs in capitals only is not to be seen', async () => {
    const journal = journalOf(recordOf());
    const { iam } = fakeIam([], { role: elsewhere });
    const blind: typeof iam = { ...iam, getRole: async () => undefined };
    // Each attempt begins later than the state was entered, by the clock of Step Functions.
    const begunAt = Date.parse(recordOf().createdAt);
    const failed = await thrownBy(
      retried((attempt) =>
        createRole(journal.step(['provisioning'], { attempt, begunAt }), blind, async () => userArn, trust),
      ),
    );
    expect(failed).toMatchObject({
      name: 'RoleNameTakenError',
      message: expect.stringContaining('differs in capitals only'),
    });
  });

  test('creates nothing when the journal takes its intent no more', async () => {
    const events: string[] = [];
    const fenced = createRole(fencedStepOf(recordOf()), fakeIam(events).iam, async () => userArn, trust);
    expect((await thrownBy(fenced)).name).toBe('IntegrationMovedOnError');
    expect(events).toEqual([]);
  });
});

describe('DeleteRole', () => {
  test('takes the permissions away before the role, and a second time does nothing', async () => {
    const events: string[] = [];
    const journal = journalOf(created, events);
    const { iam } = fakeIam(events, { role: own });
    expect(await deleteRole(journal.step(), iam, noAccess)).toEqual({ outcome: 'removed' });
    expect(await deleteRole(journal.step(), iam, noAccess)).toEqual({ outcome: 'nothing to remove' });
    expect(events).toEqual(['detach from dataloop-acme', 'delete dataloop-acme', 'journal role gone']);
  });

  test('ends the access of a role of ours that somebody took the tag from, and leaves the role', async () => {
    const journal = journalOf(created);
    const { iam, attached, role: standing } = fakeIam([], { role: { ...own, tags: {} } });
    attached.add(policyArn);
    expect(await deleteRole(journal.step(), iam, noAccess)).toEqual({ outcome: 'left: not tagged as ours' });
    expect([...attached]).toEqual([]);
    expect(standing()).toEqual({ ...own, tags: {}, permissionsBoundaryArn: noAccess });
    expect(journal.record().resources.role?.state).toBe('created');
    expect(journal.record().resources.role?.residue?.reason).toContain('no longer carries the tag');
  });

  test('denies everything to a role that stays because of somebody else’s policy, until it can be deleted', async () => {
    const journal = journalOf(created);
    const { iam, attached, role: standing } = fakeIam([], { role: own });
    attached.add(policyArn).add('arn:aws:iam::aws:policy/ReadOnlyAccess');
    await deleteRole(journal.step(), iam, noAccess);
    expect([...attached]).toEqual(['arn:aws:iam::aws:policy/ReadOnlyAccess']);
    expect(standing()).toEqual({ ...own, permissionsBoundaryArn: noAccess });
    expect(journal.record().resources.role).toMatchObject({
      state: 'created',
      residue: {
        reason: expect.stringMatching(
          /^The permissions boundary of the role now denies everything\. .*ReadOnlyAccess/,
        ),
        advice: expect.stringContaining(
          'Detach the policy arn:aws:iam::aws:policy/ReadOnlyAccess from the role',
        ),
      },
    });
    attached.clear();
    expect(await deleteRole(journal.step(), iam, noAccess)).toEqual({ outcome: 'removed' });
  });

  test('denies everything to a role of ours from which it cannot take a policy', async () => {
    const { iam, role: standing } = fakeIam([], { role: own });
    const denied = new ServiceError('AwsAccessDeniedError', 'not authorized');
    const refusing: typeof iam = { ...iam, detachRolePolicy: () => Promise.reject(denied) };
    for (const role of [own, { ...own, tags: {} }]) {
      const looking: typeof iam = { ...refusing, getRole: async () => role };
      const failed = await thrownBy(deleteRole(journalOf(created).step(), looking, noAccess));
      expect([failed.name, standing()?.permissionsBoundaryArn]).toEqual(['AwsAccessDeniedError', noAccess]);
    }
  });

  test('takes each policy of ours, whatever became of the others and whatever the record hides', async () => {
    const hiding = knowing({
      role: { state: 'created', arn, uniqueId },
      policy2: { state: 'created', arn: `${policyArn}-2` },
      policy4: { state: 'gone', arn: `${policyArn}-4` },
    });
    const others = [`${policyArn}-11`, `${policyArn}x`];
    const denied = new ServiceError('AwsAccessDeniedError', 'not authorized');
    const { iam, attached } = fakeIam([], { role: own });
    for (const each of ['', '-2', '-3', '-4', '-10']) attached.add(`${policyArn}${each}`);
    for (const each of others) attached.add(each);
    const refusing: typeof iam = {
      ...iam,
      detachRolePolicy: (name, each) =>
        each === policyArn || each === `${policyArn}-3`
          ? Promise.reject(denied)
          : iam.detachRolePolicy(name, each),
    };
    const failed = await thrownBy(deleteRole(journalOf(hiding).step(), refusing, noAccess));
    expect(failed.name).toBe('AwsAccessDeniedError');
    expect([...attached]).toEqual([policyArn, `${policyArn}-3`, ...others]);
  });

  test('takes the policies that it knows where IAM lists none', async () => {
    const { iam, attached } = fakeIam([], { role: own });
    attached.add(policyArn);
    const denied = new ServiceError('AwsAccessDeniedError', 'not authorized');
    const refusing: typeof iam = { ...iam, listAttachedRolePolicies: () => Promise.reject(denied) };
    expect((await thrownBy(deleteRole(journalOf(created).step(), refusing, noAccess))).name).toBe(
      denied.name,
    );
    expect([...attached]).toEqual([]);
  });

  test('says so where the role can neither be deleted nor be denied everything', async () => {
    const { iam, attached, role: standing } = fakeIam([], { role: own });
    attached.add('arn:aws:iam::aws:policy/ReadOnlyAccess');
    const denied = new ServiceError('AwsAccessDeniedError', 'not authorized');
    const refusing: typeof iam = { ...iam, putRolePermissionsBoundary: () => Promise.reject(denied) };
    const journal = journalOf(created);
    await deleteRole(journal.step(), refusing, noAccess);
    const { reason } = journal.record().resources.role?.residue ?? {};
    expect(reason).toMatch(/^The role keeps its permissions boundary: not authorized .*ReadOnlyAccess/);
    expect(standing()).toEqual(own);
  });

  test.each([
    ['an inline policy', { inline: ['theirs'] }, 'Delete the inline policy theirs of the role.'],
    ['an instance profile', { profiles: ['web'] }, 'Remove the role from the instance profile web.'],
  ])('names %s of somebody else that keeps the role, at once', async (_what, uses, advice) => {
    const journal = journalOf(created);
    const { iam } = fakeIam([], { role: own, ...uses });
    expect((await deleteRole(journal.step(), iam, noAccess)).outcome).toMatch(/^left: /);
    expect(journal.record().resources.role?.residue?.advice).toContain(advice);
  });

  test('waits where only its own detach a moment ago can be what keeps the role', async () => {
    const { iam } = fakeIam([], { role: own });
    const busy = new ServiceError(
      'AwsConflictError',
      'AWS did not delete role dataloop-acme (DeleteConflict).',
    );
    const late: typeof iam = {
      ...iam,
      deleteRole: () => Promise.reject(busy),
      listAttachedRolePolicies: async () => [policyArn],
    };
    const failed = await thrownBy(deleteRole(journalOf(created).step(), late, noAccess));
    expect(failed).toMatchObject({ name: 'AwsConflictError', retryable: true });
  });

  test.each([
    ['of that name on another path', elsewhere],
    ['made in the place of ours, tag and all', { ...own, uniqueId: 'AROA9' }],
  ])('leaves a role alone that somebody has %s: ours is gone', async (_what, before) => {
    const events: string[] = [];
    const journal = journalOf(created);
    const { iam, role: standing } = fakeIam(events, { role: before });
    await retried(() => deleteRole(journal.step(), iam, noAccess));
    expect([standing(), events]).toEqual([before, []]);
    expect(journal.record().resources.role?.state).toBe('gone');
  });

  test('does not take IAM’s word at once that there was nothing to delete', async () => {
    const journal = journalOf(created);
    const denying: Parameters<typeof deleteRole>[1] = {
      ...fakeIam([], { role: own }).iam,
      deleteRole: async () => 'absent',
    };
    expect((await thrownBy(deleteRole(journal.step(), denying, noAccess))).name).toBe(
      'AwsNotYetConsistentError',
    );
    expect(journal.record().resources.role?.state).toBe('created');
  });

  test('takes a refusal for the end of a role that is gone: IAM refuses what it does not know', async () => {
    const events: string[] = [];
    const journal = journalOf(created);
    const { iam, role: standing } = fakeIam(events, { role: own });
    // The answer to the first deletion was lost, and IAM still shows the role to the look of the second.
    let looks = 0;
    const refusing: typeof iam = {
      ...iam,
      getRole: async (name) => {
        looks += 1;
        return looks === 1 ? own : iam.getRole(name);
      },
      detachRolePolicy: () => Promise.reject(new ServiceError('AwsAccessDeniedError', 'not authorized')),
    };
    await iam.deleteRole('dataloop-acme');
    expect(await retried(() => deleteRole(journal.step(), refusing, noAccess))).toEqual({
      outcome: 'does not exist',
    });
    expect([standing(), journal.record().resources.role?.state]).toEqual([undefined, 'gone']);
  });
});

describe('whatever call is cut off, before it took effect or after', () => {
  const begin = (passage: Passage) => {
    const journal = journalOf(recordOf(), [], passage);
    const { iam, role: standing, attached } = fakeIam([], {}, passage);
    const attempt = () => createRole(journal.step(), iam, () => passage(async () => userArn), trust);
    return { journal, iam, standing, attached, attempt };
  };

  test('the undo of CreateRole leaves no role behind', async () => {
    const interruptions = await everyInterruption(begin, async ({ journal, iam, standing }, where) => {
      await retried(() => deleteRole(journal.step(), iam, noAccess));
      expect([where, standing()]).toEqual([where, undefined]);
      expect([undefined, 'gone']).toContain(journal.record().resources.role?.state);
    });
    expect(interruptions).toBe(16);
  });

  test('a second attempt of CreateRole ends with one role, its policy attached', async () => {
    await everyInterruption(begin, async ({ journal, standing, attached, attempt }, where) => {
      await attempt();
      expect([where, standing()?.arn, [...attached]]).toEqual([where, arn, [policyArn]]);
      expect(journal.record().resources.role).toEqual({
        state: 'created',
        arn,
        uniqueId: 'AROA1',
        writtenAt: 0,
      });
    });
  });

  test('further attempts of DeleteRole leave no role behind', async () => {
    const beginUndo = (passage: Passage) => {
      const journal = journalOf(created, [], passage);
      const { iam, role: standing, attached } = fakeIam([], { role: own }, passage);
      attached.add(policyArn);
      return { journal, standing, attempt: () => deleteRole(journal.step(), iam, noAccess) };
    };
    const interruptions = await everyInterruption(
      beginUndo,
      async ({ journal, standing, attempt }, where) => {
        await retried(attempt);
        expect([where, standing(), journal.record().resources.role?.state]).toEqual([
          where,
          undefined,
          'gone',
        ]);
      },
    );
    expect(interruptions).toBe(10);
  });
});

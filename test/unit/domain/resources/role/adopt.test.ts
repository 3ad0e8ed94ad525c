import { describe, expect, test } from '@jest/globals';
import { adoptRole, releaseRole } from '../../../../../src/domain/resources/role/adopt.ts';
import type { Role } from '../../../../../src/domain/resources/role/iam.ts';
import { ServiceError } from '../../../../../src/errors.ts';
import { fakeIam } from '../../fake-iam.ts';
import {
  everyInterruption,
  fencedStepOf,
  integrationId,
  journalOf,
  type Passage,
  recordOf,
  requestOf,
  retried,
  stepOf,
  thrownBy,
  userArn,
} from '../../fakes.ts';

const arn = 'arn:aws:iam::111111111111:role/team/AcmeLabelling';
const policyArn = 'arn:aws:iam::111111111111:policy/dataloop-cross-account/test/dataloop-acme';
const trust = { partition: 'aws', dataloopAccountId: '222222222222' };

const theirs = { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' };
/** As people write it: one statement that is no list, and white space. */
const asTheyWroteIt = JSON.stringify({ Version: '2012-10-17', Id: 'team', Statement: theirs }, undefined, 2);
const ours = {
  Sid: `Dataloop${integrationId.replace('_', '')}`,
  Effect: 'Allow',
  Principal: { AWS: userArn },
  Action: 'sts:AssumeRole',
};
const documentOf = (...Statement: object[]) => JSON.stringify({ Version: '2012-10-17', Statement });
const written = JSON.stringify({ Version: '2012-10-17', Id: 'team', Statement: [theirs, ours] });
const before: Role = {
  arn,
  uniqueId: 'AROA1',
  tags: {},
  trustPolicy: asTheyWroteIt,
  permissionsBoundaryArn: 'arn:aws:iam::111111111111:policy/team-boundary',
};

const adopting = () => recordOf({ request: requestOf({ role: { name: 'AcmeLabelling', mode: 'adopt' } }) });

/** What a team has attached to it. */
const attachedBefore = ['arn:theirs'];
const standing = { role: before, attached: attachedBefore };

const adopt = (
  journal: ReturnType<typeof journalOf>,
  iam: Parameters<typeof adoptRole>[1],
  named = userArn,
) => adoptRole(journal.step(), iam, async () => named, trust);

describe('CreateRole of a role that is adopted', () => {
  test('journals what was there before it writes, adds one statement, and attaches one policy', async () => {
    const events: string[] = [];
    const journal = journalOf(adopting(), events);
    const { iam, attached, trustPolicy } = fakeIam(events, standing);
    expect(await adopt(journal, iam)).toEqual({ roleArn: arn, userArn });
    expect(events).toEqual([
      'journal role intended',
      'set trust of AcmeLabelling',
      'journal role created',
      'attach to AcmeLabelling',
    ]);
    expect(trustPolicy()).toBe(written);
    expect([...attached]).toEqual(['arn:theirs', policyArn]);
    expect(journal.record().resources.role).toEqual({
      state: 'created',
      arn,
      uniqueId: 'AROA1',
      origin: 'adopted',
      changes: { trustPolicy: { before: asTheyWroteIt, after: written } },
    });
  });

  test.each([
    ['everybody', '*'],
    ['a whole account', 'arn:aws:iam::222222222222:root'],
    ['a user of an account that is not Dataloop’s', 'arn:aws:iam::333333333333:user/dataloop-1'],
  ])('writes nothing where Dataloop names %s', async (_whom, named) => {
    const events: string[] = [];
    const { iam } = fakeIam(events, standing);
    const error = await thrownBy(adopt(journalOf(adopting(), events), iam, named));
    expect([error.name, events]).toEqual(['InvalidIamUserArnError', []]);
  });

  test.each<[string, Role | undefined, string]>([
    ['does not exist', undefined, 'does not exist'],
    [
      'lies under another path than the deployment names',
      { ...before, arn: 'arn:aws:iam::111111111111:role/AcmeLabelling' },
      'the role of this name is arn:aws:iam::111111111111:role/AcmeLabelling',
    ],
    [
      'has no permissions boundary',
      { ...before, permissionsBoundaryArn: undefined },
      'aws iam put-role-permissions-boundary --role-name AcmeLabelling ' +
        '--permissions-boundary arn:aws:iam::111111111111:policy/boundary',
    ],
    ['has a trust policy that is no JSON', { ...before, trustPolicy: '{' }, 'has an unreadable trust policy'],
    [
      'has a trust policy without statements',
      { ...before, trustPolicy: '{"Version":"x"}' },
      'has an unreadable trust policy',
    ],
    [
      'trusts a user who was deleted',
      { ...before, trustPolicy: documentOf(theirs, { ...theirs, Principal: { AWS: ['x', 'AIDAX1'] } }) },
      'AIDAX1',
    ],
    [
      'trusts a role that was deleted',
      { ...before, trustPolicy: documentOf(theirs, { ...theirs, Principal: { AWS: 'AROAX1' } }) },
      'AROAX1',
    ],
    [
      'has no room for a statement',
      { ...before, trustPolicy: documentOf({ ...theirs, Sid: 'x'.repeat(4_000) }) },
      '4096 characters',
    ],
  ])('refuses a role that %s, and writes nothing', async (_what, found, message) => {
    const events: string[] = [];
    const iam: Parameters<typeof adoptRole>[1] = {
      ...fakeIam(events, standing).iam,
      getRole: async () => found,
    };
    expect(await thrownBy(adopt(journalOf(adopting(), events), iam))).toMatchObject({
      name: 'RoleNotAdoptableError',
      message: expect.stringContaining(message),
    });
    expect(events).toEqual([]);
  });

  test('counts no white space: IAM does not either', async () => {
    const roomy = asTheyWroteIt.replace('{', `{${' '.repeat(2_048)}`);
    const { iam, trustPolicy } = fakeIam([], { ...standing, role: { ...before, trustPolicy: roomy } });
    await adopt(journalOf(adopting()), iam);
    expect(trustPolicy()).toBe(written);
  });

  test('goes on with its own statement when the answer to an earlier attempt was lost', async () => {
    const journal = journalOf(adopting());
    const { iam, trustPolicy } = fakeIam([], standing);
    const lost = new ServiceError('AwsUnavailableError', 'no answer');
    const cutOff: typeof iam = {
      ...iam,
      updateAssumeRolePolicy: async (name, document) => {
        await iam.updateAssumeRolePolicy(name, document);
        throw lost;
      },
    };
    expect(await thrownBy(adopt(journal, cutOff))).toBe(lost);
    await adopt(journal, {
      ...iam,
      updateAssumeRolePolicy: () => Promise.reject(new Error('written again')),
    });
    expect(trustPolicy()).toBe(written);
    expect(journal.record().resources.role).toMatchObject({ state: 'created', origin: 'adopted' });
  });

  test.each([
    ['names another user', { ...ours, Principal: { AWS: `${userArn}0` } }],
    ['has a condition', { ...ours, Condition: { Bool: { 'aws:SecureTransport': 'true' } } }],
  ])('attaches nothing where the statement of our Sid %s', async (_what, changed) => {
    const events: string[] = [];
    const { iam } = fakeIam(events, {
      ...standing,
      role: { ...before, trustPolicy: documentOf(theirs, changed) },
    });
    expect(await thrownBy(adopt(journalOf(adopting()), iam))).toMatchObject({
      name: 'RoleChangedError',
      message: expect.stringContaining(ours.Sid),
    });
    expect(events).toEqual([]);
  });

  test('does not write where the journal takes nothing any more', async () => {
    const events: string[] = [];
    const { iam } = fakeIam(events, standing);
    const fenced = adoptRole(fencedStepOf(adopting()), iam, async () => userArn, trust);
    expect([(await thrownBy(fenced)).name, events]).toEqual(['IntegrationMovedOnError', []]);
  });

  test('looks at nothing while an earlier call may still change it: that would be taken for the original', async () => {
    const { iam, trustPolicy } = fakeIam([], standing);
    const open = journalOf({
      ...adopting(),
      inFlightCalls: { 'execution/CreateRole/1': { step: 'CreateRole', until: 100_000 } },
    });
    const again = (begunAt: number) =>
      adoptRole(
        open.step(['provisioning'], { step: 'CreateRole', callId: 'execution/CreateRole/2', begunAt }),
        iam,
        async () => userArn,
        trust,
      );
    expect((await thrownBy(again(50_000))).name).toBe('EarlierCallOpenError');
    expect([open.record().resources.role, trustPolicy()]).toEqual([undefined, asTheyWroteIt]);
    await again(200_000);
    expect(open.record().resources.role?.changes?.trustPolicy?.before).toBe(asTheyWroteIt);
  });

  test('waits for an earlier call that may still write something else', async () => {
    const { iam, become, trustPolicy } = fakeIam([], standing);
    const first = journalOf(adopting());
    await thrownBy(
      adopt(first, { ...iam, updateAssumeRolePolicy: () => Promise.reject(new Error('cut off')) }),
    );
    become({ trustPolicy: documentOf({ ...theirs, Sid: 'New' }) });
    const open = journalOf({
      ...first.record(),
      inFlightCalls: { 'execution/CreateRole/1': { step: 'CreateRole', until: 100_000 } },
    });
    const again = (begunAt: number) =>
      adoptRole(
        open.step(['provisioning'], { step: 'CreateRole', callId: 'execution/CreateRole/2', begunAt }),
        iam,
        async () => userArn,
        trust,
      );
    expect((await thrownBy(again(50_000))).name).toBe('EarlierCallOpenError');
    await again(200_000);
    expect(trustPolicy()).toBe(documentOf({ ...theirs, Sid: 'New' }, ours));
  });
});

describe('DeleteRole of a role that was adopted', () => {
  const adopted = async () => {
    const events: string[] = [];
    const journal = journalOf(adopting());
    const iam = fakeIam(events, standing);
    await adopt(journal, iam.iam);
    events.length = 0;
    return { ...iam, journal, events };
  };

  test('takes the permissions away before the trust, puts back their text, and then does nothing', async () => {
    const { iam, journal, events, attached, trustPolicy } = await adopted();
    expect(await releaseRole(journal.step(), iam)).toEqual({ outcome: 'restored' });
    expect(events).toEqual(['detach from AcmeLabelling', 'set trust of AcmeLabelling']);
    expect(trustPolicy()).toBe(asTheyWroteIt);
    expect([...attached]).toEqual(['arn:theirs']);
    expect(await releaseRole(journal.step(), iam)).toEqual({ outcome: 'nothing to restore' });
    expect(journal.record().resources.role?.leftAlone).toBeUndefined();
  });

  test('restores a role that an earlier version adopted without a permissions boundary', async () => {
    const { iam, journal, become, attached, trustPolicy } = await adopted();
    become({ permissionsBoundaryArn: undefined });
    expect(await releaseRole(journal.step(), iam)).toEqual({ outcome: 'restored' });
    expect([trustPolicy(), [...attached]]).toEqual([asTheyWroteIt, attachedBefore]);
  });

  test('takes out just our statement where somebody has added others', async () => {
    const { iam, journal, become, trustPolicy } = await adopted();
    const added = { ...theirs, Sid: 'Added' };
    become({ trustPolicy: documentOf(added, ours, theirs) });
    expect(await releaseRole(journal.step(), iam)).toEqual({ outcome: 'restored' });
    expect(trustPolicy()).toBe(documentOf(added, theirs));
    expect(journal.record().resources.role?.leftAlone).toBeUndefined();
  });

  const stranger = {
    Effect: 'Allow',
    Principal: { AWS: 'arn:aws:iam::666666666666:root' },
    Action: 'sts:AssumeRole',
  };
  test.each([
    ['and says more', documentOf(theirs, stranger)],
    // Of two members of one name another reader may take the first, or take neither and refuse the text.
    [
      'and says one thing twice',
      asTheyWroteIt.replace('"Statement"', () => `"Statement": [${JSON.stringify(stranger)}], "Statement"`),
    ],
  ])(
    'does not write what a forged record calls the original %s, but what stands less our statement',
    async (_how, original) => {
      const { iam, journal, trustPolicy } = await adopted();
      const { role } = journal.record().resources;
      const trust = { before: original, after: role?.changes?.trustPolicy?.after ?? '' };
      const forged = recordOf({
        ...journal.record(),
        resources: { role: { ...role, state: 'created', changes: { trustPolicy: trust } } },
      });
      expect(await releaseRole(journalOf(forged).step(), iam)).toEqual({ outcome: 'restored' });
      expect(trustPolicy()).toBe(JSON.stringify({ Version: '2012-10-17', Id: 'team', Statement: [theirs] }));
    },
  );

  test('knows its statement although Dataloop has deleted the user, and IAM shows an id', async () => {
    const { iam, journal, become, trustPolicy } = await adopted();
    become({ trustPolicy: written.replace(userArn, 'AIDAEXAMPLE') });
    expect(await releaseRole(journal.step(), iam)).toEqual({ outcome: 'restored' });
    expect(trustPolicy()).toBe(asTheyWroteIt);
  });

  test.each([
    ['trusts somebody else', { ...ours, Principal: { AWS: 'arn:aws:iam::333333333333:root' } }],
    ['has a condition', { ...ours, Condition: {} }],
    ['trusts a deleted user, and more is changed', { ...ours, Principal: { AWS: 'AIDAX' }, Effect: 'Deny' }],
  ])('leaves our statement alone when it %s by now, and reports it', async (_what, changed) => {
    const { iam, journal, become, trustPolicy, attached } = await adopted();
    become({ trustPolicy: documentOf(theirs, changed) });
    await releaseRole(journal.step(), iam);
    expect(trustPolicy()).toBe(documentOf(theirs, changed));
    expect([...attached]).toEqual(['arn:theirs']);
    expect(journal.record().resources.role).toMatchObject({
      state: 'gone',
      leftAlone: expect.stringContaining(ours.Sid),
    });
  });

  test('of which the journal can no longer be read loses our permissions, and is left until our statement is gone', async () => {
    const { iam, events, become } = await adopted();
    const journal = journalOf(recordOf({ ...adopting(), resources: { role: { state: 'intended' } } }));
    await releaseRole(journal.step(), iam);
    expect(events).toEqual(['detach from AcmeLabelling']);
    expect(journal.record().resources.role).toMatchObject({
      state: 'intended',
      residue: {
        reason: expect.stringContaining('resource_role'),
        advice: expect.stringContaining(`Remove the statement ${ours.Sid} from the trust policy`),
      },
    });
    // As the advice says.
    become({ trustPolicy: asTheyWroteIt });
    await retried(() => releaseRole(journal.step(), iam));
    expect(journal.record().resources.role?.state).toBe('gone');
  });

  test('is residue where ours is the last statement: IAM takes no policy without one', async () => {
    const { iam, journal, become, trustPolicy } = await adopted();
    become({ trustPolicy: documentOf(ours) });
    await releaseRole(journal.step(), iam);
    expect(trustPolicy()).toBe(documentOf(ours));
    expect(journal.record().resources.role).toMatchObject({
      state: 'created',
      residue: { advice: expect.stringContaining('send DELETE for this integration again') },
    });
    become({ trustPolicy: documentOf(ours, theirs) });
    await releaseRole(journal.step(), iam);
    expect([trustPolicy(), journal.record().resources.role?.state]).toEqual([documentOf(theirs), 'gone']);
  });

  test.each([
    [
      'AROAEXAMPLEROLE',
      { ...theirs, Sid: 'Backup', Principal: { AWS: ['arn:x', 'AROAEXAMPLEROLE'] } },
      'The statement Backup',
    ],
    [
      'AIDAEXAMPLEUSER',
      { ...theirs, Sid: undefined, Principal: { AWS: 'AIDAEXAMPLEUSER' } },
      'The statement number 1',
    ],
    [
      'AIDAEXAMPLEOTHER',
      { ...theirs, Sid: '', Principal: { AWS: 'AIDAEXAMPLEOTHER' } },
      'The statement number 1',
    ],
  ])(
    'is residue at once where another statement trusts %s: IAM takes no change of it',
    async (id, dead, named) => {
      const { iam, journal, become, trustPolicy, attached, events } = await adopted();
      become({ trustPolicy: documentOf(dead, ours) });
      events.length = 0;
      await releaseRole(journal.step(), iam);
      expect(trustPolicy()).toBe(documentOf(dead, ours));
      expect([...attached]).toEqual(['arn:theirs']);
      expect(events.filter((event) => event.startsWith('set trust'))).toEqual([]);
      const { residue } = journal.record().resources.role ?? {};
      expect(residue?.reason).toContain(`${named} of its trust policy trusts ${id}`);
      expect(residue?.advice).toContain(named.replace('The', 'the'));
      expect(residue?.advice).toContain('Until then Dataloop can still assume the role.');
    },
  );

  test('looks again where the statement is not to be seen: IAM may show it later', async () => {
    const { iam, journal, become, trustPolicy } = await adopted();
    become({ trustPolicy: asTheyWroteIt });
    expect((await thrownBy(releaseRole(journal.step(), iam))).name).toBe('AwsNotYetConsistentError');
    become({ trustPolicy: written });
    await releaseRole(journal.step(), iam);
    expect(trustPolicy()).toBe(asTheyWroteIt);
  });

  test('is not done while IAM still shows our statement', async () => {
    const { iam, journal, trustPolicy } = await adopted();
    const slow: typeof iam = {
      ...iam,
      getRole: async () => ({ ...before, trustPolicy: written }),
    };
    expect((await thrownBy(releaseRole(journal.step(), slow))).name).toBe('AwsNotYetConsistentError');
    expect(journal.record().resources.role?.state).toBe('created');
    await retried(() => releaseRole(journal.step(), iam));
    expect([trustPolicy(), journal.record().resources.role?.state]).toEqual([asTheyWroteIt, 'gone']);
  });

  test('leaves alone a role that somebody made in the place of the one that was adopted', async () => {
    const { iam, journal, become, events } = await adopted();
    become({ uniqueId: 'AROA2' });
    await releaseRole(journal.step(), iam);
    expect(events).toEqual([]);
    expect(journal.record().resources.role).toMatchObject({ state: 'gone', leftAlone: expect.anything() });
  });

  test.each([undefined, { arn: 'arn:aws:iam::111111111111:role/AcmeLabelling' }])(
    'has nothing to do where the role is gone (%j)',
    async (more) => {
      const { iam, journal, become, events } = await adopted();
      become(more);
      await retried(() => releaseRole(journal.step(), iam));
      expect([events, journal.record().resources.role?.state]).toEqual([[], 'gone']);
    },
  );

  test('looks at nothing that the journal does not know', async () => {
    const { iam } = fakeIam([], standing, () => Promise.reject(new Error('looked')));
    expect(await releaseRole(stepOf(adopting()), iam)).toEqual({ outcome: 'nothing to restore' });
  });
});

describe('whatever call is cut off, before it took effect or after', () => {
  const begin = (passage: Passage) => {
    const journal = journalOf(adopting(), [], passage);
    const { iam, attached, trustPolicy } = fakeIam([], standing, passage);
    const attempt = () => adoptRole(journal.step(), iam, () => passage(async () => userArn), trust);
    return { journal, iam, attached, trustPolicy, attempt };
  };

  test('the undo leaves the role as it was', async () => {
    const interruptions = await everyInterruption(
      begin,
      async ({ journal, iam, attached, trustPolicy }, where) => {
        await retried(() => releaseRole(journal.step(), iam));
        expect([where, trustPolicy(), [...attached]]).toEqual([where, asTheyWroteIt, ['arn:theirs']]);
        expect([undefined, 'gone']).toContain(journal.record().resources.role?.state);
      },
    );
    expect(interruptions).toBe(16);
  });

  test('a second attempt ends as an undisturbed one, and its undo leaves the role as it was', async () => {
    await everyInterruption(begin, async ({ journal, iam, attached, trustPolicy, attempt }, where) => {
      await attempt();
      expect([where, trustPolicy(), [...attached]]).toEqual([where, written, ['arn:theirs', policyArn]]);
      await retried(() => releaseRole(journal.step(), iam));
      expect([where, trustPolicy()]).toEqual([where, asTheyWroteIt]);
    });
  });

  test('further attempts of the undo end as an undisturbed one', async () => {
    const undisturbed = begin((call) => call());
    await undisturbed.attempt();
    const adopted = undisturbed.journal.record();
    const beginUndo = (passage: Passage) => {
      const journal = journalOf(adopted, [], passage);
      const { iam, attached, trustPolicy } = fakeIam(
        [],
        { ...standing, role: { ...before, trustPolicy: written } },
        passage,
      );
      attached.add(policyArn);
      return { journal, attached, trustPolicy, attempt: () => releaseRole(journal.step(), iam) };
    };
    const interruptions = await everyInterruption(
      beginUndo,
      async ({ journal, attached, trustPolicy, attempt }, where) => {
        await retried(attempt);
        expect([where, trustPolicy(), [...attached], journal.record().resources.role?.state]).toEqual([
          where,
          asTheyWroteIt,
          ['arn:theirs'],
          'gone',
        ]);
      },
    );
    expect(interruptions).toBe(12);
  });
});

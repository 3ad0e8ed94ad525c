import { describe, expect, test } from '@jest/globals';
import { createPolicy, deletePolicy } from '../../../../../src/domain/resources/role/policy.ts';
import { hash } from '../../../../../src/domain/resources/role/shared-policies.ts';
import { fakeIam } from '../../fake-iam.ts';
import {
  everyInterruption,
  fencedStepOf,
  integrationId,
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
} from '../../fakes.ts';

const arn = 'arn:aws:iam::111111111111:policy/dataloop-cross-account/test/dataloop-acme';

const uniqueId = 'ANPA0';
const everything = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
/** What the journal keeps of the document that the plain request comes to. */
const written = [hash(stepOf(recordOf()).desired.permissionPolicy)];

describe('CreatePolicy', () => {
  test('journals the intent before the effect, and the outcome after it', async () => {
    const events: string[] = [];
    expect(await createPolicy(stepOf(recordOf(), events), fakeIam(events).iam)).toEqual({ policyArn: arn });
    expect(events).toEqual(['journal policy intended', 'create policy', 'journal policy created']);
  });

  test('makes the planned document under the planned ARN, tagged as ours beside the customer’s tags', async () => {
    const { iam, policy: standing } = fakeIam([]);
    const request = requestOf({ tags: { team: 'a' }, bucket: { name: 'dataloop-acme', prefix: 'raw/' } });
    const step = stepOf(recordOf({ request }));
    await createPolicy(step, iam);
    expect(standing()).toEqual({
      arn,
      uniqueId: 'ANPA1',
      tags: { ...ours, team: 'a' },
      document: step.desired.permissionPolicy,
    });
  });

  test('journals the ARN, the id by which it is told from a later one of its name, and what it says', async () => {
    const journal = journalOf(recordOf());
    await createPolicy(journal.step(), fakeIam([]).iam);
    expect(journal.record().resources.policy).toEqual({
      state: 'created',
      arn,
      uniqueId: 'ANPA1',
      written,
      writtenAt: 0,
    });
  });

  test('takes its own policy for created when the answer was lost', async () => {
    const journal = journalOf(knowing({ policy: { state: 'intended', arn } }));
    await createPolicy(journal.step(), fakeIam([], { policy: { arn, uniqueId, tags: ours } }).iam);
    expect(journal.record().resources.policy).toEqual({
      state: 'created',
      arn,
      uniqueId,
      written,
      writtenAt: 0,
    });
  });

  describe('while IAM has a policy of that name but does not show it', () => {
    const creating = async (attempt: number, events: string[]) => {
      const { iam } = fakeIam(events, { policy: { arn, uniqueId, tags: ours } });
      const blind: typeof iam = { ...iam, getDefaultPolicyVersion: async () => undefined };
      return thrownBy(createPolicy(journalOf(recordOf(), events).step(['provisioning'], { attempt }), blind));
    };

    test.each([1, 2, 3, 4, 5])('is tried again after attempt %i: it may be too new', async (attempt) => {
      const events: string[] = [];
      expect(await creating(attempt, events)).toMatchObject({
        name: 'AwsNotYetConsistentError',
        retryable: true,
        message: expect.stringContaining(arn),
      });
      expect(events).toEqual(['journal policy intended', 'create policy']);
    });

    test.each([6, 7])(
      'takes the name for taken on attempt %i: its own would be seen by then',
      async (attempt) => {
        const events: string[] = [];
        expect(await creating(attempt, events)).toMatchObject({
          name: 'PolicyNameTakenError',
          retryable: false,
          message: expect.stringContaining('dataloop-acme'),
        });
        expect(events).toEqual(['journal policy intended', 'create policy']);
      },
    );
  });

  test('refuses a name that is taken on another path, after a while, and the undo leaves that alone', async () => {
    const events: string[] = [];
    const before = { arn: 'arn:aws:iam::111111111111:policy/dataloop-acme', uniqueId, tags: ours };
    const journal = journalOf(recordOf());
    const { iam, policy: standing } = fakeIam(events, { policy: before });
    // IAM is asked by ARN, under which there is nothing.
    const creating = retried((attempt) => createPolicy(journal.step(['provisioning'], { attempt }), iam));
    expect((await thrownBy(creating)).name).toBe('PolicyNameTakenError');
    await retried(() => deletePolicy(journal.step(), iam));
    expect([standing(), events]).toEqual([before, Array(6).fill('create policy')]);
    expect(journal.record().resources.policy).toEqual({ state: 'gone', arn, written, writtenAt: 0 });
  });

  test('takes its own policy on as soon as it shows, however many attempts that took', async () => {
    const journal = journalOf(knowing({ policy: { state: 'intended', arn } }));
    const { iam } = fakeIam([], { policy: { arn, uniqueId, tags: ours } });
    expect(await createPolicy(journal.step(['provisioning'], { attempt: 9 }), iam)).toEqual({
      policyArn: arn,
    });
    expect(journal.record().resources.policy).toEqual({
      state: 'created',
      arn,
      uniqueId,
      written,
      writtenAt: 0,
    });
  });

  test.each([
    ['of another owner', { arn, uniqueId, tags: theirs }],
    ['without tags', { arn, uniqueId, tags: {} }],
  ])('refuses a name that is taken by a policy %s, and the undo leaves that alone', async (_what, before) => {
    const events: string[] = [];
    const journal = journalOf(recordOf());
    const { iam, policy: standing } = fakeIam(events, { policy: before });
    expect(await thrownBy(createPolicy(journal.step(), iam))).toMatchObject({
      name: 'PolicyNameTakenError',
      retryable: false,
      message: expect.stringContaining('dataloop-acme'),
    });
    await deletePolicy(journal.step(), iam);
    expect([standing(), events]).toEqual([before, ['create policy']]);
    expect(journal.record().resources.policy).toEqual({
      state: 'gone',
      arn,
      written,
      writtenAt: 0,
      leftAlone: expect.stringContaining('does not belong to this integration'),
    });
  });

  test('does not use a policy with our tag that says something else: who may tag, may write ours', async () => {
    const before = { arn, uniqueId, tags: ours, document: everything };
    const journal = journalOf(recordOf());
    const { iam, policy: standing } = fakeIam([], { policy: before });
    expect((await thrownBy(createPolicy(journal.step(), iam))).name).toBe('PolicyNameTakenError');
    expect(standing()).toEqual(before);
  });

  test('creates nothing when the journal takes its intent no more', async () => {
    const events: string[] = [];
    const error = await thrownBy(createPolicy(fencedStepOf(recordOf()), fakeIam(events).iam));
    expect([error.name, events]).toEqual(['IntegrationMovedOnError', []]);
  });
});

describe('DeletePolicy', () => {
  const created = knowing({ policy: { state: 'created', arn, uniqueId } });

  test('deletes just its own policy, and a second time does nothing', async () => {
    const events: string[] = [];
    const journal = journalOf(created, events);
    const { iam } = fakeIam(events, { policy: { arn, uniqueId, tags: ours } });
    expect(await deletePolicy(journal.step(), iam)).toEqual({ outcome: 'removed' });
    expect(await deletePolicy(journal.step(), iam)).toEqual({ outcome: 'nothing to remove' });
    expect(events).toEqual([`delete ${arn}`, 'journal policy gone']);
  });

  test('names at once what somebody else attached it to, and waits where that is only our role', async () => {
    const journal = journalOf(created);
    const policy = { arn, uniqueId, tags: ours };
    const { iam } = fakeIam([], { policy, entities: ['role dataloop-acme', 'user alice'] });
    await deletePolicy(journal.step(), iam);
    expect(journal.record().resources.policy).toMatchObject({
      state: 'created',
      residue: {
        reason: expect.stringContaining('attached to user alice.'),
        advice: expect.stringContaining(`Detach the policy ${arn} from user alice.`),
      },
    });
    const passing = fakeIam([], { policy, entities: ['role dataloop-acme'] });
    const busy = await thrownBy(deletePolicy(journalOf(created).step(), passing.iam));
    expect(busy).toMatchObject({ name: 'AwsConflictError', retryable: true });
  });

  test('reports a policy of ours that carries another integration’s tag by now', async () => {
    const journal = journalOf(created);
    const { iam, policy: standing } = fakeIam([], { policy: { arn, uniqueId, tags: theirs } });
    await deletePolicy(journal.step(), iam);
    expect(standing()?.tags).toBe(theirs);
    expect(journal.record().resources.policy?.residue?.reason).toContain(integrationId);
  });

  test.each([
    ['made in the place of ours, tag and all', { arn, uniqueId: 'ANPA9', tags: ours }],
    ['of that name on another path', { arn: 'arn:aws:iam::111111111111:policy/x', uniqueId, tags: ours }],
  ])('leaves a policy alone that somebody has %s: ours is gone', async (_what, before) => {
    const events: string[] = [];
    const journal = journalOf(created);
    const { iam, policy: standing } = fakeIam(events, { policy: before });
    await retried(() => deletePolicy(journal.step(), iam));
    expect([standing(), events]).toEqual([before, []]);
    expect(journal.record().resources.policy?.state).toBe('gone');
  });

  test('does not take IAM’s word at once that there was nothing to delete', async () => {
    const journal = journalOf(created);
    const { iam } = fakeIam([], { policy: { arn, uniqueId, tags: ours } });
    const denying: typeof iam = { ...iam, deletePolicy: async () => 'absent' };
    expect((await thrownBy(deletePolicy(journal.step(), denying))).name).toBe('AwsNotYetConsistentError');
    expect(journal.record().resources.policy?.state).toBe('created');
  });
});

describe('whatever call is cut off, before it took effect or after', () => {
  const begin = (passage: Passage) => {
    const journal = journalOf(recordOf(), [], passage);
    const { iam, policy: standing } = fakeIam([], {}, passage);
    return { journal, iam, standing, attempt: () => createPolicy(journal.step(), iam) };
  };

  test('the undo of CreatePolicy leaves no policy behind', async () => {
    const interruptions = await everyInterruption(begin, async ({ journal, iam, standing }, where) => {
      await retried(() => deletePolicy(journal.step(), iam));
      expect([where, standing()]).toEqual([where, undefined]);
      expect([undefined, 'gone']).toContain(journal.record().resources.policy?.state);
    });
    expect(interruptions).toBe(6);
  });

  test('a second attempt of CreatePolicy ends with one policy that the journal knows', async () => {
    await everyInterruption(begin, async ({ journal, standing, attempt }, where) => {
      await attempt();
      expect([where, standing()?.tags]).toEqual([where, ours]);
      expect(journal.record().resources.policy).toEqual({
        state: 'created',
        arn,
        uniqueId: 'ANPA1',
        written,
        writtenAt: 0,
      });
    });
  });

  test('further attempts of DeletePolicy leave no policy behind', async () => {
    const beginUndo = (passage: Passage) => {
      const journal = journalOf(knowing({ policy: { state: 'created', arn, uniqueId } }), [], passage);
      const { iam, policy: standing } = fakeIam([], { policy: { arn, uniqueId, tags: ours } }, passage);
      return { journal, standing, attempt: () => deletePolicy(journal.step(), iam) };
    };
    const interruptions = await everyInterruption(
      beginUndo,
      async ({ journal, standing, attempt }, where) => {
        await retried(attempt);
        expect([where, standing()]).toEqual([where, undefined]);
        expect(journal.record().resources.policy).toEqual({ state: 'gone', arn, uniqueId });
      },
    );
    expect(interruptions).toBe(6);
  });
});

import { describe, expect, test } from '@jest/globals';
import type { PolicyDocument } from '../../../src/domain/plan.ts';
import {
  createPolicy,
  deletePolicy,
  type PolicyCreator,
  type PolicyRemover,
} from '../../../src/domain/policy.ts';
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
  stepOf,
  type Tags,
  theirs,
  thrownBy,
} from './fakes.ts';

const arn = 'arn:aws:iam::111111111111:policy/dataloop-cross-account/test/dataloop-acme';

interface StandingPolicy {
  readonly arn: string;
  readonly tags: Tags;
  readonly document?: PolicyDocument;
}

/** IAM with one policy name, which is taken whatever path its holder has. */
function fakeIam(events: string[], before?: StandingPolicy, passage: Passage = (call) => call()) {
  let policy = before;
  const iam: PolicyCreator & PolicyRemover = {
    policyTags: (wanted) => passage(async () => (policy?.arn === wanted ? policy.tags : undefined)),
    createPolicy: ({ name, path, document, tags }) =>
      passage(async () => {
        events.push('create policy');
        if (policy) return 'exists';
        policy = { arn: `arn:aws:iam::111111111111:policy${path}${name}`, tags, document };
        return 'created';
      }),
    deletePolicy: (wanted) =>
      passage(async () => {
        events.push(`delete ${wanted}`);
        if (policy?.arn === wanted) policy = undefined;
      }),
  };
  return { iam, standing: () => policy };
}

describe('CreatePolicy', () => {
  test('journals the intent before the effect, and the outcome after it', async () => {
    const events: string[] = [];
    expect(await createPolicy(stepOf(recordOf(), events), fakeIam(events).iam)).toEqual({ policyArn: arn });
    expect(events).toEqual(['journal policy intended', 'create policy', 'journal policy created']);
  });

  test('makes the planned document under the planned ARN, tagged as ours beside the customer’s tags', async () => {
    const { iam, standing } = fakeIam([]);
    const request = requestOf({ tags: { team: 'a' }, bucket: { name: 'dataloop-acme', prefix: 'raw/' } });
    const step = stepOf(recordOf({ request }));
    await createPolicy(step, iam);
    expect(standing()).toEqual({
      arn,
      tags: { ...ours, team: 'a' },
      document: step.plan.permissionPolicy,
    });
  });

  test('takes its own policy for created when the answer was lost', async () => {
    const journal = journalOf(knowing({ policy: { state: 'intended', arn } }));
    await createPolicy(journal.step(), fakeIam([], { arn, tags: ours }).iam);
    expect(journal.record().resources.policy).toEqual({ state: 'created', arn });
  });

  test.each([
    ['of another owner', { arn, tags: theirs }],
    ['without tags', { arn, tags: {} }],
    ['on another path', { arn: 'arn:aws:iam::111111111111:policy/dataloop-acme', tags: ours }],
  ])('refuses a name that is taken by a policy %s, and the undo leaves that alone', async (_what, before) => {
    const events: string[] = [];
    const journal = journalOf(recordOf());
    const { iam, standing } = fakeIam(events, before);
    expect(await thrownBy(createPolicy(journal.step(), iam))).toMatchObject({
      name: 'PolicyNameTakenError',
      message: expect.stringContaining('dataloop-acme'),
    });
    await deletePolicy(journal.step(), iam);
    expect([standing(), events]).toEqual([before, ['create policy']]);
    expect(journal.record().resources.policy?.state).toBe('gone');
  });

  test('creates nothing when the journal takes its intent no more', async () => {
    const events: string[] = [];
    const error = await thrownBy(createPolicy(fencedStepOf(recordOf()), fakeIam(events).iam));
    expect([error.name, events]).toEqual(['IntegrationMovedOnError', []]);
  });
});

describe('DeletePolicy', () => {
  test('deletes just its own policy, and a second time does nothing', async () => {
    const events: string[] = [];
    const journal = journalOf(knowing({ policy: { state: 'created', arn } }), events);
    const { iam } = fakeIam(events, { arn, tags: ours });
    await deletePolicy(journal.step(), iam);
    await deletePolicy(journal.step(), iam);
    expect(events).toEqual([`delete ${arn}`, 'journal policy gone']);
  });

  test('reports a policy of ours that carries another integration’s tag by now', async () => {
    const journal = journalOf(knowing({ policy: { state: 'created', arn } }));
    const { iam, standing } = fakeIam([], { arn, tags: theirs });
    await deletePolicy(journal.step(), iam);
    expect(standing()?.tags).toBe(theirs);
    expect(journal.record().resources.policy?.residue?.reason).toContain(integrationId);
  });
});

describe('whatever call is cut off, before it took effect or after', () => {
  const begin = (passage: Passage) => {
    const journal = journalOf(recordOf(), [], passage);
    const { iam, standing } = fakeIam([], undefined, passage);
    return { journal, iam, standing, attempt: () => createPolicy(journal.step(), iam) };
  };

  test('the undo of CreatePolicy leaves no policy behind', async () => {
    const interruptions = await everyInterruption(begin, async ({ journal, iam, standing }, where) => {
      await deletePolicy(journal.step(), iam);
      expect([where, standing()]).toEqual([where, undefined]);
      expect([undefined, 'gone']).toContain(journal.record().resources.policy?.state);
    });
    expect(interruptions).toBe(6);
  });

  test('a second attempt of CreatePolicy ends with one policy that the journal knows', async () => {
    await everyInterruption(begin, async ({ journal, standing, attempt }, where) => {
      await attempt();
      expect([where, standing()?.tags, journal.record().resources.policy?.state]).toEqual([
        where,
        ours,
        'created',
      ]);
    });
  });
});

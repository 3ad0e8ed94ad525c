/** What every undo shares: what counts as ours, when nothing to be seen counts as gone, and what is journalled. */
import { describe, expect, test } from '@jest/globals';
import { ownerTag } from '../../../../src/domain/model/desired-state.ts';
import type { ResourceRecord } from '../../../../src/domain/model/record.ts';
import { type ResourceKey, resourceKeys } from '../../../../src/domain/model/resource-keys.ts';
import type { StepRecord } from '../../../../src/domain/model/step-record.ts';
import type { StepName } from '../../../../src/domain/model/steps.ts';
import {
  confirmAbsence,
  type Found,
  isTaggedOurs,
  type RemovalOutcome,
  removeIfOurs,
} from '../../../../src/domain/saga/ownership.ts';
import { ServiceError } from '../../../../src/errors.ts';
import {
  integrationId,
  journalOf,
  knowing,
  ours,
  recordOf,
  retried,
  stepOf,
  type Tags,
  theirs,
  thrownBy,
} from '../fakes.ts';

const arn = 'arn:policy';
const hour = 3_600_000;
const created: ResourceRecord = { state: 'created', arn, uniqueId: 'first' };
const inState = (state: ResourceRecord['state']): ResourceRecord => ({ state, arn });

describe('a resource is ours', () => {
  test.each([
    ['when its tag names this integration, whatever else it carries', { ...ours, team: 'a' }, true],
    ['not when its tag names another integration', theirs, false],
    ['not when the tag has our id as a part only', { [ownerTag]: `${integrationId}0` }, false],
    ['not when the tag stands under another key', { 'dataloop:integration-id': integrationId }, false],
    ['not when it has no tags', {}, false],
    ['not when there is nothing', undefined, false],
  ] as const)('%s', (_when, tags: Tags | undefined, expected) => {
    expect(isTaggedOurs(stepOf(recordOf()), tags)).toBe(expected);
  });
});

/**
 * An undo of a policy that the journal knows, attempt by attempt.
 * @param looks what each look sees; the last one is seen by every further look
 * @param removals what each removal comes to, in the same way
 */
function undoing(
  known: ResourceRecord | undefined,
  looks: readonly (Found | undefined)[],
  removals: readonly (RemovalOutcome | Error)[] = ['removed'],
) {
  const events: string[] = [];
  const journal = journalOf(known ? knowing({ policy: known }) : recordOf(), events);
  const counts = { look: 0, remove: 0 };
  const next = <T>(what: 'look' | 'remove', answers: readonly T[]) => {
    events.push(what);
    const answer = answers[Math.min(counts[what], answers.length - 1)];
    counts[what] += 1;
    return answer;
  };
  const attempt = () =>
    removeIfOurs(
      journal.step(),
      'policy',
      async () => next('look', looks),
      async () => {
        const removal = next('remove', removals) ?? 'removed';
        if (removal instanceof Error) throw removal;
        return removal;
      },
    );
  return { attempt, events, left: () => journal.record().resources.policy };
}

describe('removeIfOurs', () => {
  test.each([undefined, 'gone'] as const)('does not even look where the journal says %s', async (state) => {
    const { attempt, events } = undoing(state && inState(state), [{ tags: ours }]);
    expect(await attempt()).toEqual({ outcome: 'nothing to remove' });
    expect(events).toEqual([]);
  });

  test.each(['intended', 'created'] as const)('removes what is %s and tagged as ours', async (state) => {
    const { attempt, events, left } = undoing(inState(state), [{ tags: ours }]);
    expect(await attempt()).toEqual({ outcome: 'removed' });
    expect(events).toEqual(['look', 'remove', 'journal policy gone']);
    expect(left()).toEqual(inState('gone'));
  });

  test.each([
    ['that it created', created, { tags: ours, uniqueId: 'first' }],
    ['whose id was lost with an answer', inState('intended'), { tags: ours, uniqueId: 'first' }],
    ['that is of a kind without ids', created, { tags: ours }],
  ])('removes the very resource %s', async (_which, known, found) => {
    const { attempt, events } = undoing(known, [found]);
    expect(await attempt()).toEqual({ outcome: 'removed' });
    expect(events).toEqual(['look', 'remove', 'journal policy gone']);
  });

  test.each([
    ['with our tag', ours],
    ['without it', {}],
  ])('leaves alone what somebody made, %s, in the place of ours', async (_how, tags) => {
    const { attempt, events, left } = undoing(created, [{ tags, uniqueId: 'second' }]);
    expect(await attempt()).toEqual({ outcome: 'replaced by somebody else, left alone' });
    expect(events).toEqual(['look', 'journal policy gone']);
    expect(left()).toEqual({
      ...created,
      state: 'gone',
      leftAlone: expect.stringContaining('Somebody deleted it and created another one'),
    });
  });

  test.each([
    ['foreign', theirs],
    ['untagged', {}],
  ] as const)('forgets an intent whose name is taken by something %s, and says so', async (_what, tags) => {
    const { attempt, events, left } = undoing(inState('intended'), [{ tags }]);
    expect(await attempt()).toEqual({ outcome: 'not ours, left alone' });
    expect(events).toEqual(['look', 'journal policy gone']);
    expect(left()).toEqual({ ...inState('gone'), leftAlone: 'It does not belong to this integration.' });
  });

  test('speaks of the driver where it is one that is removed', async () => {
    const parent = { integrationId, dataloopIntegrationId: 'dataloop-1' };
    const bucket = { state: 'intended', arn: 'arn:bucket' } as const;
    const journal = journalOf(recordOf({ resources: { bucket }, parent }));
    await removeIfOurs(
      journal.step(),
      'bucket',
      async () => ({ tags: theirs }),
      async () => 'removed',
    );
    expect(journal.record().resources.bucket?.leftAlone).toBe('It does not belong to this driver.');
  });

  test.each([
    ['no tag', {}],
    ['another integration’s tag', theirs],
  ] as const)('reports what we created and what carries %s by now, and leaves it', async (_what, tags) => {
    const { attempt, events, left } = undoing(created, [{ tags, uniqueId: 'first' }]);
    expect(await attempt()).toEqual({ outcome: 'left: not tagged as ours' });
    expect(events).toEqual(['look', 'journal policy residue']);
    expect(left()).toEqual({
      ...created,
      residue: {
        reason: expect.stringContaining(`${ownerTag}=${integrationId}`),
        advice: expect.stringMatching(/restore the tag.*send DELETE for this integration again/),
      },
    });
  });

  test('says the same of a role that carries our tag no more', async () => {
    const journal = journalOf(knowing({ role: { state: 'created', arn: 'arn:role' } }));
    const look = async () => ({ tags: {} });
    await removeIfOurs(journal.step(), 'role', look, async () => 'removed');
    expect(journal.record().resources.role?.residue?.advice).toMatch(
      /restore the tag.*[Ss]end DELETE for this integration again/,
    );
  });

  test('removes what carries our tag again, and forgets why it once did not', async () => {
    const { attempt, left } = undoing(created, [
      { tags: {}, uniqueId: 'first' },
      { tags: ours, uniqueId: 'first' },
    ]);
    await attempt();
    expect(await attempt()).toEqual({ outcome: 'removed' });
    expect(left()).toEqual({ ...created, state: 'gone' });
  });

  test('reports what keeps a resource, in the outcome as well', async () => {
    const kept = { reason: 'It is in use.', advice: 'Stop using it.' };
    const { attempt, left } = undoing(created, [{ tags: ours }], [kept]);
    expect(await attempt()).toEqual({ outcome: `left: ${kept.reason}` });
    expect(left()).toEqual({ ...created, residue: kept });
  });

  test.each([
    ['an error of ours', new ServiceError('AwsConflictError', 'DeleteConflict')],
    ['an error that is none of ours, whatever its name', namedLike('AwsAccessDeniedError')],
  ])('hands %s on without a second look, and keeps the resource as standing', async (_what, error) => {
    const { attempt, events, left } = undoing(created, [{ tags: ours }, undefined], [error]);
    expect(await thrownBy(attempt())).toBe(error);
    expect(events).toEqual(['look', 'remove']);
    expect(left()).toEqual(created);
  });

  describe('that is refused', () => {
    const refused = new ServiceError('AwsAccessDeniedError', 'not authorized');

    test('hands the refusal on where the resource is still there', async () => {
      const { attempt, events, left } = undoing(created, [{ tags: ours }], [refused]);
      expect(await thrownBy(attempt())).toBe(refused);
      expect(events).toEqual(['look', 'remove', 'look']);
      expect(left()).toEqual(created);
    });

    test('takes it for the refusal of what is gone where the resource is not to be seen any more', async () => {
      const { attempt, events, left } = undoing(created, [{ tags: ours }, undefined], [refused]);
      expect((await thrownBy(attempt())).name).toBe('AwsNotYetConsistentError');
      expect(events).toEqual(['look', 'remove', 'look', 'journal policy not seen']);
      expect(await retried(attempt)).toEqual({ outcome: 'does not exist' });
      expect(left()).toEqual({ ...created, state: 'gone' });
    });
  });

  test('does not believe one answer that there was nothing to remove', async () => {
    const { attempt, events, left } = undoing(created, [{ tags: ours }], ['absent', 'removed']);
    expect(await thrownBy(attempt())).toMatchObject({ name: 'AwsNotYetConsistentError', retryable: true });
    expect(events).toEqual(['look', 'remove', 'journal policy not seen']);
    expect(await attempt()).toEqual({ outcome: 'removed' });
    expect(left()).toEqual({ ...created, state: 'gone' });
  });
});

/** An error that is none of ours, although it has the name of one. */
function namedLike(name: string): Error {
  return Object.assign(new Error('not authorized'), { name });
}

describe('nothing to be seen', () => {
  test.each([
    ['intended', 5],
    ['created', 6],
  ] as const)(
    'of what is %s counts as gone after %i looks, each of them journalled',
    async (state, needed) => {
      const { attempt, events, left } = undoing(inState(state), [undefined]);
      for (let look = 1; look < needed; look += 1) {
        expect(await thrownBy(attempt())).toMatchObject({
          name: 'AwsNotYetConsistentError',
          retryable: true,
          message: expect.stringContaining(`read ${look} of ${needed}`),
        });
        expect(left()).toEqual({ ...inState(state), absentLooks: look });
      }
      expect(await attempt()).toEqual({ outcome: 'does not exist' });
      expect(left()).toEqual(inState('gone'));
      expect(events.filter((event) => event === 'look')).toHaveLength(needed);
      expect(events.filter((event) => event === 'journal policy not seen')).toHaveLength(needed);
    },
  );

  test('is no reason to forget what shows late: it is removed', async () => {
    const { attempt, events, left } = undoing(created, [...Array(5).fill(undefined), { tags: ours }]);
    expect(await retried(attempt)).toEqual({ outcome: 'removed' });
    expect(events.at(-2)).toBe('remove');
    expect(left()).toEqual({ ...created, state: 'gone' });
  });

  /** When the undo looks, and a time before that. */
  const lookedAt = '2026-11-24T12:00:00.000Z';
  const ago = (ms: number) => new Date(Date.parse(lookedAt) - ms).toISOString();
  const day = 24 * hour;
  const ended = (endedAt: string, startedAt = endedAt): StepRecord => ({
    status: 'succeeded',
    startedAt,
    endedAt,
    attempts: 1,
  });
  const makers = {
    bucket: 'CreateBucket',
    policy: 'CreatePolicy',
    access: 'GrantAccess',
    role: 'CreateRole',
    dataloopIntegration: 'RequestIamUser',
    driver: 'CreateDriver',
  } as const;
  const isMadeByAStep = (key: ResourceKey): key is keyof typeof makers => key in makers;
  const madeByAStep = resourceKeys.filter(isMadeByAStep);
  /** Looks in vain, attempt by attempt, for the one resource that an integration of a day has. */
  function looking(
    steps: Partial<Record<StepName, StepRecord>>,
    key: keyof typeof makers = 'role',
    state: ResourceRecord['state'] = 'created',
    createdAt = ago(day),
  ) {
    const events: string[] = [];
    const journal = journalOf(recordOf({ createdAt, steps, resources: { [key]: { state } } }), events);
    // What the function's own clock says does not count.
    const call = { startedAt: lookedAt, begunAt: Date.parse(lookedAt) + day };
    const attempt = () => confirmAbsence(journal.step(['provisioning'], call), key);
    return { attempt, events };
  }
  /** Every maker ended at one time, but one at another. */
  const allEnded = (at: string, but: StepName, atAnother: string) =>
    Object.fromEntries([...Object.values(makers).map((step) => [step, ended(at)]), [but, ended(atAnother)]]);

  test('of what a false step calls older than its record is not believed at once', async () => {
    const { attempt } = looking({ CreateRole: ended(ago(day)) }, 'role', 'created', ago(hour));
    expect((await thrownBy(attempt())).name).toBe('AwsNotYetConsistentError');
  });

  describe.each(madeByAStep)('of a %s', (key) => {
    test.each(['intended', 'created'] as const)(
      'that is %s and whose step ended more than an hour ago is believed at once',
      async (state) => {
        const steps = allEnded(ago(0), makers[key], ago(hour + 1));
        const { attempt, events } = looking(steps, key, state);
        expect(await attempt()).toEqual({ outcome: 'does not exist' });
        expect(events).toEqual([`journal ${key} gone`]);
      },
    );

    test.each([
      ['intended', 5],
      ['created', 6],
    ] as const)('that is %s and new in an old integration needs %i looks', async (state, needed) => {
      const { attempt, events } = looking(allEnded(ago(day), makers[key], ago(0)), key, state);
      expect(await retried(attempt)).toEqual({ outcome: 'does not exist' });
      expect(events).toEqual([...Array(needed).fill(`journal ${key} not seen`), `journal ${key} gone`]);
    });
  });

  const running = (startedAt: string): StepRecord => ({ status: 'running', startedAt, attempts: 1 });

  test.each([
    ['has not ended and began more than an hour ago', { CreateRole: running(ago(hour + 1)) }],
    [
      'was retried and began more than an hour ago',
      { CreateRole: { ...running(ago(hour + 1)), status: 'retrying' as const, attempts: 9 } },
    ],
  ])('is believed at once where its step %s', async (_what, steps) => {
    expect(await looking(steps).attempt()).toEqual({ outcome: 'does not exist' });
  });

  test.each([
    ['ended an hour ago', { CreateRole: ended(ago(hour)) }],
    ['ended just now, however long it took', { CreateRole: ended(ago(0), ago(day)) }],
    ['has not ended and began an hour ago', { CreateRole: running(ago(hour)) }],
    ['is not in the journal, however old the integration is', {}],
  ])('is looked for again where its step %s', async (_what, steps) => {
    const { attempt, events } = looking(steps);
    expect(await thrownBy(attempt())).toMatchObject({
      name: 'AwsNotYetConsistentError',
      message: expect.stringContaining('read 1 of 6'),
    });
    expect(events).toEqual(['journal role not seen']);
  });

  test('names the resource and the integration that are waited for', async () => {
    const { message } = await thrownBy(looking({}).attempt());
    for (const named of ['role', integrationId]) expect(message).toContain(named);
  });

  test('is not counted by a step whose integration has moved on', async () => {
    const journal = journalOf(recordOf({ status: 'failed', resources: { role: { state: 'created' } } }));
    const confirming = confirmAbsence(journal.step(['rolling-back', 'removing']), 'role');
    expect((await thrownBy(confirming)).name).toBe('IntegrationMovedOnError');
    expect(journal.record().resources.role).toEqual({ state: 'created' });
  });
});

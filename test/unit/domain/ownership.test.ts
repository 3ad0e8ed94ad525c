/** What every undo of an AWS resource shares: what counts as ours, and what is journalled of the rest. */
import { describe, expect, test } from '@jest/globals';
import type { ResourceRecord } from '../../../src/domain/journal.ts';
import { isTaggedOurs, removeIfOurs } from '../../../src/domain/ownership.ts';
import { ownerTag } from '../../../src/domain/plan.ts';
import {
  integrationId,
  journalOf,
  knowing,
  ours,
  recordOf,
  stepOf,
  type Tags,
  theirs,
  thrownBy,
} from './fakes.ts';

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

describe('removeIfOurs', () => {
  const state = (known: ResourceRecord['state'] | undefined) =>
    known ? knowing({ policy: { state: known, arn: 'arn:policy' } }) : recordOf();

  /** What the undo did with a resource that the journal knows in a state and that carries some tags now. */
  async function undo(known: ResourceRecord['state'] | undefined, tags: Tags | undefined) {
    const done: string[] = [];
    const journal = journalOf(state(known));
    const { outcome } = await removeIfOurs(
      journal.step(),
      'policy',
      async () => {
        done.push('look');
        return tags;
      },
      async () => {
        done.push('remove');
        return undefined;
      },
    );
    return { done, outcome, left: journal.record().resources.policy };
  }

  test.each([undefined, 'gone'] as const)('does not even look where the journal says %s', async (known) => {
    expect(await undo(known, ours)).toMatchObject({ done: [], outcome: 'nothing to remove' });
  });

  test.each(['intended', 'created'] as const)('removes what is %s and tagged as ours', async (known) => {
    expect(await undo(known, ours)).toMatchObject({ done: ['look', 'remove'], left: { state: 'gone' } });
  });

  test.each(['intended', 'created'] as const)('takes what is %s but not there for gone', async (known) => {
    expect(await undo(known, undefined)).toEqual({
      done: ['look'],
      outcome: 'does not exist',
      left: { state: 'gone', arn: 'arn:policy' },
    });
  });

  test.each([
    ['foreign', theirs],
    ['untagged', {}],
  ] as const)('forgets an intent whose name turns out to be taken by something %s', async (_what, tags) => {
    const { done, left } = await undo('intended', tags);
    expect([done, left]).toEqual([['look'], { state: 'gone', arn: 'arn:policy' }]);
  });

  test('reports what we created and what carries our tag no more, and leaves it standing', async () => {
    const { done, left } = await undo('created', {});
    expect(done).toEqual(['look']);
    expect(left).toMatchObject({
      state: 'created',
      residue: { reason: expect.stringContaining(ownerTag), advice: expect.stringContaining('DELETE') },
    });
  });

  test('reports what keeps a resource, in the outcome as well', async () => {
    const journal = journalOf(state('created'));
    const kept = { reason: 'It is in use.', advice: 'Stop using it.' };
    const { outcome } = await removeIfOurs(
      journal.step(),
      'policy',
      async () => ours,
      async () => kept,
    );
    expect(outcome).toContain(kept.reason);
    expect(journal.record().resources.policy).toEqual({ state: 'created', arn: 'arn:policy', residue: kept });
  });

  test('hands a refused removal on, and keeps the resource as standing', async () => {
    const journal = journalOf(state('created'));
    const refused = new Error('DeleteConflict');
    const thrown = await thrownBy(
      removeIfOurs(
        journal.step(),
        'policy',
        async () => ours,
        async () => {
          throw refused;
        },
      ),
    );
    expect(thrown).toBe(refused);
    expect(journal.record().resources.policy).toEqual({ state: 'created', arn: 'arn:policy' });
  });
});

/** A refusal that a late view explains is waited for, for a minute; every other one lasts. */
import { describe, expect, test } from '@jest/globals';
import { mapAwsError } from '../../../../src/clients/aws/errors.ts';
import type { ResourceRecord, StepCall } from '../../../../src/domain/model/record.ts';
import { createRole } from '../../../../src/domain/resources/role/role.ts';
import { youngestOf } from '../../../../src/domain/resources/role/shared-policies.ts';
import { removeIfOurs } from '../../../../src/domain/saga/ownership.ts';
import { ServiceError } from '../../../../src/errors.ts';
import { fakeIam } from '../fake-iam.ts';
import { journalOf, knowing, ours, recordOf, thrownBy, userArn } from '../fakes.ts';

const begin = Date.parse('2026-11-23T00:10:00.000Z');
const at = (seconds: number, attempt = 1): Partial<StepCall> => ({
  startedAt: new Date(begin).toISOString(),
  begunAt: begin + seconds * 1000,
  attempt,
});
const refusal = (attempts = 1) =>
  mapAwsError(
    { name: 'AccessDenied', message: 'no', $metadata: { httpStatusCode: 403, attempts } },
    'attach policy p to role r',
  );

describe('CreateRole, whose policy IAM refuses to attach', () => {
  const trust = { partition: 'aws', dataloopAccountId: '222222222222' };
  /** Attempts it at these seconds, and says how each ended. */
  async function attempted(...seconds: number[]): Promise<string[]> {
    const journal = journalOf(recordOf());
    const { iam } = fakeIam([]);
    const refusing = { ...iam, attachRolePolicy: () => Promise.reject(refusal()) };
    const ends: string[] = [];
    for (const [index, second] of seconds.entries()) {
      const step = journal.step(['provisioning'], at(second, index + 1));
      ends.push((await thrownBy(createRole(step, refusing, async () => userArn, trust))).name);
    }
    return ends;
  }

  test('waits for a minute from its creation on, then takes the refusal for lasting', async () => {
    expect(await attempted(0, 5, 59, 60)).toEqual([
      'AwsNotYetConsistentError',
      'AwsNotYetConsistentError',
      'AwsNotYetConsistentError',
      'AwsAccessDeniedError',
    ]);
  });

  test('counts from the creation, not from the beginning of the step', async () => {
    expect(await attempted(300, 310, 360)).toEqual([
      'AwsNotYetConsistentError',
      'AwsNotYetConsistentError',
      'AwsAccessDeniedError',
    ]);
  });

  test('does not wait for ever where attempts come fast', async () => {
    const ends = await attempted(...Array.from({ length: 14 }, (_, index) => index));
    expect(ends.indexOf('AwsAccessDeniedError')).toBe(12);
  });

  test('says what AWS said', async () => {
    const step = journalOf(recordOf()).step(['provisioning'], at(0));
    const { iam } = fakeIam([]);
    const refusing = { ...iam, attachRolePolicy: () => Promise.reject(refusal()) };
    const { message } = await thrownBy(createRole(step, refusing, async () => userArn, trust));
    expect(message).toContain('it may not show yet what was just created');
    expect(message).toContain('AWS did not attach policy p to role r (AccessDenied: no).');
  });
});

describe('a deletion that AWS refuses while it still shows the resource', () => {
  const standing = { tags: ours, uniqueId: 'ANPA1' };
  const old: ResourceRecord = { state: 'created', arn: 'arn:policy', uniqueId: 'ANPA1' };

  async function refused(
    known: ResourceRecord,
    call: Partial<StepCall>,
    error: Error = refusal(),
  ): Promise<{ name: string; left: ResourceRecord | undefined }> {
    const journal = journalOf({ ...knowing({ policy: known }), status: 'removing' });
    const removal = removeIfOurs(
      journal.step(['removing'], call),
      'policy',
      async () => standing,
      () => Promise.reject(error),
    );
    const { name } = await thrownBy(removal);
    return { name, left: journal.record().resources.policy };
  }

  test('lasts where nobody can have deleted it before', async () => {
    expect(await refused(old, at(0))).toEqual({ name: 'AwsAccessDeniedError', left: old });
  });

  test.each([
    ['a call before it was sent and had no answer', at(0), refusal(2)],
    ['an earlier attempt of the step may have deleted it', at(5, 2), refusal()],
    [
      'the step says more about it',
      at(5, 2),
      new ServiceError('AwsAccessDeniedError', 'The role keeps it.', { cause: refusal(2) }),
    ],
  ])('may pass where %s', async (_why, call, error) => {
    expect((await refused(old, call, error)).name).toBe('AwsNotYetConsistentError');
  });

  test('may pass where it was made within the last minute', async () => {
    const young = { ...old, writtenAt: begin - 50_000 };
    expect((await refused(young, at(5))).name).toBe('AwsNotYetConsistentError');
    expect((await refused(young, at(11))).name).toBe('AwsAccessDeniedError');
  });

  test('lasts from a minute after its first refusal on', async () => {
    const { left } = await refused(old, at(5, 2));
    expect(left?.refusals).toEqual({ since: begin + 5_000, count: 1 });
    const again = await refused(left ?? old, at(60, 3));
    expect([again.name, again.left?.refusals?.count]).toEqual(['AwsNotYetConsistentError', 2]);
    expect((await refused(left ?? old, at(65, 4))).name).toBe('AwsAccessDeniedError');
  });

  test('does not count what another step was refused', async () => {
    const before = { ...old, refusals: { since: begin - 600_000, count: 12 } };
    const { name, left } = await refused(before, at(5, 2));
    expect([name, left?.refusals]).toEqual(['AwsNotYetConsistentError', { since: begin + 5_000, count: 1 }]);
  });

  test('is gone where AWS shows it no longer', async () => {
    const journal = journalOf({ ...knowing({ policy: old }), status: 'removing' });
    let looks = 0;
    const look = async () => {
      looks += 1;
      return looks === 1 ? standing : undefined;
    };
    const step = journal.step(['removing'], at(5, 2));
    const removal = removeIfOurs(step, 'policy', look, () => Promise.reject(refusal()));
    // Absence is confirmed, not assumed.
    expect((await thrownBy(removal)).message).toContain('read 1 of 6');
  });
});

describe('the youngest of a role and its policies', () => {
  const policy = (more: Partial<ResourceRecord>): ResourceRecord => ({ state: 'created', ...more });

  test.each([
    ['is the role', { role: policy({ writtenAt: 5 }), policy: policy({ writtenAt: 3 }) }, 5],
    ['is a policy that was just made', { policy2: policy({ written: ['a'], writtenAt: 7 }) }, 7],
    [
      'is a policy that is about to go',
      { policy2: policy({ state: 'intended', written: ['a', 'b'], writtenAt: 8 }) },
      8,
    ],
    ['is none that was only rewritten', { policy: policy({ written: ['a', 'b'], writtenAt: 9 }) }, undefined],
    ['is unknown of earlier versions', { role: policy({}), policy: policy({}) }, undefined],
  ])('%s', (_what, resources, expected) => {
    expect(youngestOf({ resources })).toBe(expected);
  });
});

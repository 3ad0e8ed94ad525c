/** The way from Dataloop's late answer to the waiting workflow: what wakes it, and what changes nothing. */
import { describe, expect, test } from '@jest/globals';
import type { JournalRecord } from '../../../../src/domain/model/record.ts';
import type { StepRecord } from '../../../../src/domain/model/step-record.ts';
import {
  iamUserPollSchema,
  lookBesides,
  pollIamUser,
  resumeProvisioning,
} from '../../../../src/domain/waiting/iam-user.ts';
import { ServiceError } from '../../../../src/errors.ts';
import { integrationId, recordOf, thrownBy, userArn } from '../fakes.ts';

type Poller = Parameters<typeof pollIamUser>[1];
type WaitingWorkflows = Parameters<typeof resumeProvisioning>[1];

const startedAt = '2026-11-23T00:00:00.000Z';

const waiting = (more: Partial<JournalRecord> = {}, status: StepRecord['status'] = 'waiting') =>
  recordOf({
    steps: { RequestIamUser: { status, startedAt, attempts: 1 } },
    resources: { dataloopIntegration: { state: 'created', id: 'dataloop-1' } },
    ...more,
  });

describe('the event that says the IAM user is issued', () => {
  const issued = { integrationId, dataloopIntegrationId: 'dataloop-1', userArn };

  /** Workflows that note what is done with them. */
  const workflowsOf = (record: JournalRecord | undefined, more: Partial<WaitingWorkflows> = {}) => {
    const done: unknown[] = [];
    const workflows: WaitingWorkflows = {
      read: async () => record,
      readTaskToken: async () => 'token',
      answerTask: async (token, output) => {
        done.push([token, output]);
        return true;
      },
      settle: async (id) => void done.push(`settle ${id}`),
      ...more,
    };
    return { workflows, done };
  };

  test.each(['waiting', 'running'] as const)(
    'wakes a workflow whose RequestIamUser is %s, and journals the end of the wait after that',
    async (status) => {
      const { workflows, done } = workflowsOf(waiting({}, status));
      expect(await resumeProvisioning(issued, workflows)).toBe('resumed');
      expect(done).toEqual([['token', { userArn }], `settle ${integrationId}`]);
    },
  );

  test.each([
    ['unknown-integration', 'an integration that is not in the journal', undefined],
    ['not-waiting', 'one that is being undone', waiting({ status: 'rolling-back' })],
    ['not-waiting', 'one that is ready', waiting({ status: 'ready' })],
    ['not-waiting', 'one that has not asked yet', waiting({ steps: {} })],
    ['not-waiting', 'one that has gone on', waiting({}, 'succeeded')],
    ['another-integration', 'another integration at Dataloop', waiting({ resources: {} })],
  ] as const)('is %s for %s, and changes nothing', async (outcome, _what, record) => {
    const { workflows, done } = workflowsOf(record);
    expect(await resumeProvisioning(issued, workflows)).toBe(outcome);
    expect(done).toEqual([]);
  });

  test('changes nothing when it names another integration than the journal does', async () => {
    const { workflows, done } = workflowsOf(waiting());
    const forged = { ...issued, dataloopIntegrationId: 'dataloop-2' };
    expect(await resumeProvisioning(forged, workflows)).toBe('another-integration');
    expect(done).toEqual([]);
  });

  test.each([
    ['its token is gone', { readTaskToken: async () => undefined }],
    ['Step Functions no longer knows the token', { answerTask: async () => false }],
  ] as const)('leaves a wait to its state machine when %s', async (_why, more) => {
    const { workflows, done } = workflowsOf(waiting(), more);
    expect(await resumeProvisioning(issued, workflows)).toBe('not-waiting');
    expect(done).toEqual([]);
  });

  test('does not journal the end of a wait that Step Functions was not told of', async () => {
    const down = new ServiceError('AwsUnavailableError', 'throttled');
    const { workflows, done } = workflowsOf(waiting(), { answerTask: () => Promise.reject(down) });
    expect(await thrownBy(resumeProvisioning(issued, workflows))).toBe(down);
    expect(done).toEqual([]);
  });
});

describe('the poll', () => {
  const poll = { integrationId, count: 1 };
  const announcement = `announce ${JSON.stringify({ integrationId, dataloopIntegrationId: 'dataloop-1', userArn })}`;

  /** Dataloop, with what is noted of it. */
  const pollerOf = (found: string | undefined, more: Partial<Poller> = {}) => {
    const events: string[] = [];
    const poller: Poller = {
      read: async () => waiting(),
      getIntegration: async (organizationId, id) => {
        events.push(`ask for ${organizationId}/${id}`);
        return { id, name: 'acme', userArn: found, trustStatus: undefined };
      },
      announceIamUser: async (issued) => void events.push(`announce ${JSON.stringify(issued)}`),
      schedulePoll: async ({ count }, delay) => void events.push(`poll no. ${count} in ${delay} s`),
      onError: (error) => void events.push(error instanceof Error ? error.name : 'something else'),
      bound: (_what, work) => work,
      ...more,
    };
    return { poller, events };
  };

  test('looks again, later each time, while there is no user', async () => {
    const { poller, events } = pollerOf(undefined);
    expect(await pollIamUser(poll, poller)).toBe('not-yet');
    await pollIamUser({ ...poll, count: 2 }, poller);
    expect(events).toEqual([
      'ask for org-1/dataloop-1',
      'poll no. 2 in 8 s',
      'ask for org-1/dataloop-1',
      'poll no. 3 in 16 s',
    ]);
  });

  test('announces the user, and looks again all the same: a lost event heals', async () => {
    const { poller, events } = pollerOf(userArn);
    expect(await pollIamUser(poll, poller)).toBe('announced');
    expect(events).toEqual(['ask for org-1/dataloop-1', 'poll no. 2 in 8 s', announcement]);
  });

  test('is not ended by an announcement that fails, and not repeated either: the next poll announces', async () => {
    const down = new ServiceError('AwsUnavailableError', 'throttled');
    const { poller, events } = pollerOf(userArn, { announceIamUser: () => Promise.reject(down) });
    expect(await pollIamUser(poll, poller)).toBe('not-announced');
    expect(events).toEqual(['ask for org-1/dataloop-1', 'poll no. 2 in 8 s', 'AwsUnavailableError']);
  });

  test('is delivered again where the next one could not be scheduled', async () => {
    const down = new ServiceError('AwsUnavailableError', 'throttled');
    const { poller, events } = pollerOf(userArn, { schedulePoll: () => Promise.reject(down) });
    expect(await thrownBy(pollIamUser(poll, poller))).toBe(down);
    expect(events).toEqual(['ask for org-1/dataloop-1']);
  });

  test('is not ended by a Dataloop that does not answer, and says that it did not', async () => {
    const down = new ServiceError('DataloopUnavailableError', 'down');
    const { poller, events } = pollerOf(undefined, { getIntegration: () => Promise.reject(down) });
    expect(await pollIamUser(poll, poller)).toBe('not-yet');
    expect(events).toEqual(['DataloopUnavailableError', 'poll no. 2 in 8 s']);
  });

  test('is not ended by a Dataloop that no longer has the integration', async () => {
    const { poller, events } = pollerOf(undefined, { getIntegration: async () => undefined });
    expect(await pollIamUser(poll, poller)).toBe('not-yet');
    expect(events).toEqual(['poll no. 2 in 8 s']);
  });

  test('is not ended by a Dataloop that hangs: the look is given up', async () => {
    const late = new ServiceError('TryAgainError', 'too late');
    const { poller, events } = pollerOf(userArn, {
      getIntegration: () => new Promise(() => undefined),
      bound: (what) => {
        events.push(`give up ${what}`);
        return Promise.reject(late);
      },
    });
    expect(await pollIamUser(poll, poller)).toBe('not-yet');
    expect(events).toEqual([
      'give up integration dataloop-1 at Dataloop',
      'TryAgainError',
      'poll no. 2 in 8 s',
    ]);
  });

  test('that the sweep asked for is followed by none: the chain of the others goes on beside it', async () => {
    const { poller, events } = pollerOf(userArn);
    expect(await pollIamUser({ ...poll, isExtra: true }, poller)).toBe('announced');
    expect(events).toEqual(['ask for org-1/dataloop-1', announcement]);
  });

  test('goes on for as long as the workflow waits', async () => {
    const { poller, events } = pollerOf(undefined);
    expect(await pollIamUser({ ...poll, count: 1_000 }, poller)).toBe('not-yet');
    expect(events).toContain('poll no. 1001 in 60 s');
  });

  const { dataloop: _unresolved, ...withoutOrganization } = waiting();
  test.each([
    ['the integration is unknown', undefined],
    ['it is being undone', waiting({ status: 'rolling-back' })],
    ['the workflow has gone on', waiting({}, 'succeeded')],
    ['nothing was asked for yet', waiting({ steps: {} })],
    ['the journal knows no integration at Dataloop', waiting({ resources: {} })],
    ['the journal knows no organisation', withoutOrganization],
  ])('ends when %s', async (_why, record) => {
    const { poller, events } = pollerOf(userArn, { read: async () => record });
    expect(await pollIamUser(poll, poller)).toBe('not-waiting');
    expect(events).toEqual([]);
  });

  test.each([{ integrationId }, { integrationId, count: -1 }, { integrationId, count: 0.5 }, { count: 1 }])(
    'is not begun by a message such as %j',
    (message) => {
      expect(iamUserPollSchema.safeParse(message).success).toBe(false);
    },
  );
});

describe('the sweep', () => {
  const asked = async (record: JournalRecord) => {
    const polls: unknown[] = [];
    await lookBesides(record, { schedulePoll: async (...poll) => void polls.push(poll) });
    return polls;
  };

  test('asks for one look for a workflow that waits: its chain of polls may have broken', async () => {
    expect(await asked(waiting())).toEqual([[{ integrationId, count: 0, isExtra: true }, 0]]);
  });

  test.each([
    ['it is being undone', waiting({ status: 'rolling-back' })],
    ['the workflow has gone on', waiting({}, 'succeeded')],
    ['an operator makes the integration, whom only people can ask', waiting({ resources: {} })],
  ])('asks for none when %s', async (_why, record) => {
    expect(await asked(record)).toEqual([]);
  });
});

/** From Dataloop's late answer to the workflow that waits for it. */
import * as z from 'zod';
import type { Bound } from '../../deadline.ts';
import { integrationIdSchema } from '../model/ids.ts';
import type { JournalRecord, RecordReader } from '../model/record.ts';
import type { DataloopApi } from '../resources/dataloop/api.ts';
import { type Callback, type IamUserIssued, pollDelaySeconds } from '../resources/dataloop/integration.ts';

interface WaitingWorkflows extends RecordReader {
  readTaskToken(integrationId: string): Promise<string | undefined>;
  /** @returns false where the task no longer waits */
  answerTask(taskToken: string, output: object): Promise<boolean>;
  /** Journals that the wait is over and forgets the token. */
  settle(integrationId: string): Promise<void>;
}

export type ResumeOutcome = 'resumed' | 'not-waiting' | 'unknown-integration' | 'another-integration';

function awaitsIamUser(record: JournalRecord): boolean {
  const status = record.steps.RequestIamUser?.status;
  return record.status === 'provisioning' && (status === 'running' || status === 'waiting');
}

/**
 * Wakes the workflow that waits for this integration. The event only wakes: CreateRole asks Dataloop itself
 * whom to trust. Repeated, late, foreign or forged events change nothing else.
 */
export async function resumeProvisioning(
  issued: IamUserIssued,
  workflows: WaitingWorkflows,
): Promise<ResumeOutcome> {
  const { integrationId, userArn } = issued;
  const record = await workflows.read(integrationId);
  if (!record) return 'unknown-integration';
  if (!awaitsIamUser(record)) return 'not-waiting';
  const isMeant =
    record.request.dataloop.createdBy === 'operator'
      ? record.operator?.userArn === userArn
      : record.resources.dataloopIntegration?.id === issued.dataloopIntegrationId;
  if (!isMeant) return 'another-integration';

  const taskToken = await workflows.readTaskToken(integrationId);
  if (!taskToken) return 'not-waiting';
  // Where the task waits no longer, its state machine knows better than this event what became of it.
  if (!(await workflows.answerTask(taskToken, { userArn }))) return 'not-waiting';
  await workflows.settle(integrationId);
  return 'resumed';
}

export const iamUserPollSchema = z.object({
  integrationId: integrationIdSchema,
  count: z.number().int().nonnegative(),
  /** Sent by the sweep: this look is followed by none. */
  isExtra: z.literal(true).optional(),
});

/**
 * Asks for one look at Dataloop beside the chain of polls, each of which asks for the next: where that has broken, it lasts
 * from sweep to sweep until the workflow goes on. Whether it has nobody knows, so nothing that is written down can say so falsely.
 */
export async function lookBesides(
  record: JournalRecord,
  { schedulePoll }: Pick<Callback, 'schedulePoll'>,
): Promise<void> {
  if (!awaitsIamUser(record) || !record.resources.dataloopIntegration?.id) return;
  await schedulePoll({ integrationId: record.id, count: 0, isExtra: true }, 0);
}

interface Poller
  extends RecordReader,
    Pick<DataloopApi, 'getIntegration'>,
    Pick<Callback, 'announceIamUser' | 'schedulePoll'> {
  onError(error: unknown): void;
  /** Gives up a look that takes too long: what comes after it needs its time. */
  readonly bound: Bound;
}

/**
 * One look at Dataloop. Also after it has announced the user it looks again, until the workflow has gone on: so
 * an event that is lost, or not taken, heals. A Dataloop that does not answer is asked again as well. Neither fails the
 * poll: a repeated delivery would schedule one more of the next, and each of these would do the same. The wait ends with the state of the
 * workflow, as it was started: a deployment in between may have changed what a function would take for its end.
 */
export async function pollIamUser(
  poll: z.infer<typeof iamUserPollSchema>,
  dataloop: Poller,
): Promise<'announced' | 'not-announced' | 'not-yet' | 'not-waiting'> {
  const record = await dataloop.read(poll.integrationId);
  const id = record?.resources.dataloopIntegration?.id;
  const organizationId = record?.dataloop?.organizationId;
  if (!record || !awaitsIamUser(record) || !id || !organizationId) return 'not-waiting';

  let userArn: string | undefined;
  try {
    const look = dataloop.getIntegration(organizationId, id);
    userArn = (await dataloop.bound(`integration ${id} at Dataloop`, look))?.userArn;
  } catch (error) {
    dataloop.onError(error);
  }
  if (!poll.isExtra) {
    const next = { ...poll, count: poll.count + 1 };
    await dataloop.schedulePoll(next, pollDelaySeconds(next.count));
  }
  if (!userArn) return 'not-yet';
  try {
    await dataloop.announceIamUser({ integrationId: poll.integrationId, dataloopIntegrationId: id, userArn });
    return 'announced';
  } catch (error) {
    dataloop.onError(error);
    return 'not-announced';
  }
}

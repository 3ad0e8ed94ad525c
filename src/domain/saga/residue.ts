/** Each leftover is a to-do: why it stayed, and the one thing to do about it. */
import * as z from 'zod';
import { type JournalRecord, thisOf } from '../model/record.ts';
import { forEachPolicy, type ResourceKey } from '../model/resource-keys.ts';
import { type UndoStepName, undoneBy } from '../model/steps.ts';
import { describeFailure, errorOutputSchema } from './failure.ts';

/** A step of the undo that the state machine gave up on. */
export const failedUndoSchema = z.object({ step: z.string(), error: errorOutputSchema });
export type FailedUndo = z.infer<typeof failedUndoSchema>;

export interface Leftover {
  readonly reason: string;
  readonly advice: string;
}

/** The way on once what is in the way has gone. */
export const sendAgain = (record: Pick<JournalRecord, 'parent'>, first: string): string =>
  `${first}${first ? ' Then send' : 'Send'} DELETE for ${thisOf(record)} again.`;

/** One step undoes all policies. */
const undoOf: Readonly<Record<ResourceKey, UndoStepName>> = {
  ...forEachPolicy(undoneBy.policy),
  ...undoneBy,
};

/** IAM deletes nothing that somebody still uses. */
const inUse: Partial<Record<ResourceKey, string>> = {
  role:
    'Detach the policies that somebody attached to the role, delete its inline policies and take it out of instance ' +
    'profiles: until it is gone, Dataloop can still assume it.',
  ...forEachPolicy('Detach the policy from every user, group and role that somebody attached it to.'),
};

const adviceFor: Readonly<Record<string, string>> = {
  AwsAccessDeniedError:
    "Lift what forbids it (the function's role, a service control policy or a bucket policy), or delete it yourself.",
  DataloopCredentialsError: "Put valid credentials of Dataloop's into the secret.",
  DataloopForbiddenError: 'Give the user of the credentials the role at Dataloop that it lacks.',
  DataloopRequestRefusedError: "Delete it in Dataloop's console.",
};

/** What is adopted is never to be deleted. */
const giveBackYourself: Partial<Record<ResourceKey, string>> = {
  bucket:
    'or take its CORS rule, and its public-access block where the request asked for one, back yourself.',
  access: 'or take the bucket out of the policy yourself.',
  role: 'or take the statement out of its trust policy, and detach the policy, yourself.',
};

/** The to-do that a failed step of the undo leaves; undefined where the resource's step did not fail. */
export function leftoverOf(
  key: ResourceKey,
  failures: readonly FailedUndo[],
  record: Pick<JournalRecord, 'parent' | 'resources'>,
): Leftover | undefined {
  const failure = failures.find(({ step }) => step === undoOf[key]);
  if (!failure) return undefined;
  const { title, detail } = describeFailure(failure.step, failure.error);
  const name = failure.error.Error;
  if (record.resources[key]?.origin === 'adopted' && name === 'AwsAccessDeniedError') {
    const lift = "Lift what forbids it (the function's role, a service control policy or a bucket policy)";
    return {
      reason: `${title}: ${detail}`,
      advice: sendAgain(record, `${lift}, ${giveBackYourself[key] ?? 'or do it yourself.'}`),
    };
  }
  const advice = (name === 'AwsConflictError' ? inUse[key] : undefined) ?? adviceFor[name] ?? '';
  return { reason: `${title}: ${detail}`, advice: sendAgain(record, advice) };
}

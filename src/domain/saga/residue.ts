/** Each leftover is a to-do: why it stayed, and what to do about it. */
import * as z from 'zod';
import { printable } from '../../errors.ts';
import { type JournalRecord, longest, thisOf } from '../model/record.ts';
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

/** What to do after the blocking issue is fixed. */
export const sendAgain = (record: Pick<JournalRecord, 'kind'>, first: string): string =>
  `${first}${first ? ' Then send' : 'Send'} DELETE for ${thisOf(record)} again.`;

/** One step undoes all policies. */
const undoOf: Readonly<Record<ResourceKey, UndoStepName>> = {
  ...forEachPolicy(undoneBy.policy),
  ...undoneBy,
};

/** IAM deletes nothing that somebody still uses. */
const inUse: Partial<Record<ResourceKey, string>> = {
  role:
    'Detach the policies that somebody attached to the role, delete its inline policies, and remove it from instance ' +
    'profiles. Until the role is gone, Dataloop can still assume it.',
  ...forEachPolicy('Detach the policy from every user, group and role to which somebody attached it.'),
};

/** What to do about a leftover, by the error of its step; docs/errors.md shows it, too. */
export const adviceFor: Readonly<Record<string, string>> = {
  AwsAccessDeniedError:
    "Allow it (in the function's role, a service control policy or a bucket policy), or delete it yourself.",
  DataloopCredentialsError: 'Put valid Dataloop credentials into the secret.',
  DataloopForbiddenError: 'Give the user of the credentials the missing role at Dataloop.',
  DataloopRequestRefusedError: "Delete it in Dataloop's console.",
};

/** Adopted resources must never be deleted. */
const restoreYourself: Partial<Record<ResourceKey, string>> = {
  bucket: 'or restore its CORS rules and public-access block yourself.',
  access: 'or remove the bucket from the policy yourself.',
  role: 'or remove the statement from its trust policy and detach the policy yourself.',
};

/** The to-do after a failed step of the undo; undefined if the resource's step did not fail. */
export function leftoverOf(
  key: ResourceKey,
  failures: readonly FailedUndo[],
  record: Pick<JournalRecord, 'kind' | 'resources'>,
): Leftover | undefined {
  const failure = failures.find(({ step }) => step === undoOf[key]);
  if (!failure) return undefined;
  const { title, detail } = describeFailure(failure.step, failure.error);
  // There may be one of each resource, in the record and in the event.
  const reason = printable(`${title}: ${detail}`, longest.reason);
  const name = failure.error.Error;
  if (record.resources[key]?.origin === 'adopted' && name === 'AwsAccessDeniedError') {
    const allow = "Allow it (in the function's role, a service control policy or a bucket policy)";
    return {
      reason,
      advice: sendAgain(record, `${allow}, ${restoreYourself[key] ?? 'or do it yourself.'}`),
    };
  }
  const advice = (name === 'AwsConflictError' ? inUse[key] : undefined) ?? adviceFor[name] ?? '';
  return { reason, advice: sendAgain(record, advice) };
}

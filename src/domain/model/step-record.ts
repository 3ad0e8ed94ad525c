/** A step as the journal and the API know it. */
import * as z from 'zod';

export const isoTime = z.iso.datetime();

const milliseconds = z.number().int().nonnegative();
export const spentSchema = z.object({ ownMs: milliseconds, awsMs: milliseconds, dataloopMs: milliseconds });

export const stepSchema = z.object({
  /** `waiting`: for Dataloop's answer; `retrying`: failed with an error that may pass. */
  status: z.enum(['running', 'waiting', 'retrying', 'succeeded', 'failed']),
  startedAt: isoTime,
  endedAt: isoTime.optional(),
  attempts: z.number().int().positive(),
  /** Where the time of its last attempt went, in milliseconds; missing while it runs. */
  spent: spentSchema.optional(),
  /** While it is `retrying`: what the last attempt met. */
  reason: z.string().optional(),
  /** While it is `retrying`: when the next attempt begins at the latest. */
  nextAttemptBy: isoTime.optional(),
});
export type StepRecord = z.infer<typeof stepSchema>;

/** What is written when an attempt ends, beside its status and its time. */
export type AttemptEnd = Partial<StepFailure> & Readonly<Pick<StepRecord, 'spent'>>;

/** Why an attempt failed that is followed by another, and when. */
export type StepFailure = Readonly<Required<Pick<StepRecord, 'reason' | 'nextAttemptBy'>>>;

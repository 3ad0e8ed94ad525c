/** What every step function shares: input checked, call journalled, outcome journalled, errors named. */
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { stepJournal } from '../clients/aws/journal/record.ts';
import { accountSettings, dataloopSettings } from '../config.ts';
import { withinLifetime } from '../deadline.ts';
import { desiredStateOf } from '../deployed/desired-state.ts';
import { table } from '../deployed/journal.ts';
import { isEarlierRun } from '../domain/lifecycle/undo.ts';
import { refuseOutside } from '../domain/model/allowed.ts';
import { executionArnSchema, longest, type Status, type StepCall } from '../domain/model/record.ts';
import { nextAttemptBy } from '../domain/model/retry-delays.ts';
import type { StepName } from '../domain/model/steps.ts';
import { type StepContext, stepContext } from '../domain/saga/step.ts';
import { printable, ServiceError, toServiceError } from '../errors.ts';
import { metered, type Spent } from '../spent.ts';
import { namingRecord, parseInput } from './input.ts';
import { errorKeys, logger } from './log.ts';
import { endedByLambda } from './timeout.ts';

/** What every state passes to its function. */
const stepInputSchema = namingRecord({
  executionArn: executionArnSchema,
  /** When the state was entered; the same for each attempt. */
  enteredAt: z.iso.datetime(),
  attempt: z.number().int().positive(),
  /** When the attempt began, ms since the epoch. An execution that an earlier version started does not say it. */
  begunAt: z.number().int().positive().optional(),
});

/** A state gives its function up this long after the function can live no longer: so long may the start have taken. */
const startMs = 10_000;

const journal = stepJournal(table);

interface StepOptions {
  /** States of the integration in which the step may do something. */
  readonly during: readonly Status[];
  /** How the step stands once its function has returned. */
  readonly endsAs?: 'succeeded' | 'waiting';
  /** States that its work leads to, in the write that ends the step; a repeated attempt may find one of them. */
  readonly endsIn?: readonly Status[];
}

type Work<T> = (step: StepContext, input: Readonly<Record<string, unknown>>) => Promise<T>;

/**
 * A Lambda handler for one step. The function's return value is the state's result.
 * @throws ServiceError by the name that the state machine's Retry and Catch know
 */
export function stepHandler<T>(step: StepName, options: StepOptions, work: Work<T>) {
  return middy(async (event: unknown, context: Context): Promise<T> => {
    const input = parseInput(stepInputSchema, event, `The input of ${step}`);
    const startedAt = new Date(input.enteredAt);
    // All compare by the clock of Step Functions. What the function's own says is believed only as far as it can be true.
    const begunAt = input.begunAt ?? Math.max(Date.now(), startedAt.getTime());
    const now = Math.min(Math.max(Date.now(), begunAt), begunAt + startMs);
    const call: StepCall = {
      recordId: input.recordId,
      step,
      callId: `${input.executionArn.split(':').at(-1)}/${step}/${input.attempt}`,
      attempt: input.attempt,
      startedAt: startedAt.toISOString(),
      begunAt,
      aliveUntil: now + context.getRemainingTimeInMillis(),
    };
    logger.appendKeys({
      recordId: call.recordId,
      executionArn: input.executionArn,
      stateName: step,
      attempt: call.attempt,
    });
    return metered(async (spent) => {
      const record = await journal.beginStep(call, options.during, options.endsIn);
      logger.info('Step started');
      try {
        const desired = desiredStateOf(record);
        const result = await withinLifetime(context.getRemainingTimeInMillis(), () =>
          work(stepContext(call, record, desired, options.during, journal), input),
        );
        const status = options.endsAs ?? 'succeeded';
        const endedAt = status === 'succeeded' ? new Date().toISOString() : undefined;
        if (options.endsIn) await journal.endCall(call);
        else await journal.endStep(call, status, endedAt, { spent: spent() });
        logger.info('Step ended', { stepStatus: status, ...spent() });
        return result;
      } catch (thrown) {
        const error = toServiceError(thrown);
        logger.warn('Step failed', { ...errorKeys(error), retryable: error.retryable });
        await journalFailure(call, error, spent());
        throw error;
      }
    });
  }, endedByLambda);
}

/** The step's own error is what the state machine must see, even where the journal is the one that fails. */
async function journalFailure(
  call: StepCall,
  { name, message, retryable }: ServiceError,
  spent: Spent,
): Promise<void> {
  const now = Date.now();
  try {
    if (!retryable) return await journal.endStep(call, 'failed', new Date(now).toISOString(), { spent });
    const reason = printable(message, longest.reason);
    await journal.endStep(call, 'retrying', undefined, {
      spent,
      reason,
      nextAttemptBy: nextAttemptBy(name, call.attempt, now),
    });
  } catch (error) {
    logger.error('End of the step was not recorded', errorKeys(error));
  }
}

/** A step of the way to `ready`: it makes only what this deployment allows, whatever the record says. */
export const provisionStep = <T>(step: StepName, work: Work<T>, options: Pick<StepOptions, 'endsAs'> = {}) =>
  stepHandler(step, { during: ['provisioning'], ...options }, (context, input) => {
    refuseOutside(context.record, {
      ...accountSettings(),
      organizationId: dataloopSettings().organizationId,
    });
    return work(context, input);
  });

/** A step of the undo. One of an earlier run does nothing any more. */
export const deprovisionStep = <T>(step: StepName, work: Work<T>) =>
  stepHandler(step, { during: ['rolling-back', 'removing'] }, (context, input) => {
    const [execution = ''] = context.call.callId.split('/');
    if (isEarlierRun(execution, context.record)) {
      throw new ServiceError(
        'IntegrationMovedOnError',
        `The execution ${execution} is of an earlier undo of ${context.record.id}, so its step ${step} did nothing.`,
      );
    }
    return work(context, input);
  });

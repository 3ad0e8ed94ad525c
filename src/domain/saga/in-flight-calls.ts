/** In-flight calls: calls of step functions that may still take effect, although nothing waits for them. */
import { ServiceError } from '../../errors.ts';
import type { ResourceKey } from '../model/resource-keys.ts';
import { madeBy } from '../model/steps.ts';
import type { StepContext } from './step.ts';

/** Seconds that are added to a function's life: a request that it sent last may still be under way. */
export const graceSeconds = 5;

/**
 * A resource that can exist twice must not be created again, and what is not ours not be changed again, while an earlier
 * call may still take effect.
 * @throws ServiceError `EarlierCallOpenError` until its function cannot live any more
 */
export function noEarlierCall(step: StepContext): void {
  const { callId, step: name, begunAt } = step.call;
  const earlier = Object.entries(step.record.inFlightCalls).find(
    ([other, call]) =>
      other !== callId && (call.step ?? name) === name && call.until + graceSeconds * 1000 > begunAt,
  );
  if (earlier) {
    throw new ServiceError('EarlierCallOpenError', `The in-flight call ${earlier[0]} may still take effect.`);
  }
}

/** Attempts of a step that only look for what an earlier one may have created; then it is created again. */
const looksBeforeAgain = 3;

/**
 * Before a resource is created that can exist twice: an earlier attempt's may still appear.
 * @returns whether it is made again
 * @throws ServiceError `EarlierCallOpenError` until it is likely enough that nothing was made
 */
export function beforeMaking(step: StepContext, key: ResourceKey): boolean {
  noEarlierCall(step);
  if (!step.resource(key)) return false;
  if (step.call.attempt <= 1 + looksBeforeAgain) {
    throw new ServiceError(
      'EarlierCallOpenError',
      `An earlier attempt may have created the ${key} of integration ${step.desired.recordId}, but it was not found yet.`,
    );
  }
  return true;
}

/** What the journal says of something of which there may be two. */
export const madeAgainIf = (again: boolean): { madeAgain?: true } => (again ? { madeAgain: true } : {});

/**
 * How an undo step acts before in-flight calls have ended. One of them may make again what is taken away now: so the step
 * takes away what it finds, and believes nothing to be gone. It has to be called again once they have ended.
 */
export function whileCallsAreInFlight(step: StepContext, key: keyof typeof madeBy): StepContext {
  const { inFlightCalls, accessLock } = step.record;
  const isMade = Object.values(inFlightCalls).some((call) => (call.step ?? madeBy[key]) === madeBy[key]);
  // Whoever holds the lock may attach another policy to the role.
  if (!isMade && !accessLock) return step;
  return { ...step, gone: async () => undefined, notSeen: async () => Number.POSITIVE_INFINITY };
}

/** How long a step's function can live, in seconds: its time-out in serverless.yml. */
export const functionLifetimeSeconds = 30;

/**
 * Whether every call of a step function has ended or can no longer be alive, and so whoever held the lock of the
 * integration's policies. Until then something may still come into being, or go, behind the undo's back.
 * @param since when the undo began to wait: no call that counts began later
 * @param now when this look began; both by the clock of Step Functions, so that no function's clock decides
 */
export function inFlightCallsSettled(
  step: StepContext,
  since: Date,
  now: Date,
): { settled: boolean; waitSeconds: number; inFlightCalls: string[] } {
  const lastEnd = since.getTime() + (functionLifetimeSeconds + graceSeconds) * 1000;
  // What a function's clock said is believed only where it shortens the wait.
  const endOf = (until: number) => Math.min(until + graceSeconds * 1000, lastEnd);
  const { inFlightCalls, accessLock } = step.record;
  const calls = [
    ...Object.entries(inFlightCalls),
    ...(accessLock ? [[accessLock.by, accessLock] as const] : []),
  ];
  const inFlight = calls.filter(
    ([callId, { until }]) => callId !== step.call.callId && endOf(until) > now.getTime(),
  );
  const longest = Math.max(0, ...inFlight.map(([, { until }]) => endOf(until) - now.getTime()));
  return {
    settled: inFlight.length === 0,
    // Looks again soon: most calls end well before their function would.
    waitSeconds: Math.max(1, Math.min(5, Math.ceil(longest / 1000))),
    inFlightCalls: inFlight.map(([callId]) => callId),
  };
}

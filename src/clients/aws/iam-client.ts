/** The client of AWS IAM, and how it sends again what IAM did not take. */
import { IAMClient, type IAMClientConfig } from '@aws-sdk/client-iam';
import { mayWait } from '../../deadline.ts';
import { clientSettings } from './settings.ts';

/** Longest wait before a throttled call is sent again, in ms. What has begun comes before what waits to begin. */
const throttledWaitMs = 150;
/** Time of the function that is kept for the call and what follows it, in ms. */
const keptForCallMs = 5_000;
/** Longest wait before the second attempt of a call that failed otherwise, in ms. */
const failedWaitMs = 50;

type RetryStrategy = Exclude<NonNullable<IAMClientConfig['retryStrategy']>, { retry: unknown }>;

const retryToken = (retries: number, waitMs: number) => ({
  getRetryCount: () => retries,
  getRetryDelay: () => waitMs,
});

/**
 * IAM takes few calls a second of a whole account. A function that has begun sits that out for as long as it lives: one
 * that gave up would make the same calls again with its next attempt, and take them from all others.
 */
const retryStrategy: RetryStrategy = {
  acquireInitialRetryToken: async () => retryToken(0, 0),
  refreshRetryTokenForRetry: async (token, { errorType }) => {
    const retries = token.getRetryCount();
    const isThrottled = errorType === 'THROTTLING';
    const waitMs = Math.random() * (isThrottled ? throttledWaitMs : failedWaitMs * 2 ** retries);
    const isLeft = isThrottled
      ? mayWait(retries, waitMs, keptForCallMs)
      : errorType === 'TRANSIENT' && retries + 1 < clientSettings.maxAttempts;
    if (!isLeft) throw new Error('No retry is left.');
    return retryToken(retries + 1, waitMs);
  },
  recordSuccess: () => undefined,
};

export const iamClient = () => new IAMClient({ ...clientSettings, retryStrategy });

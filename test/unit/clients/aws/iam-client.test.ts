import { describe, expect, test } from '@jest/globals';
import { iamClient } from '../../../../src/clients/aws/iam-client.ts';
import { withinLifetime, withoutPatience } from '../../../../src/deadline.ts';

describe('what IAM throttles', () => {
  const throttled = { errorType: 'THROTTLING' } as const;

  test('is sent again for as long as the function lives, and something else twice', async () => {
    const strategy = await iamClient().config.retryStrategy();
    if (!('refreshRetryTokenForRetry' in strategy)) throw new Error('The strategy is an old one.');
    const begun = await strategy.acquireInitialRetryToken('');
    const again = async (
      times: number,
      error: { errorType: 'THROTTLING' | 'TRANSIENT' | 'CLIENT_ERROR' },
    ) => {
      let token = begun;
      for (let retry = 0; retry < times; retry += 1) {
        token = await strategy.refreshRetryTokenForRetry(token, error);
        expect(token.getRetryDelay()).toBeLessThanOrEqual(400);
      }
    };
    await withinLifetime(30_000, () => again(50, throttled));
    await again(2, throttled);
    await expect(again(3, throttled)).rejects.toThrow('No retry is left.');
    await expect(withinLifetime(4_000, () => again(1, throttled))).rejects.toThrow();
    await expect(withinLifetime(30_000, () => withoutPatience(() => again(1, throttled)))).rejects.toThrow();
    await again(2, { errorType: 'TRANSIENT' });
    await expect(again(3, { errorType: 'TRANSIENT' })).rejects.toThrow();
    await expect(again(1, { errorType: 'CLIENT_ERROR' })).rejects.toThrow();
  });
});

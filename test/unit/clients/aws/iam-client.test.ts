import { GetRoleCommand } from '@aws-sdk/client-iam';
import { describe, expect, test } from '@jest/globals';
import { iamClient, patientIamClient } from '../../../../src/clients/aws/iam-client.ts';
import { withinLifetime, withoutPatience } from '../../../../src/deadline.ts';

test('a patient client makes each look after the one before, a failed one included', async () => {
  const patient = patientIamClient();
  const order: string[] = [];
  patient.middlewareStack.add(
    () =>
      async ({ input }) => {
        const name = 'RoleName' in input ? String(input.RoleName) : '';
        order.push(`${name} begins`);
        await new Promise((resolve) => setImmediate(resolve));
        order.push(`${name} ends`);
        if (name === 'one') throw new Error('throttled');
        return { output: { $metadata: {} }, response: {} };
      },
    { step: 'initialize', priority: 'low', name: 'answer' },
  );
  const looks = ['one', 'two', 'three'].map((RoleName) => patient.send(new GetRoleCommand({ RoleName })));
  const outcomes = await Promise.allSettled(looks);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  expect(order).toEqual(['one', 'two', 'three'].flatMap((name) => [`${name} begins`, `${name} ends`]));
});

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

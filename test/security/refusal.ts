/** What AWS says where IAM refuses, and not because the call is wrong or its target is not there. */
import { expect } from '@jest/globals';

const names = ['AccessDenied', 'AccessDeniedException', 'AccessDeniedFault', 'NotAuthorized', 'Forbidden'];

export async function expectRefused(call: Promise<unknown>): Promise<void> {
  await expect(call).rejects.toMatchObject({
    name: expect.stringMatching(new RegExp(`^(${names.join('|')})$`)),
    $metadata: { httpStatusCode: expect.any(Number) },
  });
}

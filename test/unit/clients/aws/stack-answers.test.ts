import { afterEach, expect, jest, test } from '@jest/globals';
import { sendAnswer } from '../../../../src/clients/aws/stack-answers.ts';
import { address } from '../../domain/stacks.ts';

const answering = (answer: () => Promise<Response>) =>
  jest.spyOn(globalThis, 'fetch').mockImplementation(answer);

afterEach(() => {
  jest.restoreAllMocks();
});

test('an answer is bytes without a type, as the address was signed, and follows nobody elsewhere', async () => {
  const fetched = answering(async () => new Response(null, { status: 200 }));
  await expect(sendAnswer(address, '{}')).resolves.toBe(true);
  const [url, init] = fetched.mock.calls[0] ?? [];
  expect(url).toBe(address);
  expect(init).toMatchObject({ method: 'PUT', redirect: 'error', body: Buffer.from('{}') });
  expect(new Request(address, init).headers.get('content-type')).toBeNull();
});

test('an address that has expired is not tried again', async () => {
  answering(async () => new Response('<Code>AccessDenied</Code>', { status: 403 }));
  await expect(sendAnswer(address, '{}')).resolves.toBe(false);
});

test.each([
  ['S3 is busy', async () => new Response(null, { status: 503 })],
  ['nobody answers', async () => Promise.reject(new TypeError(`fetch failed: ${address}`))],
])('where %s, it is, and the error does not show the address', async (_what, answer) => {
  answering(answer);
  const error: unknown = await sendAnswer(address, '{}').catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'AwsUnavailableError' });
  expect(error).not.toHaveProperty('cause');
  expect(String(error)).not.toContain('amazonaws.com');
});

import { expect, jest, test } from '@jest/globals';
const waits: number[] = [];
jest.unstable_mockModule('node:timers/promises', () => ({ setTimeout: async (ms: number) => { waits.push(ms); } }));
const { httpFor } = await import('../../../../src/clients/dataloop/http.ts');
const z = await import('zod');
test('x', async () => {
  const fetchSpy = jest.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response('{}', { status: 503 }));
  const http = httpFor({ token: async () => ({ value: 'a', expiresAt: 1, email: undefined }), forget: () => undefined }, { apiUrl: 'https://x/api', secretId: 's' });
  await expect(http.send({ method: 'GET', path: '/a', schema: z.unknown(), what: 'x', role: 'y', repeatable: true })).rejects.toMatchObject({ name: 'DataloopUnavailableError' });
  expect(fetchSpy).toHaveBeenCalledTimes(3);
  expect(waits).toHaveLength(2);
});

/** What GET says is true as a whole, however often it is asked: status and steps change together. */
import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { undoneStatuses } from '../../service.ts';
import { api, connect, control, environment, read, uniqueName } from '../deployment.ts';

const restful = ['ready', ...undoneStatuses];
const seenSchema = z.looseObject({ status: z.string() });

/**
 * Asks without a pause, from several places at once, until there is one of these states. An answer that contradicts
 * itself is thrown by the client of all these tests.
 */
async function askedUntil(path: string, wanted: readonly string[]): Promise<string> {
  const ask = async () => {
    for (;;) {
      const { status, body } = await api.request('GET', path);
      if (status !== 200) throw new Error(`GET ${path} answered ${status}.`);
      const seen = seenSchema.parse(body);
      if (wanted.includes(seen.status)) return seen.status;
    }
  };
  const [first = ''] = await Promise.all([ask(), ask(), ask()]);
  return first;
}

test('from the request to ready, with an added bucket, and from DELETE to removed', async () => {
  const name = uniqueName('asked');
  const { integrationId, links } = await connect(name);
  expect(await askedUntil(links.self, restful)).toBe('ready');
  const drivers = `${links.self}/drivers`;
  const { projectId } = environment.sandbox;
  const bucket = { name: `dataloop-${name}-2` };
  const added = await api.request('POST', drivers, { body: { bucket, dataloop: { projectId } } });
  const { driverId } = z.looseObject({ driverId: z.string() }).parse(added.body);
  expect(await askedUntil(`${drivers}/${driverId}`, restful)).toBe('ready');

  expect((await api.request('DELETE', links.self)).status).toBe(202);
  expect(await askedUntil(links.self, undoneStatuses)).toBe('removed');
  expect((await read(integrationId)).steps.at(-1)).toMatchObject({ name: 'Conclude', status: 'succeeded' });
});

test('from the request to failed', async () => {
  const name = uniqueName('asked-in-vain');
  await control.set(name, { driverTest: 'fail' });
  const { links } = await connect(name);
  expect(await askedUntil(links.self, restful)).toBe('failed');
});

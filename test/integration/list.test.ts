/** `GET /integrations` on the deployed API: order, pages, filter and what is refused. */
import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { type IntegrationAnswer, integrationSchema } from '../../local/observe/api-client.ts';
import { api, connect, read, settled, uniqueName } from './deployment.ts';

const pageSchema = z.strictObject({ items: z.array(integrationSchema), nextToken: z.string().optional() });

async function list(query: Record<string, string>) {
  const answer = await api.request('GET', `/integrations?${new URLSearchParams(query)}`);
  if (answer.status !== 200) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  return pageSchema.parse(answer.body);
}

async function everything(query: Record<string, string>): Promise<IntegrationAnswer[]> {
  const items: IntegrationAnswer[] = [];
  let token: string | undefined;
  do {
    const page = await list({ ...query, ...(token ? { nextToken: token } : {}) });
    items.push(...page.items);
    token = page.nextToken;
  } while (token);
  return items;
}

/** An integration that fails before it makes anything. */
const failing = (what: string) => connect(uniqueName(what), { dataloop: { projectId: 'no-such-project' } });

test('pages go from new to old, each integration once, while others begin and end', async () => {
  const ids: string[] = [];
  for (let number = 0; number < 4; number += 1) ids.push((await failing('list')).integrationId);
  const newest = ids.toReversed();

  const first = await list({ limit: '2' });
  expect(first.items.map(({ integrationId }) => integrationId)).toEqual(newest.slice(0, 2));
  // Meanwhile one begins, and all change their status.
  const late = await failing('list-late');
  for (const id of [...ids, late.integrationId]) expect((await settled(id)).status).toBe('failed');
  const second = await list({ limit: '2', nextToken: first.nextToken ?? '' });
  expect(second.items.map(({ integrationId }) => integrationId)).toEqual(newest.slice(2));
  // Each as it is when it is asked for alone.
  for (const item of second.items) expect(item).toEqual(await read(item.integrationId));

  const all = (await everything({ limit: '7' })).map(({ integrationId }) => integrationId);
  expect(all.slice(0, 5)).toEqual([late.integrationId, ...newest]);
  expect(all).toEqual([...new Set(all)].sort().reverse());
});

test('a filter by status shows those in it, and no others', async () => {
  const { integrationId } = await failing('filter');
  await settled(integrationId);
  const ended = await everything({ status: 'failed,removed', limit: '100' });
  expect(ended.map((item) => item.integrationId)).toContain(integrationId);
  expect(ended.filter(({ status }) => status !== 'failed' && status !== 'removed')).toEqual([]);
  const others = await everything({ status: 'provisioning,ready,rolling-back,removing,residue' });
  expect(others.map((item) => item.integrationId)).not.toContain(integrationId);
  // Together they are all there are.
  expect(await everything({ limit: '100' })).toHaveLength(ended.length + others.length);
});

test.each([
  ['limit=0', '/query/limit'],
  ['limit=101', '/query/limit'],
  ['status=done', '/query/status'],
  ['nextToken=int_01M85CZQP0Y0YS5TZMSXQSHEJR', '/query/nextToken'],
  ['page=2', '/query/page'],
])('a query of %s is refused, naming %s', async (query, pointer) => {
  const answer = await api.request('GET', `/integrations?${query}`);
  expect(answer.status).toBe(400);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.body).toMatchObject({
    type: 'urn:dataloop-cross-account:problem:invalid-request',
    errors: [{ pointer }],
  });
});

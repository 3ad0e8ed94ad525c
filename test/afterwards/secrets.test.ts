/**
 * The last of all: everything that the whole run wrote anywhere is searched for the secrets that it used. The one
 * place for a task token is its own item in the journal and, by AWS's design, the history of its execution.
 */
import { beforeAll, expect, test } from '@jest/globals';
import * as z from 'zod';
import { control, environment } from '../integration/deployment.ts';
import {
  deadLetters,
  events,
  executions,
  functionSettings,
  journalItems,
  linesOf,
  logEvents,
  type Place,
  template,
} from './places.ts';
import { type Search, searchFor, withHeaders } from './search.ts';

const scheduledSchema = z.looseObject({
  taskScheduledEventDetails: z.looseObject({ parameters: z.string() }),
});
const payloadSchema = z.looseObject({ Payload: z.looseObject({ taskToken: z.string().optional() }) });

/** The token that a history's event was scheduled with. */
function tokenIn(text: string): string[] {
  const scheduled = scheduledSchema.safeParse(JSON.parse(text));
  if (!scheduled.success) return [];
  const payload = payloadSchema.safeParse(JSON.parse(scheduled.data.taskScheduledEventDetails.parameters));
  return payload.data?.Payload.taskToken ? [payload.data.Payload.taskToken] : [];
}

const sought = new Map<string, Place[]>();
let credentials: Search = () => [];
let taskTokens: Search = () => [];
let tokenCount = 0;
const everywhere = () => [...sought.values()].flat();
const whereAwsPutsIt = /^TaskScheduled of provision$/;

/** What was found and where; of each kind one a place. */
function find(places: readonly Place[], search: Search): string[] {
  const found = places.flatMap(({ name, text }) =>
    search(text).map(({ kind, form }) => `${kind} (${form}) in ${name}`),
  );
  return [...new Set(found)];
}

beforeAll(async () => {
  const { sandbox, credentials: operator } = environment;
  const { apiKeys } = await control.state();
  // Header and claims begin alike in every token that Dataloop issues.
  const issued = `${apiKeys[0]?.split('.')[0]}.${Buffer.from('{"email":"').toString('base64url').slice(0, -1)}`;
  credentials = withHeaders(
    searchFor([
      { kind: 'Dataloop’s password', value: sandbox.password },
      { kind: 'the operator’s secret key', value: operator.secretAccessKey },
      { kind: 'a token of Dataloop’s', value: issued },
      ...apiKeys.map((value) => ({ kind: 'an API key', value: value.split('.').at(-1) ?? '' })),
    ]),
  );
  sought.set('events', await events());
  sought.set('logs', await logEvents());
  sought.set('items', await journalItems());
  sought.set('executions', await executions());
  sought.set('messages', await deadLetters());
  sought.set('settings', await functionSettings());
  sought.set('answers', linesOf('an answer of the API', 'answers.log'));
  sought.set('console', [
    ...linesOf('the console', 'console.log'),
    ...linesOf('the console of serverless deploy', 'deploy.log'),
  ]);
  sought.set('template', template());
  const tokens = (sought.get('executions') ?? [])
    .filter(({ name }) => whereAwsPutsIt.test(name))
    .flatMap(({ text }) => tokenIn(text));
  tokenCount = tokens.length;
  taskTokens = searchFor(tokens.map((value) => ({ kind: 'a task token', value })));
}, 600_000);

test.each(['events', 'logs', 'items', 'executions', 'settings', 'answers', 'console', 'template'])(
  'there are %s to search',
  (kind) => {
    expect(sought.get(kind)?.length).toBeGreaterThan(0);
  },
);

test('no credential is anywhere', () => {
  expect(find(everywhere(), credentials)).toEqual([]);
}, 300_000);

test('no task token is anywhere but in its own item and where AWS puts it', () => {
  // Each wait for the callback has one; a run of a few tests may have none.
  const waits = everywhere().filter(
    ({ name, text }) => whereAwsPutsIt.test(name) && text.includes('-requestIamUser'),
  );
  expect(tokenCount).toBe(waits.length);
  const where = find(everywhere(), taskTokens);
  expect(where.includes('a task token (plain) in TaskScheduled of provision')).toBe(tokenCount > 0);
  expect(where.filter((found) => !/ in (item token#|TaskScheduled of provision$)/.test(found))).toEqual([]);
}, 300_000);

test('the history holds a token in the parameters of the task alone', () => {
  const scheduled = everywhere().filter(({ name }) => whereAwsPutsIt.test(name));
  const without = scheduled.map(({ name, text }) => {
    const { taskScheduledEventDetails: _parameters, ...rest } = JSON.parse(text);
    return { name, text: JSON.stringify(rest) };
  });
  expect(find(without, taskTokens)).toEqual([]);
});

/**
 * The last of all: everything that the whole run wrote anywhere is searched for the secrets that it used. The one
 * place for a task token is its own item in the journal and, by AWS's design, the history of its execution.
 */
import { beforeAll, expect, test } from '@jest/globals';
import * as z from 'zod';
import { control, environment, faultAddress } from '../integration/deployment.ts';
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
const taskToken = 'a task token';
const stackAddress = 'where CloudFormation waits for an answer';
let search: Search = () => [];
/** What was found anywhere, by one reading of everything. */
let found: readonly string[] = [];
let tokenCount = 0;
const everywhere = () => [...sought.values()].flat();
const whereAwsPutsIt = /^TaskScheduled of provision$/;

/** What was found and where; of each kind one a place. */
function find(places: readonly Place[]): string[] {
  const all = places.flatMap(({ name, text }) =>
    search(text).map(({ kind, form }) => `${kind} (${form}) in ${name}`),
  );
  return [...new Set(all)];
}
const isTaskToken = (where: string): boolean => where.startsWith(taskToken);
/** An answer that was sent at once may leave its item to the schedule. */
const isKeptAddress = (where: string): boolean =>
  where.startsWith(stackAddress) && where.includes(' in item answer#');

beforeAll(async () => {
  const { sandbox, credentials: operator, rootKeys } = environment;
  const { apiKeys } = await control.state();
  // Header and claims begin alike in every token that Dataloop issues.
  const issued = `${apiKeys[0]?.split('.')[0]}.${Buffer.from('{"email":"').toString('base64url').slice(0, -1)}`;
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
  search = withHeaders(
    searchFor([
      { kind: 'Dataloop’s password', value: sandbox.password },
      { kind: 'the operator’s secret key', value: operator.secretAccessKey },
      ...Object.values(rootKeys).map(({ secretAccessKey: value }) => ({
        kind: 'a root’s secret key',
        value,
      })),
      ...[sandbox, faultAddress].map(({ controlToken: value }) => ({ kind: 'a control token', value })),
      { kind: 'a token of Dataloop’s', value: issued },
      // What all of them have in common, where the emulator takes them.
      { kind: stackAddress, value: '/_ministack/cfn-response/' },
      ...apiKeys.map((value) => ({ kind: 'an API key', value: value.split('.').at(-1) ?? '' })),
      ...tokens.map((value) => ({ kind: taskToken, value })),
    ]),
  );
  found = find(everywhere());
});

test.each(['events', 'logs', 'items', 'executions', 'settings', 'answers', 'console', 'template'])(
  'there are %s to search',
  (kind) => {
    expect(sought.get(kind)?.length).toBeGreaterThan(0);
  },
);

test('no credential is anywhere', () => {
  expect(found.filter((where) => !isTaskToken(where) && !isKeptAddress(where))).toEqual([]);
});

test('no task token is anywhere but in its own item and where AWS puts it', () => {
  // Each wait for the callback has one; a run of a few tests may have none.
  const waits = everywhere().filter(
    ({ name, text }) => whereAwsPutsIt.test(name) && text.includes('-requestIamUser'),
  );
  expect(tokenCount).toBe(waits.length);
  const where = found.filter(isTaskToken);
  expect(where.includes(`${taskToken} (plain) in TaskScheduled of provision`)).toBe(tokenCount > 0);
  expect(where.filter((each) => !/ in (item token#|TaskScheduled of provision$)/.test(each))).toEqual([]);
});

test('the history holds a token in the parameters of the task alone', () => {
  const scheduled = everywhere().filter(({ name }) => whereAwsPutsIt.test(name));
  const without = scheduled.map(({ name, text }) => {
    const { taskScheduledEventDetails: _parameters, ...rest } = JSON.parse(text);
    return { name, text: JSON.stringify(rest) };
  });
  expect(find(without).filter(isTaskToken)).toEqual([]);
});

/**
 * The last of all: everything that the whole run wrote anywhere is searched for the secrets that it used. The one
 * place for a task token is its own item in the journal and, by AWS's design, the history of its execution.
 */
import { randomBytes } from 'node:crypto';
import { beforeAll, expect, test } from '@jest/globals';
import * as z from 'zod';
import { control, environment } from '../integration/deployment.ts';
import { type Canary, findCanaries, findWords, type Place, tokenBeginnings } from './canaries.ts';
import {
  deadLetters,
  events,
  executions,
  functionSettings,
  journalItems,
  linesOf,
  logEvents,
  template,
} from './places.ts';

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
let secrets: Canary[] = [];
let taskTokens: string[] = [];
const everywhere = () => [...sought.values()].flat();
const heldToken = /^item token#/;
const whereAwsPutsIt = /^TaskScheduled of provision$/;

beforeAll(async () => {
  const { sandbox, credentials } = environment;
  const { apiKeys } = await control.state();
  secrets = [
    { kind: 'Dataloop’s password', text: sandbox.password },
    { kind: 'the operator’s secret key', text: credentials.secretAccessKey },
    ...apiKeys.map((text) => ({ kind: 'an API key', text: text.split('.').at(-1) ?? '' })),
    ...tokenBeginnings,
  ];
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
  taskTokens = (sought.get('executions') ?? [])
    .filter(({ name }) => whereAwsPutsIt.test(name))
    .flatMap(({ text }) => tokenIn(text));
}, 600_000);

test.each(['events', 'logs', 'items', 'executions', 'settings', 'answers', 'console', 'template'])(
  'there are %s to search',
  (kind) => {
    expect(sought.get(kind)?.length).toBeGreaterThan(0);
  },
);

test('no credential of Dataloop is anywhere', () => {
  expect(findCanaries(everywhere(), secrets)).toEqual([]);
});

test('no task token is anywhere but in its own item and where AWS puts it', () => {
  expect(taskTokens.length).toBeGreaterThan(0);
  const elsewhere = everywhere().filter(({ name }) => !heldToken.test(name) && !whereAwsPutsIt.test(name));
  expect(findWords(elsewhere, 'a task token', taskTokens)).toEqual([]);
});

test('the history holds a token in the parameters of the task alone', () => {
  const scheduled = everywhere().filter(({ name }) => whereAwsPutsIt.test(name));
  const without = scheduled.map(({ name, text }) => {
    const { taskScheduledEventDetails: _parameters, ...rest } = JSON.parse(text);
    return { name, text: JSON.stringify(rest) };
  });
  expect(findWords(without, 'a task token', taskTokens)).toEqual([]);
});

test.each([
  ['as it is', (secret: string) => secret],
  ['in JSON in JSON', (secret: string) => JSON.stringify(JSON.stringify({ secret }))],
  ['in base64', (secret: string) => Buffer.from(secret).toString('base64')],
  ['in base64 of something', (secret: string) => Buffer.from(`{"a":"${secret}"}`).toString('base64')],
  ['in base64 of something else', (secret: string) => Buffer.from(`Basic:${secret}`).toString('base64url')],
  ['in a URL', (secret: string) => `https://example.com/?token=${encodeURIComponent(secret)}`],
])('a secret that is there %s would be found', (_how, hidden) => {
  const secret = `${randomBytes(20).toString('base64url')}/+é`;
  const places = [{ name: 'planted', text: `before ${hidden(secret)} after` }];
  expect(findCanaries(places, [{ kind: 'it', text: secret }])).toEqual(['it in planted']);
});

test('a token that is there would be found', () => {
  const claims = Buffer.from('{"email":"a@b.c","iat":1}').toString('base64url');
  const token = `${Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')}.${claims}.x`;
  expect(findCanaries([{ name: 'planted', text: `Bearer ${token}` }], tokenBeginnings)).toHaveLength(2);
  const [word = ''] = taskTokens;
  const planted = { name: 'planted', text: JSON.stringify({ taskToken: word }) };
  expect(findWords([planted], 'it', taskTokens)).toEqual(['it in planted']);
});

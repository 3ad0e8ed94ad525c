/**
 * Dataloop behind `fetch`: answers what a test scripts, and keeps what was asked and how long was waited. The
 * clock of `node:timers/promises` is replaced before the client is loaded, so nothing here takes time.
 */
import { jest } from '@jest/globals';

export interface SentRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** One answer: a response, or an error where none comes. */
type Scripted = () => Response;

export const sent: SentRequest[] = [];
/** Waits between attempts in ms. */
export const waits: number[] = [];
let script: Scripted[] = [];

jest.unstable_mockModule('node:timers/promises', () => ({
  setTimeout: async (ms: number) => {
    waits.push(ms);
  },
}));
export const { httpFor, retryAfterMs, saidBy } = await import('../../../../src/clients/dataloop/http.ts');
export const client = await import('../../../../src/clients/dataloop/client.ts');
export const { credentialsFrom, parseSecret, readToken } = await import(
  '../../../../src/clients/dataloop/credentials.ts'
);

/** Forgets everything and scripts the answers; the last one is given to every further request. */
export function dataloopAnswers(...answers: Scripted[]): void {
  script = answers;
  sent.length = 0;
  waits.length = 0;
  jest.spyOn(globalThis, 'fetch').mockImplementation(async (url, init) => {
    sent.push({
      method: init?.method ?? 'GET',
      url: String(url),
      headers: Object.fromEntries(new Headers(init?.headers)),
      body: typeof init?.body === 'string' ? JSON.parse(init.body) : undefined,
    });
    const next = script.length > 1 ? script.shift() : script[0];
    if (!next) throw new Error('No answer was scripted.');
    return next();
  });
}

export const json =
  (body: unknown, status = 200, headers: Record<string, string> = {}): Scripted =>
  () =>
    new Response(JSON.stringify(body), { status, headers });

export const text =
  (body: string, status = 200): Scripted =>
  () =>
    new Response(body, { status });

export const noContent: Scripted = () => new Response(null, { status: 204 });

/** A refusal with Dataloop's `message`. */
export const refused = (status: number, message: string, headers: Record<string, string> = {}): Scripted =>
  json({ statusCode: status, message }, status, headers);

/** No answer: what `fetch` throws. */
export const lost =
  (name: string): Scripted =>
  () => {
    throw Object.assign(new Error(name), { name });
  };

/** A JWT as Dataloop issues it; `marker` tells two apart. */
export function token(
  expiresAt: number,
  { email, marker = 'a' }: { email?: string; marker?: string } = {},
): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256' })}.${part({ exp: expiresAt / 1000, email, marker })}.signature-${marker}`;
}

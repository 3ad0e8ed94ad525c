/** HTTP with Dataloop: time-outs, retries that honour `Retry-After`, and errors that say what to do. */
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { lifetimeLeftMs, mayWait } from '../../deadline.ts';
import { type ErrorName, placesOf, ServiceError } from '../../errors.ts';
import { waitingFor } from '../../spent.ts';
import type { Credentials, Token } from './credentials.ts';
import { type Transport, type TransportAnswer, transportOf } from './transport.ts';

export interface Call<T> {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** Made for the user whose token it is sent with: after a rotation that may be another. */
  readonly body?: (user: Token) => unknown;
  /** Shape of the answer. */
  readonly schema: z.ZodType<T>;
  /** What the call does, as in "create an integration". */
  readonly what: string;
  /** Role at Dataloop that the call needs. */
  readonly role: string;
  /**
   * Whether a call whose outcome is unknown may simply be sent again. Creating is not: the caller looks first.
   */
  readonly repeatable: boolean;
  /**
   * Whether Dataloop does something at AWS before it answers, for which it may need its time. There is one attempt then:
   * a second one would run beside the first, and be no faster.
   */
  readonly takesLong?: true;
  /** What a refusal means here that its status does not tell; undefined where it is just that. */
  readonly refused?: (status: number, said: string) => ServiceError | undefined;
}

export interface Http {
  send<T>(call: Call<T>): Promise<T>;
}

export interface HttpSettings {
  readonly transport?: Transport;
  readonly apiUrl: string;
  readonly secretId: string;
  readonly timeoutMs?: number;
  /** The same, of a call that takes long. */
  readonly longTimeoutMs?: number;
  /** Longest wait that is sat out here; a longer one is the state machine's. */
  readonly longestWaitMs?: number;
  readonly attempts?: number;
}

/** Answers without a body (204) are `undefined`; anything else must be JSON. */
export const noContent = z.unknown();

interface Answer {
  readonly status: number;
  /** Empty where it was longer than is read. */
  readonly body: string;
  readonly isTooLong: boolean;
  readonly retryAfterMs: number | undefined;
}

/** Most bytes that are read of an answer: of a list, some thousand drivers; of a refusal, more than is told of it. */
const longestBody = { answer: 4 * 1024 * 1024, refusal: 64 * 1024 } as const;

/**
 * The body of an answer. Its bytes are counted as they come, unpacked, and what is too long is not read to its end.
 * @returns undefined for one that is longer
 */
async function bodyOf(response: TransportAnswer, longest: number): Promise<string | undefined> {
  if (!response.body) return '';
  // One piece of memory that grows: kept one by one, the pieces of a body of single bytes would take many times as much.
  let bytes = Buffer.allocUnsafe(16 * 1024);
  let size = 0;
  // Leaving the loop cancels the rest.
  for await (const chunk of response.body) {
    const end = size + chunk.byteLength;
    if (end > longest) return undefined;
    if (end > bytes.length) bytes = Buffer.concat([bytes.subarray(0, size)], Math.max(end, 2 * bytes.length));
    bytes.set(chunk, size);
    size = end;
  }
  return new TextDecoder().decode(bytes.subarray(0, size));
}

/** Longest date or number that is understood. */
const longestRetryAfter = 100;

/** `Retry-After` in ms: seconds, or a date. */
export function retryAfterMs(value: string | null, now: number): number | undefined {
  if (!value || value.length > longestRetryAfter) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Time of the function that is kept for what follows a call; after a long one, for a look at what it came to. */
const keptMs = { call: 2_500, longCall: 4_500 } as const;
/** With less it is no attempt, with less no further one, and with less no further one of a call that takes long. */
const shortestMs = { first: 500, further: 2_000, longAfterWait: 4_000 } as const;

/** Left for an attempt, of what the function has. */
const leftMs = ({ takesLong }: { takesLong?: boolean | undefined }): number =>
  lifetimeLeftMs() - (takesLong ? keptMs.longCall : keptMs.call);

/**
 * One request, one answer.
 * @param timeoutMs how long it may take, if the function has that time
 * @throws ServiceError `DataloopUnavailableError` where none came in time
 */
export async function exchange(
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string },
  timeoutMs: number,
  call: { readonly takesLong?: true | undefined } = {},
  send: Transport = transportOf({}),
): Promise<Answer> {
  const limitMs = Math.floor(Math.min(timeoutMs, leftMs(call)));
  if (limitMs < shortestMs.first) {
    throw new ServiceError(
      'DataloopUnavailableError',
      `Dataloop at ${new URL(url).origin} was not asked: what came before had taken all the time.`,
      { mayPass: true },
    );
  }
  try {
    const { response, body } = await waitingFor('dataloopMs', async () => {
      const answer = await send(url, { ...init, signal: AbortSignal.timeout(limitMs) });
      const longest = answer.ok ? longestBody.answer : longestBody.refusal;
      return { response: answer, body: await bodyOf(answer, longest) };
    });
    return {
      status: response.status,
      body: body ?? '',
      isTooLong: body === undefined,
      retryAfterMs: retryAfterMs(response.headers.get('retry-after'), Date.now()),
    };
  } catch (error) {
    const reason = error instanceof Error ? error.name : 'unknown';
    throw new ServiceError(
      'DataloopUnavailableError',
      `Dataloop at ${new URL(url).origin} did not answer within ${Math.round(limitMs / 100) / 10} s (${reason}).`,
      { cause: error, mayPass: true },
    );
  }
}

/** Dataloop's own form is a `message`; others have been seen before gateways. */
const messageSchema = z.union([
  z.object({ message: z.string() }),
  z
    .object({ message: z.array(z.string()).min(1) })
    .transform(({ message }) => ({ message: message.join(', ') })),
  z.object({ error: z.object({ message: z.string() }) }).transform(({ error }) => error),
  z.object({ error: z.string() }).transform(({ error }) => ({ message: error })),
]);

/** What looks like a credential: a JWT, or what follows "Bearer". */
const credentials = /(?<![\w-])[\w-]{8,}(?:\.[\w-]{8,}){2}|\bbearer\s+\S+/gi;

/** Most of Dataloop's words that is looked at, and that is told. */
const longestWords = { read: 2_000, told: 400 } as const;

/**
 * Dataloop's own words, short and without anything that could forge a line of a log, or that is secret.
 * @param sent credentials that it was sent and might quote
 */
export function saidBy(body: string, sent: readonly string[] = []): string {
  const parsed = messageSchema.safeParse(parseJson(body));
  const quoted = parsed.success ? parsed.data.message : '';
  // As it is, and as it stood in the JSON that was sent.
  const secrets = sent.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
  const text = secrets.reduce((said, secret) => said.replaceAll(secret, '[redacted]'), quoted);
  const line = text.replace(/[^\x20-\x7e\u00a1-\u00ff]+/g, ' ');
  // Cut between words: half a credential looks like none.
  const words =
    line.length > longestWords.read ? line.slice(0, line.lastIndexOf(' ', longestWords.read) + 1) : line;
  return words.replace(credentials, '[redacted]').slice(0, longestWords.told) || 'no reason given';
}

export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // The caller's schema refuses it and says so.
    return undefined;
  }
}

/**
 * The error of an answer that is not 2xx.
 * @param sent credentials that it was sent and might quote
 */
export function refusal(
  answer: Answer,
  call: Pick<Call<unknown>, 'what' | 'role' | 'refused'>,
  secretId: string,
  sent: readonly string[] = [],
): ServiceError {
  const said = saidBy(answer.body, sent);
  const special = call.refused?.(answer.status, said);
  if (special) return special;
  const refused = `Dataloop did not ${call.what} (${answer.status}: ${said}).`;
  const fail = (name: ErrorName, advice: string) => new ServiceError(name, `${refused} ${advice}`);
  const passing = (name: ErrorName) => new ServiceError(name, refused, { mayPass: true });
  switch (answer.status) {
    case 401:
      return fail(
        'DataloopCredentialsError',
        `The credentials in secret ${secretId} are wrong, expired or revoked. Replace them.`,
      );
    case 403:
      return fail('DataloopForbiddenError', `The user of the credentials must be ${call.role}.`);
    case 404:
      return fail('DataloopNotFoundError', 'Check the id, and that the user of the credentials may see it.');
    case 429:
      return passing('DataloopRateLimitError');
  }
  if (answer.status === 408 || answer.status >= 500) return passing('DataloopUnavailableError');
  return fail('DataloopRequestRefusedError', 'Fix the cause Dataloop reports, then try again.');
}

/** At most, in ms, so that those that were refused together do not come back together. */
const spreadMs = 500;

/**
 * A function that has begun sits out a rate limit for as long as it lives: one that gave up would make the same calls again
 * with its next attempt, and take them from all others.
 */
function waitForRate(
  attempt: number,
  call: Call<unknown>,
  { retryAfterMs: least = 0 }: Answer,
  longestMs: number,
): number | undefined {
  const wait = least + Math.random() * spreadMs;
  const kept = call.takesLong ? keptMs.longCall + shortestMs.longAfterWait : keptMs.call + shortestMs.further;
  return least <= longestMs && mayWait(attempt - 1, wait, kept) ? wait : undefined;
}

export function httpFor(credentials: Pick<Credentials, 'token' | 'forget'>, settings: HttpSettings): Http {
  const { apiUrl, secretId, timeoutMs = 8_000, longTimeoutMs = 25_000 } = settings;
  const { longestWaitMs = 3_000, attempts = 3 } = settings;

  const once = async <T>(call: Call<T>): Promise<Answer> => {
    const token = await credentials.token();
    const body = call.body?.(token);
    return exchange(
      `${apiUrl}${call.path}`,
      {
        method: call.method,
        headers: {
          authorization: `Bearer ${token.value}`,
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
      call.takesLong ? longTimeoutMs : timeoutMs,
      call,
      settings.transport,
    );
  };

  /** How long to wait before sending again, or undefined where sending again is not for here. */
  const waitBefore = (
    attempt: number,
    call: Call<unknown>,
    answer: Answer | undefined,
  ): number | undefined => {
    // A rate limit refuses before it does anything: even a creation may be sent again.
    if (answer?.status === 429) return waitForRate(attempt, call, answer, longestWaitMs);
    if (attempt >= attempts || !call.repeatable) return undefined;
    if (call.takesLong && !answer) return undefined;
    if (answer && answer.status !== 408 && answer.status < 500) return undefined;
    const wait = answer?.retryAfterMs ?? Math.random() * 250 * 2 ** attempt;
    return wait <= longestWaitMs && wait + shortestMs.further <= leftMs(call) ? wait : undefined;
  };

  const send = async <T>(call: Call<T>): Promise<T> => {
    let renewed = false;
    for (let attempt = 1; ; attempt += 1) {
      let answer: Answer | undefined;
      try {
        answer = await once(call);
      } catch (error) {
        const lost = error instanceof ServiceError && error.name === 'DataloopUnavailableError';
        const wait = lost ? waitBefore(attempt, call, undefined) : undefined;
        if (wait === undefined) throw error;
        await delay(wait);
        continue;
      }
      if (answer.status >= 200 && answer.status < 300) return parseAnswer(call, answer);
      if ((answer.status === 401 || answer.status === 403) && !renewed) {
        // Revoked, or rotated since it was read, maybe to a user who may: once more with what the secret holds now.
        renewed = true;
        credentials.forget();
        continue;
      }
      const wait = waitBefore(attempt, call, answer);
      if (wait === undefined) throw refusal(answer, call, secretId);
      await delay(wait);
    }
  };
  return { send };
}

function parseAnswer<T>(call: Call<T>, answer: Answer): T {
  const parsed = call.schema.safeParse(answer.body === '' ? undefined : parseJson(answer.body));
  if (parsed.success) return parsed.data;
  const why = answer.isTooLong
    ? `longer than ${longestBody.answer / 1024 / 1024} MiB`
    : `not as documented (${placesOf(parsed.error)})`;
  throw notAsDocumented(call.what, why);
}

/** @param why what the answer is */
export const notAsDocumented = (what: string, why: string): ServiceError =>
  new ServiceError(
    'DataloopAnswerError',
    `Dataloop's answer to "${what}" is ${why}. Its API may have changed. Look for a newer version of this service.`,
  );

/** The API as commands use it: it comes again where the service asks for that, and says what was refused. */
import type * as z from 'zod';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { harmlessValue } from '../screen/harmless.ts';
import { gatewaySchema, problemSchema } from './answers.ts';
import { explained, notAccepted, reasonOf } from './connect.ts';
import type { Answer, Request, SendRequest } from './send.ts';

export interface Api {
  readonly apiUrl: string;
  /** One call and its answer, whatever that is. Transient failures are retried. */
  ask(request: Request): Promise<Answer>;
  /**
   * A call that must succeed: its answer for people, and raw for programs.
   * @throws CommandError with the words of the API
   */
  call<T>(request: Request, schema: z.ZodType<T>): Promise<{ readonly value: T; readonly raw: unknown }>;
}

export interface ApiParts {
  readonly apiUrl: string;
  readonly region: string;
  readonly send: SendRequest;
  delay(milliseconds: number): Promise<void>;
  /** Tells people why they wait. */
  note(line: string): void;
}

const mostAttempts = 6;
/** Longest wait between two attempts in seconds, whatever the API asks for. */
const longestPause = 60;

const transient = [429, 502, 503, 504];

/** Every call of this API may be sent again: those that create something carry an idempotency key. */
export function apiOf({ apiUrl, region, send, delay, note }: ApiParts): Api {
  const ask = async (request: Request): Promise<Answer> => {
    for (let attempt = 1; ; attempt += 1) {
      const isLast = attempt === mostAttempts;
      const { answer, error } = await attempted(send, request);
      if (answer && (!transient.includes(answer.status) || isLast)) return answer;
      if (error !== undefined && (isLast || !isPassing(error))) throw noAnswer(error, apiUrl, region);
      const asked = answer?.retryAfter ?? Math.min(2 ** (attempt - 1), 10);
      const seconds = Math.min(Math.max(asked, 0.2), longestPause);
      const why = answer ? `The API answered ${said(answer)}` : `No answer (${textOf(error)})`;
      note(`${why.replace(/\.?$/, '.')} Trying again in ${seconds} s.`);
      await delay(seconds * 1_000);
    }
  };
  return {
    apiUrl,
    ask,
    call: async (request, schema) => {
      const answer = await ask(request);
      if (answer.status < 200 || answer.status > 299) throw refusalOf(answer);
      const parsed = schema.safeParse(harmlessValue(answer.body));
      if (!parsed.success) throw unknownAnswer(request, answer);
      return { value: parsed.data, raw: answer.body };
    },
  };
}

async function attempted(send: SendRequest, request: Request) {
  try {
    return { answer: await send(request), error: undefined };
  } catch (error) {
    return { answer: undefined, error };
  }
}

/** A connection that failed, or an answer that did not come in time; not wrong credentials. */
const isPassing = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'TimeoutError' || error.message === 'fetch failed');

const textOf = (error: unknown): string => (error instanceof Error ? reasonOf(error) : String(error));

function said({ status, body }: Answer): string {
  const problem = problemSchema.safeParse(body);
  return problem.success ? `${status}: ${problem.data.detail}` : String(status);
}

function noAnswer(error: unknown, apiUrl: string, region: string): unknown {
  if (!(error instanceof Error) || !isPassing(error)) return explained(error, region);
  return new CommandError(exitCodes.unexpected, `The API at ${apiUrl} does not answer: ${reasonOf(error)}`, {
    lines: [
      'Check the address, your network and proxy. A private certificate goes into NODE_EXTRA_CA_CERTS.',
    ],
    next: 'doctor',
    cause: error,
  });
}

/** What the API refused, in its own words. */
export function refusalOf({ status, body }: Answer): CommandError {
  const problem = problemSchema.safeParse(body);
  if (problem.success) {
    const { title, detail, errors = [], type, requestId } = problem.data;
    const code = status >= 500 && status !== 503 ? exitCodes.unexpected : exitCodes.refused;
    return new CommandError(code, `${title}: ${detail}`, {
      lines: [
        ...errors.map((each) => `${each.pointer}: ${each.detail}`),
        ...(code === exitCodes.unexpected && requestId ? [`Request: ${requestId}`] : []),
      ],
      next: nextAfter(type, detail),
      answer: body,
    });
  }
  const gateway = gatewaySchema.safeParse(body);
  const words = gateway.success ? (gateway.data.message ?? gateway.data.Message ?? '') : '';
  if (status === 403 && /security token|signature|credential/i.test(words)) return notAccepted(words, body);
  if (status === 403) {
    return new CommandError(exitCodes.refused, `AWS refused the call: ${words || 'Forbidden'}`, {
      lines: ['You need execute-api:Invoke for this call: docs/deployment.md has the policies.'],
      next: 'doctor',
      answer: body,
    });
  }
  return new CommandError(
    exitCodes.unexpected,
    `The API answered ${status}: ${words || 'without a reason'}`,
    {
      next: 'doctor',
      answer: body,
    },
  );
}

/** What helps after a refusal. */
function nextAfter(type: string, detail: string): string | undefined {
  const [holder] = /int_[0-9A-Z]{26}/.exec(detail) ?? [];
  switch (type.split(':').at(-1)) {
    case 'name-or-bucket-taken':
    case 'integration-not-ready':
    case 'nothing-awaited':
    case 'driver-not-ready':
    case 'idempotency-key-reused':
      return holder ? `status ${holder}` : 'list';
    case 'too-many-open':
      return 'list --status provisioning,rolling-back';
    case 'integration-not-found':
    case 'driver-not-found':
      return 'list';
    default:
      return undefined;
  }
}

const unknownAnswer = ({ method, path }: Request, { status, body }: Answer) =>
  new CommandError(exitCodes.unexpected, `${method} ${path} answered ${status} in an unknown form.`, {
    lines: ['The service may be of another version: doctor compares them.'],
    next: 'doctor',
    answer: body,
  });

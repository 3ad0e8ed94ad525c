/** A world without network, clock or terminal for the command line: what it is told, it answers. */
import type { Account } from '../../../cli/connection/account.ts';
import type { Answer, Request } from '../../../cli/connection/send.ts';
import type { ConnectionSettings } from '../../../cli/connection/settings.ts';
import { runProgram } from '../../../cli/program.ts';
import type { World } from '../../../cli/world.ts';

export const integrationId = 'int_01M85CZQP0Y0YS5TZMSXQSHEJR';
export const driverId = 'drv_01M85CZQP0Y0YS5TZMSXQSHEJR';

const startedAt = '2026-11-28T10:00:00.000Z';
export const begun = Date.parse(startedAt);

const arn = 'arn:aws:states:eu-west-1:111111111111:execution:dataloop-cross-account-dev-provision';

/** An integration as the API answers it. */
export const integration = (status: string, more: Readonly<Record<string, unknown>> = {}) => ({
  integrationId,
  name: 'acme',
  status,
  createdAt: startedAt,
  updatedAt: startedAt,
  steps: [],
  resources: [],
  residue: [],
  links: {
    self: `/integrations/${integrationId}`,
    execution: `${arn}:${integrationId}`,
    console: `https://eu-west-1.console.aws.amazon.com/states/home#/v2/executions/details/${integrationId}`,
  },
  ...more,
});

export const step = (name: string, status: string, more: Readonly<Record<string, unknown>> = {}) => ({
  name,
  status,
  startedAt,
  attempts: 1,
  ...more,
});

export const bucket = {
  type: 'AWS::S3::Bucket',
  arn: 'arn:aws:s3:::dataloop-acme',
  origin: 'created',
};

export const plan = (more: Readonly<Record<string, unknown>> = {}) => ({
  name: 'acme',
  clear: true,
  resources: [{ action: 'create', type: 'AWS::S3::Bucket', name: 'dataloop-acme', region: 'eu-west-1' }],
  tags: {},
  trustPolicy: { Version: '2012-10-17', Statement: [{ Sid: 'TrustsDataloop' }] },
  permissionPolicy: { Version: '2012-10-17', Statement: [{ Sid: 'AllowsObjects' }] },
  actions: [],
  findings: [],
  ...more,
});

export const problem = (kind: string, detail: string, status: number, more: object = {}) =>
  answer(status, {
    type: `urn:dataloop-cross-account:problem:${kind}`,
    title: 'The title',
    status,
    detail,
    requestId: 'request-1',
    ...more,
  });

export const answer = (status: number, body?: unknown, retryAfter?: number): Answer => ({
  status,
  body,
  retryAfter,
});
export const ok = (body: unknown): Answer => answer(200, body);
export const accepted = (body: unknown): Answer => answer(202, body);

/** Answers for each call, `GET /integrations/int_…`, without its query; the last answer of a list stays. */
export type Script = Readonly<Record<string, readonly (Answer | Error)[]>>;

export interface Options {
  readonly script?: Script;
  readonly env?: World['env'];
  /** Size of the terminal; undefined: the output is piped. */
  readonly columns?: number;
  /** Answers to questions; undefined: nobody can be asked. */
  readonly answers?: readonly boolean[];
  readonly files?: Readonly<Record<string, string>>;
  readonly account?: Partial<Account>;
  /** Called each time the program waits. */
  onDelay?(interrupt: () => readonly string[]): void;
  /** Called while the page is served, with what was said so far. */
  onPage?(said: string): Promise<void>;
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly requests: readonly Request[];
  readonly settings: readonly ConnectionSettings[];
  readonly waits: readonly number[];
  readonly questions: readonly string[];
  readonly opened: readonly string[];
  readonly written: Readonly<Record<string, string>>;
}

/** Whatever a test does not say cannot be asked for. */
const noAccount = (what: string) => () => Promise.reject(new Error(`${what} was not to be asked for.`));

export async function run(args: readonly string[], options: Options = {}): Promise<Ran> {
  const { script = {}, env = {}, columns, answers, files = {}, account = {}, onDelay, onPage } = options;
  const [out, err, requests, settings, waits, questions, opened]: [
    string[],
    string[],
    Request[],
    ConnectionSettings[],
    number[],
    string[],
    string[],
  ] = [[], [], [], [], [], [], []];
  const written: Record<string, string> = {};
  const left = new Map(Object.entries(script).map(([call, list]) => [call, [...list]]));
  const open = [...(answers ?? [])];
  let now = begun;
  let interrupt: (() => readonly string[]) | undefined;
  const redraws = new Set<() => void>();
  const world: World = {
    env,
    nodeVersion: '20.19.0',
    version: '0.1.0',
    stdout: { isTTY: columns !== undefined, columns, write: (text) => out.push(text) },
    stderr: { isTTY: columns !== undefined, columns, write: (text) => err.push(text) },
    canAsk: answers !== undefined,
    readText: async (path) => {
      const text = files[path];
      if (text === undefined) throw new Error(`ENOENT: no such file, open '${path}'`);
      return text;
    },
    writeText: async (path, text) => {
      written[path] = text;
    },
    ask: async (question) => {
      questions.push(question);
      return open.shift() ?? false;
    },
    now: () => now,
    delay: async (milliseconds) => {
      waits.push(milliseconds);
      now += milliseconds;
      for (const redraw of redraws) redraw();
      onDelay?.(() => interrupt?.() ?? []);
    },
    every: (_milliseconds, work) => {
      redraws.add(work);
      return () => redraws.delete(work);
    },
    openInBrowser: async (url) => {
      opened.push(url);
      return true;
    },
    pageAssets: { script: 'script();', style: 'body {}' },
    untilInterrupted: async () => onPage?.(err.join('')),
    connect: async (asked) => {
      settings.push(asked);
      return {
        apiUrl: 'https://api.example',
        region: 'eu-west-1',
        send: async (request) => {
          requests.push(request);
          const call = `${request.method} ${request.path.split('?')[0]}`;
          const list = left.get(call) ?? [];
          const next = list.length > 1 ? list.shift() : list[0];
          if (next === undefined) throw new Error(`No answer is prepared for ${call}.`);
          if (next instanceof Error) throw next;
          return next;
        },
      };
    },
    account: () => ({
      region: async () => 'eu-west-1',
      caller: noAccount('The caller'),
      stack: noAccount('The stack'),
      secret: noAccount('The secret'),
      alarms: noAccount('Alarms'),
      policies: noAccount('Policies'),
      history: noAccount('The history'),
      ...account,
    }),
    whenInterrupted: (say) => {
      interrupt = say;
    },
  };
  const code = await runProgram(args, world);
  return {
    code,
    out: out.join(''),
    err: err.join(''),
    requests,
    settings,
    waits,
    questions,
    opened,
    written,
  };
}

/** The sandbox's HTTPS server: log-in, Dataloop's API, and its own control API under `/_control`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import * as z from 'zod';
import type { DataloopAws } from './aws.ts';
import { Behaviour } from './behaviour.ts';
import { controlRefusal, newControlToken } from './control-access.ts';
import { Datasets } from './datasets.ts';
import { type Member, Platform, Refusal } from './platform.ts';
import { findRoute, integrationNameOf, routes } from './routes.ts';
import { faultSchema, loginSchema, type Settings, settingsSchema } from './schemas.ts';
import { issueToken, readToken } from './tokens.ts';
import { inForm, refusalIn } from './variants.ts';

const base = '/api/v1';
const maximumBodyBytes = 1024 * 1024;

interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

export interface Sandbox {
  readonly server: Server;
  readonly platform: Platform;
  /** API key of the organisation's owner. */
  readonly apiKey: string;
  /** What the control API asks for. */
  readonly controlToken: string;
  /** Settings and faults, as the control API changes them. */
  readonly behaviour: Behaviour;
  /** Starts from the beginning. */
  reset(): Promise<void>;
}

export function sandbox(aws: DataloopAws, tls: { cert: Buffer; key: Buffer }): Sandbox {
  const behaviour = new Behaviour();
  const platform = new Platform(aws, behaviour.settingsFor);
  const datasets = new Datasets(platform);
  const api = routes(platform, datasets);
  const controlToken = newControlToken();
  const revoked = new Set<string>();
  /** Tokens of log-ins, of which some are still in use. */
  const loggedIn = new Set<string>();
  const refreshTokens = new Map<string, Member>();
  const yearSeconds = 365 * 86_400;
  const apiKeys = platform.members.map(({ email }) => issueToken(email, yearSeconds));

  const authenticate = (request: IncomingMessage): Member => {
    const [, token = ''] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    const claims = revoked.has(token) ? undefined : readToken(token);
    const member = platform.members.find(({ email }) => email === claims?.email);
    if (!member) throw new Refusal(401, 'Unauthorized: token is missing, expired or revoked');
    return member;
  };

  const login = (body: unknown): Answer => {
    const parsed = loginSchema.safeParse(body);
    if (!parsed.success) throw new Refusal(400, 'Log-in needs type user_credentials or refresh_token');
    const member =
      parsed.data.type === 'refresh_token'
        ? refreshTokens.get(parsed.data.refresh_token)
        : platform.members.find(
            ({ email, password }) =>
              parsed.data.type === 'user_credentials' &&
              email === parsed.data.username &&
              password === parsed.data.password,
          );
    if (!member) throw new Refusal(401, 'Wrong username, password or refresh token');
    const lifetime = behaviour.settingsFor('').tokenLifetimeSeconds ?? 86_400;
    const id_token = issueToken(member.email, lifetime);
    loggedIn.add(id_token);
    if (behaviour.settingsFor('').refreshTokens === false) return { status: 200, body: { id_token } };
    const refreshToken = issueToken(member.email, yearSeconds);
    refreshTokens.set(refreshToken, member);
    return { status: 200, body: { id_token, refresh_token: refreshToken } };
  };

  const callApi = async (request: IncomingMessage, url: URL, body: unknown): Promise<Answer> => {
    const method = request.method ?? 'GET';
    const path = url.pathname.slice(base.length);
    if (behaviour.isRateLimited(Date.now())) throw new Refusal(429, 'Too many requests', 1);
    const scope = integrationNameOf(platform, path, body);
    const fault = behaviour.takeFault(method, `${path}${url.search}`, scope);
    const refuse = () =>
      new Refusal(fault?.status ?? 500, 'The sandbox was told to fail this call', fault?.retryAfterSeconds);
    if (fault?.when === 'before') throw refuse();
    const member = authenticate(request);
    const found = findRoute(api, method, path);
    if (!found) throw new Refusal(404, `There is no ${method} ${path}`);
    const answer = await found.route({ member, query: url.searchParams, body }, ...found.segments);
    if (fault) throw refuse();
    const settings = behaviour.settingsFor(scope);
    if (takesLong(method, path)) await answerDelay(settings.answerDelaySeconds);
    return answer === undefined
      ? { status: 204 }
      : { status: 200, body: inForm(answer, method, path, settings) };
  };

  const standing = () => ({
    integrations: [...platform.integrations.values()].map((each) => platform.showIntegration(each)),
    drivers: [...platform.drivers.values()].map((each) => platform.showDriver(each)),
    datasets: datasets.all(),
  });

  const revocation = (body: unknown): Iterable<string> => {
    const wanted = z
      .union([z.strictObject({ token: z.string() }), z.strictObject({ all: z.literal(true) })])
      .parse(body);
    return 'token' in wanted ? [wanted.token] : [...apiKeys, ...loggedIn];
  };

  const reset = async () => {
    behaviour.reset();
    revoked.clear();
    datasets.clear();
    await platform.clear();
  };

  const control = async (method: string, path: string, body: unknown): Promise<Answer> => {
    const [, what = '', id = '', action = ''] = path.split('/').map(decodeURIComponent);
    switch (`${method} ${what}`) {
      case 'GET state':
        return {
          status: 200,
          body: {
            ...standing(),
            iamUsers: await aws.listUserNames(),
            requests: behaviour.requests,
            apiKeys,
          },
        };
      case 'GET standing':
        return { status: 200, body: standing() };
      case 'PUT settings':
        behaviour.set(id, settingsSchema.parse(body));
        return { status: 204 };
      case 'POST faults':
        behaviour.addFault(faultSchema.parse(body));
        return { status: 204 };
      case 'DELETE faults':
        behaviour.clearFaults();
        return { status: 204 };
      case 'POST revoked-tokens':
        for (const token of revocation(body)) revoked.add(token);
        return { status: 204 };
      case 'DELETE revoked-tokens':
        revoked.clear();
        return { status: 204 };
      case 'POST reset':
        await reset();
        return { status: 204 };
      case 'POST drivers':
        if (action === 'objects') return { status: 200, body: await writeObject(id, body) };
        break;
      case 'POST integrations':
        if (action === 'assume-as-stranger')
          return { status: 200, body: await platform.assumeAsStranger(id) };
        break;
    }
    throw new Refusal(404, `The control API has no ${method} ${path}`);
  };

  /** Writes an object as the platform does: through the driver, with the assumed role. */
  const writeObject = async (driverId: string, body: unknown) => {
    const { key, content } = z.strictObject({ key: z.string().min(1), content: z.string() }).parse(body);
    const { s3, bucket } = await platform.openBucket(platform.driver(driverId).body);
    const Key = bucket.path ? `${bucket.path}/${key}` : key;
    await s3.send(new PutObjectCommand({ Bucket: bucket.name, Key, Body: content }));
    return { bucket: bucket.name, key: Key };
  };

  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const url = new URL(request.url ?? '/', 'https://127.0.0.1');
    const isControl = url.pathname.startsWith('/_control/');
    const refusal = isControl ? controlRefusal(request, controlToken) : undefined;
    if (refusal) throw new Refusal(refusal.status, refusal.message);
    const body = await readBody(request);
    if (url.pathname === '/token' && request.method === 'POST') return login(body);
    if (url.pathname.startsWith(`${base}/`)) return callApi(request, url, body);
    if (isControl) {
      return control(request.method ?? 'GET', url.pathname.slice('/_control'.length), body);
    }
    throw new Refusal(404, `There is nothing at ${url.pathname}`);
  };

  const server = createServer(tls, (request, response) => {
    answer(request)
      .catch((error: unknown) => refusalOf(error, behaviour.settingsFor('')))
      .then((result) => {
        behaviour.log({
          time: new Date().toISOString(),
          method: request.method ?? '',
          path: request.url ?? '',
          status: result.status,
        });
        respond(response, result);
      });
  });
  return { server, platform, apiKey: apiKeys[0] ?? '', controlToken, behaviour, reset };
}

/** Calls for which Dataloop works at AWS before it answers. */
const takesLong = (method: string, path: string): boolean =>
  (method === 'PATCH' && path.startsWith('/orgs/')) || /^\/drivers\/(.+\/)?test$/.test(path);

async function answerDelay(seconds = 0): Promise<void> {
  // Nobody has to wait for it at the end.
  if (seconds > 0) await delay(seconds * 1_000, undefined, { ref: false });
}

function refusalOf(error: unknown, settings: Settings): Answer {
  if (error instanceof Refusal) {
    return {
      status: error.status,
      body: refusalIn(error.status, error.message, settings),
      ...(error.retryAfterSeconds === undefined
        ? {}
        : { headers: { 'retry-after': String(error.retryAfterSeconds) } }),
    };
  }
  const message = error instanceof Error ? error.message : 'unknown';
  return { status: error instanceof z.ZodError ? 400 : 500, body: { message } };
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > maximumBodyBytes) throw new Refusal(413, 'The request body is too large');
    chunks.push(chunk);
  }
  if (size === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new Refusal(400, 'The request body is not valid JSON');
  }
}

function respond(response: ServerResponse, { status, body, headers }: Answer): void {
  response.writeHead(status, {
    ...headers,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

/**
 * Serves the page on the loopback interface, to this user's browser alone: a random port, a secret in the address, and
 * nothing for other hosts and other pages. It answers GET of the page and of what this shows; credentials stay here.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CommandError } from '../exit-codes.ts';
import type { Answers } from './answers.ts';
import type { PageDocument } from './document.ts';

export interface PageServer {
  /** With the secret. */
  readonly address: string;
  /** Leads to the page once: other users of this machine see with which address a browser is started. */
  readonly onceAddress: string;
  close(): Promise<void>;
}

const newSecret = (): string => randomBytes(24).toString('base64url');
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other));

export async function servePage(page: PageDocument, answers: Answers): Promise<PageServer> {
  const secret = newSecret();
  let once: string | undefined = newSecret();
  let host = '';
  const answer = async (request: IncomingMessage): Promise<Reply> => {
    const [, given = '', ...rest] = (request.url ?? '').split('/');
    if (once !== undefined && isSame(given, once)) {
      once = undefined;
      return { ...text(303, ''), location: `/${secret}/` };
    }
    if (!isSame(given, secret)) return refused(403);
    if (request.method !== 'GET') return refused(405);
    return answerTo(rest.join('/'), page, answers);
  };
  const server = createServer((request, response) => {
    const answered = isOurs(request, host) ? answer(request) : refused(403);
    answered.then(
      (reply) => send(response, page, reply),
      (error: unknown) => send(response, page, failed(error)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  host = `127.0.0.1:${port}`;
  return {
    address: `http://${host}/${secret}/`,
    onceAddress: `http://${host}/${once}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Another name for this machine, or a page from elsewhere, is somebody who wants to use the caller's credentials. */
function isOurs({ headers }: IncomingMessage, host: string): boolean {
  const { origin, 'sec-fetch-site': site } = headers;
  return (
    headers.host === host &&
    (origin === undefined || origin === `http://${host}`) &&
    (site === undefined || site === 'same-origin' || site === 'none')
  );
}

interface Reply {
  readonly status: number;
  readonly type: 'text/html' | 'application/json' | 'text/plain';
  readonly body: string;
  readonly location?: string;
}

const text = (status: number, body: string): Reply => ({ status, type: 'text/plain', body });
const refused = async (status: number): Promise<Reply> =>
  text(status, status === 405 ? 'Only GET is answered.' : 'This is not for you.');

async function answerTo(path: string, { text: body }: PageDocument, answers: Answers): Promise<Reply> {
  if (path === '') return { status: 200, type: 'text/html', body };
  const found = path.startsWith('data/') ? await answers(path.slice('data/'.length)) : undefined;
  if (found === undefined) return text(404, 'There is nothing under this address.');
  return { status: 200, type: 'application/json', body: JSON.stringify(found) };
}

/** The words of the API: the page shows them. */
const failed = (error: unknown): Reply => {
  const said = error instanceof CommandError ? [error.message, ...error.lines].join(' ') : String(error);
  return { status: 502, type: 'application/json', body: JSON.stringify({ error: said }) };
};

function send(
  response: ServerResponse,
  { policy }: PageDocument,
  { status, type, body, location }: Reply,
): void {
  response.writeHead(status, {
    'content-type': `${type}; charset=utf-8`,
    'content-security-policy': `${policy}; frame-ancestors 'none'`,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
    ...(location === undefined ? {} : { location }),
    ...(status === 405 ? { allow: 'GET' } : {}),
  });
  response.end(body);
}

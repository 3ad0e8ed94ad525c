/** Who gets the page: this user's browser, by the address that was printed, and nobody else. */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CommandError } from '../../../../cli/exit-codes.ts';
import { pageDocument } from '../../../../cli/page/document.ts';
import { type PageServer, servePage } from '../../../../cli/page/server.ts';
import { evil } from './recorded.ts';

const page = pageDocument({ script: 'run();', style: 'body{}' }, { title: evil, apiUrl: evil });
const asked: string[] = [];
let server: PageServer;

beforeAll(async () => {
  server = await servePage(page, async (path) => {
    asked.push(path);
    if (path === 'refused') throw new CommandError(3, 'Forbidden: no.', { lines: ['Ask somebody.'] });
    return path === 'integrations' ? [{ name: evil }] : undefined;
  });
});
afterAll(() => server.close());

interface Got {
  readonly status: number | undefined;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

/** @param path after the address */
function get(
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
  address = server.address,
): Promise<Got> {
  const { hostname, port, pathname } = new URL(address);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path: `${pathname}${path}`, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode,
          headers: response.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    sent.on('error', reject).end();
  });
}

test('the address is one of this machine alone, with a secret of 192 bits', () => {
  expect(server.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/$/);
});

test('the page comes with a policy under which only its own script and style run', async () => {
  const { status, headers, body } = await get('');
  expect([status, body]).toEqual([200, page.text]);
  const policy = String(headers['content-security-policy']);
  expect(policy).toMatch(
    /^default-src 'none'; script-src 'sha256-[\w+/=]+'; style-src 'sha256-[\w+/=]+'; img-src data:; connect-src 'self'; /,
  );
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain('unsafe');
  expect(headers).toMatchObject({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
  });
  // What somebody else wrote is text.
  expect(body).not.toContain(evil);
  expect(body.match(/<script/g)).toHaveLength(2);
});

test('a browser is started with an address that leads there once', async () => {
  expect(await get('', {}, 'GET', server.onceAddress)).toMatchObject({
    status: 303,
    headers: { location: new URL(server.address).pathname },
    body: '',
  });
  expect(await get('', {}, 'GET', server.onceAddress)).toMatchObject({ status: 403 });
  expect(await get('data/integrations', {}, 'GET', server.onceAddress)).toMatchObject({ status: 403 });
});

test('answers are JSON, and what the API refused comes in its words', async () => {
  expect(await get('data/integrations')).toMatchObject({
    status: 200,
    body: JSON.stringify([{ name: evil }]),
  });
  const refused = await get('data/refused');
  expect([refused.status, JSON.parse(refused.body)]).toEqual([
    502,
    { error: 'Forbidden: no. Ask somebody.' },
  ]);
});

describe('nothing is answered', () => {
  const port = () => new URL(server.address).port;
  const foreign: readonly (readonly [string, () => Record<string, string>])[] = [
    ['under another host name (DNS rebinding)', () => ({ host: `evil.example:${port()}` })],
    ['under localhost, which others may serve', () => ({ host: `localhost:${port()}` })],
    ['to another origin', () => ({ origin: 'https://evil.example' })],
    ['to a page without an origin', () => ({ origin: 'null' })],
    ['to another port of this machine', () => ({ origin: 'http://127.0.0.1:1' })],
    ['to a page of another site', () => ({ 'sec-fetch-site': 'cross-site' })],
  ];
  test.each(foreign)('%s', async (_who, headers) => {
    asked.length = 0;
    for (const path of ['', 'data/integrations']) {
      expect(await get(path, headers())).toMatchObject({ status: 403, body: 'This is not for you.' });
    }
    expect(asked).toEqual([]);
  });

  test('without the secret, or with another one', async () => {
    asked.length = 0;
    for (const path of [
      '/',
      '/data/integrations',
      `/${'A'.repeat(32)}/`,
      `/${'A'.repeat(32)}/data/integrations`,
    ]) {
      const { origin } = new URL(server.address);
      expect(await get('', {}, 'GET', `${origin}${path}`)).toMatchObject({ status: 403 });
    }
    expect(asked).toEqual([]);
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD'])('to %s', async (method) => {
    asked.length = 0;
    expect(await get('data/integrations', {}, method)).toMatchObject({
      status: 405,
      headers: { allow: 'GET' },
    });
    expect(asked).toEqual([]);
  });

  test.each(['data/other', 'data/', 'other', '../', 'data'])('under %s', async (path) => {
    expect((await get(path)).status).not.toBe(200);
  });
});

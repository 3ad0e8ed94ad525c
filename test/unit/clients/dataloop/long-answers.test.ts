/** Answers without an end, over a real connection: what is read of them has one. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createGzip } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ServiceError } from '../../../../src/errors.ts';
import { client, token } from './fake-dataloop.ts';

type Respond = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let origin = '';
let respond: Respond = (_request, response) => response.end();
let asked = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    asked += 1;
    respond(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('The server has no port.');
  origin = `http://127.0.0.1:${address.port}`;
});
afterEach(() => {
  asked = 0;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const apiKey = token(Date.now() + 3_600_000, { email: 'owner@example.com' });
const dataloop = (secret: object = { apiKey }) =>
  client.dataloopClient(
    { apiUrl: `${origin}/api/v1`, secretId: 'the-secret', organizationId: undefined, accountId: undefined },
    async () => JSON.stringify(secret),
  );

async function refusalOf(call: Promise<unknown>): Promise<ServiceError> {
  const thrown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof ServiceError)) throw new Error('It was not refused.', { cause: thrown });
  return thrown;
}

const mebibyte = 1024 * 1024;
/** What a connection itself keeps on the way: sockets and streams, of both sides. */
const onTheWay = 16 * mebibyte;

/** Writes without end, until the client leaves. @returns how many bytes were taken, once it has left */
function endless(status: number, piece: string, headers: Record<string, string> = {}) {
  let written = 0;
  let left: (bytes: number) => void = () => undefined;
  const taken = new Promise<number>((resolve) => {
    left = resolve;
  });
  respond = (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.on('close', () => left(written));
    response.on('error', () => undefined);
    const write = () => {
      while (!response.destroyed) {
        written += piece.length;
        if (!response.write(piece)) break;
      }
      if (!response.destroyed) response.once('drain', write);
    };
    write();
  };
  return taken;
}

describe('an answer without an end', () => {
  test('is refused as too long, and not read on', async () => {
    const taken = endless(200, '[{"id":"x","name":"'.padEnd(64 * 1024, 'n'));
    expect(await refusalOf(client.listIntegrations(dataloop())('org-1'))).toMatchObject({
      name: 'DataloopAnswerError',
      message: expect.stringContaining('is longer than 4 MiB. Its API may have changed.'),
    });
    expect(await taken).toBeLessThan(4 * mebibyte + onTheWay);
    expect(asked).toBe(1);
  });

  test.each([
    [400, 'DataloopRequestRefusedError'],
    [404, 'DataloopNotFoundError'],
    [429, 'DataloopRateLimitError'],
    [500, 'DataloopUnavailableError'],
  ])('with status %i counts for its status, and nothing of it is told', async (status, name) => {
    const taken = endless(status, '{"message":"x'.padEnd(64 * 1024, 'x'));
    expect(await refusalOf(client.getProject(dataloop())('project-1'))).toMatchObject({
      name,
      message: expect.stringContaining(`(${status}: no reason given)`),
    });
    expect(await taken).toBeLessThan(onTheWay);
  });

  test('to a deletion counts as done', async () => {
    endless(200, '[{}'.padEnd(64 * 1024, ','));
    await expect(client.deleteDriver(dataloop())('driver-1')).resolves.toBeUndefined();
  });

  test('to the log-in holds no token', async () => {
    endless(200, '{"id_token":"'.padEnd(64 * 1024, 'x'));
    const login = dataloop({ username: 'owner@example.com', password: 'correct-horse' });
    expect(await refusalOf(client.getProject(login)('project-1'))).toMatchObject({
      name: 'DataloopAnswerError',
      message: "Dataloop's answer to the log-in holds no token.",
    });
  });
});

test('a small answer that unpacks without an end is counted as it unpacks', async () => {
  let packed = 0;
  let left: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    left = resolve;
  });
  respond = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
    const gzip = createGzip({ level: 9 });
    gzip.on('data', (chunk: Buffer) => {
      packed += chunk.length;
    });
    const zeros = Buffer.alloc(mebibyte, ' ');
    let open = true;
    const write = () => {
      if (open) gzip.write(zeros, () => setImmediate(write));
    };
    response.on('close', () => {
      open = false;
      left();
    });
    response.on('error', () => undefined);
    gzip.pipe(response);
    write();
  };
  expect(await refusalOf(client.listDrivers(dataloop())('project-1'))).toMatchObject({
    name: 'DataloopAnswerError',
    message: expect.stringContaining('is longer than 4 MiB'),
  });
  await closed;
  // A thousandth of what it unpacks to; none of it was waited for to its end.
  expect(packed).toBeLessThan(onTheWay);
});

test('an answer that comes byte by byte, and one up to the limit, are read', async () => {
  const list = JSON.stringify([{ id: 'driver-1', name: 'größe', integrationId: 'i-1' }]);
  const pieces = [...Buffer.from(list)];
  respond = (_request, response) => {
    const next = () => {
      const byte = pieces.shift();
      if (byte === undefined) response.end();
      else response.write(Buffer.from([byte]), () => setImmediate(next));
    };
    next();
  };
  await expect(client.listDrivers(dataloop())('project-1')).resolves.toEqual([
    { id: 'driver-1', name: 'größe', dataloopIntegrationId: 'i-1' },
  ]);

  respond = (_request, response) => response.end(list.padEnd(4 * mebibyte - 3, ' '));
  await expect(client.listDrivers(dataloop())('project-1')).resolves.toHaveLength(1);
  respond = (_request, response) => response.end(list.padEnd(4 * mebibyte + 1, ' '));
  await expect(client.listDrivers(dataloop())('project-1')).rejects.toThrow('is longer than 4 MiB');
});

/** The way to Dataloop over real connections: through a proxy, and with an authority that only a company knows. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createProxy, type Server } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeCertificate } from '../../../../local/environment/certificate.ts';
import { client, token } from './fake-dataloop.ts';

const folder = mkdtempSync(join(tmpdir(), 'transport-'));
const closing: Server[] = [];
/** What the proxy was asked to connect to. */
const connected: string[] = [];
let apiUrl = '';
let proxyUrl = '';
let certificates = '';

const portOf = async (server: Server): Promise<number> => {
  closing.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address: AddressInfo | string | null = server.address();
  if (typeof address !== 'object' || !address) throw new Error('The server has no port.');
  return address.port;
};

beforeAll(async () => {
  const { certFile, keyFile } = await makeCertificate(folder);
  certificates = readFileSync(certFile, 'utf8');
  const dataloop = createServer({ cert: certificates, key: readFileSync(keyFile) }, (request, response) => {
    if (request.url?.endsWith('/gone')) {
      response.writeHead(302, { location: 'https://127.0.0.1/elsewhere' }).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ id: 'project-1', org: request.headers.authorization?.slice(0, 6) }));
  });
  apiUrl = `https://127.0.0.1:${await portOf(dataloop)}/api/v1`;
  const proxy = createProxy().on('connect', (request, socket, head) => {
    connected.push(request.url ?? '');
    const [host, port] = (request.url ?? '').split(':');
    const upstream = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
  });
  proxyUrl = `http://127.0.0.1:${await portOf(proxy)}`;
});
afterAll(() => {
  for (const server of closing) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true });
});

const reading = (options: object, project = 'project-1') => {
  const settings = {
    apiUrl,
    secretId: 'the-secret',
    organizationId: undefined,
    accountId: undefined,
    options,
  };
  const apiKey = token(Date.now() + 3_600_000);
  const dataloop = client.dataloopClient(settings, async () => JSON.stringify({ apiKey }));
  return client.getProject(dataloop)(project);
};

test('an authority of the deployment is trusted, and nobody without it', async () => {
  await expect(reading({ certificates })).resolves.toEqual({ id: 'project-1', organizationId: 'Bearer' });
  await expect(reading({})).rejects.toMatchObject({ name: 'DataloopUnavailableError' });
  expect(connected).toEqual([]);
});

test('a proxy of the deployment is used', async () => {
  await expect(reading({ certificates, proxyUrl })).resolves.toMatchObject({ id: 'project-1' });
  expect(connected).toEqual([new URL(apiUrl).host]);
});

test('a redirect is not followed there, either', async () => {
  await expect(reading({ certificates }, 'gone')).rejects.toMatchObject({
    name: 'DataloopRequestRefusedError',
  });
});

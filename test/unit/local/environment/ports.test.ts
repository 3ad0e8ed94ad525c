import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { choosePorts } from '../../../../local/environment/ports.ts';

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

/** Listens on a port of the loopback interface, any where none is given. @returns undefined where it is taken */
function occupy(port = 0): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      servers.push(server);
      const address = server.address();
      resolve(typeof address === 'object' ? address?.port : undefined);
    });
  });
}

/** A port in the range of PORT_BASE that is taken, while its two neighbours above and below are free. */
async function takenBetweenFree(): Promise<number> {
  for (let port = 42_000; port < 60_000; port += 7) {
    const around = [await occupy(port - 1), await occupy(port), await occupy(port + 1)];
    await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
    if (around.includes(undefined)) continue;
    if ((await occupy(port)) === port) return port;
  }
  throw new Error('This machine has no three free ports in a row.');
}

test.each([undefined, ''])('without a base (%j) two different free ports are found', async (base) => {
  const ports = await choosePorts(base);
  expect(ports.emulator).not.toBe(ports.sandbox);
  // Free: they can be listened on.
  expect([await occupy(ports.emulator), await occupy(ports.sandbox)]).toEqual([
    ports.emulator,
    ports.sandbox,
  ]);
});

test('a base that is no port is refused, and the message says which are', async () => {
  for (const base of ['abc', '80', '1023', '65001', '4567.5', '-4566', ' ']) {
    await expect(choosePorts(base)).rejects.toThrow(
      `PORT_BASE is "${base}"; it must be a port number from 1024 to 65000.`,
    );
  }
});

test('with a base the ports follow from it', async () => {
  const taken = await takenBetweenFree();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  await expect(choosePorts(String(taken))).resolves.toEqual({ emulator: taken, sandbox: taken + 1 });
});

test('a port that is taken is named, the first one and the next', async () => {
  const taken = await takenBetweenFree();
  const said = `Port ${taken} on 127.0.0.1 is in use. Set PORT_BASE to another number.`;
  await expect(choosePorts(String(taken))).rejects.toThrow(said);
  await expect(choosePorts(String(taken - 1))).rejects.toThrow(said);
});

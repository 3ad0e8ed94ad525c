/** Ports on the loopback interface. */
import { createServer } from 'node:net';

/** Listens on a port, 0 for any, and lets it go: the port, or undefined where somebody listens on it. */
function claim(port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined));
    });
  });
}

async function freePort(): Promise<number> {
  const port = await claim(0);
  if (port === undefined) throw new Error('This machine has no free port on 127.0.0.1.');
  return port;
}

export interface Ports {
  readonly emulator: number;
  readonly sandbox: number;
}

/**
 * Ports for one environment: free ones, or from `base` on.
 * @throws Error when `base` is no port, or one of the ports is taken
 */
export async function choosePorts(base: string | undefined): Promise<Ports> {
  if (base === undefined || base === '') {
    const emulator = await freePort();
    let sandbox = await freePort();
    while (sandbox === emulator) sandbox = await freePort();
    return { emulator, sandbox };
  }
  const first = Number(base);
  if (!Number.isInteger(first) || first < 1024 || first > 65_000) {
    throw new Error(`PORT_BASE is "${base}"; it must be a port number from 1024 to 65000.`);
  }
  const ports = { emulator: first, sandbox: first + 1 };
  for (const port of Object.values(ports)) {
    if ((await claim(port)) === undefined) {
      throw new Error(`Port ${port} on 127.0.0.1 is in use. Set PORT_BASE to another number.`);
    }
  }
  return ports;
}

/** Ports on the loopback interface. */
import { createServer } from 'node:net';

/** A port that nobody listens on now. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address
          ? resolve(address.port)
          : reject(new Error('No port was given.')),
      );
    });
  });
}

export interface Ports {
  readonly emulator: number;
  readonly sandbox: number;
}

/**
 * Ports for one environment: free ones, or from `base` on.
 * @throws Error when `base` is no port
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
  return { emulator: first, sandbox: first + 1 };
}

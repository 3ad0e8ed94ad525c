/** Which process is at the other end of a connection, and which Lambda function it runs. Linux only. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { hasCode } from './system-errors.ts';

export interface Worker {
  readonly pid: number;
  /** Name as in serverless.yml; undefined for a process that is no Lambda worker. */
  readonly function: string | undefined;
}

export class Workers {
  /** A connection never changes hands. */
  readonly #found = new WeakMap<Socket, Worker>();
  /** Pids seen before: a worker opens several connections, one a client. */
  readonly #seen = new Set<number>();

  /**
   * The process that opened a connection to this one, on this machine.
   * @param headers where a worker of the emulator names itself; without its name all processes are searched
   * @returns undefined where it has ended
   */
  of(connection: Socket, headers: IncomingHttpHeaders = {}): Worker | undefined {
    const known = this.#found.get(connection);
    if (known) return known;
    const names = `${headers['user-agent']} ${headers['x-worker']}`;
    const named = /(?:^| )(?:app\/)?worker-(\d+)(?: |$)/.exec(names)?.[1];
    const worker = named === undefined ? this.#search(connection) : workerOf(Number(named));
    if (worker) this.#found.set(connection, worker);
    return worker;
  }

  #search(connection: Socket): Worker | undefined {
    const { remotePort, localPort } = connection;
    if (remotePort === undefined || localPort === undefined) return undefined;
    const inode = inodeOf(remotePort, localPort);
    if (inode === undefined) return undefined;
    const link = `socket:[${inode}]`;
    const pid = this.#candidates().find((candidate) => holds(candidate, link));
    if (pid === undefined) return undefined;
    this.#seen.add(pid);
    return workerOf(pid);
  }

  /** Known workers, then everything that runs, the youngest first. */
  #candidates(): number[] {
    const running = unlessEnded(() => readdirSync('/proc'), [])
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .sort((one, other) => other - one);
    const alive = new Set(running);
    for (const pid of this.#seen) if (!alive.has(pid)) this.#seen.delete(pid);
    return [...this.#seen, ...running.filter((pid) => !this.#seen.has(pid))];
  }
}

const workerOf = (pid: number): Worker => ({ pid, function: functionOf(pid) });

/** Inode of the client's end: its own port is the peer's for us. */
function inodeOf(clientPort: number, serverPort: number): string | undefined {
  const client = hexPort(clientPort);
  const server = hexPort(serverPort);
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const lines = unlessEnded(() => readFileSync(table, 'utf8'), '').split('\n');
    // Of all connections of the machine, most of which have ended: only one is taken apart.
    for (const line of lines.filter((each) => each.includes(`${client} `))) {
      const [, local = '', remote = '', , , , , , , inode = '0'] = line.trim().split(/\s+/);
      // 0: a connection that is closing and belongs to no process any more.
      if (local.endsWith(client) && remote.endsWith(server) && inode !== '0') return inode;
    }
  }
  return undefined;
}

const hexPort = (port: number): string => `:${port.toString(16).toUpperCase().padStart(4, '0')}`;

function holds(pid: number, link: string): boolean {
  const folder = `/proc/${pid}/fd`;
  const descriptors = unlessEnded(() => readdirSync(folder), []);
  return descriptors.some((descriptor) =>
    unlessEnded(() => readlinkSync(`${folder}/${descriptor}`) === link, false),
  );
}

/** Deployed names are `SERVICE-STAGE-function`. */
function functionOf(pid: number): string | undefined {
  const environment = unlessEnded(() => readFileSync(`/proc/${pid}/environ`, 'utf8'), '').split('\0');
  const prefix = 'AWS_LAMBDA_FUNCTION_NAME=';
  const setting = environment.find((entry) => entry.startsWith(prefix));
  return setting?.slice(prefix.length).split('-').at(-1);
}

/** Processes end while they are looked at, and those of others may not be looked at. */
function unlessEnded<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES')) return otherwise;
    throw error;
  }
}

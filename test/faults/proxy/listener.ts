/** One TLS listener: reads requests to their end, answers or drops them. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Answer } from './answers.ts';
import type { HttpRequest } from './calls.ts';

/** A request that waits for its answer. */
export interface Exchange {
  readonly request: HttpRequest;
  /** The connection below TLS. */
  readonly connection: Socket;
  /** Settles when the exchange is over, answered or not. */
  readonly over: Promise<void>;
  /** @returns whether the client was still there */
  answer(answer: Answer): boolean;
  /** Breaks the connection, without a TLS goodbye. */
  drop(): void;
}

export class Listener {
  readonly #server: Server;
  /** By the client's port: TLS hides the connection below it, and cannot itself be reset. */
  readonly #connections = new Map<number, Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param serve must not throw */
  static async start(
    port: number,
    tls: { cert: Buffer; key: Buffer },
    serve: (exchange: Exchange) => void,
  ): Promise<Listener> {
    const server = createServer(tls);
    const listener = new Listener(server);
    // A connection that the listener closes for its idleness could look like a fault of ours.
    server.keepAliveTimeout = 0;
    server.requestTimeout = 0;
    server.headersTimeout = 0;
    server.on('connection', (connection: Socket) => {
      const { remotePort } = connection;
      if (remotePort === undefined) {
        // Gone already.
        connection.destroy();
        return;
      }
      listener.#connections.set(remotePort, connection);
      connection.once('close', () => {
        // The port may have been given to another by now.
        if (listener.#connections.get(remotePort) === connection) listener.#connections.delete(remotePort);
      });
    });
    server.on('request', (request, response) => {
      const connection = listener.#connections.get(request.socket.remotePort ?? 0);
      if (!connection) {
        request.socket.destroy();
        return;
      }
      buffer(request).then(
        (body) => serve(exchangeOf(request, response, connection, body)),
        // The client went away while it was sending: there is no request.
        () => connection.destroy(),
      );
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return listener;
  }

  get port(): number {
    const address = this.#server.address();
    if (typeof address !== 'object' || !address) throw new Error('The listener is closed.');
    return address.port;
  }

  /** Ends every connection at once. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const connection of this.#connections.values()) connection.destroy();
    await closed;
  }
}

function exchangeOf(
  request: IncomingMessage,
  response: ServerResponse,
  connection: Socket,
  body: Buffer,
): Exchange {
  return {
    request: { method: request.method ?? 'GET', url: request.url ?? '/', headers: request.headers, body },
    connection,
    over: new Promise((resolve) => {
      if (response.closed) resolve();
      else response.once('close', resolve);
    }),
    answer: ({ status, headers, body: content }) => {
      if (response.destroyed || connection.destroyed) return false;
      response.writeHead(status, headers);
      response.end(content);
      return true;
    },
    drop: () => {
      connection.resetAndDestroy();
    },
  };
}

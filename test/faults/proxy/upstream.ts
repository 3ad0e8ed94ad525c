/** What stands behind a listener. Requests go there as they came, so that their signatures still hold. */
import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { buffer } from 'node:stream/consumers';
import type { Answer } from './answers.ts';
import type { HttpRequest } from './calls.ts';
import { hasCode } from './system-errors.ts';

/** They concern one connection, not the message. `expect` was answered by the listener already. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

/** Shorter than any server keeps an idle connection: none is closed at the moment it is used again. */
const idleMs = 2_000;

export class Upstream {
  readonly #url: URL;
  readonly #ca: Buffer;
  readonly #agent: HttpAgent;

  /** @param ca certificate to trust beside none other */
  constructor(targetUrl: string, ca: Buffer) {
    this.#url = new URL(targetUrl);
    this.#ca = ca;
    const options = { keepAlive: true, timeout: idleMs };
    this.#agent = this.#isTls ? new HttpsAgent(options) : new HttpAgent(options);
  }

  get #isTls(): boolean {
    return this.#url.protocol === 'https:';
  }

  /** @throws Error where the upstream gives no whole answer */
  async forward(request: HttpRequest): Promise<Answer> {
    const first = await this.#send(request, this.#agent);
    // Closed while it lay idle, before the request arrived: https://nodejs.org/api/http.html#requestreusedsocket
    const answer = first === 'idle-connection-closed' ? await this.#send(request, false) : first;
    if (answer === 'idle-connection-closed') throw new Error('A new connection was said to be an old one.');
    return answer;
  }

  #send(request: HttpRequest, agent: HttpAgent | false): Promise<Answer | 'idle-connection-closed'> {
    const { hostname, port } = this.#url;
    const open = this.#isTls ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      let answered = false;
      const sent = open({
        hostname,
        port,
        method: request.method,
        path: request.url,
        headers: requestHeaders(request),
        agent,
        ca: this.#ca,
      });
      sent.on('response', (response) => {
        answered = true;
        buffer(response).then((body) => {
          const headers = endToEnd(response.headers);
          // To HEAD it is the length of what is not sent.
          const length =
            request.method === 'HEAD' || body.length === 0 ? {} : { 'content-length': body.length };
          resolve({ status: response.statusCode ?? 502, headers: { ...headers, ...length }, body });
        }, reject);
      });
      sent.on('error', (error) => {
        const reset = hasCode(error, 'ECONNRESET', 'EPIPE');
        if (sent.reusedSocket && reset && !answered) resolve('idle-connection-closed');
        else reject(error);
      });
      sent.end(request.body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

const endToEnd = (headers: IncomingHttpHeaders) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !hopByHop.has(name)));

function requestHeaders({ headers, body }: HttpRequest) {
  const chunked = headers['transfer-encoding'] !== undefined;
  return { ...endToEnd(headers), ...(chunked ? { 'content-length': String(body.length) } : {}) };
}

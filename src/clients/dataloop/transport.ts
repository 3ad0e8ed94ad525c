/**
 * The way to Dataloop. Usually that is `fetch`. A proxy, or certificates of a company's own, hold for these calls alone:
 * what would set them for the whole process would hold for AWS's calls, too.
 */
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { getCACertificates } from 'node:tls';

/** What is read of an answer. */
export interface TransportAnswer {
  readonly status: number;
  readonly ok: boolean;
  readonly headers: { get(name: string): string | null };
  readonly body: AsyncIterable<Uint8Array> | null;
}

interface Request {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** Sends a request, and follows no redirect: the token goes nowhere else. */
export type Transport = (url: string, init: Request) => Promise<TransportAnswer>;

export interface Way {
  /** `http://…` or `https://…` */
  readonly proxyUrl?: string | undefined;
  /** PEM of authorities that are trusted beside the usual ones. */
  readonly certificates?: string | undefined;
}

export function transportOf({ proxyUrl, certificates }: Way): Transport {
  if (!proxyUrl && !certificates) return (url, init) => fetch(url, { ...init, redirect: 'error' });
  const agent = new Agent({
    keepAlive: true,
    ...(certificates ? { ca: [...getCACertificates('default'), certificates] } : {}),
    ...(proxyUrl ? { proxyEnv: { HTTPS_PROXY: proxyUrl } } : {}),
  });
  return (url, { body, ...init }) =>
    new Promise((resolve, reject) => {
      const sent = request(url, { ...init, agent }, (response) => resolve(answerOf(response)));
      sent.on('error', reject);
      sent.end(body);
    });
}

function answerOf(response: IncomingMessage): TransportAnswer {
  const status = response.statusCode ?? 0;
  return {
    status,
    ok: status >= 200 && status < 300,
    headers: {
      get: (name) => {
        const value = response.headers[name];
        return Array.isArray(value) ? value.join(', ') : (value ?? null);
      },
    },
    body: response,
  };
}

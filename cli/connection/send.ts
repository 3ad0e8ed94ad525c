/** Calls of the service's API, signed by the AWS SDK's own signer. */
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';

export interface Request {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With its query string. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  /** Seconds, from the header Retry-After. */
  readonly retryAfter: number | undefined;
  /** JSON as it came, or the text where it is none. */
  readonly body: unknown;
}

export type SendRequest = (request: Request) => Promise<Answer>;

/** Credentials, or what answers with them whenever they are needed. */
export type Credentials = ConstructorParameters<typeof SignatureV4>[0]['credentials'];

/** How long one call may take: API Gateway gives up after 30 s. */
const longestCall = 45_000;

function parsed(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function secondsOf(header: string | null): number | undefined {
  const seconds = Number(header ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}

/** Signs requests of the service's API. @returns the headers to send, the signature among them */
export function signing(region: string, credentials: Credentials) {
  const signer = new SignatureV4({ service: 'execute-api', region, credentials, sha256: Sha256 });
  return async (
    method: string,
    url: URL,
    body: string | undefined,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Record<string, string>> => {
    const signed = await signer.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port === '' ? {} : { port: Number(url.port) }),
      path: url.pathname,
      query: Object.fromEntries(
        [...url.searchParams.keys()].map((name) => [name, url.searchParams.getAll(name)]),
      ),
      headers: {
        host: url.host,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body,
    });
    return signed.headers;
  };
}

export function signedRequests(apiUrl: string, region: string, credentials: Credentials): SendRequest {
  const sign = signing(region, credentials);
  return async ({ method, path, body, headers }) => {
    const url = new URL(`${apiUrl.replace(/\/+$/, '')}${path}`);
    const text = body === undefined ? undefined : JSON.stringify(body);
    // Signed for each attempt: a signature holds for minutes only.
    const response = await fetch(url, {
      method,
      headers: await sign(method, url, text, headers),
      body: text ?? null,
      redirect: 'error',
      signal: AbortSignal.timeout(longestCall),
    });
    return {
      status: response.status,
      retryAfter: secondsOf(response.headers.get('retry-after')),
      body: parsed(await response.text()),
    };
  };
}

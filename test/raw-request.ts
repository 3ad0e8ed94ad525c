/** A request with any headers, those included that `fetch` sets itself. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';

export interface RawRequest {
  readonly method?: string | undefined;
  /** A list stands for a header that is sent more than once. */
  readonly headers?: Readonly<Record<string, string | string[]>> | undefined;
  readonly body?: string | undefined;
}

export interface RawAnswer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export function rawRequest(
  url: string,
  { method = 'GET', headers = {}, body }: RawRequest = {},
): Promise<RawAnswer> {
  const open = url.startsWith('https:') ? httpsRequest : httpRequest;
  // Whatever the header Host says: the certificate is one for the address.
  const { hostname } = new URL(url);
  const checkServerIdentity = (_host: string, certificate: tls.PeerCertificate) =>
    tls.checkServerIdentity(hostname, certificate);
  return new Promise((resolve, reject) => {
    const sent = open(url, { method, headers, agent: false, checkServerIdentity }, (response) => {
      text(response).then(
        (content) => resolve({ status: response.statusCode, headers: response.headers, text: content }),
        reject,
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** What a control server must refuse: requests without its token, and what a web page can send. */
export const uninvited = (controlToken: string): readonly [string, number, Record<string, string>][] => [
  ['without a token', 401, {}],
  ['with another token', 401, { authorization: `Bearer ${controlToken.slice(1)}x` }],
  ['with more than the token', 401, { authorization: `Bearer ${controlToken} x` }],
  ['with the token as a password', 401, { authorization: `Basic ${btoa(`:${controlToken}`)}` }],
  ['under another name', 403, { authorization: `Bearer ${controlToken}`, host: 'rebound.example' }],
  ['under another port', 403, { authorization: `Bearer ${controlToken}`, host: '127.0.0.1:1' }],
  ['by a page', 403, { authorization: `Bearer ${controlToken}`, origin: 'https://page.example' }],
  ['by a page without a name', 403, { authorization: `Bearer ${controlToken}`, origin: 'null' }],
];

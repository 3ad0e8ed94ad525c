/** Who may use a control server, the sandbox's or the fault proxy's: who has its token, and no web page. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Where a control server is, and what it asks for. */
export interface ControlAddress {
  readonly controlUrl: string;
  readonly controlToken: string;
}

export interface ControlRefusal {
  readonly status: 401 | 403;
  readonly message: string;
}

export const newControlToken = (): string => randomBytes(32).toString('base64url');

function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Why a control server refuses a request; undefined if it may come in. */
export function controlRefusal(request: IncomingMessage, token: string): ControlRefusal | undefined {
  const { headers, socket } = request;
  const host = `127.0.0.1:${socket.localPort}`;
  if (headers.host !== host) {
    // The page of a site whose name leads here (DNS rebinding).
    return { status: 403, message: `This server is ${host} and answers to no other name` };
  }
  if (headers.origin !== undefined) return { status: 403, message: 'Web pages may not use this server' };
  const [, given = ''] = /^Bearer (\S+)$/.exec(headers.authorization ?? '') ?? [];
  if (isSame(given, token)) return undefined;
  return { status: 401, message: 'Send the control token: "Authorization: Bearer …"' };
}

/** The sandbox's own JSON Web Tokens (HS256). */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';

const secret = randomBytes(32);
const claimsSchema = z.object({ email: z.string(), exp: z.number(), jti: z.string() });
export type Claims = z.infer<typeof claimsSchema>;

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const signature = (text: string) => createHmac('sha256', secret).update(text).digest();

export function issueToken(email: string, lifetimeSeconds: number): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = { email, iat: now, exp: now + lifetimeSeconds, jti: randomBytes(8).toString('hex') };
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${signature(text).toString('base64url')}`;
}

/** The claims of a token that is ours and has not expired. */
export function readToken(token: string): Claims | undefined {
  const [header = '', payload = '', signed = ''] = token.split('.');
  const expected = signature(`${header}.${payload}`);
  const given = Buffer.from(signed, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  const claims = claimsSchema.parse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
  return claims.exp * 1000 > Date.now() ? claims : undefined;
}

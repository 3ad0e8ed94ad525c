import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { issueToken, readToken } from '../../../../local/sandbox/tokens.ts';

const start = Date.parse('2026-11-23T10:00:00Z');
beforeEach(() => {
  jest.useFakeTimers({ now: start });
});
afterEach(() => {
  jest.useRealTimers();
});

const claimsOf = (token: string): unknown =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));

test('a token is a JWT with e-mail and expiry in seconds, as its clients read it', () => {
  expect(claimsOf(issueToken('owner@example.com', 60))).toMatchObject({
    email: 'owner@example.com',
    iat: start / 1000,
    exp: start / 1000 + 60,
  });
});

test('two tokens of one user differ: one can be revoked without the other', () => {
  expect(issueToken('owner@example.com', 60)).not.toBe(issueToken('owner@example.com', 60));
});

test('a token is good until it expires', () => {
  const token = issueToken('owner@example.com', 60);
  jest.setSystemTime(start + 59_999);
  expect(readToken(token)).toMatchObject({ email: 'owner@example.com' });
  jest.setSystemTime(start + 60_000);
  expect(readToken(token)).toBeUndefined();
});

test('a token whose claims were changed is not ours', () => {
  const [header, , signature] = issueToken('member@example.com', 60).split('.');
  const [, claims] = issueToken('owner@example.com', 60).split('.');
  expect(readToken(`${header}.${claims}.${signature}`)).toBeUndefined();
});

test('a text that is no token, or one without its signature, is not ours', () => {
  const token = issueToken('owner@example.com', 60);
  const unsigned = token.slice(0, token.lastIndexOf('.'));
  for (const text of ['', 'no-token', 'a.b.c', unsigned, `${unsigned}.`]) {
    expect(readToken(text)).toBeUndefined();
  }
});

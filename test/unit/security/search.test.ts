/** The search for secrets that ends every run: it finds them in each form, and nothing else. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { searchFor, withHeaders } from '../../afterwards/search.ts';

/** With characters that each form writes otherwise. */
const password = 'corréct "horse" \\ båttery/staple+& 100%';
const claims = Buffer.from('{"email":"owner@example.com","exp":4000000000,"jti":"0123456789"}');
const token = `eyJhbGciOiJIUzI1NiJ9.${claims.toString('base64url')}.Zm9yZ2VkLXNpZ25hdHVyZS1mb3ItdGVzdHM`;

const search = searchFor([
  { kind: 'password', value: password },
  { kind: 'token', value: token },
]);
const kindsIn = (text: string) => [...new Set(search(text).map(({ kind }) => kind))];

const base64 = (text: string) => Buffer.from(text).toString('base64');
const forms: readonly [string, (text: string) => string][] = [
  ['as it is', (text) => text],
  ['in JSON', (text) => JSON.stringify({ text })],
  ['in JSON in JSON', (text) => JSON.stringify({ text: JSON.stringify({ text }) })],
  [
    'in JSON in JSON in JSON',
    (text) => JSON.stringify({ text: JSON.stringify({ text: JSON.stringify({ text }) }) }),
  ],
  ['in a URL', (text) => encodeURIComponent(text)],
  ['in a form', (text) => new URLSearchParams({ text }).toString()],
  ['in base64', base64],
  ['in base64url', (text) => Buffer.from(text).toString('base64url')],
  ['in hexadecimal', (text) => Buffer.from(text).toString('hex')],
];

describe('a secret', () => {
  test.each(forms)('%s is found, whatever stands around it', (_form, written) => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), fc.string({ maxLength: 40 }), (before, after) => {
        expect(kindsIn(written(`${before}${password}${after}`))).toEqual(['password']);
        expect(kindsIn(written(`${before}${token}${after}`))).toEqual(['token']);
      }),
    );
  });

  test('is found by any part of it of twice sixteen characters', () => {
    fc.assert(
      fc.property(fc.nat({ max: token.length - 32 }), (start) => {
        expect(kindsIn(`it was ${token.slice(start, start + 32)}…`)).toEqual(['token']);
      }),
    );
  });

  test('is a JWT without its signature, and its payload alone', () => {
    const [header, payload = ''] = token.split('.');
    expect(kindsIn(`${header}.${payload}`)).toEqual(['token']);
    expect(kindsIn(payload)).toEqual(['token']);
  });

  test('is named by its kind and form alone', () => {
    expect(search(base64(password))).toEqual([{ kind: 'password', form: 'base64' }]);
  });

  test('that is so short that it may stand anywhere is refused', () => {
    expect(() => searchFor([{ kind: 'password', value: 'hunter2' }])).toThrow(
      'A secret (password) has only 7 characters.',
    );
  });
});

describe('what is no secret', () => {
  test('is not found', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 400 }), fc.base64String({ maxLength: 400 }), (text, encoded) => {
        expect([...search(text), ...search(encoded)]).toEqual([]);
      }),
    );
  });

  test('is a part of fewer than sixteen characters', () => {
    expect(search(token.slice(20, 35))).toEqual([]);
  });
});

describe('an authorisation header', () => {
  const any = withHeaders(searchFor([]));

  test.each([
    ['of a request to AWS', 'AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20261124/eu-west-1/iam/aws4_request'],
    ['with a token', '{"headers":{"authorization":"Bearer anything"}}'],
    ['as a list', "[ 'Authorization', 'Basic b3duZXI6cGFzc3dvcmQ=' ]"],
    ['without its name', 'failed with bearer 0123456789abcdef'],
  ])('%s is found, whatever it holds', (_what, text) => {
    expect(any(text)).toEqual([{ kind: 'an authorisation header', form: 'plain' }]);
  });

  test('is not the word for it', () => {
    for (const text of ['authorization: null', '{"authorizationType":"AWS_IAM"}', 'the bearer of this']) {
      expect(any(text)).toEqual([]);
    }
  });
});

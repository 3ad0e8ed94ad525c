/** The bad requests of test/security, many more of them, where they are looked at; and what is said of each. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as z from 'zod';
import { parseRequest } from '../../../../src/domain/model/allowed.ts';
import { maximumBodyBytes } from '../../../../src/domain/model/request-size.ts';
import { ServiceError } from '../../../../src/errors.ts';
import { badBody } from '../../../security/bad-requests.ts';
import { allowed, anyJson, longestBody, mutationsOf, takenBody } from '../../arbitraries.ts';
import { runs } from '../../runs.ts';
import { body } from '../fakes.ts';

/** What a function gets of a body. @returns undefined for what is no JSON */
const sent = (value: unknown): unknown => JSON.parse(JSON.stringify(value) ?? 'null');

/** The refusal of a request; undefined where it is taken. @throws what is no refusal */
function refusalOf(request: unknown): ServiceError | undefined {
  try {
    parseRequest(request, allowed);
    return undefined;
  } catch (error) {
    if (error instanceof ServiceError && error.name === 'InvalidRequestError') return error;
    throw error;
  }
}

/** Whether a pointer leads to something in the request, or to a field that is missing in one of its objects. */
function leadsSomewhere(pointer: string, request: unknown): boolean {
  if (pointer === '') return true;
  if (!pointer.startsWith('/')) return false;
  let value = request;
  for (const part of pointer.slice(1).split('/')) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null) return false;
    if (!Object.hasOwn(value, key)) return true;
    value = Reflect.get(value, key);
  }
  return true;
}

/** What a refusal says otherwise than it should. */
const wrongIn = ({ fields, message }: ServiceError, request: unknown): string[] => [
  ...(fields.length > 0 && message.length < 200 ? [] : [message]),
  ...fields.flatMap(({ pointer, detail }) => {
    const isFit = detail.length < 500 && /^[\x20-\x7e“”’]+$/.test(detail);
    return isFit && leadsSomewhere(pointer, request) ? [] : [`${pointer}: ${detail}`];
  }),
];

describe('a bad request', () => {
  test('is refused, and told where it is bad', () => {
    fc.assert(
      fc.property(badBody, ({ body: bad, because }) => {
        const request = sent(bad);
        const refusal = refusalOf(request);
        const wrong = refusal ? wrongIn(refusal, request) : ['It is taken.'];
        if (wrong.length > 0) throw new Error(`${because}: ${wrong.join('; ')}`);
      }),
      { numRuns: runs(10_000) },
    );
  });

  test('is refused or taken, but nothing else, whatever was changed in a good one', () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.oneof(anyJson, mutationsOf(body), mutationsOf(longestBody)), (bad) => {
        const request = sent(bad);
        const refusal = refusalOf(request);
        const wrong = refusal ? wrongIn(refusal, request) : [];
        if (wrong.length > 0) throw new Error(wrong.join('; '));
        if (!refusal) taken += 1;
      }),
      { numRuns: runs(4_000) },
    );
    // Some changes leave it as good as it was.
    expect(taken).toBeGreaterThan(0);
  });

  test.each(['name', 'description', 'bucket', 'dataloop', 'role', 'tags', 'more'])(
    'is refused at 10,000 levels of %s',
    (field) => {
      const deep: unknown = JSON.parse(`${'['.repeat(10_000)}${']'.repeat(10_000)}`);
      const request = { ...body, [field]: deep };
      expect(refusalOf(request)?.fields.map(({ pointer }) => pointer)).toEqual([`/${field}`]);
    },
  );
});

test('what is taken once is taken again as it became, with nothing added to it', () => {
  fc.assert(
    fc.property(takenBody, (request) => {
      const parsed = parseRequest(sent(request), allowed);
      expect(parseRequest(sent(parsed), allowed)).toEqual(parsed);
      expect(parsed).toMatchObject(z.looseObject({}).parse(sent(request)));
    }),
    { numRuns: runs(1_000) },
  );
});

test('a request that is as long as it may be in every field is taken', () => {
  expect(refusalOf(longestBody)).toBeUndefined();
  expect(Buffer.byteLength(JSON.stringify(longestBody))).toBeLessThan(maximumBodyBytes);
});

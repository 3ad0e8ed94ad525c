/** The bad requests of test/security, many more of them, where they are looked at; and what is said of each. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as z from 'zod';
import { parseRequest } from '../../../../src/domain/model/allowed.ts';
import { maximumBodyBytes } from '../../../../src/domain/model/request.ts';
import { ServiceError } from '../../../../src/errors.ts';
import { badBody } from '../../../security/bad-requests.ts';
import { allowed, anyJson, longestBody, mutationsOf, takenBody } from '../../arbitraries.ts';
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

const expectRefusal = (refusal: ServiceError, request: unknown): void => {
  expect(refusal.fields.length).toBeGreaterThan(0);
  expect(refusal.message.length).toBeLessThan(200);
  for (const { pointer, detail } of refusal.fields) {
    expect([pointer, leadsSomewhere(pointer, request)]).toEqual([pointer, true]);
    expect(detail.length).toBeLessThan(500);
    expect(detail).toMatch(/^[\x20-\x7e“”’]+$/);
  }
};

describe('a bad request', () => {
  test('is refused, and told where it is bad', () => {
    fc.assert(
      fc.property(badBody, ({ body: bad, because }) => {
        const request = sent(bad);
        const refusal = refusalOf(request);
        expect([because, refusal?.name]).toEqual([because, 'InvalidRequestError']);
        if (refusal) expectRefusal(refusal, request);
      }),
      { numRuns: 10_000 },
    );
  });

  test('is refused or taken, but nothing else, whatever was changed in a good one', () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.oneof(anyJson, mutationsOf(body), mutationsOf(longestBody)), (bad) => {
        const request = sent(bad);
        const refusal = refusalOf(request);
        if (refusal) expectRefusal(refusal, request);
        else taken += 1;
      }),
      { numRuns: 4_000 },
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
    { numRuns: 1_000 },
  );
});

test('a request that is as long as it may be in every field is taken', () => {
  expect(refusalOf(longestBody)).toBeUndefined();
  expect(Buffer.byteLength(JSON.stringify(longestBody))).toBeLessThan(maximumBodyBytes);
});

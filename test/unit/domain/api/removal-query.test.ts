import { describe, expect, test } from '@jest/globals';
import { isForced } from '../../../../src/domain/api/queries.ts';
import { ServiceError } from '../../../../src/errors.ts';

const pointersOf = (query: Record<string, string>) => {
  try {
    isForced(query);
  } catch (error) {
    if (error instanceof ServiceError && error.name === 'InvalidRequestError') {
      for (const { detail } of error.fields) expect(detail).toMatch(/force/);
      return error.fields.map(({ pointer }) => pointer);
    }
    throw error;
  }
  return [];
};

describe('the query of a removal', () => {
  test.each([
    [{}, false],
    [{ force: 'false' }, false],
    [{ force: 'true' }, true],
  ])('%j is forced: %j', (query, forced) => {
    expect(isForced(query)).toBe(forced);
  });

  test.each(['', '1', 'yes', 'TRUE', 'true ', 'true,true'])('with force %j is refused', (force) => {
    expect(pointersOf({ force })).toEqual(['/query/force']);
  });

  test('with what is not known is refused, each parameter by its name', () => {
    expect(pointersOf({ Force: 'true', 'a/b~': '1' })).toEqual(['/query/Force', '/query/a~1b~0']);
    expect(pointersOf({ force: 'maybe', other: '1' }).sort()).toEqual(['/query/force', '/query/other']);
  });
});

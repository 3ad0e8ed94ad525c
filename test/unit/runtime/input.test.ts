/** What a function is called with is checked first, and never quoted. */
import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { parseInput, parseJsonInput } from '../../../src/runtime/input.ts';
import { thrownBy } from '../domain/fakes.ts';

const schema = z.strictObject({ count: z.number(), more: z.record(z.string(), z.number()).optional() });
const parsed = async (input: unknown) => parseInput(schema, input, 'The input of CreateRole');
const parsedText = async (text: string) => parseJsonInput(schema, text, 'The message');

test('an input that is as it must be is taken', async () => {
  expect(await parsed({ count: 1 })).toEqual({ count: 1 });
  expect(await parsedText('{"count":1}')).toEqual({ count: 1 });
});

describe('an input that is not', () => {
  test('is refused by name, with where it is wrong', async () => {
    expect(await thrownBy(parsed({ count: 'x', more: { a: 'y' } }))).toMatchObject({
      name: 'InvalidInputError',
      retryable: false,
      message: expect.stringMatching(
        /^The input of CreateRole is not .* \(count, more\.a\)\. Nothing was done/,
      ),
    });
    expect(await thrownBy(parsed(null))).toMatchObject({
      message: expect.stringContaining('(the whole value)'),
    });
  });

  test.each(['{"count":', '', 'secret-token'])('is not quoted, JSON or not: %j', async (text) => {
    const error = await thrownBy(parsedText(text));
    expect(error).toMatchObject({ name: 'InvalidInputError' });
    expect(error.message).not.toContain('secret-token');
    expect(error.cause).toBeUndefined();
  });

  test('is told of in few words, whatever its keys and however many they are', async () => {
    const keys = Array.from({ length: 1_000 }, (_, index) => [`${index}\n${'k'.repeat(5_000)}`, 'x']);
    const { message } = await thrownBy(parsed({ count: 1, more: Object.fromEntries(keys) }));
    expect(message.length).toBeLessThan(700);
    expect(message).toContain('more.0 kkk');
    expect(message).toContain('and 995 more');
  });
});

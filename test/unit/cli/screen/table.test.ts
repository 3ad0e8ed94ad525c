import { expect, test } from '@jest/globals';
import { closest } from '../../../../cli/screen/closest.ts';
import { paragraph, table } from '../../../../cli/screen/table.ts';
import { duration } from '../../../../cli/screen/time.ts';

const head = [{ title: 'A', mayBeCut: true }, { title: 'B' }, { title: 'C', mayBeCut: true }];

test('columns are as wide as their longest cell', () => {
  expect(table(head, [['one', 'x', 'y']], undefined)).toEqual(['A    B  C', 'one  x  y']);
});

test('the widest column that may be cut gives way', () => {
  const [, row = ''] = table(head, [['a'.repeat(30), 'b'.repeat(10), 'c'.repeat(12)]], 40);
  expect(row).toBe(`${'a'.repeat(13)}…  ${'b'.repeat(10)}  ${'c'.repeat(12)}`);
});

test('text breaks between words, and a longer word stays whole', () => {
  expect(paragraph('one two three', 9, '  ')).toEqual(['  one two', '  three']);
  expect(paragraph('abcdefghijkl m', 9, '')).toEqual(['abcdefghijkl', 'm']);
});

test.each([
  [400, '0 s'],
  [41_000, '41 s'],
  [60_000, '1 min'],
  [185_000, '3 min 5 s'],
])('%d ms are %s', (milliseconds, said) => {
  expect(duration(milliseconds)).toBe(said);
});

test('what was meant is close, or nothing', () => {
  expect(closest('redy', ['ready', 'removed'])).toBe('ready');
  expect(closest('something', ['ready', 'removed'])).toBeUndefined();
  expect(closest('x'.repeat(100_000), ['ready'])).toBeUndefined();
});

import { expect, test } from '@jest/globals';
import { wrapped } from '../../../../local/observe/wrapped.ts';

test('a text is wrapped between words', () => {
  expect(wrapped('one two three', 7)).toBe('one two\nthree');
  expect(wrapped('one two three', 6)).toBe('one\ntwo\nthree');
  expect(wrapped('short', 80)).toBe('short');
});

test('a word that is too long stays whole', () => {
  expect(wrapped('a loooooong b', 5)).toBe('a\nloooooong\nb');
});

test('lines begin with what is given, which counts', () => {
  expect(wrapped('one two', 5, '> ')).toBe('> one\n> two');
  expect(wrapped('one two', 7, 'a: ', '   ')).toBe('a: one\n   two');
});

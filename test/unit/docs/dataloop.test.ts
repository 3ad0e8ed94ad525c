/** The page of assumptions about Dataloop: what it names exists, and nothing that can be set is missing there. */
import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { errorKinds, isErrorName, problemType } from '../../../src/errors.ts';
import { projectFile } from '../../bundle.ts';

const page = projectFile('docs/dataloop.md');
const { properties } = z
  .object({ properties: z.record(z.string(), z.unknown()) })
  .parse(JSON.parse(projectFile('stages/schema.json')));
const parameters = Object.keys(properties);

/** The cells of each assumption. */
const rows = page
  .split('\n')
  .filter((line) => /^\| (?!Assumption)/.test(line))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
const codes = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

test('each assumption has its certainty, and what people see', () => {
  expect(rows.length).toBeGreaterThan(25);
  for (const [assumption, certainty, seen] of rows) {
    expect([assumption, certainty]).toEqual([assumption, expect.stringMatching(/^(certain|likely|unknown)/)]);
    expect([assumption, seen]).not.toEqual([assumption, '']);
  }
});

test('each setting that it names is a parameter', () => {
  const named = rows.flatMap((cells) => codes(cells[3] ?? ''));
  expect(named.filter((name) => !parameters.includes(name))).toEqual([]);
});

test('each parameter of Dataloop is there', () => {
  const named = new Set(rows.flatMap((cells) => codes(cells[3] ?? '')));
  expect(parameters.filter((name) => name.startsWith('dataloop') && !named.has(name))).toEqual([]);
});

test('each error that it names exists', () => {
  const known = Object.keys(errorKinds)
    .filter(isErrorName)
    .map((name) => problemType(name).split(':').at(-1));
  const named = rows.flatMap((cells) =>
    codes(cells[2] ?? '').filter((code) => /^[a-z]+(-[a-z]+)+$/.test(code)),
  );
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((name) => !known.includes(name))).toEqual([]);
});

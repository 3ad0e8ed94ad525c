/**
 * No text of somebody else's takes longer than its length: 1 MB of it, made for regular expressions that try again at
 * each place or in each of many ways, is read like any other. Nothing is measured: quadratic work on 1 MB takes hours, so
 * a limit that only a hang reaches tells it from all else.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from '@jest/globals';
import { parseSync } from '@swc/core';
import fc from 'fast-check';
import * as z from 'zod';
import { runs } from '../runs.ts';
import { type Pumped, readers, type Task } from './foreign-text.ts';

/** What is read in between takes less than a second. */
const hangAfterMs = 180_000;
/** Draws the same each time. */
const seed = 14;

/** Runs tasks one after the other. @returns what was being read when nothing came for so long; undefined where all was read */
async function readAll(tasks: readonly Task[]): Promise<unknown> {
  const worker = new Worker(new URL('./foreign-text.ts', import.meta.url));
  let last: unknown = 'nothing yet';
  let left = tasks.length;
  try {
    return await new Promise((resolve, reject) => {
      const hang = setTimeout(() => resolve(last), hangAfterMs);
      const settle = (end: () => void) => {
        clearTimeout(hang);
        end();
      };
      worker.on('error', (error) => settle(() => reject(error)));
      worker.on('message', (message: unknown) => {
        hang.refresh();
        if (message !== 'done') last = message;
        else left -= 1;
        if (left === 0) settle(() => resolve(undefined));
      });
      for (const task of tasks) worker.postMessage(task);
    });
  } finally {
    await worker.terminate();
  }
}

/** What people's patterns look for, again and again, and never to the end. */
const units = [
  'a',
  ' ',
  '-',
  '/',
  '-a',
  'aaaaaaaa.',
  'bearer ',
  '\n',
  '\u0000a',
  '[',
  '"\\',
  'a/',
  '1.',
  '\ud800',
  '漢',
  'Aa',
];
const anyUnit = fc
  .array(fc.constantFrom(...'aAz09 -_.:/=+@"\\[]{}\n\r\t\0é\u2028漢~*$'), { minLength: 1, maxLength: 12 })
  .map((unit) => unit.join(''));

test('1 MB of hostile text is read by everything that reads one', async () => {
  expect(Object.keys(readers).length).toBeGreaterThan(25);
  const drawn = fc.sample(anyUnit, { numRuns: Math.ceil(runs(2_000) / 100), seed });
  expect(await readAll([{ texts: [...units, ...drawn].map((unit) => ({ unit })) }])).toBeUndefined();
});

interface Expression {
  readonly file: string;
  readonly pattern: string;
  readonly flags: string;
}

const literalSchema = z.object({
  type: z.literal('RegExpLiteral'),
  pattern: z.string(),
  flags: z.string(),
});

function literalsIn(node: unknown): z.infer<typeof literalSchema>[] {
  if (typeof node !== 'object' || node === null) return [];
  const literal = literalSchema.safeParse(node);
  return literal.success ? [literal.data] : Object.values(node).flatMap(literalsIn);
}

const root = new URL('../../../', import.meta.url);
const sources = ['src', 'functions'].flatMap((folder) =>
  readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => ({ file, text: readFileSync(new URL(`${folder}/${file}`, root), 'utf8') })),
);
const expressions = sources.flatMap(({ file, text }): Expression[] =>
  literalsIn(parseSync(text, { syntax: 'typescript', target: 'es2024' })).map(({ pattern, flags }) => ({
    file,
    pattern,
    flags,
  })),
);

/** Texts that fit an expression up to a place, from where a part of them comes again and again. */
function pumped({ pattern, flags }: Expression): Pumped[] {
  // Of what is not printable ASCII fast-check draws nothing, and looks for it without end.
  if (pattern.includes('[^')) return [];
  let fitting: fc.Arbitrary<string>;
  try {
    fitting = fc.stringMatching(new RegExp(pattern, flags.replace(/[gi]/g, '')));
  } catch {
    // fast-check does not know all that there is.
    return [];
  }
  const parts = fc.tuple(
    fitting,
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.integer({ min: 1, max: 12 }),
  );
  return fc
    .sample(parts, { numRuns: process.env['THOROUGH'] ? 16 : 5, seed })
    .flatMap(([text, where, length]) => {
      const from = Math.floor(where * text.length);
      const unit = text.slice(from, from + length);
      return unit === '' ? [] : [{ start: text.slice(0, from), unit }];
    });
}

describe('every regular expression of the code', () => {
  test('ends on 1 MB of hostile text, whether or not it meets one', async () => {
    expect(expressions.length).toBeGreaterThan(40);
    const common = units.map((unit) => ({ unit }));
    const tasks = expressions.map((expression) => ({
      texts: [...common, ...pumped(expression)],
      expression: { pattern: expression.pattern, flags: expression.flags },
    }));
    expect(await readAll(tasks)).toBeUndefined();
  });

  test('is written in it: none is made of a text', () => {
    expect(sources.filter(({ text }) => /\bRegExp\(/.test(text)).map(({ file }) => file)).toEqual([]);
  });
});

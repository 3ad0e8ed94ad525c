/** What people copy from the docs works: each request that they show is taken, each answer is one that the API gives. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { projectRoot } from '../../../local/paths.ts';
import { connectionTestSchema, integrationSchema } from '../../../src/domain/answers.ts';
import { requestSchema } from '../../../src/domain/request.ts';
import { projectFile } from '../../bundle.ts';

const files = [
  'README.md',
  ...readdirSync(join(projectRoot, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

const blocks = (language: string) =>
  files.flatMap((file) =>
    [...projectFile(file).matchAll(new RegExp(`^ *\`\`\`${language}\n(.*?)^ *\`\`\``, 'gms'))].map(
      ([, text = '']) => ({ file, text, begins: text.slice(0, 40).split('\n')[0] }),
    ),
  );

/** Something in the place of what the reader is to fill in. */
const filled = (text: string) =>
  text.replaceAll('int_…', 'int_01M85CZQP0Y0YS5TZMSXQSHEJR').replaceAll('…', 'example');

/** What an example is, by a field that only this has. */
const kinds: readonly { readonly field: string; readonly schema: z.ZodType }[] = [
  { field: 'dataloop', schema: requestSchema },
  { field: 'links', schema: integrationSchema },
  { field: 'checks', schema: connectionTestSchema },
];

describe('JSON of the docs', () => {
  const examples = blocks('json');

  test('is found', () => {
    expect(examples.length).toBeGreaterThan(3);
  });

  test.each(examples)('$file: $begins', ({ text }) => {
    const example = z.record(z.string(), z.unknown()).parse(JSON.parse(filled(text)));
    const [kind, ...others] = kinds.filter(({ field }) => field in example);
    expect([kind, others]).toEqual([expect.anything(), []]);
    expect(kind?.schema.safeParse(example).error).toBeUndefined();
  });
});

/** Bodies of curl commands, as the shell passes them on. */
function bodiesOf({ file, text }: { file: string; text: string }): { file: string; body: string }[] {
  const single = [...text.matchAll(/--data '([^']*)'/g)].map(([, body = '']) => body);
  const double = [...text.matchAll(/--data "((?:\\.|[^"\\])*)"/g)].map(([, body = '']) =>
    body.replaceAll(/\$\w+/g, 'example').replaceAll(/\\(.)/g, '$1'),
  );
  return [...single, ...double].map((body) => ({ file, body }));
}

describe('bodies of the curl commands of the docs', () => {
  const shown = blocks('sh');
  const bodies = shown.flatMap(bodiesOf);

  test('are all found', () => {
    const options = shown.flatMap(({ text }) => text.match(/--data\b/g) ?? []);
    expect(bodies).toHaveLength(options.length);
    expect(bodies.length).toBeGreaterThan(1);
  });

  test.each(bodies)('$file: $body', ({ body }) => {
    expect(requestSchema.safeParse(JSON.parse(filled(body))).error).toBeUndefined();
  });
});

/** What people copy from the docs works: each request that they show is taken, each answer is one that the API gives. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { projectRoot } from '../../../local/environment/paths.ts';
import { connectionTestSchema, integrationSchema } from '../../../src/domain/api/responses.ts';
import { driverRequestSchema, requestSchema } from '../../../src/domain/model/request.ts';
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

/** What an example is, by a field that only this has; of requests, only that for an integration has a name. */
const kinds: readonly { readonly is: (example: object) => boolean; readonly schema: z.ZodType }[] = [
  { is: (example) => 'dataloop' in example && 'name' in example, schema: requestSchema },
  { is: (example) => 'dataloop' in example && !('name' in example), schema: driverRequestSchema },
  { is: (example) => 'links' in example, schema: integrationSchema },
  { is: (example) => 'checks' in example, schema: connectionTestSchema },
  {
    is: (example) => 'released' in example && !('links' in example),
    schema: integrationSchema.pick({ released: true }).required(),
  },
  {
    is: (example) => 'dataset' in example && !('name' in example),
    schema: integrationSchema.pick({ dataset: true }).required(),
  },
  // test/security/callers.test.ts tries them.
  { is: (example) => 'Statement' in example, schema: z.object({ Version: z.literal('2012-10-17') }) },
];

describe('JSON of the docs', () => {
  const examples = blocks('json');

  test('is found', () => {
    expect(examples.length).toBeGreaterThan(3);
  });

  test.each(examples)('$file: $begins', ({ text }) => {
    const example = z.record(z.string(), z.unknown()).parse(JSON.parse(filled(text)));
    const [kind, ...others] = kinds.filter(({ is }) => is(example));
    expect([kind, others]).toEqual([expect.anything(), []]);
    expect(kind?.schema.safeParse(example).error).toBeUndefined();
  });
});

/** Calls of curl commands with a body, as the shell passes it on, and the path after the API's URL. */
function callsOf({ file, text }: { file: string; text: string }) {
  return text.split(/^(?=curl )/m).flatMap((command) => {
    const path = /"\$API_URL(\/[^"]*)"/.exec(command)?.[1];
    const single = [...command.matchAll(/--data '([^']*)'/g)].map(([, body = '']) => body);
    const double = [...command.matchAll(/--data "((?:\\.|[^"\\])*)"/g)].map(([, body = '']) =>
      body.replaceAll(/\$\w+/g, 'example').replaceAll(/\\(.)/g, '$1'),
    );
    return [...single, ...double].map((body) => ({ file, path, body }));
  });
}

/** What a path of the API takes. */
const bodySchemas: Readonly<Record<string, z.ZodType>> = {
  '/integrations': requestSchema,
  '/integrations/$INTEGRATION_ID/drivers': driverRequestSchema,
};

describe('bodies of the curl commands of the docs', () => {
  const shown = blocks('sh');
  const calls = shown.flatMap(callsOf);

  test('are all found', () => {
    const options = shown.flatMap(({ text }) => text.match(/--data\b/g) ?? []);
    expect(calls).toHaveLength(options.length);
    expect(new Set(calls.map(({ path }) => path))).toEqual(new Set(Object.keys(bodySchemas)));
  });

  test.each(calls)('$file: $path $body', ({ path = '', body }) => {
    const parsed = bodySchemas[path]?.safeParse(JSON.parse(filled(body)));
    expect(parsed).toMatchObject({ success: true });
  });
});

/** The API's OpenAPI document, and whether an answer is as it says. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import * as z from 'zod';
import { projectFile } from './bundle.ts';

const mediaTypeSchema = z.looseObject({
  schema: z.unknown(),
  example: z.unknown().optional(),
  examples: z.record(z.string(), z.object({ value: z.unknown() })).optional(),
});
const contentSchema = z.record(z.string(), mediaTypeSchema);
const responseSchema = z.object({
  description: z.string().min(1),
  headers: z
    .record(
      z.string(),
      z.object({ required: z.boolean(), schema: z.looseObject({ type: z.enum(['string', 'integer']) }) }),
    )
    .default({}),
  content: contentSchema,
});
const operationSchema = z.object({
  operationId: z.string(),
  summary: z.string().min(1),
  parameters: z.array(z.object({ name: z.string(), in: z.enum(['path', 'header', 'query']) })),
  requestBody: z.object({ content: contentSchema }).optional(),
  responses: z.record(z.string(), responseSchema),
});
const documentSchema = z.object({
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
});

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

export type Contract = ReturnType<typeof readContract>;

const nested = z.record(z.string(), z.unknown());

/** @throws Error where the document is not as these tests read it */
export function readContract(text = projectFile('docs/openapi.json')) {
  const json: unknown = JSON.parse(text);
  const { paths, components } = documentSchema.parse(json);
  const ajv = new Ajv2020({ formats: fullFormats, allErrors: true, strictTypes: false });
  ajv.addVocabulary(['components']);

  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
      pattern: new RegExp(`^${path.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`),
    })),
  );

  /** What is wrong with a value, by the schema at a place in the document. */
  function violations(place: readonly string[], value: unknown): string[] {
    const schema = place.reduce((within, key) => nested.parse(within)[key], json);
    // References lead from the root of a schema to its components.
    const validate = ajv.compile({ ...nested.parse(schema), components });
    if (validate(value)) return [];
    return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath || '/'} ${message}`);
  }

  /** The operation that a request is for. @throws Error where the document has none */
  function operationOf(method: string, path: string) {
    const [asked = ''] = path.split('?');
    const found = operations.find((each) => each.method === method && each.pattern.test(asked));
    if (!found) throw new Error(`${method} ${path} is not in docs/openapi.json.`);
    return found;
  }

  /** What is wrong with an answer. */
  function wrongWith(method: string, path: string, { status, headers, body }: Answer): string[] {
    const operation = operationOf(method, path);
    const response = operation.responses[status];
    if (!response) return [`${operation.operationId} answered ${status}, which is not documented`];
    const place = ['paths', operation.path, method.toLowerCase(), 'responses', String(status)];
    const mediaType = headers.get('content-type')?.split(';')[0] ?? 'none';
    const wrongBody = response.content[mediaType]
      ? violations([...place, 'content', mediaType, 'schema'], body)
      : [`the content type ${mediaType} is not documented`];
    const wrongHeaders = Object.entries(response.headers).flatMap(([name, { schema }]) => {
      const text = headers.get(name);
      if (text === null) return [`the header ${name} is missing`];
      const value = schema.type === 'integer' ? Number(text) : text;
      return violations([...place, 'headers', name, 'schema'], value).map((wrong) => `${name}: ${wrong}`);
    });
    return [...wrongBody, ...wrongHeaders].map((wrong) => `${operation.operationId} ${status}: ${wrong}`);
  }

  return { json, operations, operationOf, violations, wrongWith };
}

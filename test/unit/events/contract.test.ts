/** The published event contracts: the schemas in `events/` are what the code checks with, and so are the samples. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { projectRoot } from '../../../local/environment/paths.ts';
import { eventFileName, eventSchemaFiles } from '../../../scripts/event-schemas.ts';
import { type DetailType, eventDetails, eventSource } from '../../../src/domain/api/events.ts';

const folder = join(projectRoot, 'events');
const read = (...path: string[]): unknown => JSON.parse(readFileSync(join(folder, ...path), 'utf8'));
const detailTypes = Object.keys(eventDetails) as DetailType[];

const eventOf = (detailType: DetailType) =>
  z.object({
    source: z.literal(eventSource),
    'detail-type': z.literal(detailType),
    detail: eventDetails[detailType],
  });

test('every event has its schema in events/, as npm run schemas writes it', () => {
  const written = readdirSync(folder).filter((name) => name.endsWith('.json'));
  const made = eventSchemaFiles();
  expect(written.sort()).toEqual(made.map(([name]) => name).sort());
  for (const [name, schema] of made) expect(read(name)).toEqual(JSON.parse(JSON.stringify(schema)));
});

describe.each(detailTypes)('%s', (detailType) => {
  const samples = (kind: 'valid' | 'invalid') =>
    readdirSync(join(folder, 'samples', kind)).filter((name) =>
      name.startsWith(`${eventFileName(detailType)}.`),
    );

  test.each(samples('valid'))('%s is taken', (name) => {
    expect(eventOf(detailType).safeParse(read('samples', 'valid', name)).error).toBeUndefined();
  });

  test.each(samples('invalid'))('%s is refused', (name) => {
    expect(eventOf(detailType).safeParse(read('samples', 'invalid', name)).success).toBe(false);
  });
});

test('every sample belongs to an event', () => {
  const names = detailTypes.map(eventFileName);
  for (const kind of ['valid', 'invalid']) {
    const files = readdirSync(join(folder, 'samples', kind));
    expect(files.filter((file) => !names.some((name) => file.startsWith(`${name}.`)))).toEqual([]);
  }
});

/** What AWS calls a function with: the input of a state, an event, a message of a queue. */
import type * as z from 'zod';
import { placesOf, ServiceError } from '../errors.ts';

/**
 * Checks an input. What it says is quoted nowhere, because anybody may have written it.
 * @param what the input is, as in "The input of CreateRole"
 * @throws ServiceError `InvalidInputError`
 */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown, what: string): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new ServiceError(
    'InvalidInputError',
    `${what} is not as this version of the service expects it (${placesOf(parsed.error)}): nothing was done. Find out who ` +
      'sends it; after a change of the service, deploy all of it.',
  );
}

/** Checks a text that must be JSON; one that is not is like none. @throws ServiceError `InvalidInputError` */
export function parseJsonInput<T>(schema: z.ZodType<T>, text: string, what: string): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // Parsing errors quote the text.
    json = undefined;
  }
  return parseInput(schema, json, what);
}

/** What AWS calls a function with: the input of a state, an event, a message of a queue. */
import * as z from 'zod';
import { recordIdSchema } from '../domain/model/ids.ts';
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
    `${what} is not what this version of the service expects (${placesOf(parsed.error)}). Nothing was done. Find out who sent ` +
      'it. If parts of the service have different versions, deploy all of it.',
  );
}

/** The organisation that Preflight found; an execution that an earlier version started does not say it. */
export const foundByPreflight = { organizationId: z.string().optional() };

/** What a text holds as JSON; one that is none is like nothing. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Parsing errors quote the text.
    return undefined;
  }
}

/** Checks a text that must be JSON. @throws ServiceError `InvalidInputError` */
export function parseJsonInput<T>(schema: z.ZodType<T>, text: string, what: string): T {
  return parseInput(schema, jsonOf(text), what);
}

/** The name that an earlier version gave to the id of the record, whose executions may still run. */
const earlierInputSchema = z.looseObject({ integrationId: z.unknown(), recordId: z.undefined().optional() });

/** Adds to the check of an input that it names a record, by its name of today or of an earlier version. */
export const namingRecord = <T extends z.core.$ZodLooseShape>(shape: T) =>
  z.preprocess(
    (input) => {
      const earlier = earlierInputSchema.safeParse(input);
      return earlier.success ? { ...earlier.data, recordId: earlier.data.integrationId } : input;
    },
    z.looseObject({ recordId: recordIdSchema, ...shape }),
  );

const executionInputSchema = namingRecord({});

/** The record that an execution was started for, by its input; undefined where it names none. */
export const recordIdOf = (executionInput: string): string | undefined =>
  executionInputSchema.safeParse(jsonOf(executionInput)).data?.recordId;

/** A request from flags, a file, or both: flags win. */
import { parseAllDocuments } from 'yaml';
import type * as z from 'zod';
import { fieldErrors } from '../../src/domain/model/request.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import type { World } from '../world.ts';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Leaves out what was not given. */
function withoutNothing(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => {
      if (value === undefined) return [];
      if (!isFields(value)) return [[name, value]];
      const inner = withoutNothing(value);
      return Object.keys(inner).length > 0 ? [[name, inner]] : [];
    }),
  );
}

function merged(base: Fields, over: Fields): Fields {
  const result: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const before = result[name];
    result[name] = isFields(value) && isFields(before) ? merged(before, value) : value;
  }
  return result;
}

/** JSON is YAML, too. @throws CommandError for a file that cannot be read, or is neither */
async function fileOf(path: string, world: World): Promise<unknown> {
  const what = path === '-' ? 'standard input' : path;
  let text: string;
  try {
    text = await world.readText(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandError(exitCodes.usage, `${what} cannot be read: ${reason}`, { cause: error });
  }
  try {
    return onlyValueIn(text);
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new CommandError(exitCodes.usage, `${what} is neither JSON nor YAML: ${reason.replace(/:$/, '')}`, {
      cause: error,
    });
  }
}

/** @throws for what YAML warns of, too: a tag such as CloudFormation's `!Ref` would be dropped */
function onlyValueIn(text: string): unknown {
  const [document, ...others] = [...parseAllDocuments(text, { prettyErrors: true })];
  if (document === undefined) return undefined;
  if (others.length > 0) throw new Error('it holds several documents');
  for (const each of [...document.errors, ...document.warnings]) throw each;
  return document.toJS();
}

/** @param fields what flags say; undefined where they say nothing */
export async function requestFrom(file: string | undefined, fields: Fields, world: World): Promise<unknown> {
  const given = withoutNothing(fields);
  if (file === undefined) return given;
  const base = await fileOf(file, world);
  if (!isFields(base)) {
    throw new CommandError(
      exitCodes.usage,
      `${file === '-' ? 'Standard input' : file} holds no request: it must be an object.`,
    );
  }
  return merged(base, given);
}

/**
 * Checks a request as the API does, before it is sent.
 * @param flags flag for each field, by its JSON pointer
 * @returns the request as it was written: the API fills in the defaults
 * @throws CommandError that names every bad field
 */
export function checked(
  request: unknown,
  schema: z.ZodType,
  flags: Readonly<Record<string, string>>,
  command: string,
): void {
  const parsed = schema.safeParse(request);
  if (parsed.success) return;
  const errors = fieldErrors(parsed.error, request);
  const lines = errors.map(({ pointer, detail }) => {
    const flag = flags[pointer];
    return `${pointer || 'The request'}: ${detail}${flag ? ` (${flag})` : ''}`;
  });
  const count = errors.length === 1 ? 'One field is' : `${errors.length} fields are`;
  throw new CommandError(exitCodes.usage, `${count} invalid. Nothing was sent.`, {
    lines,
    next: `${command} --help`,
  });
}

/** `team=vision` → `{ team: 'vision' }`. @throws CommandError for a tag without "=" */
export function tagsFrom(tags: readonly string[] | undefined): Readonly<Record<string, string>> | undefined {
  if (tags === undefined) return undefined;
  return Object.fromEntries(
    tags.map((tag) => {
      const [, key, value] = /^([^=]+)=(.*)$/s.exec(tag) ?? [];
      if (key === undefined || value === undefined) {
        throw new CommandError(exitCodes.usage, `"${tag}" is no tag. Write --tag KEY=VALUE.`);
      }
      return [key, value];
    }),
  );
}

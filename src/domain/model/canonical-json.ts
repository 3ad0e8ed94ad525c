/** JSON: parsed, compared, and one text for values that mean the same, with its hash. */
import { createHash } from 'node:crypto';

export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, member]) => member !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

/** Whether two values come to the same JSON; undefined is like undefined alone. */
export const sameJson = (one: unknown, other: unknown): boolean =>
  canonicalJson(one) === canonicalJson(other);

/** Undefined for a text that is no JSON: whoever reads it says what that means. */
export function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

const withoutSpace = (json: string): string =>
  json.replace(/"(?:[^"\\]|\\.?)*"?|\s+/gs, (part) => (part.startsWith('"') ? part : ''));

/**
 * Whether a text of JSON is what it is parsed as, but for white space. Another reader may take the first of two members of one
 * name, of which we see the last.
 */
export const saysOnlyWhatIsRead = (text: string): boolean =>
  withoutSpace(text) === JSON.stringify(parseJson(text));

/** In hexadecimal. */
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Texts of which others chose a part must not steer the terminal, hide in it, or turn the direction of a line. */
const steering =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

export const harmless = (text: string): string => text.replace(steering, ' ');

/** The same for all texts of a JSON value, names of fields included. */
export function harmlessValue(value: unknown): unknown {
  if (typeof value === 'string') return harmless(value);
  if (Array.isArray(value)) return value.map(harmlessValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [harmless(name), harmlessValue(inner)]),
  );
}

/** Errors of the operating system, by code. */

/** Not by class: in a test environment of jest, errors of Node's own modules are of another realm's. */
export const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  typeof error === 'object' &&
  error !== null &&
  'code' in error &&
  typeof error.code === 'string' &&
  codes.includes(error.code);

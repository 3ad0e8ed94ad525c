/** One line of `doctor`: what was looked at, how it is, what to do. */
import { CommandError } from '../exit-codes.ts';

export interface Check {
  readonly name: string;
  readonly status: 'passed' | 'warning' | 'failed' | 'skipped';
  readonly detail: string;
  /** What to do about it. */
  readonly advice?: string;
}

const make =
  (status: Check['status']) =>
  (name: string, detail: string, advice?: string): Check => ({
    name,
    status,
    detail,
    ...(advice === undefined ? {} : { advice }),
  });
export const passed = make('passed');
export const warning = make('warning');
export const failed = make('failed');
export const skipped = make('skipped');

/** What was thrown, as a check that could not pass. */
export function failure(name: string, error: unknown, as = failed): Check {
  if (error instanceof CommandError) return as(name, error.message, error.lines.join(' ') || undefined);
  return as(name, error instanceof Error ? `${error.name}: ${error.message}` : String(error));
}

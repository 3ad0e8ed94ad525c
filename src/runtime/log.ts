/**
 * Structured logs: a line of JSON each, with a constant message and keys; never a token, a credential or a whole event.
 */
import { logSettings } from '../config.ts';
import { printable } from '../errors.ts';

type Keys = Readonly<Record<string, unknown>>;

const settings = logSettings();
/** What each line of an invocation says. */
const kept: Record<string, unknown> = {};

function write(level: 'INFO' | 'WARN' | 'ERROR', message: string, keys: Keys): void {
  if (settings.isSilent) return;
  const line = { level, message, timestamp: new Date().toISOString(), service: settings.service };
  const stream = level === 'INFO' ? process.stdout : process.stderr;
  stream.write(`${JSON.stringify({ ...line, ...kept, ...keys })}\n`);
}

export const logger = {
  info: (message: string, keys: Keys = {}) => write('INFO', message, keys),
  warn: (message: string, keys: Keys = {}) => write('WARN', message, keys),
  error: (message: string, keys: Keys = {}) => write('ERROR', message, keys),
  /** Keys of the lines to come, until others of their names take their places. */
  appendKeys: (keys: Keys): void => {
    Object.assign(kept, keys);
  },
  resetKeys: (): void => {
    for (const name of Object.keys(kept)) delete kept[name];
  },
};

/** Most of a name and of a message that a line holds, whoever chose them. */
const longest = { name: 100, message: 8_100 } as const;

/** The name and message of anything thrown. Causes stay out: an SDK's error may carry a whole answer. */
export function errorKeys(error: unknown): { errorName: string; errorMessage: string } {
  return error instanceof Error
    ? {
        errorName: printable(error.name, longest.name),
        errorMessage: printable(error.message, longest.message),
      }
    : { errorName: 'Unknown', errorMessage: 'A value that is not an Error was thrown.' };
}

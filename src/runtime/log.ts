/** Structured logs: a constant message and keys; never a token, a credential or a whole event. */
import { Logger } from '@aws-lambda-powertools/logger';
import { printable } from '../errors.ts';

export const logger = new Logger();

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

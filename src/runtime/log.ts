/** Structured logs: a constant message and keys; never a token, a credential or a whole event. */
import { Logger } from '@aws-lambda-powertools/logger';

export const logger = new Logger();

/** The name and message of anything thrown. Causes stay out: an SDK's error may carry a whole answer. */
export function errorKeys(error: unknown): { errorName: string; errorMessage: string } {
  return error instanceof Error
    ? { errorName: error.name, errorMessage: error.message }
    : { errorName: 'Unknown', errorMessage: 'A value that is not an Error was thrown.' };
}

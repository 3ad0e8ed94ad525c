/** The query of a `DELETE`. */
import * as z from 'zod';
import { type FieldError, ServiceError } from '../errors.ts';
import { jsonPointer } from './model/request.ts';

const forceRule =
  'force is "true", to remove although drivers that somebody else made lose their storage, or "false".';

export const removalQuerySchema = z.strictObject({ force: z.enum(['true', 'false'], forceRule).optional() });

/** @throws ServiceError `InvalidRequestError` that names every bad parameter as `/query/NAME` */
export function isForced(query: Readonly<Record<string, string>>): boolean {
  const parsed = removalQuerySchema.safeParse(query);
  if (parsed.success) return parsed.data.force === 'true';
  const fields = parsed.error.issues.flatMap((issue): FieldError[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          pointer: jsonPointer(['query', key]),
          detail: 'There is no such parameter: force is known.',
        }))
      : [{ pointer: jsonPointer(['query', ...issue.path]), detail: issue.message }],
  );
  throw new ServiceError(
    'InvalidRequestError',
    'The query is not as needed. Correct what "errors" lists; nothing was removed.',
    { fields },
  );
}

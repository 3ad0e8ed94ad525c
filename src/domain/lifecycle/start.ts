/** A new integration as it is first written. */
import * as z from 'zod';
import { ServiceError } from '../../errors.ts';
import { canonicalJson } from '../model/canonical-json.ts';
import type { IntegrationRecord } from '../model/record.ts';
import type { IntegrationRequest } from '../model/request.ts';
import type { Registration } from './undo.ts';

/** How long an Idempotency-Key is remembered. */
const idempotencySeconds = 86_400;

export const idempotencyKeySchema = z.string().regex(/^[\x21-\x7e]{1,255}$/);

/** @throws ServiceError `InvalidRequestError` for an Idempotency-Key that is not 1 to 255 printable ASCII characters */
export function newRegistration(
  request: IntegrationRequest,
  key: string | undefined,
  context: {
    integrationId: string;
    executionArn: string;
    now: Date;
    sha256: (text: string) => string;
    /** The integration that a driver is added to. */
    parent?: NonNullable<IntegrationRecord['parent']>;
  },
): Omit<Registration, 'locks'> {
  if (key !== undefined && !idempotencyKeySchema.safeParse(key).success) {
    throw new ServiceError(
      'InvalidRequestError',
      'The header Idempotency-Key has 1 to 255 printable ASCII characters without spaces, such as a UUID.',
    );
  }
  const { parent } = context;
  const createdAt = context.now.toISOString();
  return {
    record: {
      integrationId: context.integrationId,
      ...(parent ? { parent } : {}),
      name: request.name,
      status: 'provisioning',
      createdAt,
      updatedAt: createdAt,
      request,
      requestHash: context.sha256(canonicalJson(parent ? { parent, request } : request)),
      executionArn: context.executionArn,
      steps: {},
      resources: {},
      openCalls: {},
    },
    idempotency:
      key === undefined
        ? undefined
        : {
            key: context.sha256(key),
            expiresAt: Math.floor(context.now.getTime() / 1000) + idempotencySeconds,
          },
  };
}

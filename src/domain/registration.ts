/** A new integration as it is first written. */
import * as z from 'zod';
import { ServiceError } from '../errors.ts';
import type { Registration } from './lifecycle.ts';
import type { IntegrationRequest } from './request.ts';

/** How long an Idempotency-Key is remembered. */
const idempotencySeconds = 86_400;

export const idempotencyKeySchema = z.string().regex(/^[\x21-\x7e]{1,255}$/);

/** JSON with sorted keys: two bodies that mean the same come to the same text. */
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

/** @throws ServiceError `InvalidRequestError` for an Idempotency-Key that is not 1 to 255 printable ASCII characters */
export function newRegistration(
  request: IntegrationRequest,
  key: string | undefined,
  context: { integrationId: string; executionArn: string; now: Date; sha256: (text: string) => string },
): Omit<Registration, 'locks'> {
  if (key !== undefined && !idempotencyKeySchema.safeParse(key).success) {
    throw new ServiceError(
      'InvalidRequestError',
      'The header Idempotency-Key has 1 to 255 printable ASCII characters without spaces, such as a UUID.',
    );
  }
  const createdAt = context.now.toISOString();
  return {
    record: {
      integrationId: context.integrationId,
      name: request.name,
      status: 'provisioning',
      createdAt,
      updatedAt: createdAt,
      request,
      requestHash: context.sha256(canonicalJson(request)),
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

/** A resource of a CloudFormation stack: which one it is, and its properties as a request of the API. */
import * as z from 'zod';
import { invalidFields } from './request.ts';

export const stackResourceSchema = z.object({
  stackId: z
    .string()
    .regex(/^arn:[a-z-]{1,20}:cloudformation:[a-z0-9-]{1,30}:[0-9]{12}:stack\/[\w/-]{1,200}$/),
  logicalResourceId: z.string().regex(/^[A-Za-z0-9]{1,255}$/),
});
export type StackResource = z.output<typeof stackResourceSchema>;

/** The account of a stack, by the id that CloudFormation gave it. */
export const accountOf = ({ stackId }: StackResource): string => stackId.split(':')[4] ?? '';

function unwrapped(schema: unknown): unknown {
  const isWrapped = schema instanceof z.ZodOptional || schema instanceof z.ZodDefault;
  return isWrapped ? unwrapped(schema.unwrap()) : schema;
}

const objectSchema = z.record(z.string(), z.unknown());

/** CloudFormation sends every scalar as text. A text that is neither stays, so that the schema says what is wrong. */
function withBooleans(value: unknown, schema: unknown): unknown {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodBoolean) return value === 'true' ? true : value === 'false' ? false : value;
  const members = objectSchema.safeParse(value);
  if (!(inner instanceof z.ZodObject) || !members.success) return value;
  const { shape } = inner;
  return Object.fromEntries(
    Object.entries(members.data).map(([key, member]) => [
      key,
      Object.hasOwn(shape, key) ? withBooleans(member, shape[key]) : member,
    ]),
  );
}

/** Properties that are no part of a request to make something: CloudFormation's own, and what its removal asks for. */
const otherProperties = ['ServiceToken', 'ServiceTimeout', 'keepBucket'];

/**
 * Whether the owner keeps the bucket when the resource is removed.
 * @returns undefined where the properties do not say
 * @throws ServiceError `InvalidRequestError`
 */
export function keepsBucket({ keepBucket }: Readonly<Record<string, unknown>>): boolean | undefined {
  if (keepBucket === undefined) return undefined;
  if (keepBucket === 'true' || keepBucket === true) return true;
  if (keepBucket === 'false' || keepBucket === false) return false;
  throw invalidFields([{ pointer: '/keepBucket', detail: 'keepBucket must be true or false.' }]);
}

/** @param schema of the request, which says where a text stands for true or false */
export function bodyOfProperties(properties: Readonly<Record<string, unknown>>, schema: z.ZodType): unknown {
  const others = Object.entries(properties).filter(([key]) => !otherProperties.includes(key));
  return withBooleans(Object.fromEntries(others), schema);
}

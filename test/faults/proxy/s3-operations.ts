/** Names of S3 operations, from the HTTP traits in the schemas that the SDK itself builds its requests with. */
import * as s3 from '@aws-sdk/client-s3';
import * as z from 'zod';

/** `[kind, namespace, name, { http: [method, path, status] }, …]`; 9 is the kind of an operation. */
const operationSchema = z
  .tuple([
    z.literal(9),
    z.string(),
    z.string(),
    z.object({ http: z.tuple([z.string(), z.string(), z.number()]) }),
  ])
  .rest(z.unknown());

interface Operation {
  readonly name: string;
  readonly method: string;
  readonly onObject: boolean;
  /** What its query always holds: `cors=`, `list-type=2`. */
  readonly query: readonly (readonly [name: string, value: string])[];
}

const operations = Object.values(s3).flatMap((exported): Operation[] => {
  const parsed = operationSchema.safeParse(exported);
  if (!parsed.success) return [];
  const [, , name, { http }] = parsed.data;
  const [path = '', query = ''] = http[1].split('?');
  return [
    {
      name,
      method: http[0],
      onObject: path.includes('{Key+}'),
      query: [...new URLSearchParams(query)],
    },
  ];
});

/**
 * The operation of a request with the bucket in its path, by method and sub-resource.
 * @returns undefined where no operation of the SDK is sent like this
 */
export function s3Operation(method: string, url: string): string | undefined {
  const { pathname, searchParams } = new URL(url, 'https://s3');
  const stated = searchParams.get('x-id');
  if (stated !== null) return stated;
  // S3 Control, of an account.
  if (pathname === '/v20180820/configuration/publicAccessBlock' && method === 'GET')
    return 'GetAccountPublicAccessBlock';
  const [, bucket = '', key = ''] = /^\/([^/]*)\/?(.*)$/.exec(pathname) ?? [];
  if (bucket === '') return undefined;
  const fitting = operations.filter(
    (operation) =>
      operation.method === method &&
      operation.onObject === (key !== '') &&
      operation.query.every(([name, value]) => searchParams.get(name) === value),
  );
  // `PUT /bucket?cors` fits CreateBucket too, which asks for nothing: the most particular one is meant.
  const [meant] = fitting.sort((one, other) => other.query.length - one.query.length);
  // A sub-resource that no operation knows must not pass for the bare operation.
  const known = new Set(meant?.query.map(([name]) => name));
  const foreign = [...searchParams].some(([name, value]) => value === '' && !known.has(name));
  return foreign ? undefined : meant?.name;
}

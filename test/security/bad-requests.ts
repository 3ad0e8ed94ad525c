/** Requests that are bad, each for a known reason: what a careless or hostile caller may send. */
import fc from 'fast-check';

export interface BadRequest {
  readonly method: string;
  readonly path: string;
  readonly rawBody?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Why it is bad. */
  readonly because: string;
}

const codePoint = fc.oneof(
  fc.integer({ min: 0, max: 0x7f }),
  fc.integer({ min: 0x80, max: 0xd7ff }),
  fc.integer({ min: 0xe000, max: 0x10ffff }),
);

/** Text of any characters. fast-check's own unit for that takes seconds to build its tables, in each file of tests. */
export const anyText = (length: { minLength?: number; maxLength?: number } = {}): fc.Arbitrary<string> =>
  fc.array(codePoint, length).map((points) => String.fromCodePoint(...points));

/** Texts that break out of what was written carelessly: ARNs, policies, logs, links, paths, keys, markup. */
export const hostileText = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '*',
    '?',
    '\u0024{aws:username}',
    '../../etc/passwd',
    '..',
    'a/b',
    'a#b',
    'a\u0000b',
    'a\nb',
    'a\r\n{"level":"INFO","message":"forged"}',
    '","Effect":"Allow","Action":"*","Resource":"*',
    '<script>alert(1)</script>',
    'arn:aws:iam::666666666666:root',
    "' OR 1=1 --",
    '{{constructor.constructor("return process")()}}',
    'dаtaloop',
    '\u202eevil',
    '\ud800',
    '😀',
    'a'.repeat(5_000),
    '%00',
    '__proto__',
  ),
  anyText({ minLength: 1, maxLength: 30 }).map((text) => `${text}\u0007`),
);

const notText = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.array(fc.string(), { maxLength: 3 }),
  fc.object({ maxDepth: 2 }),
);
const notBoolean = fc.oneof(fc.constantFrom('true', 'false', 0, 1, null, ''), fc.array(fc.boolean()));
const notObject = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.string(),
  fc.array(fc.anything()),
);

const names = hostileText.filter((text) => !/^[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?$/.test(text));
const ids = hostileText.filter((text) => !/^[A-Za-z0-9_-]{1,100}$/.test(text));
const descriptions = hostileText.filter(
  (text) => text.length > 500 || !/^[\u0020-\u007e\u00a1-\u00ff]+$/.test(text),
);
const regions = hostileText.filter((text) => !/^[a-z]{2}(-[a-z]+){1,2}-\d$/.test(text));
const buckets = fc.oneof(
  hostileText.filter((text) => !/^[a-z0-9.-]+$/.test(text)),
  fc.constantFrom(
    'ab',
    'a'.repeat(64),
    'dataloop-UPPER',
    'dataloop..dots',
    'dataloop-',
    '192.168.0.1',
    'xn--dataloop-',
    'dataloop-s3alias',
    // Fine for S3, outside of what the deployment may touch.
    'production-data',
    'my-dataloop-bucket',
  ),
);
const prefixes = fc.oneof(
  hostileText.filter((text) => !/^[A-Za-z0-9!_.()\-/ =+,:@']+\/$/.test(text)),
  fc.constantFrom(
    '/',
    '/raw/',
    'raw',
    'a//b/',
    '../',
    './',
    'raw/*/',
    'raw/\u0024{aws:username}/',
    `${'p'.repeat(512)}/`,
  ),
);
const roles = fc.oneof(
  hostileText.filter((text) => !/^dataloop-[A-Za-z0-9+=,.@_-]*$/.test(text)),
  fc.constantFrom('Admin', 'OrganizationAccountAccessRole', 'dataloop-'.padEnd(65, 'x')),
);
const keys = fc.oneof(
  hostileText,
  fc.constantFrom(
    'alias/aws/s3',
    'arn:aws:kms:eu-west-1:111111111111:key/*',
    'arn:aws:kms:eu-west-1:666666666666:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  ),
);
const tags = fc.oneof(
  fc.constantFrom<Record<string, unknown>>(
    { 'aws:x': '1' },
    { 'dataloop-cross-account:integration-id': 'int_forged' },
    { 'Dataloop-Cross-Account:x': '1' },
    { '': '1' },
    { a: 1 },
    { a: null },
    { a: 'v'.repeat(257) },
    { ['k'.repeat(129)]: 'v' },
    { 'a\nb': 'v' },
    { a: '<b>' },
    Object.fromEntries(Array.from({ length: 41 }, (_, index) => [`k${index}`, ''])),
  ),
);

/** What may stand in one field and is bad there, whatever the rest of the request. */
const badFields: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  '/name': fc.oneof(names, notText),
  '/description': fc.oneof(descriptions, notText),
  '/bucket': notObject,
  '/bucket/name': fc.oneof(buckets, notText),
  '/bucket/mode': fc.oneof(hostileText, notText),
  '/bucket/region': fc.oneof(regions, notText),
  '/bucket/prefix': fc.oneof(prefixes, notText),
  '/bucket/kmsKeyArn': fc.oneof(keys, notText),
  '/bucket/cors': notBoolean,
  '/dataloop': notObject,
  '/dataloop/projectId': fc.oneof(ids, notText),
  '/dataloop/organizationId': fc.oneof(ids, notText),
  '/dataloop/driverName': fc.oneof(
    hostileText.filter((text) => text.length > 100 || text === '' || /[\p{C}\p{Zl}\p{Zp}]/u.test(text)),
    notText,
  ),
  '/dataloop/allowDelete': notBoolean,
  '/role': notObject,
  '/role/name': fc.oneof(roles, notText),
  '/role/mode': fc.oneof(hostileText, notText),
  '/tags': fc.oneof(tags, notObject),
};

/** Fields that nobody knows, wherever they stand. */
const unknownField = fc.tuple(
  fc.constantFrom('', '/bucket', '/dataloop', '/role'),
  fc.oneof(
    fc.constantFrom('admin', 'constructor', 'toString', 'roleArn', 'userArn', 'permissionsBoundary', 'Name'),
    fc.string({ minLength: 1, maxLength: 12 }).map((text) => `x${text}`),
  ),
);

type Json = Record<string, unknown>;
const valid = (): Json => ({
  name: 'hostile',
  bucket: { name: 'dataloop-hostile' },
  dataloop: { projectId: 'project-1' },
  role: { name: 'dataloop-hostile' },
});

function setAt(body: Json, pointer: string, value: unknown): Json {
  const [first = '', second] = pointer.slice(1).split('/');
  if (second === undefined) return { ...body, [first]: value };
  const inner = body[first];
  const object = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? inner : {};
  return { ...body, [first]: { ...object, [second]: value } };
}

function without(body: Json, pointer: string): Json {
  const copy = structuredClone(body);
  const [first = '', second] = pointer.slice(1).split('/');
  const inner = copy[first];
  if (second === undefined) delete copy[first];
  else if (typeof inner === 'object' && inner !== null) Reflect.deleteProperty(inner, second);
  return copy;
}

const post = (rawBody: string, because: string, headers?: Record<string, string>): BadRequest => ({
  method: 'POST',
  path: '/integrations',
  rawBody,
  because,
  ...(headers ? { headers } : {}),
});

/** Bodies that hold one bad field or more; the pointers of those that are bad by themselves. */
export const badBody: fc.Arbitrary<{ body: unknown; because: string }> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .uniqueArray(fc.constantFrom(...Object.keys(badFields)), { minLength: 1, maxLength: 3 })
      .chain((pointers) =>
        fc.tuple(...pointers.map((pointer) => badFields[pointer] ?? fc.constant(null))).map((values) => ({
          // Whole objects first: what is set inside of them comes after.
          body: pointers
            .map((pointer, index): [string, unknown] => [pointer, values[index]])
            .sort(([a], [b]) => b.split('/').length - a.split('/').length)
            .reduce((body, [pointer, value]) => setAt(body, pointer, value), valid()),
          because: `bad ${pointers.join(', ')}`,
        })),
      ),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('/name', '/bucket', '/bucket/name', '/dataloop', '/dataloop/projectId')
      .map((pointer) => ({ body: without(valid(), pointer), because: `no ${pointer}` })),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(unknownField, fc.jsonValue()).map(([[where, name], value]) => ({
      body: setAt(valid(), `${where}/${name.replaceAll('/', '')}`, value),
      because: `unknown ${where}/${name}`,
    })),
  },
  {
    weight: 1,
    arbitrary: fc
      .oneof(fc.array(fc.jsonValue()), fc.string(), fc.integer(), fc.constant(null))
      .map((body) => ({ body, because: 'no object' })),
  },
);

const text = JSON.stringify(valid());
const badText: fc.Arbitrary<BadRequest> = fc.oneof(
  fc.integer({ min: 0, max: text.length - 1 }).map((length) => post(text.slice(0, length), 'cut off')),
  fc.constantFrom(
    post('', 'empty'),
    post('{', 'no JSON'),
    post(`${text}${text}`, 'two of them'),
    post(text.replace('"name"', "'name'"), 'single quotes'),
    post(text.replace('"hostile"', 'NaN'), 'NaN'),
    post(text.replace('"hostile"', '1e999'), 'infinite'),
    post(`${'['.repeat(10_000)}${']'.repeat(10_000)}`, 'deep'),
    post(`${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`, 'deep objects'),
    post(text.replace('{', '{"__proto__":{"isAdmin":true},'), 'prototype'),
    post(text.replace('{', '{"constructor":{"prototype":{}},'), 'constructor'),
    post(JSON.stringify({ ...valid(), description: 'x'.repeat(33_000) }), 'too large'),
    post('\ufeff', 'a byte order mark'),
  ),
  fc
    .constantFrom(
      'text/plain',
      'application/xml',
      'multipart/form-data',
      'application/x-www-form-urlencoded',
      'json',
    )
    .map((type) => post(text, `of type ${type}`, { 'content-type': type })),
  fc
    .constantFrom('with space', 'x'.repeat(256), 'é', '"quoted key"', 'tab\tinside')
    .map((key) => post(text, `key ${key.slice(0, 20)}`, { 'idempotency-key': key })),
);

const pathText = fc
  .oneof(
    hostileText.filter((each) => each !== '' && each.length < 200 && each.isWellFormed()),
    fc.string({ minLength: 1, maxLength: 30 }),
    fc.string({ minLength: 1, maxLength: 20 }).map((each) => `int_${each}`),
  )
  .filter((each) => !/^\.{1,2}$/.test(each))
  .map((each) => encodeURIComponent(each));
const badPath: fc.Arbitrary<BadRequest> = fc.oneof(
  fc
    .tuple(fc.constantFrom('GET', 'DELETE'), pathText)
    .map(([method, id]) => ({ method, path: `/integrations/${id}`, because: 'no such integration' })),
  fc
    .tuple(fc.constantFrom('PUT', 'PATCH', 'POST', 'DELETE', 'GET'), pathText)
    .map(([method, id]) => ({ method, path: `/${id}x/y`, because: 'no such route' })),
);

/** @returns requests of all kinds; `because` says what is bad about each */
export const badRequest: fc.Arbitrary<BadRequest> = fc.oneof(
  { weight: 7, arbitrary: badBody.map(({ body, because }) => post(JSON.stringify(body), because)) },
  { weight: 2, arbitrary: badText },
  { weight: 2, arbitrary: badPath },
);

/** Requests that are taken, up to every limit; JSON of any kind; and what becomes of something valid in wrong hands. */
import fc from 'fast-check';
import { type Allowed, parseRequest } from '../../src/domain/model/allowed.ts';
import { hostileText } from '../security/bad-requests.ts';
import { account } from './domain/fakes.ts';

const letters = 'abcdefghijklmnopqrstuvwxyz';
const alphanumeric = `${letters}${letters.toUpperCase()}0123456789`;
const textOf = (characters: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...characters), minLength, maxLength });

export const kmsKeyArn = 'arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab';
export const allowed: Allowed = { ...account, kmsKeyArns: [kmsKeyArn] };

const isTaken = (body: unknown): boolean => {
  try {
    parseRequest(body, allowed);
    return true;
  } catch {
    return false;
  }
};

const folder = textOf(`${alphanumeric}!_.()- `, 1, 40);
const tagText = fc.string({
  unit: fc.oneof(fc.constantFrom(...'aZ9 _.:/=+-@éßЖ漢٣\u2028𝒜'), fc.constantFrom(...alphanumeric)),
  maxLength: 20,
});
const name = textOf(`${letters}0123456789-`, 1, 48);
const driverName = fc.oneof(
  fc.constantFrom(
    '#',
    'name#acme',
    'bucket#dataloop-acme#acme',
    '*',
    '?',
    '\u0024{aws:username}',
    '../..',
    '" }',
  ),
  fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 100 }),
  textOf('éÿ©ß#/', 1, 100),
);
const driverNameOfAnyScript = fc.oneof(driverName, textOf('写真データصورЖ👍', 1, 50));

/** Bodies of requests that are taken, whatever stands in them. */
export const takenBody: fc.Arbitrary<unknown> = fc
  .record(
    {
      name,
      description: fc.oneof(driverName, textOf('aé"\\', 500, 500)),
      bucket: fc.record(
        {
          name: textOf(`${letters}0123456789-.`, 1, 54).map((end) => `dataloop-${end}`),
          region: fc.constant('eu-west-1'),
          prefix: fc.array(folder, { minLength: 1, maxLength: 12 }).map((parts) => `${parts.join('/')}/`),
          kmsKeyArn: fc.constant(kmsKeyArn),
          cors: fc.boolean(),
        },
        { requiredKeys: ['name'] },
      ),
      dataloop: fc.record(
        {
          projectId: textOf(`${alphanumeric}_-`, 1, 100),
          organizationId: textOf(`${alphanumeric}_-`, 1, 100),
          driverName: driverNameOfAnyScript,
          allowDelete: fc.boolean(),
        },
        { requiredKeys: ['projectId'] },
      ),
      role: fc.record({ name: textOf(`${alphanumeric}+=,.@_-`, 0, 55).map((end) => `dataloop-${end}`) }),
      tags: fc.dictionary(tagText, tagText, { maxKeys: 40 }),
    },
    { requiredKeys: ['name', 'bucket', 'dataloop'] },
  )
  .filter(isTaken);

/** The same as requests with their defaults. */
export const takenRequest = takenBody.map((body) => parseRequest(body, allowed));

/** The request in which everything is as long as it may be. */
export const longestBody = {
  name: 'n'.repeat(48),
  description: 'é'.repeat(500),
  bucket: {
    name: `dataloop-${'b'.repeat(54)}`,
    region: 'eu-west-1',
    prefix: `${'a!_.()- '.repeat(63)}abcdefg/`,
    kmsKeyArn,
  },
  dataloop: {
    projectId: 'p'.repeat(100),
    organizationId: 'o'.repeat(100),
    driverName: '#'.repeat(100),
  },
  role: { name: `dataloop-${'+=,.@_-'.repeat(7)}role66` },
  tags: Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [`漢${index}`.padEnd(128, 'k'), `値${'v'.repeat(255)}`]),
  ),
};

const deep = (levels: number): unknown => {
  let value: unknown = 'deep';
  for (let level = 0; level < levels; level += 1) value = level % 2 ? [value] : { a: value };
  return value;
};

/** Any JSON, hostile texts and depths included. */
export const anyJson: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: hostileText },
  { weight: 3, arbitrary: fc.jsonValue() },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>(
      null,
      true,
      -1,
      0.5,
      1e308,
      Number.MAX_SAFE_INTEGER + 1,
      [],
      {},
      [[]],
      deep(2_000),
      Array.from({ length: 500 }, () => ({})),
      JSON.parse('{"__proto__":{"a":1},"constructor":{"prototype":{}},"toString":1}'),
    ),
  },
  { weight: 1, arbitrary: fc.dictionary(hostileText, hostileText, { maxKeys: 3 }) },
);

type Path = readonly (string | number)[];

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (!isObject(value)) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))];
}

type Change = 'replace' | 'remove' | 'add' | 'wrap';

const define = (object: object, key: string | number, value: unknown) =>
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });

function changed(value: unknown, path: Path, change: Change, by: unknown, key: string): unknown {
  const [first, ...rest] = path;
  if (first === undefined && change === 'wrap') return [value];
  if (!isObject(value)) return by;
  const copy: object = Array.isArray(value) ? [...value] : { ...value };
  if (first === undefined) return change === 'add' ? define(copy, key, by) : by;
  if (rest.length === 0 && change === 'remove') Reflect.deleteProperty(copy, first);
  else define(copy, first, changed(Reflect.get(copy, first), rest, change, by, key));
  return copy;
}

/** Something valid after one to three changes anywhere in it: replaced, taken away, put into a list, added to. */
export const mutationsOf = (valid: unknown): fc.Arbitrary<unknown> =>
  fc
    .array(
      fc.tuple(
        fc.constantFrom(...pathsOf(valid)),
        fc.constantFrom<Change>('replace', 'remove', 'add', 'wrap'),
        anyJson,
        fc.oneof(hostileText, fc.constantFrom('extra', 'constructor')),
      ),
      { minLength: 1, maxLength: 3 },
    )
    .map((changes) =>
      changes.reduce<unknown>(
        (value, [path, change, by, key]) => changed(value, path, change, by, key),
        valid,
      ),
    );

/** Any JSON, or something that is valid, mostly no longer. */
export const hostile = (valid: unknown): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 2, arbitrary: anyJson },
    { weight: 6, arbitrary: mutationsOf(valid) },
    { weight: 1, arbitrary: fc.constant(valid) },
  );

/** Neither longer than people read, nor able to forge a line or to steer a terminal. */
export const isFitToTell = (message: string, length: number): boolean =>
  message.length <= length &&
  message.isWellFormed() &&
  !/[\p{C}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/u.test(message);

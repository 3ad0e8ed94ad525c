/** The body of `POST /integrations`: its schema, its defaults, and messages about invalid fields. */
import * as z from 'zod';
import { type FieldError, isFit, ServiceError } from '../../errors.ts';

/** Tags with this prefix are the service's own. */
export const tagPrefix = 'dataloop-cross-account:';

export const bucketNameRule =
  'A bucket name must have 3 to 63 lower-case letters, digits, dots and hyphens, start and end with a letter or digit, ' +
  'have no two dots in a row, not be an IP address, and not use a prefix or suffix that S3 reserves.';

/** S3's rules for general purpose buckets (Amazon S3 User Guide, "General purpose bucket naming rules"). */
export function isBucketName(name: string): boolean {
  return (
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
    !name.includes('..') &&
    !/^\d+\.\d+\.\d+\.\d+$/.test(name) &&
    !/^(xn--|sthree-|amzn-s3-demo-)/.test(name) &&
    !/(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3|-an)$/.test(name)
  );
}

const anyBucketNameRule =
  'A bucket name must have 3 to 63 lower-case letters, digits, dots and hyphens; that of an old bucket to adopt may have 255, ' +
  'also capitals and underscores, in any order.';

/** What S3 has ever taken: buckets of before 2018 in us-east-1 have such names, and what S3 reserves today stands already. */
const isAnyBucketName = (name: string): boolean => /^[A-Za-z0-9._-]{3,255}$/.test(name);

const latin = (maximum: number, what: string) =>
  z
    .string(`${what} must be a string.`)
    .min(1, `${what} must not be empty.`)
    .max(maximum, `${what} must have at most ${maximum} characters.`)
    // IAM descriptions allow Latin-1 only, and a control character could forge a line of a log.
    .regex(/^[\u0020-\u007e\u00a1-\u00ff]*$/, {
      error: ({ input }) =>
        `${what} must have printable Latin characters only${oddCharacterIn(input, isLatin)}.`,
    });

const isLatin = (character: string) => /^[\u0020-\u007e\u00a1-\u00ff]$/u.test(character);

/** With "…", a name of Dataloop's ends that was cut: none of ours may look like one. */
const isOfName = (character: string) => isFit(character) && character !== '…';

/** A name at Dataloop, in any script: as Unicode composes it, so that names that look alike are alike. */
const nameAtDataloop = (maximum: number, what: string) =>
  z
    .string(`${what} must be a string.`)
    // Before it is measured: composed, a few scripts are longer.
    .normalize('NFC')
    .min(1, `${what} must not be empty.`)
    .max(maximum, `${what} must have at most ${maximum} characters.`)
    .superRefine((name, context) => {
      const odd = oddCharacterIn(name, isOfName);
      const message = odd
        ? `${what} may have letters, digits, punctuation and symbols of every script, and spaces, but no ellipsis (U+2026) and nothing ` +
          `that does not show${odd}.`
        : /^\p{M}/u.test(name) && `${what} must not begin with a mark that belongs to a letter.`;
      if (message) context.addIssue({ code: 'custom', message });
    });

/** The first character that may not be there, by its number and its place: as it is, it may not show, or look like another. */
function oddCharacterIn(text: unknown, isAllowed: (character: string) => boolean): string {
  const characters = [...String(text)];
  const place = characters.findIndex((each) => !isAllowed(each));
  const number = characters[place]?.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
  return number === undefined ? '' : `: character ${place + 1} is U+${number}`;
}

const identifier = (what: string) =>
  z
    .string(`${what} must be a string.`)
    .regex(/^[A-Za-z0-9_-]{1,100}$/, `${what} must have 1 to 100 letters, digits, hyphens and underscores.`);

const prefixRule =
  'prefix must name one folder and end with a slash, such as "raw/" or "dt=2026-01-01/". It may have 512 letters, digits, ' +
  "spaces and !_.()-/=+,:@', no leading slash, and no part that is empty or has only dots.";

/** In a policy, wildcards and policy variables (`${…}`) would mean more than one folder. */
const wildcards: readonly string[] = ['*', '?', '$'];

/** What is wrong with a folder's name; undefined where nothing is. */
function prefixError(prefix: string): string | undefined {
  const refused = /[^A-Za-z0-9!_.()\-/ =+,:@']/u.exec(prefix)?.[0];
  if (refused !== undefined) {
    const code = `U+${(refused.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
    const shown = /^[\x21-\x7e]$/.test(refused) ? `"${refused}"` : `the character ${code}`;
    const why = wildcards.includes(refused) ? ', which would mean more than one folder in a policy' : '';
    return `prefix must not contain ${shown}${why}. ${prefixRule}`;
  }
  const parts = prefix.slice(0, -1).split('/');
  const isFolder =
    prefix.length <= 512 && prefix.endsWith('/') && parts.every((part) => part !== '' && !/^\.+$/.test(part));
  return isFolder ? undefined : prefixRule;
}

const checkPrefix = (prefix: string, context: z.RefinementCtx): void => {
  const message = prefixError(prefix);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
};

const tagText = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** A record of strings leaves out this key without a word. */
const withoutPrototype = z.unknown().superRefine((tags, context) => {
  if (typeof tags === 'object' && tags !== null && Object.hasOwn(tags, '__proto__')) {
    context.addIssue({ code: 'custom', path: ['__proto__'], message: 'A tag key must not be "__proto__".' });
  }
});

const tagsSchema = withoutPrototype
  .pipe(z.record(z.string(), z.string('A tag value must be a string.'), 'tags must be an object of strings.'))
  .superRefine((tags, context) => {
    const entries = Object.entries(tags);
    const seen = new Set<string>();
    if (entries.length > 40) {
      context.addIssue({ code: 'custom', message: 'Send at most 40 tags.' });
    }
    for (const [key, value] of entries) {
      const lower = key.toLowerCase();
      if (seen.has(lower)) {
        context.addIssue({
          code: 'custom',
          path: [key],
          message: 'Another tag key differs only in case, and IAM treats both as the same.',
        });
      }
      seen.add(lower);
      if (key.length < 1 || key.length > 128 || !tagText.test(key)) {
        context.addIssue({
          code: 'custom',
          path: [key],
          message: 'A tag key must have 1 to 128 letters, digits, spaces and _.:/=+-@.',
        });
      } else if (key.trim() !== key) {
        context.addIssue({
          code: 'custom',
          path: [key],
          message: 'A tag key must not be blank, nor begin or end with a space.',
        });
      } else if (lower.startsWith('aws:') || lower.startsWith(tagPrefix)) {
        context.addIssue({
          code: 'custom',
          path: [key],
          message: `Tag keys that start with "aws:" or "${tagPrefix}" are reserved.`,
        });
      }
      if (value.length > 256 || !tagText.test(value)) {
        context.addIssue({
          code: 'custom',
          path: [key],
          message: 'A tag value must have at most 256 letters, digits, spaces and _.:/=+-@.',
        });
      }
    }
  })
  .meta({
    type: 'object',
    maxProperties: 40,
    propertyNames: { minLength: 1, maxLength: 128 },
    additionalProperties: { type: 'string', maxLength: 256 },
    description: `Tags of created buckets and policies. Roles get none of them. Keys that start with "aws:" or "${tagPrefix}" are reserved.`,
  });

const modeOf = (what: string) =>
  z
    .enum(['create', 'adopt'], `The mode of the ${what} must be "create", or "adopt" for one that exists.`)
    .default('create');

/** Descriptions say what refinements check: JSON Schema cannot express it. */
export const requestSchema = z.strictObject({
  name: z
    .string('name must be a string.')
    .regex(
      /^[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?$/,
      'name must have 1 to 48 lower-case letters, digits and hyphens, and start and end with a letter or digit.',
    ),
  description: latin(500, 'description').optional(),
  bucket: z.strictObject({
    name: z
      .string('bucket.name must be a string.')
      // Of a new one, the deployment's own rules are checked with S3's.
      .refine(isAnyBucketName, anyBucketNameRule)
      .meta({ minLength: 3, maxLength: 255, description: `${anyBucketNameRule} ${bucketNameRule}` }),
    mode: modeOf('bucket'),
    region: z
      .string('region must be a string.')
      .regex(
        /^[a-z]{2,4}(-[a-z]{1,12}){1,2}-\d$/,
        'region must be the code of an AWS region, such as "eu-west-1".',
      )
      .optional(),
    prefix: z
      .string('prefix must be a string.')
      .superRefine(checkPrefix)
      .meta({ minLength: 2, maxLength: 512, description: prefixRule })
      .optional(),
    kmsKeyArn: z
      .string('kmsKeyArn must be a string.')
      .regex(
        /^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key\/[A-Za-z0-9-]{1,64}$/,
        'kmsKeyArn must be the ARN of a KMS key, not of an alias: arn:aws:kms:REGION:ACCOUNT:key/ID.',
      )
      .optional(),
    cors: z.boolean('cors must be true or false.').default(true),
    blockPublicAccess: z.boolean('blockPublicAccess must be true or false.').optional(),
  }),
  dataloop: z.strictObject({
    projectId: identifier('projectId'),
    organizationId: identifier('organizationId').optional(),
    integrationId: identifier('integrationId').optional(),
    createdBy: z
      .literal(
        'operator',
        'createdBy must be "operator" if a person creates the integration at Dataloop. Otherwise omit it.',
      )
      .optional(),
    driverName: nameAtDataloop(100, 'driverName').optional(),
    allowDelete: z.boolean('allowDelete must be true or false.').default(true),
  }),
  dataset: z
    .strictObject({
      name: nameAtDataloop(100, 'dataset.name').refine(
        (name) => name.trim() === name,
        'dataset.name must not begin or end with a space.',
      ),
    })
    .optional(),
  role: z
    .strictObject({
      name: z
        .string('role.name must be a string.')
        .regex(/^[A-Za-z0-9+=,.@_-]{1,64}$/, 'A role name must have 1 to 64 letters, digits and +=,.@_-')
        .optional(),
      mode: modeOf('role'),
    })
    .optional(),
  tags: tagsSchema.optional(),
});

/** A request with its defaults filled in. */
export type IntegrationRequest = z.output<typeof requestSchema>;

/** The body of `POST /integrations/{integrationId}/drivers`. */
export const driverRequestSchema = z.strictObject({
  description: requestSchema.shape.description,
  bucket: requestSchema.shape.bucket,
  dataloop: requestSchema.shape.dataloop
    .pick({ projectId: true, driverName: true, allowDelete: true })
    .strict(),
  tags: requestSchema.shape.tags,
});
export type DriverRequest = z.output<typeof driverRequestSchema>;

/** A JSON pointer (RFC 6901) for a path of keys and indices. */
export function jsonPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** What a body holds at a path. */
function valueAt(body: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? Reflect.get(value, key)
        : undefined,
    body,
  );
}

export function fieldErrors(error: z.ZodError, body: unknown): FieldError[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        pointer: jsonPointer([...issue.path, key]),
        detail: 'Unknown field. Remove it.',
      }));
    }
    const pointer = jsonPointer(issue.path);
    if (issue.code !== 'invalid_type') return [{ pointer, detail: issue.message }];
    if (valueAt(body, issue.path) === undefined) return [{ pointer, detail: 'This field is required.' }];
    const generic = issue.message.startsWith('Invalid input');
    return [{ pointer, detail: generic ? `This must be an ${issue.expected}.` : issue.message }];
  });
}

/** Name of the role, and of the policy, where the request gives none. */
export const defaultRoleName = (name: string) => `dataloop-${name}`;

/**
 * Checks a request body by its schema alone, and fills in its defaults.
 * @throws ServiceError `InvalidRequestError` with every bad field at once
 */
export function parseBody(body: unknown): IntegrationRequest {
  const parsed = requestSchema.safeParse(body);
  if (!parsed.success) throw invalidFields(fieldErrors(parsed.error, body));
  return parsed.data;
}

export function invalidFields(errors: readonly FieldError[]): ServiceError {
  const count = errors.length === 1 ? 'One field is' : `${errors.length} fields are`;
  return new ServiceError(
    'InvalidRequestError',
    `${count} invalid. Correct the fields that "errors" lists, then send the request again. Nothing was created.`,
    { fields: errors },
  );
}

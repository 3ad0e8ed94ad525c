/** The body of `POST /integrations`: its schema, its defaults and what is said of a bad field. */
import * as z from 'zod';
import type { AccountSettings } from '../../config.ts';
import { type FieldError, ServiceError } from '../../errors.ts';

/** Largest request body in bytes; a full request with forty tags needs about half of it. */
export const maximumBodyBytes = 32 * 1024;

/** Tags with this prefix are the service's own. */
export const tagPrefix = 'dataloop-cross-account:';

const bucketNameRule =
  'A bucket name has 3 to 63 lower-case letters, digits, dots and hyphens, starts and ends with a letter or digit, ' +
  'has no two dots in a row, is not an IP address, and uses none of the prefixes and suffixes that S3 reserves.';

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

const text = (maximum: number, what: string) =>
  z
    .string(`${what} is a string.`)
    .min(1, `${what} must not be empty.`)
    .max(maximum, `${what} has at most ${maximum} characters.`)
    // IAM descriptions take Latin-1 only, and a control character could forge a line of a log.
    .regex(/^[\u0020-\u007e\u00a1-\u00ff]*$/, `${what} has printable Latin characters only.`);

const identifier = (what: string) =>
  z
    .string(`${what} is a string.`)
    .regex(/^[A-Za-z0-9_-]{1,100}$/, `${what} has 1 to 100 letters, digits, hyphens and underscores.`);

const prefixRule =
  'prefix names one folder and ends with a slash ("raw/"): letters, digits and !_.()-/ and spaces, no leading slash, ' +
  'no empty or dot-only part, at most 512 characters.';

/** Wildcards and policy variables (`*`, `?`, `$`) are refused: in a policy they would mean more than one folder. */
function isPrefix(prefix: string): boolean {
  if (!/^[A-Za-z0-9!_.()\-/ ]{2,512}$/.test(prefix) || !prefix.endsWith('/')) return false;
  return prefix
    .slice(0, -1)
    .split('/')
    .every((part) => part !== '' && !/^\.+$/.test(part));
}

const tagText = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** A record of strings leaves out this key without a word. */
const withoutPrototype = z.unknown().superRefine((tags, context) => {
  if (typeof tags === 'object' && tags !== null && Object.hasOwn(tags, '__proto__')) {
    context.addIssue({ code: 'custom', path: ['__proto__'], message: 'A tag key is not "__proto__".' });
  }
});

const tagsSchema = withoutPrototype
  .pipe(z.record(z.string(), z.string('A tag value is a string.'), 'tags is an object of strings.'))
  .superRefine((tags, context) => {
    const entries = Object.entries(tags);
    const seen = new Set<string>();
    if (entries.length > 40) {
      context.addIssue({ code: 'custom', message: 'There are at most 40 tags.' });
    }
    for (const [key, value] of entries) {
      const lower = key.toLowerCase();
      if (seen.has(lower)) {
        context.addIssue({
          code: 'custom',
          path: [key],
          message: 'Another tag key differs from this one in case only, which IAM takes for the same.',
        });
      }
      seen.add(lower);
      if (key.length < 1 || key.length > 128 || !tagText.test(key)) {
        context.addIssue({
          code: 'custom',
          path: [key],
          message: 'A tag key has 1 to 128 letters, digits, spaces and _.:/=+-@.',
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
          message: 'A tag value has at most 256 letters, digits, spaces and _.:/=+-@.',
        });
      }
    }
  })
  .meta({
    type: 'object',
    maxProperties: 40,
    propertyNames: { minLength: 1, maxLength: 128 },
    additionalProperties: { type: 'string', maxLength: 256 },
    description: `Tags of what is created. Keys that start with "aws:" or "${tagPrefix}" are reserved.`,
  });

const modeOf = (what: string) =>
  z
    .enum(['create', 'adopt'], `The mode of the ${what} is "create", or "adopt" for one that exists.`)
    .default('create');

/** What refinements check is told in words: JSON Schema has no place for it. */
export const requestSchema = z.strictObject({
  name: z
    .string('name is a string.')
    .regex(
      /^[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?$/,
      'name has 1 to 48 lower-case letters, digits and hyphens and starts and ends with a letter or digit.',
    ),
  description: text(500, 'description').optional(),
  bucket: z.strictObject({
    name: z
      .string('bucket.name is a string.')
      .refine(isBucketName, bucketNameRule)
      .meta({ minLength: 3, maxLength: 63, description: bucketNameRule }),
    mode: modeOf('bucket'),
    region: z
      .string('region is a string.')
      .regex(/^[a-z]{2}(-[a-z]{1,12}){1,2}-\d$/, 'region is the code of an AWS region, such as "eu-west-1".')
      .optional(),
    prefix: z
      .string('prefix is a string.')
      .refine(isPrefix, prefixRule)
      .meta({ minLength: 2, maxLength: 512, description: prefixRule })
      .optional(),
    kmsKeyArn: z
      .string('kmsKeyArn is a string.')
      .regex(
        /^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key\/[A-Za-z0-9-]{1,64}$/,
        'kmsKeyArn is the ARN of a KMS key, not of an alias: arn:aws:kms:REGION:ACCOUNT:key/ID.',
      )
      .optional(),
    cors: z.boolean('cors is true or false.').default(true),
    blockPublicAccess: z.boolean('blockPublicAccess is true or false.').optional(),
  }),
  dataloop: z.strictObject({
    projectId: identifier('projectId'),
    organizationId: identifier('organizationId').optional(),
    integrationId: identifier('integrationId').optional(),
    createdBy: z
      .literal(
        'operator',
        'createdBy is "operator", where a person makes the integration at Dataloop; else leave it out.',
      )
      .optional(),
    driverName: text(100, 'driverName').optional(),
    allowDelete: z.boolean('allowDelete is true or false.').default(true),
  }),
  role: z
    .strictObject({
      name: z
        .string('role.name is a string.')
        .regex(/^[A-Za-z0-9+=,.@_-]{1,64}$/, 'A role name has 1 to 64 letters, digits and +=,.@_-')
        .optional(),
      mode: modeOf('role'),
    })
    .optional(),
  tags: tagsSchema.optional(),
});

/** A request with its defaults filled in. */
export type IntegrationRequest = z.output<typeof requestSchema>;

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
        detail: 'This field is not known: remove it.',
      }));
    }
    const pointer = jsonPointer(issue.path);
    if (issue.code !== 'invalid_type') return [{ pointer, detail: issue.message }];
    if (valueAt(body, issue.path) === undefined) return [{ pointer, detail: 'This field is required.' }];
    const generic = issue.message.startsWith('Invalid input');
    return [{ pointer, detail: generic ? `This must be an ${issue.expected}.` : issue.message }];
  });
}

/** True where a name matches a pattern in which `*` stands for any run of characters. */
export function matchesPattern(name: string, pattern: string): boolean {
  const source = pattern
    .split('*')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  return new RegExp(`^${source}$`).test(name);
}

/** Name of the role, and of the policy, where the request gives none. */
export const defaultRoleName = (name: string) => `dataloop-${name}`;

/** What a deployment allows requests to name. */
export interface Allowed
  extends Pick<
    AccountSettings,
    | 'partition'
    | 'region'
    | 'bucketNamePattern'
    | 'roleNamePattern'
    | 'policyNamePattern'
    | 'kmsKeyArns'
    | 'adoptableBucketArns'
    | 'adoptableRoleArns'
    | 'dataloopAccountId'
  > {
  readonly organizationId?: string | undefined;
}

/**
 * Checks a request body and fills in its defaults.
 * @throws ServiceError `InvalidRequestError` with every bad field at once, what is outside of the deployment's
 *   parameters included.
 */
export function parseRequest(body: unknown, allowed: Allowed): IntegrationRequest {
  const request = parseBody(body);
  const errors = outsideDeployment(request, allowed);
  if (errors.length > 0) throw notAsNeeded(errors);
  return request;
}

/**
 * Checks a request body by its schema alone, and fills in its defaults.
 * @throws ServiceError `InvalidRequestError` with every bad field at once
 */
export function parseBody(body: unknown): IntegrationRequest {
  const parsed = requestSchema.safeParse(body);
  if (!parsed.success) throw notAsNeeded(fieldErrors(parsed.error, body));
  return parsed.data;
}

export function notAsNeeded(errors: readonly FieldError[]): ServiceError {
  const count = errors.length === 1 ? 'One field is' : `${errors.length} fields are`;
  return new ServiceError(
    'InvalidRequestError',
    `${count} not as needed. Correct what "errors" lists and send the request again; nothing was created.`,
    { fields: errors },
  );
}

type Refuse = (pointer: string, detail: string) => void;

/** ARNs of roles of this name. IAM knows names once in an account, whatever their paths; a list may still hold two. */
export const rolesNamed = (name: string, arns: readonly string[]): string[] =>
  arns.filter((arn) => arn.split('/').at(-1) === name);

const listed = (arns: readonly string[]) => (arns.length > 0 ? arns.join(', ') : 'none');

function refuseBucket(bucket: IntegrationRequest['bucket'], allowed: Allowed, refuse: Refuse): void {
  if (bucket.mode === 'adopt') {
    if (!allowed.adoptableBucketArns.includes(`arn:${allowed.partition}:s3:::${bucket.name}`)) {
      refuse(
        '/bucket/name',
        `This deployment may only adopt these buckets: ${listed(allowed.adoptableBucketArns)}. ` +
          'Name one of them, or deploy with another adoptableBucketArns.',
      );
    }
    return;
  }
  if (!matchesPattern(bucket.name, allowed.bucketNamePattern)) {
    refuse(
      '/bucket/name',
      `This deployment may only touch buckets named like "${allowed.bucketNamePattern}". ` +
        'Choose such a name, or deploy with another bucketNamePattern.',
    );
  }
  if (bucket.blockPublicAccess !== undefined) {
    refuse(
      '/bucket/blockPublicAccess',
      'Only of a bucket that is adopted this is asked: one that is created is always closed. Leave the field out.',
    );
  }
}

function refuseRole(request: IntegrationRequest, allowed: Allowed, refuse: Refuse): void {
  const { role } = request;
  const isAdopted = role?.mode === 'adopt';
  const policyName = isAdopted
    ? defaultRoleName(request.name)
    : (role?.name ?? defaultRoleName(request.name));
  if (isAdopted && role.name === undefined) {
    refuse('/role/name', 'This field is required where the mode is "adopt".');
  } else if (isAdopted && role.name !== undefined) {
    const found = rolesNamed(role.name, allowed.adoptableRoleArns);
    if (found.length === 0) {
      refuse(
        '/role/name',
        `This deployment may only adopt these roles: ${listed(allowed.adoptableRoleArns)}. ` +
          'Give the name of one of them, or deploy with another adoptableRoleArns.',
      );
    } else if (found.length > 1) {
      refuse(
        '/role/name',
        `More than one role of this name may be adopted: ${found.join(', ')}. Deploy with an adoptableRoleArns that names one.`,
      );
    }
  }
  const patterns = [
    ...(isAdopted ? [] : [['roles', 'roleNamePattern'] as const]),
    ['policies', 'policyNamePattern'] as const,
  ];
  const unmet = patterns.filter(([, parameter]) => !matchesPattern(policyName, allowed[parameter]));
  if (unmet.length > 0) {
    const rules = unmet
      .map(([what, parameter]) => `${what} named like "${allowed[parameter]}"`)
      .join(' and ');
    refuse(
      isAdopted ? '/name' : '/role/name',
      `This deployment may only create ${rules}, not "${policyName}" ` +
        `(${isAdopted ? 'the policy of an adopted role is named after the integration' : 'role and policy have one name'}). ` +
        `Choose such a name, or deploy with another ${unmet.map(([, parameter]) => parameter).join(' and ')}.`,
    );
  }
}

function refuseKey(bucket: IntegrationRequest['bucket'], allowed: Allowed, refuse: Refuse): void {
  if (!bucket.kmsKeyArn) return;
  if (!allowed.kmsKeyArns.includes(bucket.kmsKeyArn)) {
    refuse(
      '/bucket/kmsKeyArn',
      `This deployment may only use ${allowed.kmsKeyArns.length > 0 ? `the KMS keys ${allowed.kmsKeyArns.join(', ')}` : 'keys of AWS'}. ` +
        'Name one of them, leave the field out, or deploy with another kmsKeyArns.',
    );
  } else if (bucket.kmsKeyArn.split(':')[3] !== (bucket.region ?? allowed.region)) {
    refuse(
      '/bucket/kmsKeyArn',
      `S3 takes keys of the bucket's own region only, which is ${bucket.region ?? allowed.region}. Name a key of that region.`,
    );
  }
}

/** What of a bucket is outside of the deployment's parameters, by field. */
export function outsideForBucket(bucket: IntegrationRequest['bucket'], allowed: Allowed): FieldError[] {
  const errors: FieldError[] = [];
  const refuse: Refuse = (pointer, detail) => errors.push({ pointer, detail });
  refuseBucket(bucket, allowed, refuse);
  refuseKey(bucket, allowed, refuse);
  return errors;
}

/** What of a request is outside of the deployment's parameters, by field. */
export function outsideDeployment(request: IntegrationRequest, allowed: Allowed): FieldError[] {
  const { bucket, dataloop } = request;
  const errors: FieldError[] = [];
  const refuse: Refuse = (pointer, detail) => errors.push({ pointer, detail });
  refuseBucket(bucket, allowed, refuse);
  refuseRole(request, allowed, refuse);
  refuseKey(bucket, allowed, refuse);
  if (dataloop.createdBy && !allowed.dataloopAccountId) {
    refuse(
      '/dataloop/createdBy',
      "An operator may name the IAM user only where the deployment names the AWS account that is Dataloop's: deploy with " +
        'dataloopAccountId.',
    );
  }
  if (dataloop.createdBy && dataloop.integrationId) {
    refuse(
      '/dataloop/integrationId',
      'An integration that an operator makes is named later: leave this field or createdBy out.',
    );
  }
  if (
    dataloop.organizationId &&
    allowed.organizationId &&
    dataloop.organizationId !== allowed.organizationId
  ) {
    refuse(
      '/dataloop/organizationId',
      `This deployment serves the organisation ${allowed.organizationId} only (parameter dataloopOrganizationId).`,
    );
  }
  return errors;
}

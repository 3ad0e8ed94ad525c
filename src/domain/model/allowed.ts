/** What a deployment allows requests to name: its parameters, and what is said of a field that is outside of them. */
import type { AccountSettings } from '../../config.ts';
import { type FieldError, ServiceError } from '../../errors.ts';
import type { JournalRecord } from './record.ts';
import {
  bucketNameRule,
  defaultRoleName,
  type IntegrationRequest,
  invalidFields,
  isBucketName,
  jsonPointer,
  parseBody,
} from './request.ts';

/** True where a name matches a pattern in which `*` stands for any run of characters. */
export function matchesPattern(name: string, pattern: string): boolean {
  const [first = '', ...parts] = pattern.split('*');
  const last = parts.pop();
  if (last === undefined) return name === pattern;
  const end = name.length - last.length;
  if (end < first.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  // Each part where it comes first leaves most for those after it.
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** What a deployment allows requests to name. */
export interface Allowed
  extends Pick<
    AccountSettings,
    | 'partition'
    | 'region'
    | 'bucketNamePattern'
    | 'roleNamePattern'
    | 'policyNamePattern'
    | 'regions'
    | 'tagKeys'
    | 'kmsKeyArns'
    | 'adoptableBucketArns'
    | 'adoptableRoleArns'
    | 'deploymentBucket'
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
  if (errors.length > 0) throw invalidFields(errors);
  return request;
}

type Refuse = (pointer: string, detail: string) => void;

/** ARNs of roles of this name. IAM knows names once in an account, whatever their paths; a list may still hold two. */
export const rolesNamed = (name: string, arns: readonly string[]): string[] =>
  arns.filter((arn) => arn.split('/').at(-1) === name);

const adoptOnly = (what: string, parameter: string, arns: readonly string[]): string =>
  arns.length > 0
    ? `This deployment may adopt only these ${what}s: ${arns.join(', ')}. Choose one of them, or add yours to ${parameter}.`
    : `This deployment may adopt no ${what}s. Add yours to the parameter ${parameter}.`;

function refuseBucket(bucket: IntegrationRequest['bucket'], allowed: Allowed, refuse: Refuse): void {
  if (bucket.name === allowed.deploymentBucket) {
    refuse('/bucket/name', "This bucket holds the service's own code. Choose another one.");
    return;
  }
  if (bucket.mode === 'adopt') {
    if (!allowed.adoptableBucketArns.includes(`arn:${allowed.partition}:s3:::${bucket.name}`)) {
      refuse('/bucket/name', adoptOnly('bucket', 'adoptableBucketArns', allowed.adoptableBucketArns));
    }
    return;
  }
  if (!isBucketName(bucket.name)) {
    refuse('/bucket/name', bucketNameRule);
  } else if (!matchesPattern(bucket.name, allowed.bucketNamePattern)) {
    refuse(
      '/bucket/name',
      `Bucket names in this deployment must match "${allowed.bucketNamePattern}". ` +
        'Choose such a name, or deploy with another bucketNamePattern.',
    );
  }
  if (bucket.blockPublicAccess !== undefined) {
    refuse(
      '/bucket/blockPublicAccess',
      'blockPublicAccess applies only to "mode": "adopt"; new buckets are always closed. Omit it.',
    );
  }
}

function refuseRegion(bucket: IntegrationRequest['bucket'], allowed: Allowed, refuse: Refuse): void {
  const region = bucket.region ?? allowed.region;
  if (allowed.regions.includes(region)) return;
  refuse(
    '/bucket/region',
    `This deployment allows only these regions: ${allowed.regions.join(', ')}. Choose one of them, or add ${region} to ` +
      'the parameter regions.',
  );
}

function refuseTags(tags: IntegrationRequest['tags'] = {}, { tagKeys }: Allowed, refuse: Refuse): void {
  for (const key of Object.keys(tags)) {
    if (tagKeys.some((pattern) => matchesPattern(key, pattern))) continue;
    refuse(
      jsonPointer(['tags', key]),
      tagKeys.length > 0
        ? `This deployment allows only these tag keys: ${tagKeys.join(', ')}. Choose one of them, or add yours to the ` +
            'parameter tagKeys.'
        : 'This deployment allows no tags of your own. Omit tags, or add the key to the parameter tagKeys.',
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
    refuse('/role/name', 'This field is required if the mode is "adopt".');
  } else if (isAdopted && role.name !== undefined) {
    const found = rolesNamed(role.name, allowed.adoptableRoleArns);
    if (found.length === 0) {
      refuse('/role/name', adoptOnly('role', 'adoptableRoleArns', allowed.adoptableRoleArns));
    } else if (found.length > 1) {
      refuse(
        '/role/name',
        `adoptableRoleArns lists several roles of this name: ${found.join(', ')}. Deploy with only one of them.`,
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
      .map(([what, parameter]) => `${what} whose names match "${allowed[parameter]}"`)
      .join(' and ');
    refuse(
      isAdopted ? '/name' : '/role/name',
      `This deployment may create only ${rules}, not "${policyName}" ` +
        `(${isAdopted ? 'the policy of an adopted role is named after the integration' : 'role and policy share one name'}). ` +
        `Choose such a name, or deploy with another ${unmet.map(([, parameter]) => parameter).join(' and ')}.`,
    );
  }
}

function refuseKey(bucket: IntegrationRequest['bucket'], allowed: Allowed, refuse: Refuse): void {
  if (!bucket.kmsKeyArn) return;
  if (!allowed.kmsKeyArns.includes(bucket.kmsKeyArn)) {
    refuse(
      '/bucket/kmsKeyArn',
      allowed.kmsKeyArns.length > 0
        ? `This deployment allows only the KMS keys ${allowed.kmsKeyArns.join(', ')}. Choose one of them, omit kmsKeyArn, or ` +
            'add the key to kmsKeyArns.'
        : 'This deployment allows no customer KMS keys. Omit kmsKeyArn, or add the key to kmsKeyArns.',
    );
  } else if (bucket.kmsKeyArn.split(':')[3] !== (bucket.region ?? allowed.region)) {
    refuse(
      '/bucket/kmsKeyArn',
      `The key must be in the bucket's region, ${bucket.region ?? allowed.region}. Choose a key of that region.`,
    );
  }
}

/** What of a request for one more bucket is outside of the deployment's parameters, by field. */
export function outsideForBucket(
  { bucket, tags }: Pick<IntegrationRequest, 'bucket' | 'tags'>,
  allowed: Allowed,
): FieldError[] {
  const errors: FieldError[] = [];
  const refuse: Refuse = (pointer, detail) => errors.push({ pointer, detail });
  refuseBucket(bucket, allowed, refuse);
  refuseRegion(bucket, allowed, refuse);
  refuseKey(bucket, allowed, refuse);
  refuseTags(tags, allowed, refuse);
  return errors;
}

type Asking = Pick<JournalRecord, 'id' | 'kind' | 'request' | 'dataloop'>;

function outsideOf({ kind, request, dataloop }: Asking, allowed: Allowed): FieldError | undefined {
  // The organisation that was found counts as one that was named.
  const wanted = { ...request, dataloop: { ...request.dataloop, ...dataloop } };
  const [outside] =
    kind === 'added bucket' ? outsideForBucket(request, allowed) : outsideDeployment(wanted, allowed);
  return outside;
}

/** Whether a record asks for what this deployment does not allow. */
export const isOutside = (record: Asking, allowed: Allowed): boolean =>
  outsideOf(record, allowed) !== undefined;

/**
 * Whether a record still asks for what this deployment allows: its parameters may have changed since, and so may the
 * record have been.
 * @throws ServiceError `OutsideDeploymentError` that names the field
 */
export function refuseOutside(record: Asking, allowed: Allowed): void {
  const outside = outsideOf(record, allowed);
  if (!outside) return;
  throw new ServiceError(
    'OutsideDeploymentError',
    `${record.id} asks for what this deployment does not allow (${outside.pointer}). ${outside.detail}`,
  );
}

/** What of a request is outside of the deployment's parameters, by field. */
export function outsideDeployment(request: IntegrationRequest, allowed: Allowed): FieldError[] {
  const { dataloop } = request;
  const errors = outsideForBucket(request, allowed);
  const refuse: Refuse = (pointer, detail) => errors.push({ pointer, detail });
  refuseRole(request, allowed, refuse);
  if (dataloop.createdBy && !allowed.dataloopAccountId) {
    refuse(
      '/dataloop/createdBy',
      "Operator mode needs the id of Dataloop's AWS account. Deploy with the parameter dataloopAccountId, or omit createdBy.",
    );
  }
  if (dataloop.createdBy && dataloop.integrationId) {
    refuse(
      '/dataloop/integrationId',
      'In operator mode you name the integration later. Omit this field or createdBy.',
    );
  }
  if (
    dataloop.organizationId &&
    allowed.organizationId &&
    dataloop.organizationId !== allowed.organizationId
  ) {
    refuse(
      '/dataloop/organizationId',
      `This deployment serves only the organisation ${allowed.organizationId} (parameter dataloopOrganizationId). Omit the field or name that one.`,
    );
  }
  return errors;
}

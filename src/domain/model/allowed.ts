/** What a deployment allows requests to name: its parameters, and what is said of a field that is outside of them. */
import type { AccountSettings } from '../../config.ts';
import type { FieldError } from '../../errors.ts';
import { defaultRoleName, type IntegrationRequest, notAsNeeded, parseBody } from './request.ts';

/** True where a name matches a pattern in which `*` stands for any run of characters. */
export function matchesPattern(name: string, pattern: string): boolean {
  const source = pattern
    .split('*')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  return new RegExp(`^${source}$`).test(name);
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

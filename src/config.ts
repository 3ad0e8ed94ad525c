/** The only reader of `process.env`: each value is required unless it has a default, and the error names it. */
import * as z from 'zod';
import { ServiceError } from './errors.ts';

function required(name: string): string {
  const value = process.env[name]?.trim();
  if (!value) {
    throw new ServiceError(
      'ConfigurationError',
      `The environment variable ${name} is not set. Deploy the service again: serverless.yml sets it.`,
    );
  }
  return value;
}

function optional(name: string): string | undefined {
  return process.env[name]?.trim() || undefined;
}

/** How lines of the log begin; the service has one name wherever it is deployed. Tests keep it silent. */
export const logSettings = () => ({
  service: 'dataloop-cross-account',
  isSilent: optional('LOG_LEVEL') === 'SILENT',
});

/** Values separated by commas; none where the variable is empty. */
const list = (name: string): readonly string[] => optional(name)?.split(',') ?? [];

const tagsSchema = z.record(z.string(), z.string());

/** Tags as JSON; none where the variable is empty: only functions that create something have it. */
const tags = (name: string) => tagsSchema.parse(JSON.parse(optional(name) ?? '{}'));

/** What is fixed at deployment about the AWS account and what may be touched in it. */
export interface AccountSettings {
  readonly partition: string;
  readonly accountId: string;
  readonly region: string;
  /** IAM path of every policy and role that the service creates: `/…/`. */
  readonly iamPath: string;
  readonly permissionsBoundaryArn: string;
  /** Patterns with `*` that the names of buckets, roles and policies must match. */
  readonly bucketNamePattern: string;
  readonly roleNamePattern: string;
  readonly policyNamePattern: string;
  /** Regions that requests may name. */
  readonly regions: readonly string[];
  /** Tag keys that requests may set; a `*` at the end of one stands for any ending. */
  readonly tagKeys: readonly string[];
  /** KMS keys that requests may name. */
  readonly kmsKeyArns: readonly string[];
  /** Buckets and roles that requests may adopt. */
  readonly adoptableBucketArns: readonly string[];
  readonly adoptableRoleArns: readonly string[];
  /** The bucket with the code of the functions, which no request may name. */
  readonly deploymentBucket: string;
  /** Whether created buckets get a policy that denies plain HTTP to everybody. */
  readonly denyPlainHttp: boolean;
  /** The AWS account that is known to be Dataloop's. */
  readonly dataloopAccountId?: string | undefined;
  /** Tags of everything that the service creates, whatever a request says. */
  readonly defaultTags?: Readonly<Record<string, string>> | undefined;
  /** Origins of Dataloop's web pages, for the bucket's CORS rule; a `*` in one is a wildcard. */
  readonly consoleOrigins: readonly string[];
  /** HTTP methods for the same rule. */
  readonly corsMethods: readonly string[];
}

/** What is fixed at deployment about Dataloop. */
export interface DataloopSettings {
  /** Base of the API, without a trailing slash: `https://gate.dataloop.ai/api/v1`. */
  readonly apiUrl: string;
  readonly secretId: string;
  /** The only organisation that requests may name; undefined: any that the credentials reach. */
  readonly organizationId: string | undefined;
  /** The AWS account whose IAM users may be trusted; undefined: any. */
  readonly accountId: string | undefined;
  readonly options?: Partial<DataloopOptions>;
}

/** The defaults are the most likely. resources/parameters.cjs leaves these out of the environment. */
const optionsSchema = z.strictObject({
  /** Origin at which the log-in is, where it is not that of the API. */
  gateUrl: z.string().optional(),
  proxyUrl: z.string().optional(),
  /** Seconds for one answer of a call for which Dataloop works at AWS. */
  answerSeconds: z.number().default(25),
  /** What an integration says once its role is trusted, and while it waits for one. */
  trustedStatuses: z.array(z.string()).default(['trust-established']),
  waitingStatuses: z.array(z.string()).default(['waiting-trust']),
  storageClass: z.string().default(''),
  /** Not sent where it is not set. */
  allowExternalModification: z.boolean().optional(),
  pathStyle: z.enum(['folder', 'folder/', '/folder', '/folder/']).default('folder'),
  /** Cross-account integrations that an organisation may have. */
  integrationLimit: z.number().default(15),
});

/** What cannot be known of Dataloop: docs/dataloop.md. */
export interface DataloopOptions extends z.output<typeof optionsSchema> {
  /** PEM of what is trusted beside the usual authorities, for Dataloop's calls alone. */
  readonly certificates?: string | undefined;
}

export const usualDataloopOptions: DataloopOptions = optionsSchema.parse({});

/** One variable holds all that is not as usual: the environment of a function has 4 KB. */
export function dataloopOptions(): DataloopOptions {
  const set = optionsSchema.safeParse(parsed(optional('DATALOOP_OPTIONS') ?? '{}'));
  if (!set.success) {
    throw new ServiceError(
      'ConfigurationError',
      'The environment variable DATALOOP_OPTIONS is damaged. Deploy the service again: serverless.yml sets it.',
    );
  }
  // The bundle holds it, not the environment: written like this, esbuild finds its place.
  const certificates = process.env['DATALOOP_CERTIFICATES']?.trim() || undefined;
  return { ...set.data, certificates };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Refused by the schema.
    return undefined;
  }
}

export function accountSettings(): AccountSettings {
  return {
    partition: required('PARTITION'),
    accountId: required('ACCOUNT_ID'),
    region: required('AWS_REGION'),
    iamPath: required('IAM_PATH'),
    permissionsBoundaryArn: required('PERMISSIONS_BOUNDARY_ARN'),
    bucketNamePattern: required('BUCKET_NAME_PATTERN'),
    roleNamePattern: required('ROLE_NAME_PATTERN'),
    policyNamePattern: required('POLICY_NAME_PATTERN'),
    regions: list('REGIONS'),
    tagKeys: list('TAG_KEYS'),
    kmsKeyArns: list('KMS_KEY_ARNS'),
    adoptableBucketArns: list('ADOPTABLE_BUCKET_ARNS'),
    adoptableRoleArns: list('ADOPTABLE_ROLE_ARNS'),
    deploymentBucket: required('DEPLOYMENT_BUCKET'),
    denyPlainHttp: required('DENY_PLAIN_HTTP') === 'true',
    dataloopAccountId: optional('DATALOOP_ACCOUNT_ID'),
    defaultTags: tags('DEFAULT_TAGS'),
    consoleOrigins: required('DATALOOP_CONSOLE_ORIGIN').split(','),
    corsMethods: required('DATALOOP_CORS_METHODS').split(','),
  };
}

export function dataloopSettings(): DataloopSettings {
  return {
    apiUrl: required('DATALOOP_API_URL').replace(/(?<!\/)\/+$/, ''),
    secretId: required('DATALOOP_SECRET_ID'),
    organizationId: optional('DATALOOP_ORGANIZATION_ID'),
    accountId: optional('DATALOOP_ACCOUNT_ID'),
    options: dataloopOptions(),
  };
}

/** How long a provisioning waits for the IAM user, and for an operator. */
export const iamUserTimeoutSeconds = () => Number(required('IAM_USER_TIMEOUT_SECONDS'));

/** The permissions boundary of a role that cannot be deleted. */
export const noAccessBoundaryArn = () => required('NO_ACCESS_BOUNDARY_ARN');

/** How many integrations of one caller may be set up at a time. */
export const openPerCaller = () => Number(required('OPEN_PER_CALLER'));

/** Where CloudFormation may be answered: the ending of AWS's host names, and another endpoint that stands for AWS. */
export const answerHosts = () => ({
  urlSuffix: required('URL_SUFFIX'),
  endpointUrl: optional('AWS_ENDPOINT_URL'),
});

export const tableName = () => required('TABLE_NAME');
export const eventBusName = () => required('EVENT_BUS_NAME');
export const pollQueueUrl = () => required('POLL_QUEUE_URL');
export const provisionStateMachineArn = () => required('PROVISION_STATE_MACHINE_ARN');
export const addDriverStateMachineArn = () => required('ADD_DRIVER_STATE_MACHINE_ARN');
export const deprovisionStateMachineArn = () => required('DEPROVISION_STATE_MACHINE_ARN');

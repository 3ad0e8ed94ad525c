/** The deployment as the functions see it. Imported before them: they read it when they are loaded. */
import { account } from './domain/fakes.ts';

export const region = account.region;
export const accountId = account.accountId;
export const dataloopAccountId = '222222222222';
export const organizationId = 'org-1';
export const projectId = 'project-1';
/** Seconds that the workflow waits for Dataloop's IAM user. */
export const iamUserTimeoutSeconds = 600;

export const noAccessBoundaryArn = `arn:aws:iam::${accountId}:policy/no-access`;

export const machineArn = (machine: string) =>
  `arn:aws:states:${region}:${accountId}:stateMachine:${machine}`;

/** What serverless.yml gives functions. */
export const variables = {
  TABLE_NAME: 'journal',
  EVENT_BUS_NAME: 'bus',
  POLL_QUEUE_URL: `https://sqs.${region}.amazonaws.com/${accountId}/polls`,
  PROVISION_STATE_MACHINE_ARN: machineArn('provision'),
  ADD_DRIVER_STATE_MACHINE_ARN: machineArn('addDriver'),
  DEPROVISION_STATE_MACHINE_ARN: machineArn('deprovision'),
  PARTITION: account.partition,
  ACCOUNT_ID: accountId,
  AWS_REGION: region,
  IAM_PATH: account.iamPath,
  PERMISSIONS_BOUNDARY_ARN: account.permissionsBoundaryArn,
  NO_ACCESS_BOUNDARY_ARN: noAccessBoundaryArn,
  BUCKET_NAME_PATTERN: account.bucketNamePattern,
  ROLE_NAME_PATTERN: account.roleNamePattern,
  POLICY_NAME_PATTERN: account.policyNamePattern,
  REGIONS: account.regions.join(','),
  TAG_KEYS: account.tagKeys.join(','),
  DEPLOYMENT_BUCKET: account.deploymentBucket,
  DENY_PLAIN_HTTP: String(account.denyPlainHttp),
  ADOPTABLE_BUCKET_ARNS: account.adoptableBucketArns.join(','),
  ADOPTABLE_ROLE_ARNS: account.adoptableRoleArns.join(','),
  DATALOOP_CONSOLE_ORIGIN: account.consoleOrigins.join(','),
  DATALOOP_CORS_METHODS: account.corsMethods.join(','),
  DATALOOP_API_URL: 'https://dataloop.example/api/v1',
  DATALOOP_SECRET_ID: 'dataloop',
  DATALOOP_ORGANIZATION_ID: '',
  DATALOOP_ACCOUNT_ID: dataloopAccountId,
  OPEN_PER_CALLER: '20',
  URL_SUFFIX: 'amazonaws.com',
  IAM_USER_TIMEOUT_SECONDS: `${iamUserTimeoutSeconds}`,
};

Object.assign(process.env, variables, { LOG_LEVEL: 'SILENT' });

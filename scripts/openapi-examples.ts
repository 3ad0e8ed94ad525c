/** Examples of the OpenAPI document, created by the code that answers. */
import type { AccountSettings } from '../src/config.ts';
import type { ConnectionTest, DriverTest, PlanView, RemovalPlanView } from '../src/domain/api/responses.ts';
import { addedBucketView, integrationView } from '../src/domain/api/view.ts';
import { parseAddedBucketRequest, requestFor } from '../src/domain/lifecycle/added-buckets.ts';
import { newRegistration } from '../src/domain/lifecycle/start.ts';
import { desiredState, trustPolicy } from '../src/domain/model/desired-state.ts';
import { parseBody } from '../src/domain/model/request.ts';
import {
  iamUserPlaceholder,
  integrationIdPlaceholder,
  plannedResources,
} from '../src/domain/preflight/dry-run.ts';
import { neededActions } from '../src/domain/preflight/needed-actions.ts';
import { operatorAction } from '../src/domain/waiting/operator.ts';
import { errorKinds, problemType } from '../src/errors.ts';
import { errorCatalog, sample } from './error-catalog.ts';

const { integrationId, driverId } = sample;

const account: AccountSettings = {
  partition: 'aws',
  accountId: '111111111111',
  region: 'eu-west-1',
  iamPath: '/dataloop-cross-account/dev/',
  permissionsBoundaryArn: 'arn:aws:iam::111111111111:policy/dataloop-cross-account/dev/boundary',
  bucketNamePattern: 'dataloop-dev-*',
  roleNamePattern: 'dataloop-*',
  policyNamePattern: 'dataloop-*',
  regions: ['eu-west-1'],
  tagKeys: ['*'],
  kmsKeyArns: [],
  adoptableBucketArns: [],
  adoptableRoleArns: [],
  deploymentBucket: 'dataloop-cross-account-dev-serverlessdeploymentbucket-1x2y3z',
  denyPlainHttp: false,
  consoleOrigins: ['https://console.dataloop.ai'],
  corsMethods: ['GET', 'HEAD', 'PUT', 'POST'],
};

const smallest = {
  name: 'acme-images',
  bucket: { name: 'dataloop-dev-acme-images' },
  dataloop: { projectId: sample.projectId },
};

const full = {
  ...smallest,
  description: 'Images for the labelling team',
  bucket: { ...smallest.bucket, mode: 'create', region: 'eu-west-1', prefix: 'raw/', cors: true },
  dataloop: { ...smallest.dataloop, driverName: 'acme-images', allowDelete: false },
  role: { name: 'dataloop-acme-images', mode: 'create' },
  tags: { 'cost-center': '42' },
};

const requestedBy = 'arn:aws:iam::111111111111:user/platform-engineer';
const request = parseBody(smallest);
const desired = desiredState(integrationId, request, account);

const { record } = newRegistration(request, undefined, {
  recordId: integrationId,
  executionArn: `arn:aws:states:eu-west-1:111111111111:execution:dataloop-cross-account-dev-provision:${integrationId}`,
  now: new Date('2026-11-23T23:48:44.352Z'),
  requestedBy,
});

const standing = {
  ...record,
  updatedAt: '2026-11-23T23:49:31.007Z',
  steps: {
    Activate: {
      status: 'succeeded',
      startedAt: '2026-11-23T23:49:30.311Z',
      endedAt: '2026-11-23T23:49:31.007Z',
      attempts: 1,
    },
  },
  resources: {
    bucket: { state: 'created', arn: desired.bucket.arn },
    policy: { state: 'created', arn: desired.policy.arn },
    role: { state: 'created', arn: desired.role.arn },
    dataloopIntegration: { state: 'created', id: sample.dataloopIntegrationId },
    driver: { state: 'created', id: sample.dataloopDriverId },
  },
} as const;

const driverSmallest = {
  bucket: { name: 'dataloop-dev-acme-videos' },
  dataloop: smallest.dataloop,
};

const driverFull = {
  description: 'Videos for the labelling team',
  bucket: { ...driverSmallest.bucket, mode: 'create', region: 'eu-west-1', prefix: 'raw/', cors: true },
  dataloop: { ...smallest.dataloop, driverName: 'acme-videos', allowDelete: false },
  tags: { 'cost-center': '42' },
};

const driverRequest = requestFor(parseAddedBucketRequest(driverSmallest, account), standing);
const driver = newRegistration(driverRequest, undefined, {
  recordId: driverId,
  executionArn: `arn:aws:states:eu-west-1:111111111111:execution:dataloop-cross-account-dev-addDriver:${driverId}`,
  now: new Date('2026-11-24T00:09:02.518Z'),
  requestedBy,
  parent: { integrationId, dataloopIntegrationId: standing.resources.dataloopIntegration.id },
}).record;

const standingDriver = {
  ...driver,
  updatedAt: '2026-11-24T00:09:31.774Z',
  steps: {
    Activate: {
      status: 'succeeded',
      startedAt: '2026-11-24T00:09:31.205Z',
      endedAt: '2026-11-24T00:09:31.774Z',
      attempts: 1,
    },
  },
  resources: {
    bucket: { state: 'created', arn: `arn:aws:s3:::${driverSmallest.bucket.name}` },
    access: { state: 'created', arn: desired.policy.arn, origin: 'adopted' },
    driver: { state: 'created', id: '4d2b8e65-7b7e-4c83-a7a1-5e9d0c3f6b18' },
  },
} as const;

const withDriver = {
  ...standing,
  status: 'ready',
  addedBuckets: {
    [driverId]: {
      bucket: driverRequest.bucket,
      dataloop: { ...driverRequest.dataloop, driverName: driverSmallest.bucket.name },
      placedIn: 'policy',
    },
  },
} as const;

const planned = desiredState(integrationIdPlaceholder, request, account);

const planView: PlanView = {
  name: planned.name,
  clear: true,
  resources: plannedResources(planned),
  tags: planned.tags,
  trustPolicy: trustPolicy(iamUserPlaceholder),
  permissionPolicy: planned.permissionPolicy,
  permissionsBoundaryArn: planned.permissionsBoundaryArn,
  actions: neededActions(planned),
  findings: [],
};

const connectionTest: ConnectionTest = {
  integrationId,
  status: 'failed',
  checks: [
    {
      name: 'DataloopTrust',
      status: 'passed',
      detail: `Dataloop's integration ${sample.dataloopIntegrationId} says "trust-established".`,
    },
    {
      name: 'Cors',
      status: 'failed',
      detail: `The CORS rules of the bucket ${desired.bucket.name} do not allow GET, HEAD, PUT, POST from ${account.consoleOrigins.join(', ')}, so Dataloop's console cannot show its items. Add a rule that allows them.`,
    },
    { name: 'KmsKey', status: 'skipped', detail: 'The bucket has no KMS key of its own.' },
  ],
};

const driverTest: DriverTest = {
  driverId,
  integrationId,
  status: 'passed',
  checks: [
    {
      name: 'DriverTest',
      status: 'passed',
      detail: 'Dataloop used the bucket through driver 4d2b8e65-7b7e-4c83-a7a1-5e9d0c3f6b18.',
    },
    { name: 'Encryption', status: 'passed', detail: 'The bucket encrypts with keys of S3 (SSE-S3).' },
    { name: 'KmsKey', status: 'skipped', detail: 'The bucket has no KMS key of its own.' },
  ],
};

const removalPlan: RemovalPlanView = {
  integrationId,
  name: record.name,
  status: 'ready',
  clear: false,
  resources: [
    { action: 'delete', type: 'AWS::S3::Bucket', arn: desired.bucket.arn },
    { action: 'delete', type: 'AWS::IAM::ManagedPolicy', arn: desired.policy.arn },
    { action: 'delete', type: 'AWS::IAM::Role', arn: desired.role.arn },
    { action: 'delete', type: 'Dataloop::Integration', id: sample.dataloopIntegrationId },
    { action: 'delete', type: 'Dataloop::Driver', id: sample.dataloopDriverId },
  ],
  datasets: [
    {
      id: '6412e7c0b1f4d6a9c3e2f801',
      name: 'street-scenes',
      projectId: sample.projectId,
      driverId: sample.dataloopDriverId,
    },
  ],
  foreignDrivers: [],
  foreignDriversElsewhere: 0,
  findings: [
    {
      severity: 'error',
      type: problemType('DatasetsInUseError'),
      title: errorKinds.DatasetsInUseError.title,
      resource: { type: 'Dataloop::Dataset' },
      detail: errorCatalog.DatasetsInUseError.detail,
    },
  ],
};

const driverRemovalPlan: RemovalPlanView = {
  ...removalPlan,
  driverId,
  name: driverSmallest.bucket.name,
  clear: true,
  resources: [
    { action: 'delete', type: 'AWS::S3::Bucket', arn: `arn:aws:s3:::${driverSmallest.bucket.name}` },
    { action: 'change', type: 'AWS::IAM::ManagedPolicy', arn: desired.policy.arn },
    { action: 'delete', type: 'Dataloop::Driver', id: standingDriver.resources.driver.id },
  ],
  datasets: [],
  findings: [],
};

const byOperator = {
  ...record,
  request: parseBody({ ...smallest, dataloop: { ...smallest.dataloop, createdBy: 'operator' } }),
  steps: { RequestIamUser: { status: 'waiting', startedAt: '2026-11-23T23:48:47.311Z', attempts: 1 } },
} as const;
const action = operatorAction(byOperator, desiredState(integrationId, byOperator.request, account), 3600);

export const examples = {
  awaiting: { ...integrationView(byOperator), ...(action ? { action } : {}) },
  operatorAnswer: { userArn: 'arn:aws:iam::222222222222:user/dataloop-acme-images' },
  smallest,
  full,
  begun: integrationView(record),
  ready: integrationView(withDriver),
  list: { items: [integrationView({ ...standing, status: 'ready' })] },
  removing: integrationView({ ...standing, status: 'removing' }),
  driverSmallest,
  driverFull,
  driverBegun: addedBucketView(driver),
  driverReady: addedBucketView({ ...standingDriver, status: 'ready' }),
  driverRemoving: addedBucketView({ ...standingDriver, status: 'removing' }),
  plan: planView,
  removalPlan,
  driverRemovalPlan,
  connectionTest,
  driverTest,
};

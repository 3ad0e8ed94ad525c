/**
 * What people read about each error: a typical detail, and what to do. docs/errors.md and the examples of the OpenAPI
 * document are made of it (`npm run errors-page`, `npm run openapi`). An error kind without an entry does not compile,
 * and a test fails when the code no longer says it.
 */
import type { ErrorName, FieldError } from '../src/errors.ts';

/** Ids that examples share. */
export const sample = {
  integrationId: 'int_01M85CZQP0Y0YS5TZMSXQSHEJR',
  driverId: 'drv_01M85E1V7N3J2GQX0M5C9T8RWA',
  requestId: 'JKJaXmPLvHcESHA=',
  projectId: 'f3c1a9d2-58a7-4f1e-9a4d-6a1c1f0b7e55',
  organizationId: '2f1e7c1a-6a55-4b0e-9d5c-0b7f4f0a3c11',
  dataloopIntegrationId: '6f6b0f62-9c1f-4a7e-8d0b-2f3f7a1f9a10',
  dataloopDriverId: '9a0c3b0e-0c7c-4bb4-9a39-2f1f6f7c4f21',
} as const;

/** Groups of errors, as the page shows them: heading, and where people meet these errors. */
export const errorGroups = {
  request: {
    title: 'Requests',
    intro: 'The API answers your request with one of these. Nothing was changed.',
  },
  resources: {
    title: 'Names and resources',
    intro: 'Something in your AWS account or at Dataloop is in conflict with the request.',
  },
  aws: { title: 'AWS', intro: 'A call of AWS failed.' },
  dataloop: {
    title: 'Dataloop',
    intro: 'A call of Dataloop failed, or Dataloop cannot use what was connected.',
  },
  workflow: { title: 'Workflows', intro: 'A workflow was interrupted.' },
  service: { title: 'The service itself', intro: 'Something is wrong with the deployment or with its data.' },
} as const;

interface CatalogEntry {
  readonly group: keyof typeof errorGroups;
  /** As the code says it, with plausible values. */
  readonly detail: string;
  /** Invalid fields that go with it. */
  readonly errors?: readonly FieldError[];
  /** One or two sentences to the person who met it; Markdown. */
  readonly whatToDo: string;
}

const { integrationId, driverId, requestId, projectId, organizationId, dataloopIntegrationId } = sample;
const { dataloopDriverId } = sample;
const bucket = 'dataloop-dev-acme-images';
const role = 'dataloop-acme-images';
const roleArn = `arn:aws:iam::111111111111:role/dataloop-cross-account/dev/${role}`;
const policyArn = `arn:aws:iam::111111111111:policy/dataloop-cross-account/dev/${role}`;
const keyArn = 'arn:aws:kms:eu-west-1:111111111111:key/0b7f4f0a-3c11-4b0e-9d5c-2f1e7c1a6a55';
const userArn = 'arn:aws:iam::222222222222:user/dataloop-acme-images';
const secret = 'dataloop-cross-account/dev/dataloop';

export const errorCatalog: Readonly<Record<ErrorName, CatalogEntry>> = {
  AwsUnavailableError: {
    group: 'aws',
    detail: `AWS did not read integration ${integrationId} (ThrottlingException). Try again in a moment.`,
    whatToDo: 'Wait a moment and send the request again. If it lasts, look at the AWS Health Dashboard.',
  },
  AwsConflictError: {
    group: 'aws',
    detail: 'DynamoDB is busy with another request for "acme-images". Send the request again.',
    whatToDo:
      'Send the request again. As the reason of a leftover it means that somebody still uses the role or the policy: ' +
      'do what its `advice` says.',
  },
  AwsNotYetConsistentError: {
    group: 'aws',
    detail: `AWS does not show the role ${roleArn} yet.`,
    whatToDo:
      'Nothing: the service waits until AWS shows the change. If a step fails with it, send the request again.',
  },
  AwsAccessDeniedError: {
    group: 'aws',
    detail:
      `AWS did not create role ${role} (AccessDenied). Check the function's role, service and resource control policies ` +
      '(SCP, RCP) and bucket policies for what denies it, then send the request again.',
    whatToDo:
      'Allow the action that the detail names: look for a service control policy or a bucket policy that denies it. If ' +
      'you changed parameters, deploy the service again.',
  },
  AwsQuotaExceededError: {
    group: 'aws',
    detail:
      'The account has 1000 roles, and its quota is 1000. Request a higher quota in AWS Service Quotas, or ' +
      'delete roles that you do not need.',
    whatToDo: 'Request a higher quota in AWS Service Quotas, or delete resources that nobody uses.',
  },
  AwsRequestRefusedError: {
    group: 'aws',
    detail:
      `AWS did not set the encryption of bucket ${bucket} (InvalidArgument). Fix the cause AWS reports, then ` +
      'try again.',
    whatToDo: 'Fix the cause that AWS names in the detail, then send the request again.',
  },
  EarlierCallOpenError: {
    group: 'workflow',
    detail: `The in-flight call ${integrationId}/RequestIamUser/1 may still take effect.`,
    whatToDo: 'Nothing: the service waits until the call has ended, at most 35 seconds.',
  },
  AccessLockedError: {
    group: 'workflow',
    detail: `Another call writes the policies of integration ${integrationId}.`,
    whatToDo: 'Nothing: the service adds or removes one bucket of an integration after the other.',
  },
  WrongAccountError: {
    group: 'aws',
    detail:
      'The service runs with credentials of AWS account 333333333333 but was deployed to 111111111111. Deploy ' +
      'it again.',
    whatToDo: 'Deploy the service again with credentials of the account in which it is to work.',
  },
  BucketNameTakenError: {
    group: 'resources',
    detail:
      `The bucket ${bucket} already exists in another AWS account and does not belong to this integration. It ` +
      'was left unchanged. Choose another bucket name.',
    whatToDo: 'Choose another `bucket.name`. To use a bucket that exists, [adopt it](adoption.md).',
  },
  PolicyNameTakenError: {
    group: 'resources',
    detail:
      `A policy named ${role} already exists and does not belong to this integration. It was left unchanged. IAM tells names ` +
      'apart neither by path nor by capitals. Choose another name for the integration, or set role.name.',
    whatToDo: 'Choose another `name`, or set `role.name`: the policy has the name of the role.',
  },
  RoleNameTakenError: {
    group: 'resources',
    detail:
      `A role named ${role} already exists and does not belong to this integration. It was left unchanged. ` +
      'Choose another name for the integration, or set role.name.',
    whatToDo:
      'Choose another `name`, or set `role.name`. To use a role that exists, [adopt it](adoption.md).',
  },
  KmsKeyNotUsableError: {
    group: 'resources',
    detail: `The KMS key ${keyArn} is in the state Disabled and cannot be used. Enable it, or choose another key.`,
    whatToDo:
      'Enable the key, or name another one: it must exist, be enabled and be a symmetric encryption key.',
  },
  PrefixOverlapError: {
    group: 'resources',
    detail:
      `The integration ${integrationId} ("acme-images", ready) uses the folder raw/ of bucket ${bucket}, so ` +
      'both share objects: a change or deletion through one affects the other. Choose another prefix or ' +
      'bucket, unless this is intended.',
    whatToDo:
      'A warning of a plan. If two integrations must not share objects, choose another prefix or bucket.',
  },
  BucketSettingsError: {
    group: 'resources',
    detail:
      `The bucket ${bucket} keeps versions. What is deleted in Dataloop stays as an older version, which you pay ` +
      'for.',
    whatToDo:
      'A warning about a bucket to adopt: its policy, Object Lock, versions, or Requester Pays. The service does not change ' +
      'these settings. Change them yourself, if they stop Dataloop.',
  },
  BucketNotAdoptableError: {
    group: 'resources',
    detail:
      `The bucket ${bucket} may be open to the public: its public-access block and the account's do not have all four ` +
      'settings on. It was left unchanged. Turn them on, or send bucket.blockPublicAccess: true. Then the service turns ' +
      'them on, and restores them on removal.',
    whatToDo:
      'Change the bucket, or send the field that the detail names: [before you adopt](adoption.md#before-you-adopt).',
  },
  RoleNotAdoptableError: {
    group: 'resources',
    detail:
      `The role arn:aws:iam::111111111111:role/AcmeLabelling has no permissions boundary. It was left unchanged. Give it one that allows ` +
      'what Dataloop and its other users need. If only Dataloop uses the role: aws iam ' +
      'put-role-permissions-boundary --role-name AcmeLabelling --permissions-boundary ' +
      'arn:aws:iam::111111111111:policy/dataloop-cross-account-dev-boundary',
    whatToDo:
      'Change the role as the detail says, or adopt another one: [before you adopt](adoption.md#before-you-adopt).',
  },
  IntegrationNotAdoptableError: {
    group: 'dataloop',
    detail:
      `Dataloop's integration ${dataloopIntegrationId} ("acme") already has a role. It was left unchanged. ` +
      'Choose one that still waits for its role, or omit dataloop.integrationId.',
    whatToDo:
      'Name a cross-account integration that has an IAM user and no role yet, or omit `dataloop.integrationId`.',
  },
  DriverNameTakenError: {
    group: 'dataloop',
    detail:
      `Dataloop's integration ${dataloopIntegrationId} already has a driver "acme-images" in project ` +
      `${projectId}, which does not belong to this request. It was left unchanged. Choose another ` +
      'dataloop.driverName, or delete that driver.',
    whatToDo: 'Choose another `dataloop.driverName`, or delete that driver at Dataloop.',
  },
  DatasetNameTakenError: {
    group: 'dataloop',
    detail:
      `The Dataloop project ${projectId} already has a dataset "acme-images" (66f0c1d2a3b4c5d6e7f80912), which does not ` +
      'belong to this request. It was left unchanged. Choose another dataset.name, or delete that dataset.',
    whatToDo: 'Choose another `dataset.name`, or delete that dataset at Dataloop.',
  },
  DatasetSyncingError: {
    group: 'dataloop',
    detail:
      'Dataloop is still syncing the dataset 66f0c1d2a3b4c5d6e7f80912 (command 66f0c1d2a3b4c5d6e7f80913).',
    whatToDo:
      'Nothing: SyncDataset looks again for ten minutes. Then the integration becomes `ready` without it.',
  },
  DatasetNotSyncedError: {
    group: 'dataloop',
    detail:
      'Dataloop could not sync the dataset 66f0c1d2a3b4c5d6e7f80912 (failed: no reason given). Fix the cause, then sync it ' +
      "in Dataloop's console.",
    whatToDo:
      'The integration is `ready` all the same. See the dataset in Dataloop’s console, and sync it there once the cause is fixed.',
  },
  OutsideDeploymentError: {
    group: 'request',
    detail:
      `${integrationId} asks for what this deployment does not allow (/bucket/name). Bucket names in this deployment must ` +
      'match "dataloop-*". Choose such a name, or deploy with another bucketNamePattern.',
    whatToDo:
      'A later deployment has other parameters than the one that took the request. Deploy with the old ones, or send a request ' +
      'that the new ones allow.',
  },
  BucketChangedError: {
    group: 'resources',
    detail:
      `Somebody gave the bucket ${bucket} a policy during setup, so the service does not use it. Find out who did in ` +
      'CloudTrail, then send the request again.',
    whatToDo: 'Find out in CloudTrail who wrote the policy of the bucket, then send the request again.',
  },
  RoleChangedError: {
    group: 'resources',
    detail:
      `Somebody changed the trust policy, the permissions boundary or the policies of the role ${role} during ` +
      'setup, so the service does not use it. Find out who did in CloudTrail, then send the request again.',
    whatToDo: 'Find out in CloudTrail who changed or replaced the role, then send the request again.',
  },
  PolicyChangedError: {
    group: 'resources',
    detail:
      `Somebody changed the policy ${policyArn}, so no bucket can be added. POST …/test shows the expected ` +
      'document. Restore it, or connect the bucket with POST /integrations.',
    whatToDo:
      '`POST …/test` shows the policy as it should be: restore it, or connect the bucket with `POST /integrations`. ' +
      '[More about edited policies](several-buckets.md#when-somebody-edits-a-policy).',
  },
  DataloopUnavailableError: {
    group: 'dataloop',
    detail: 'Dataloop at https://gate.dataloop.ai did not answer within 8 s (TimeoutError).',
    whatToDo: "Wait a moment and send the request again. If it lasts, look at Dataloop's status page.",
  },
  DataloopRateLimitError: {
    group: 'dataloop',
    detail: `Dataloop did not find project ${projectId} (429: no reason given).`,
    whatToDo: 'Wait a moment and send the request again.',
  },
  DataloopCredentialsError: {
    group: 'dataloop',
    detail:
      `Dataloop did not find project ${projectId} (401: no reason given). The credentials in secret ${secret} ` +
      'are wrong, expired or revoked. Replace them.',
    whatToDo:
      "Do what the detail says. The secret must be in the deployment's region and hold a valid API key: " +
      "[Dataloop's credentials](operations.md#dataloops-credentials). You need not deploy again.",
  },
  DataloopApiKeyExpiresError: {
    group: 'dataloop',
    detail:
      "Dataloop's API key in the secret of this deployment expires on 2027-01-04, in 29 days. Then the service can call " +
      'Dataloop no more. Create a new key at Dataloop and put it into the secret.',
    whatToDo:
      'Create a new key at Dataloop and put it into the secret: ' +
      "[Dataloop's credentials](operations.md#dataloops-credentials). You need not deploy again.",
  },
  DataloopNotOursError: {
    group: 'dataloop',
    detail:
      `The name of Dataloop's integration ${dataloopIntegrationId}, "theirs", is not the one that ${integrationId} gave it, so ` +
      'it may belong to somebody else. It was not used. Send the request again.',
    whatToDo:
      'Somebody renamed it at Dataloop, or wrote another id into the record. Give it its name again, or delete it, then send ' +
      'the request again.',
  },
  DataloopForbiddenError: {
    group: 'dataloop',
    detail:
      `Dataloop did not list the integrations of organisation ${organizationId} (403: no reason given). The ` +
      'user of the credentials must be owner or admin of the organisation, which a bot of a project cannot be. Without such a ' +
      'user, send "createdBy": "operator".',
    whatToDo:
      'Give the user of the credentials the role that the detail names. A bot of a project can be neither owner nor admin of the organisation. Without such a user, use ' +
      '[operator mode](operations.md#operator-mode).',
  },
  DataloopIntegrationLimitError: {
    group: 'dataloop',
    detail:
      `Organisation ${organizationId} has reached Dataloop's limit of cross-account integrations (15 by ` +
      'default). Dataloop said "limit-reached" (400). Delete one that nobody uses, or ask ' +
      "Dataloop's support for more, then send the request again.",
    whatToDo: "Delete an integration that nobody uses, or ask Dataloop's support for more.",
  },
  DataloopNotFoundError: {
    group: 'dataloop',
    detail:
      `Dataloop did not find project ${projectId} (404: no reason given). Check the id, and that the user of ` +
      'the credentials may see it.',
    whatToDo:
      'Check the id in the request, and that the user of the credentials may see the project or integration.',
  },
  DataloopRequestRefusedError: {
    group: 'dataloop',
    detail:
      `Dataloop did not delete driver ${dataloopDriverId} (400: no reason given). Fix the cause Dataloop ` +
      'reports, then try again.',
    whatToDo: 'Fix the cause that Dataloop names in the detail, then send the request again.',
  },
  DataloopAnswerError: {
    group: 'dataloop',
    detail:
      `Dataloop's answer to "find project ${projectId}" is not as documented (org). Its API may have changed. ` +
      'Look for a newer version of this service.',
    whatToDo: "Dataloop's API may have changed: look for a newer version of this service.",
  },
  IamUserNotIssuedError: {
    group: 'dataloop',
    detail: `Dataloop's integration ${dataloopIntegrationId} has no IAM user yet.`,
    whatToDo: 'Nothing: the service asks again until `iamUserTimeoutSeconds` have passed.',
  },
  IamUserTimeoutError: {
    group: 'dataloop',
    detail:
      'No IAM user was named in time (parameter iamUserTimeoutSeconds): Dataloop did not issue one or, in ' +
      'operator mode, nobody sent it. Ask Dataloop whether cross-account integrations work for the ' +
      'organisation, then send the request again.',
    whatToDo: 'Ask Dataloop. If it is only slow, raise `iamUserTimeoutSeconds`.',
  },
  InvalidIamUserArnError: {
    group: 'dataloop',
    detail:
      `The IAM user ${userArn} belongs to AWS account 222222222222, but only users of 333333333333 may be trusted (parameter ` +
      'dataloopAccountId). No trust was granted.',
    whatToDo:
      'Ask Dataloop which AWS account its IAM users belong to, and compare it with the parameter `dataloopAccountId`. Do ' +
      'not trust a user of another account.',
  },
  OperatorAwaitedError: {
    group: 'dataloop',
    detail: 'The operator has not given the role to Dataloop yet. The service waits for the operator.',
    whatToDo: 'Do what `action` of the integration says: [operator mode](operations.md#operator-mode).',
  },
  OperatorTimeoutError: {
    group: 'dataloop',
    detail:
      'The operator has not given the role to Dataloop yet. That took longer than the parameter ' +
      'iamUserTimeoutSeconds allows. Send the request again, or raise the parameter.',
    whatToDo: 'Send the request again and do what `action` says in time, or raise `iamUserTimeoutSeconds`.',
  },
  TrustNotEstablishedError: {
    group: 'dataloop',
    detail:
      `Dataloop could not assume the role ${roleArn} yet: its integration ${dataloopIntegrationId} says ` +
      '"waiting-trust". If this continues, look for a resource control policy (RCP) of your organisation that keeps ' +
      'other accounts out, and for a changed trust policy.',
    whatToDo:
      'The service tries for about four minutes, also where Dataloop refuses the role: its reason is in the message. Look ' +
      'for a resource control policy that keeps other AWS accounts out, ' +
      'and in CloudTrail for changes of the trust policy.',
  },
  DriverTestFailedError: {
    group: 'dataloop',
    detail:
      `Dataloop did not complete its test of bucket ${bucket} (424: no reason given). Fix the cause Dataloop ` +
      `reports, then try again. Dataloop could not list, write, read or delete objects in bucket ${bucket}: ` +
      'look for a service control policy or another policy that denies it.',
    whatToDo:
      'Dataloop assumed the role but cannot use the bucket. The detail has its reason: look for a policy that denies ' +
      'access to the bucket or its KMS key.',
  },
  StepTimeoutError: {
    group: 'workflow',
    detail: 'CreateRole did not end in time. Send the request again.',
    whatToDo: "Send the request again. If it lasts, read the function's log, and report it.",
  },
  StepCrashedError: {
    group: 'workflow',
    detail: 'The function of CreateRole crashed in every attempt (Sandbox.Timedout). See its log.',
    whatToDo: "Read the function's log, then send the request again. Report it if it happens again.",
  },
  ExecutionStoppedError: {
    group: 'workflow',
    detail:
      'The execution ended with the status ABORTED before the integration was ready. Send the request again.',
    whatToDo: 'Somebody stopped the execution. Everything was rolled back: send the request again.',
  },
  RemovalRequestedError: {
    group: 'workflow',
    detail: 'DELETE was sent before the integration was ready.',
    whatToDo: 'Nothing: the integration was rolled back, as you asked.',
  },
  IntegrationMovedOnError: {
    group: 'workflow',
    detail: `Integration ${integrationId} is no longer provisioning, so this step changed nothing.`,
    whatToDo: 'Nothing: a late attempt of a step found that its work is over, and changed nothing.',
  },
  RecordDamagedError: {
    group: 'service',
    detail:
      `Somebody changed the record of integration ${integrationId}: the item "integration#${integrationId}" of ` +
      'the table has invalid fields (status). Correct them, or restore the item from a backup of the table ' +
      '(point-in-time recovery). Until then the service does nothing for this integration.',
    whatToDo: 'Correct the fields that the detail names, or restore the item from a backup of the table.',
  },
  InvalidInputError: {
    group: 'service',
    detail:
      'The input of CreateRole is not what this version of the service expects (attempt). Nothing was done. ' +
      'Find out who sent it. If parts of the service have different versions, deploy all of it.',
    whatToDo:
      'Somebody called a function directly, or parts of the service have different versions: deploy all of it again.',
  },
  ConfigurationError: {
    group: 'service',
    detail:
      'The environment variable TABLE_NAME is not set. Deploy the service again: serverless.yml sets it.',
    whatToDo: 'Deploy the service again.',
  },
  InternalError: {
    group: 'service',
    detail: `The service failed unexpectedly. Look for request ${requestId} in its logs.`,
    whatToDo: 'Look for the request id in the logs of the function. Report it if it happens again.',
  },
  InvalidRequestError: {
    group: 'request',
    detail:
      'One field is invalid. Correct the fields that "errors" lists, then send the request again. Nothing was ' +
      'created.',
    errors: [{ pointer: '/dataloop/projectId', detail: 'This field is required.' }],
    whatToDo: 'Correct each field that `errors` names, then send the request again.',
  },
  IntegrationNotFoundError: {
    group: 'request',
    detail: `There is no integration ${integrationId} in this deployment. Check the id.`,
    whatToDo: 'Check the id, the stage and the region. `GET /integrations` lists all integrations.',
  },
  RouteNotFoundError: {
    group: 'request',
    detail:
      'This API has POST and GET /integrations, GET and DELETE /integrations/{integrationId}, ' +
      'POST /integrations/{integrationId}/test, POST /integrations/{integrationId}/iam-user, ' +
      'POST /integrations/{integrationId}/removal-plan, POST /integrations/{integrationId}/drivers/{driverId}/removal-plan, ' +
      'POST /integrations/{integrationId}/drivers, GET and DELETE /integrations/{integrationId}/drivers/{driverId}, ' +
      'POST /integrations/{integrationId}/drivers/{driverId}/test and POST /plans.',
    whatToDo: 'Check method and path.',
  },
  NameOrBucketTakenError: {
    group: 'request',
    detail:
      `The name "acme-images" is used by ${integrationId}, which is ready. Choose another, or remove it first ` +
      `with DELETE /integrations/${integrationId}.`,
    errors: [{ pointer: '/name', detail: `The name "acme-images" is used by ${integrationId}.` }],
    whatToDo: 'Choose another name or bucket, or remove the integration that the detail names.',
  },
  AlreadyConnectedError: {
    group: 'request',
    detail: `Already connected as ${integrationId}; sending this again changes nothing.`,
    whatToDo: 'Nothing, if you meant that integration. For another one, choose another name and bucket.',
  },
  IntegrationNotReadyError: {
    group: 'request',
    detail:
      'You can add buckets only to a ready integration; this one is provisioning. See GET ' +
      `/integrations/${integrationId}.`,
    whatToDo: 'Wait until `GET` of the integration shows `ready`. Only then you can test it or add buckets.',
  },
  AccessFullError: {
    group: 'request',
    detail:
      `All 10 policies that IAM attaches to a role are full for integration ${integrationId}. Remove a driver ` +
      'that nobody needs, or connect the bucket with POST /integrations.',
    whatToDo:
      'Remove a driver that nobody needs, or connect the bucket with `POST /integrations`: ' +
      '[how many fit](several-buckets.md#how-many-fit).',
  },
  DriverNotReadyError: {
    group: 'request',
    detail:
      'You can test only a ready driver; this one is provisioning. See GET ' +
      `/integrations/${integrationId}/drivers/${driverId}.`,
    whatToDo: 'Wait until `GET` of the driver shows `ready`.',
  },
  DriverNotFoundError: {
    group: 'request',
    detail: 'This integration has no added driver of this id. GET /integrations/{integrationId} lists them.',
    whatToDo: 'Check both ids. `GET /integrations/{integrationId}` lists the drivers of an integration.',
  },
  ForeignDriversError: {
    group: 'request',
    detail:
      `Drivers that this service did not create use the integration ${dataloopIntegrationId} at Dataloop: ` +
      `"by-hand" (0f5d3c0a9b6e4d17a2c8e1f4, project ${projectId}). They would lose their storage. Delete them ` +
      "in Dataloop's console first, or send DELETE with ?force=true. Nothing was removed.",
    whatToDo:
      "Delete these drivers in Dataloop's console, or send `DELETE` with `?force=true`: they stay, without storage. " +
      '[More about such drivers](several-buckets.md#drivers-made-by-hand).',
  },
  DatasetsInUseError: {
    group: 'request',
    detail:
      `Datasets at Dataloop use this storage: "street-scenes" (6412e7c0b1f4d6a9c3e2f801, project ${projectId}). They would lose ` +
      "access to their items. Delete them in Dataloop's console first, or send DELETE with ?force=true. Nothing was removed.",
    whatToDo:
      "Delete these datasets in Dataloop's console, or send `DELETE` with `?force=true`: then they stay, without storage, " +
      'and Dataloop refuses to delete their driver. `POST …/removal-plan` lists them all.',
  },
  DatasetsUnknownError: {
    group: 'request',
    detail:
      'The service could not check whether datasets would lose their storage: Dataloop at https://gate.dataloop.ai did not ' +
      'answer within 8 s (TimeoutError). Try again in a moment. To remove without this check, send DELETE with ?force=true. ' +
      'Nothing was removed.',
    whatToDo: 'Send the request again later. `?force=true` removes without asking Dataloop.',
  },
  BucketNotEmptyError: {
    group: 'request',
    detail:
      'The bucket dataloop-dev-acme-images holds objects. The service deletes no objects, so the bucket would stay as a leftover. ' +
      'To keep it, send DELETE with ?keepBucket=true. To have it deleted, empty it first.',
    whatToDo: 'Send `DELETE` with `?keepBucket=true`, or empty the bucket first.',
  },
  DriversUnknownError: {
    group: 'request',
    detail:
      'The service could not check whether other drivers would lose their storage: Dataloop at ' +
      'https://gate.dataloop.ai did not answer within 8 s (TimeoutError). Try again in a moment. To remove ' +
      'without this check, send DELETE with ?force=true. Nothing was removed.',
    whatToDo: 'Send the request again later. `?force=true` removes without asking Dataloop.',
  },
  NothingAwaitedError: {
    group: 'request',
    detail: `No input is needed now. See GET /integrations/${integrationId}.`,
    whatToDo: 'Look at the integration with `GET`: `action` says what it waits for, if it waits.',
  },
  RequestTooLargeError: {
    group: 'request',
    detail: 'The request body has 40021 bytes. Send at most 32768.',
    whatToDo: 'Send a smaller body: shorten description and tags.',
  },
  UnsupportedMediaTypeError: {
    group: 'request',
    detail: 'Send the body as JSON, with Content-Type: application/json.',
    whatToDo: 'Send the header `Content-Type: application/json`.',
  },
  IdempotencyKeyReusedError: {
    group: 'request',
    detail: `You already used this key with a different body (${integrationId}, failed). Send a new key.`,
    whatToDo: 'Send a new key. To repeat the earlier request, send exactly its body.',
  },
  TooManyOpenError: {
    group: 'request',
    detail:
      'You have 20 integrations that are being set up or rolled back, the most for one caller. Send the request again when ' +
      'one of them is ready or has failed.',
    whatToDo: 'Wait as long as `Retry-After` says, then send the request again. Or raise `openPerCaller`.',
  },
  TryAgainError: {
    group: 'request',
    detail: 'Timed out while reading the drivers at Dataloop. Send the request again.',
    whatToDo: 'Send the request again.',
  },
};

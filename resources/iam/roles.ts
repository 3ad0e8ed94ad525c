/**
 * What each function may do: its role, as a list of statements. The statements stand in statements/, each once,
 * with the reason for it. Those about adopted buckets, adopted roles and KMS keys are in the role only where the
 * deployment names such. `npm run iam-statements` writes all of it to docs/iam-statements.md.
 */
import { adoptableBuckets, buckets } from './references.ts';
import type { Statement } from './statement.ts';
import {
  FindActive,
  FindAnswers,
  FindPage,
  FindStanding,
  Journal,
  JournalAndLocks,
  KeepAnswer,
  NoteBegun,
  Register,
  RegisterLocks,
  ReleaseLocks,
  ReleaseLocksAndToken,
  SendAnswers,
  TakeTurn,
  TaskToken,
  WriteAddedBucket,
  WriteIssuedUser,
  WriteOperator,
  WriteStep,
  WriteStepAndAccess,
  WriteStepAndEnd,
  WriteStepAndOrganization,
  WriteStepAndPolicies,
  WriteStepAndResource,
  WriteStepAndUndo,
  WriteUndo,
  WriteUndoAndAddedBucket,
  WriteUndoAndEnd,
} from './statements/dynamodb.ts';
import {
  AdoptRole,
  AttachPolicy,
  AttachToAdoptedRole,
  CreatePolicy,
  CreateRole,
  DeletePolicy,
  DeleteRole,
  DenyAll,
  DetachFromAdoptedRole,
  DetachPolicy,
  LookAtPolicy,
  LookAtPolicyName,
  LookAtQuotas,
  LookAtRole,
  ReadAttachments,
  ReadAttachmentsOfAdopted,
  ReadPoliciesOfRole,
  ReadPolicy,
  ReadRole,
  ReadUsesOfRole,
  ReleaseRole,
  TagRole,
  WritePolicy,
} from './statements/iam.ts';
import {
  Announce,
  DataloopCredentials,
  Polls,
  SchedulePoll,
  Unhandled,
  WriteLogs,
} from './statements/other-services.ts';
import {
  AdoptBucket,
  CreateBucket,
  DeleteBucket,
  DenyPlainHttp,
  KeepBucket,
  KeepBucketWithoutPolicy,
  KeepOffDeploymentBucket,
  LookAtAdoptableBucket,
  LookAtBucket,
  LookAtKeys,
  ReadAdoptedBucket,
  ReadBucket,
  ReadBucketTag,
  ReleaseBucket,
} from './statements/s3.ts';
import {
  AnswerTask,
  LookAtExecutions,
  StartAdding,
  StartProvisioning,
  StartUndo,
  StopAdding,
  StopProvisioning,
} from './statements/step-functions.ts';

/**
 * @param functionName as in serverless.yml
 * @param description as people see it in IAM
 * @param statements beside WriteLogs, which every function has
 */
const role = (functionName: string, description: string, statements: readonly Statement[]) => {
  const reachesBuckets = statements.some(
    ({ Resource }) => Resource === buckets || Resource === adoptableBuckets,
  );
  return {
    /** Logical id in the template. */
    roleId: `${functionName.charAt(0).toUpperCase()}${functionName.slice(1)}Role`,
    functionName,
    description,
    // The deployment bucket may match the pattern.
    statements: [
      ...statements,
      ...(reachesBuckets ? [KeepOffDeploymentBucket] : []),
      WriteLogs(functionName),
    ],
  };
};

/** A connection test reads every part of a connection, and may write nothing. */
const healthCheck = [
  Journal(['dynamodb:GetItem', 'dynamodb:BatchGetItem']),
  DataloopCredentials,
  ReadRole,
  ReadAttachments,
  ReadPolicy,
  ReadBucket,
  LookAtKeys,
  ReadAttachmentsOfAdopted,
  ReadAdoptedBucket,
];

export const roles = [
  // API
  role('startProvisioning', 'Registers an integration and starts its workflow', [
    Register(),
    RegisterLocks,
    Journal('dynamodb:GetItem'),
    StartProvisioning,
  ]),
  role('listIntegrations', 'Reads pages of the journal', [FindPage, Journal('dynamodb:BatchGetItem')]),
  role('getIntegration', 'Reads the journal', [Journal('dynamodb:GetItem')]),
  role(
    'removeIntegration',
    'Starts the undo, stops a running provisioning, and looks for drivers of others',
    [
      Journal(['dynamodb:GetItem', 'dynamodb:BatchGetItem']),
      WriteUndo,
      DataloopCredentials,
      StartUndo,
      StopProvisioning,
    ],
  ),
  role('confirmIamUser', 'Journals what an operator said and wakes the workflow by an event', [
    Journal('dynamodb:GetItem'),
    WriteOperator,
    Announce,
  ]),
  role('testIntegration', 'Looks at each part of a live connection and changes nothing', healthCheck),
  role('planIntegration', 'Looks at what is there and changes nothing', [
    JournalAndLocks('dynamodb:GetItem'),
    FindStanding,
    DataloopCredentials,
    LookAtBucket,
    LookAtRole,
    LookAtPolicyName,
    LookAtQuotas(['iam:GetAccountSummary', 's3:ListAllMyBuckets']),
    LookAtKeys,
    LookAtAdoptableBucket,
    ReadAttachmentsOfAdopted,
  ]),
  role('addDriver', 'Registers a driver on an integration and starts its workflow', [
    Register('parent'),
    RegisterLocks,
    WriteAddedBucket,
    Journal('dynamodb:GetItem'),
    StartAdding,
  ]),
  role('getDriver', 'Reads the journal', [Journal('dynamodb:GetItem')]),
  role('testAddedDriver', 'Looks at each part of a driver that was added and changes nothing', healthCheck),
  role(
    'removeDriver',
    'Starts the undo of a driver, stops one that is being added, and looks for drivers of others',
    [
      Journal(['dynamodb:GetItem', 'dynamodb:BatchGetItem']),
      WriteUndo,
      DataloopCredentials,
      StartUndo,
      StopAdding,
    ],
  ),
  role('unknownRoute', 'Answers 404', []),

  // States of statemachines/provision.ts
  role('preflight', 'Looks at what is there and changes nothing but the journal', [
    WriteStepAndOrganization,
    DataloopCredentials,
    LookAtBucket,
    LookAtRole,
    LookAtPolicyName,
    LookAtQuotas('iam:GetAccountSummary'),
    LookAtKeys,
    LookAtAdoptableBucket,
    ReadAttachmentsOfAdopted,
  ]),
  role('createBucket', 'Creates one bucket and sets it up', [
    WriteStepAndResource('bucket'),
    CreateBucket,
    DenyPlainHttp,
    AdoptBucket,
  ]),
  role('createPolicy', 'Creates one policy under the path of the service', [
    WriteStepAndResource('policy'),
    CreatePolicy,
    LookAtPolicy(['iam:GetPolicy', 'iam:GetPolicyVersion']),
  ]),
  role('requestIamUser', 'Creates the integration at Dataloop and keeps the task token', [
    WriteStepAndResource('dataloopIntegration'),
    TaskToken('dynamodb:PutItem'),
    DataloopCredentials,
    Announce,
    SchedulePoll,
  ]),
  role('createRole', 'Creates one role with the boundary and attaches its policy', [
    WriteStepAndResource('role'),
    DataloopCredentials,
    CreateRole,
    TagRole,
    AttachPolicy,
    ReadBucketTag,
    LookAtPolicy(['iam:GetPolicy', 'iam:GetPolicyVersion']),
    LookAtRole,
    ReadPoliciesOfRole,
    AdoptRole,
    AttachToAdoptedRole,
  ]),
  role('completeIntegration', 'Gives the role ARN to Dataloop', [
    WriteStepAndResource('dataloopIntegration'),
    DataloopCredentials,
  ]),
  role('testDriver', 'Lets Dataloop try the bucket', [WriteStep, DataloopCredentials]),
  role('createDriver', 'Creates the storage driver at Dataloop', [
    WriteStepAndResource('driver'),
    DataloopCredentials,
  ]),
  role('verifyDriver', 'Lets Dataloop try the new driver', [WriteStep, DataloopCredentials]),
  role('activate', 'Declares the integration ready', [WriteStep, Announce]),
  role('rollBack', 'Starts the undo', [Journal('dynamodb:GetItem'), WriteStepAndUndo, StartUndo]),

  // The state of statemachines/add-driver.ts that is no state of provision.ts
  role('grantAccess', 'Writes what the role of an integration may do with buckets that are added', [
    Journal(['dynamodb:GetItem', 'dynamodb:BatchGetItem']),
    WriteStepAndAccess,
    TakeTurn,
    LookAtPolicy(['iam:GetPolicy', 'iam:GetPolicyVersion', 'iam:ListPolicyVersions']),
    CreatePolicy,
    WritePolicy(['iam:CreatePolicyVersion', 'iam:DeletePolicyVersion']),
    ReadBucketTag,
    LookAtRole,
    AttachPolicy,
    AttachToAdoptedRole,
  ]),

  // States of statemachines/deprovision.ts
  role('awaitOpenCalls', 'Looks for calls in flight before an undo', [WriteStep]),
  role('removeDrivers', 'Starts the undo of the drivers that were added to an integration', [
    Journal('dynamodb:GetItem'),
    WriteStepAndUndo,
    StartUndo,
    StopAdding,
  ]),
  role('deleteDriver', 'Deletes the driver at Dataloop', [
    WriteStepAndResource('driver'),
    DataloopCredentials,
  ]),
  role('deleteIntegration', 'Deletes the integration at Dataloop', [
    WriteStepAndResource('dataloopIntegration'),
    DataloopCredentials,
  ]),
  role('revokeAccess', 'Takes buckets of drivers out of what the role of an integration may do', [
    Journal(['dynamodb:GetItem', 'dynamodb:BatchGetItem']),
    WriteStepAndAccess,
    TakeTurn,
    LookAtPolicy(['iam:GetPolicy', 'iam:GetPolicyVersion', 'iam:ListPolicyVersions']),
    WritePolicy(['iam:CreatePolicyVersion', 'iam:DeletePolicyVersion', 'iam:DeletePolicy']),
    LookAtRole,
    ReadAttachments,
    ReadAttachmentsOfAdopted,
    DetachPolicy,
    DetachFromAdoptedRole,
  ]),
  role('deleteRole', 'Deletes roles that the service created', [
    WriteStepAndResource('role'),
    LookAtRole,
    ReadUsesOfRole,
    DetachPolicy,
    DeleteRole,
    DenyAll,
    ReleaseRole,
    ReadAttachmentsOfAdopted,
    DetachFromAdoptedRole,
  ]),
  role('deletePolicy', 'Deletes policies that the service created', [
    WriteStepAndPolicies,
    LookAtPolicy(['iam:GetPolicy', 'iam:ListPolicyVersions', 'iam:ListEntitiesForPolicy']),
    DeletePolicy,
  ]),
  role('deleteBucket', 'Deletes empty buckets or leaves them to their owner; cannot delete objects', [
    Journal('dynamodb:GetItem'),
    WriteStepAndResource('bucket'),
    DeleteBucket,
    KeepBucket,
    KeepBucketWithoutPolicy,
    ReleaseBucket,
  ]),
  role('awaitUndoCalls', 'Looks for calls in flight before an undo ends', [WriteStep]),
  role('conclude', 'Ends an undo', [
    Journal('dynamodb:GetItem'),
    WriteStepAndEnd,
    ReleaseLocksAndToken,
    Announce,
  ]),

  // The callback
  role('resumeProvisioning', 'Wakes the workflow that waits', [
    Journal('dynamodb:GetItem'),
    WriteIssuedUser,
    TaskToken(['dynamodb:GetItem', 'dynamodb:DeleteItem']),
    AnswerTask,
    Unhandled,
  ]),
  role('pollIamUser', 'Asks Dataloop for the IAM user', [
    Journal('dynamodb:GetItem'),
    DataloopCredentials,
    Announce,
    Polls,
  ]),

  // Stacks of CloudFormation
  role('customResource', 'Makes and removes what resources of CloudFormation stacks ask for', [
    Register('parent', 'stack'),
    RegisterLocks,
    Journal(['dynamodb:GetItem', 'dynamodb:BatchGetItem']),
    WriteUndoAndAddedBucket,
    NoteBegun,
    KeepAnswer,
    DataloopCredentials,
    StartProvisioning,
    StartAdding,
    StartUndo,
    StopProvisioning,
    StopAdding,
  ]),
  role('answerStack', 'Answers CloudFormation when a workflow has ended', [
    Journal('dynamodb:GetItem'),
    SendAnswers,
    FindAnswers,
    Unhandled,
  ]),

  // The watchdog
  role('executionEnded', 'Starts the undo of what was stopped', [
    Journal('dynamodb:GetItem'),
    WriteUndoAndEnd,
    ReleaseLocks,
    StartUndo,
    Announce,
    Unhandled,
  ]),
  role('sweep', 'Follows up what ended without an event', [
    Journal('dynamodb:GetItem'),
    WriteUndoAndEnd,
    ReleaseLocks,
    FindActive,
    LookAtExecutions,
    StartUndo,
    SchedulePoll,
    Announce,
    Unhandled,
  ]),
];

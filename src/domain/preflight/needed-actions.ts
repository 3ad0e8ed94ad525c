/** The IAM actions that an integration takes, step by step: for those who write the account's guardrails. */
import type { DesiredState } from '../model/desired-state.ts';
import type { StepName } from '../model/steps.ts';

interface NeededAction {
  readonly step: StepName;
  readonly action: string;
  readonly resource: string;
}

/**
 * Every call of AWS on what an integration is made of, its removal included. A test compares it with the functions'
 * roles.
 */
export function neededActions(desired: DesiredState): NeededAction[] {
  const { bucket, policy, role } = desired;
  return [
    // It has no resource-level permissions.
    ...on('Preflight', '*', 'iam:GetAccountSummary'),
    ...on('Preflight', policy.arn, 'iam:GetPolicy'),
    ...(bucket.kmsKeyArn ? on('Preflight', bucket.kmsKeyArn, 'kms:DescribeKey') : []),
    ...on(
      'CreatePolicy',
      policy.arn,
      'iam:CreatePolicy',
      'iam:TagPolicy',
      'iam:GetPolicy',
      'iam:GetPolicyVersion',
    ),
    ...on('CreateRole', policy.arn, 'iam:GetPolicy', 'iam:GetPolicyVersion'),
    ...on(
      'DeletePolicy',
      policy.arn,
      'iam:GetPolicy',
      'iam:ListPolicyVersions',
      'iam:ListEntitiesForPolicy',
      'iam:DeletePolicyVersion',
      'iam:DeletePolicy',
    ),
    ...(bucket.mode === 'adopt' ? forAdoptedBucket(desired) : forCreatedBucket(desired)),
    ...(role.mode === 'adopt' ? forAdoptedRole(desired) : forCreatedRole(desired)),
  ];
}

const on = (step: StepName, resource: string, ...actions: string[]): NeededAction[] =>
  actions.map((action) => ({ step, action, resource }));

function forCreatedBucket({ bucket, bucketPolicy, corsOrigins }: DesiredState): NeededAction[] {
  const bucketActions = [
    's3:ListBucket',
    's3:CreateBucket',
    's3:TagResource',
    's3:GetBucketTagging',
    's3:GetBucketPolicy',
    's3:GetBucketPublicAccessBlock',
    's3:PutBucketPublicAccessBlock',
    's3:GetBucketOwnershipControls',
    's3:PutBucketOwnershipControls',
    's3:GetEncryptionConfiguration',
    's3:PutEncryptionConfiguration',
    ...(bucketPolicy ? ['s3:PutBucketPolicy'] : []),
    ...(corsOrigins.length > 0 ? ['s3:GetBucketCORS', 's3:PutBucketCORS'] : []),
  ];
  return [
    ...on('Preflight', bucket.arn, 's3:ListBucket'),
    ...on('CreateBucket', bucket.arn, ...bucketActions),
    ...on('CreateRole', bucket.arn, 's3:GetBucketTagging'),
    ...on('DeleteBucket', bucket.arn, 's3:ListBucket', 's3:GetBucketTagging', 's3:DeleteBucket'),
    // For a bucket that holds objects, or that its owner keeps.
    ...on('DeleteBucket', bucket.arn, 's3:ListBucketVersions', 's3:PutBucketTagging'),
    ...(bucketPolicy ? on('DeleteBucket', bucket.arn, 's3:GetBucketPolicy', 's3:DeleteBucketPolicy') : []),
  ];
}

function forAdoptedBucket({ bucket, corsOrigins }: DesiredState): NeededAction[] {
  const looks = ['s3:ListBucket', 's3:GetBucketTagging', 's3:GetBucketPublicAccessBlock'];
  const cors = corsOrigins.length > 0 ? ['s3:GetBucketCORS', 's3:PutBucketCORS'] : [];
  const putBlock = bucket.blockPublicAccess ? ['s3:PutBucketPublicAccessBlock'] : [];
  const undo = [...cors, ...(bucket.blockPublicAccess ? ['s3:GetBucketPublicAccessBlock', ...putBlock] : [])];
  return [
    // Of the account, and without resource-level permissions. Refused, it counts as open.
    ...on('Preflight', '*', 's3:GetAccountPublicAccessBlock'),
    ...on('CreateBucket', '*', 's3:GetAccountPublicAccessBlock'),
    ...on('Preflight', bucket.arn, ...looks, ...(cors.length > 0 ? ['s3:GetBucketCORS'] : [])),
    ...on('Preflight', bucket.arn, 's3:GetEncryptionConfiguration', 's3:GetBucketPolicy'),
    ...on('Preflight', bucket.arn, 's3:GetBucketObjectLockConfiguration', 's3:GetBucketVersioning'),
    ...on('Preflight', bucket.arn, 's3:GetBucketRequestPayment'),
    ...on('CreateBucket', bucket.arn, ...looks, ...putBlock, ...cors),
    ...on('DeleteBucket', bucket.arn, ...(undo.length > 0 ? ['s3:ListBucket', ...undo] : [])),
  ];
}

function forCreatedRole({ role }: DesiredState): NeededAction[] {
  return [
    ...on('Preflight', role.arn, 'iam:GetRole'),
    ...on('CreateRole', role.arn, 'iam:CreateRole', 'iam:TagRole', 'iam:GetRole', 'iam:AttachRolePolicy'),
    ...on('CreateRole', role.arn, 'iam:ListAttachedRolePolicies', 'iam:ListRolePolicies'),
    ...on('DeleteRole', role.arn, 'iam:GetRole', 'iam:DetachRolePolicy', 'iam:ListAttachedRolePolicies'),
    ...on('DeleteRole', role.arn, 'iam:ListRolePolicies', 'iam:ListInstanceProfilesForRole'),
    ...on('DeleteRole', role.arn, 'iam:DeleteRole', 'iam:PutRolePermissionsBoundary'),
  ];
}

function forAdoptedRole({ role }: DesiredState): NeededAction[] {
  return [
    ...on('Preflight', role.arn, 'iam:GetRole', 'iam:ListAttachedRolePolicies'),
    ...on('CreateRole', role.arn, 'iam:GetRole', 'iam:UpdateAssumeRolePolicy', 'iam:AttachRolePolicy'),
    ...on('DeleteRole', role.arn, 'iam:GetRole', 'iam:UpdateAssumeRolePolicy', 'iam:DetachRolePolicy'),
    ...on('DeleteRole', role.arn, 'iam:ListAttachedRolePolicies'),
  ];
}

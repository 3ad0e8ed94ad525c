/** The IAM actions that an integration takes, step by step: for those who write the account's guardrails. */
import type { Plan } from './plan.ts';
import type { StepName } from './steps.ts';

export interface NeededAction {
  readonly step: StepName;
  readonly action: string;
  readonly resource: string;
}

/**
 * Every call of AWS on what an integration is made of, its removal included. A test compares it with the functions'
 * roles.
 */
export function neededActions({ bucket, policy, role, corsOrigins }: Plan): NeededAction[] {
  const bucketActions = [
    's3:ListBucket',
    's3:CreateBucket',
    's3:TagResource',
    's3:GetBucketTagging',
    's3:PutBucketPublicAccessBlock',
    's3:PutBucketOwnershipControls',
    's3:PutEncryptionConfiguration',
    's3:PutBucketPolicy',
    ...(corsOrigins.length > 0 ? ['s3:PutBucketCORS'] : []),
  ];
  const on = (step: StepName, resource: string, ...actions: string[]) =>
    actions.map((action) => ({ step, action, resource }));
  return [
    // It has no resource-level permissions.
    ...on('Preflight', '*', 'iam:GetAccountSummary'),
    ...on('Preflight', bucket.arn, 's3:ListBucket'),
    ...on('Preflight', role.arn, 'iam:GetRole'),
    ...on('Preflight', policy.arn, 'iam:GetPolicy'),
    ...(bucket.kmsKeyArn ? on('Preflight', bucket.kmsKeyArn, 'kms:DescribeKey') : []),
    ...on('CreateBucket', bucket.arn, ...bucketActions),
    ...on('CreatePolicy', policy.arn, 'iam:CreatePolicy', 'iam:TagPolicy', 'iam:GetPolicy'),
    ...on('CreateRole', role.arn, 'iam:CreateRole', 'iam:TagRole', 'iam:GetRole', 'iam:AttachRolePolicy'),
    ...on('DeleteRole', role.arn, 'iam:GetRole', 'iam:DetachRolePolicy', 'iam:DeleteRole'),
    ...on(
      'DeletePolicy',
      policy.arn,
      'iam:GetPolicy',
      'iam:ListPolicyVersions',
      'iam:DeletePolicyVersion',
      'iam:DeletePolicy',
    ),
    ...on('DeleteBucket', bucket.arn, 's3:ListBucket', 's3:GetBucketTagging', 's3:DeleteBucket'),
  ];
}

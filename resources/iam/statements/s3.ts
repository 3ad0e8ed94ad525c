/** Buckets, and the KMS keys that encrypt them. No function has a right to objects. */
import { adoptableBuckets, buckets, deploymentBucket, kmsKeys, regions } from '../references.ts';
import type { Statement } from '../statement.ts';

export const LookAtBucket: Statement = {
  Sid: 'LookAtBucket',
  why: 'Checks whether the bucket name is free.',
  Action: 's3:ListBucket',
  Resource: buckets,
};

export const LookIntoBucket: Statement = {
  Sid: 'LookIntoBucket',
  why: 'Looks whether the bucket holds anything, because one that does is not deleted. Lists names of objects, grants no access to them.',
  Action: 's3:ListBucket',
  Resource: buckets,
};

export const CreateBucket: Statement = {
  Sid: 'CreateBucket',
  why: 'Creates the bucket with its owner tag, reads it back, and writes settings that are not as wanted. Grants no access to objects.',
  Action: [
    's3:CreateBucket',
    's3:TagResource',
    's3:ListBucket',
    's3:GetBucketTagging',
    's3:GetBucketPolicy',
    's3:GetBucketPublicAccessBlock',
    's3:PutBucketPublicAccessBlock',
    's3:GetBucketOwnershipControls',
    's3:PutBucketOwnershipControls',
    's3:GetEncryptionConfiguration',
    's3:PutEncryptionConfiguration',
    's3:GetBucketCORS',
    's3:PutBucketCORS',
  ],
  Resource: buckets,
  Condition: { StringEquals: { 'aws:RequestedRegion': regions } },
};

export const DenyPlainHttp: Statement = {
  Sid: 'DenyPlainHttp',
  why: 'Writes the bucket policy that denies plain HTTP. Whoever writes it can also let readers in.',
  Action: 's3:PutBucketPolicy',
  Resource: buckets,
  onlyIf: 'DeniesPlainHttp',
};

/** In every role with rights on buckets: roles.ts sees to it. */
export const KeepOffDeploymentBucket: Statement = {
  Sid: 'KeepOffDeploymentBucket',
  why: 'Keeps off the bucket with the code of the functions, whatever names the patterns match.',
  Effect: 'Deny',
  Action: 's3:*',
  Resource: deploymentBucket,
};

export const ReadBucket: Statement = {
  Sid: 'ReadBucket',
  why: 'Checks that settings and owner tag are still as the service wrote them. Grants no access to objects.',
  Action: [
    's3:GetBucketPublicAccessBlock',
    's3:GetBucketCORS',
    's3:GetEncryptionConfiguration',
    's3:GetBucketTagging',
  ],
  Resource: buckets,
};

export const ReadBucketTag: Statement = {
  Sid: 'ReadBucketTag',
  why: 'Checks the owner tag before Dataloop gets access to the bucket. Grants no access to objects.',
  Action: 's3:GetBucketTagging',
  Resource: buckets,
};

export const DeleteBucket: Statement = {
  Sid: 'DeleteBucket',
  why: 'Deletes empty buckets. Grants no access to objects, and S3 deletes no bucket that holds any.',
  Action: ['s3:ListBucket', 's3:GetBucketTagging', 's3:DeleteBucket'],
  Resource: buckets,
};

export const KeepBucket: Statement = {
  Sid: 'KeepBucket',
  why: 'Removes the owner tag from a bucket that its owner keeps. Of one that S3 does not delete, tells whether versions are left. Grants no access to objects.',
  Action: ['s3:PutBucketTagging', 's3:ListBucketVersions'],
  Resource: buckets,
};

export const KeepBucketWithoutPolicy: Statement = {
  Sid: 'KeepBucketWithoutPolicy',
  why: 'Deletes the bucket policy that denies plain HTTP from a bucket that its owner keeps.',
  Action: ['s3:GetBucketPolicy', 's3:DeleteBucketPolicy'],
  Resource: buckets,
  onlyIf: 'DeniesPlainHttp',
};

export const LookAtAdoptableBucket: Statement = {
  Sid: 'LookAtAdoptableBucket',
  why: 'Checks whether the bucket can be adopted as it is, and what of its settings may stop Dataloop: its key, policy, locks and versions, who pays, and whether it has room for a CORS rule.',
  Action: [
    's3:ListBucket',
    's3:GetBucketTagging',
    's3:GetBucketPublicAccessBlock',
    's3:GetEncryptionConfiguration',
    's3:GetBucketPolicy',
    's3:GetBucketCORS',
    's3:GetBucketObjectLockConfiguration',
    's3:GetBucketVersioning',
    's3:GetBucketRequestPayment',
  ],
  Resource: adoptableBuckets,
  onlyIf: 'NamesAdoptableBuckets',
};

export const LookAtAccountBlock: Statement = {
  Sid: 'LookAtAccountBlock',
  why: "Reads whether the account's public-access block closes a bucket that is adopted.",
  Action: 's3:GetAccountPublicAccessBlock',
  Resource: '*',
  onlyIf: 'NamesAdoptableBuckets',
};

export const AdoptBucket: Statement = {
  Sid: 'AdoptBucket',
  why: 'Adds a CORS rule and, on request, blocks public access. Grants no access to objects.',
  Action: [
    's3:ListBucket',
    's3:GetBucketTagging',
    's3:GetBucketPublicAccessBlock',
    's3:PutBucketPublicAccessBlock',
    's3:GetBucketCORS',
    's3:PutBucketCORS',
  ],
  Resource: adoptableBuckets,
  onlyIf: 'NamesAdoptableBuckets',
};

export const ReadAdoptedBucket: Statement = {
  Sid: 'ReadAdoptedBucket',
  why: 'Checks that public access is still blocked and that the console can still show the objects.',
  Action: ['s3:GetBucketPublicAccessBlock', 's3:GetBucketCORS', 's3:GetEncryptionConfiguration'],
  Resource: adoptableBuckets,
  onlyIf: 'NamesAdoptableBuckets',
};

export const ReleaseBucket: Statement = {
  Sid: 'ReleaseBucket',
  why: 'Restores what AdoptBucket changed. Adopted buckets are never deleted.',
  Action: [
    's3:ListBucket',
    's3:GetBucketPublicAccessBlock',
    's3:PutBucketPublicAccessBlock',
    's3:GetBucketCORS',
    's3:PutBucketCORS',
  ],
  Resource: adoptableBuckets,
  onlyIf: 'NamesAdoptableBuckets',
};

export const LookAtKeys: Statement = {
  Sid: 'LookAtKeys',
  why: 'Checks whether the KMS key is usable.',
  Action: 'kms:DescribeKey',
  Resource: kmsKeys,
  onlyIf: 'NamesKmsKeys',
};

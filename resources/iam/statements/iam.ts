/** Roles and policies: those that the service creates, and roles that it adopts. */
import {
  adoptableRoles,
  noAccessBoundary,
  permissionsBoundary,
  policies,
  policiesWithoutPath,
  roles,
  rolesUnderAnyPath,
  roleTagKeys,
} from '../references.ts';
import type { Statement } from '../statement.ts';

const ownerTag = 'dataloop-cross-account:integration-id';
/** What is created carries the owner tag. */
const setsOwnerTag = { StringLike: { [`aws:RequestTag/${ownerTag}`]: 'int_*' } };
/** What is changed or deleted has the owner tag already. */
const hasOwnerTag = { StringLike: { [`aws:ResourceTag/${ownerTag}`]: 'int_*' } };
const hasBoundary = { StringEquals: { 'iam:PermissionsBoundary': permissionsBoundary } };
/** Whoever can write a policy that is attached to a role without a boundary has an administrator. */
const hasAnyBoundary = { Null: { 'iam:PermissionsBoundary': 'false' } };
/** The attached or detached policy is one that the service creates. */
const isOwnPolicy = { ArnLike: { 'iam:PolicyARN': policies } };

// Roles
export const LookAtRole: Statement = {
  Sid: 'LookAtRole',
  why: 'Checks whether the role name is free, or whose role has it. Role names are unique under all paths.',
  Action: 'iam:GetRole',
  // A role of that name may lie under any path.
  Resource: rolesUnderAnyPath,
};

export const ReadRole: Statement = {
  Sid: 'ReadRole',
  why: 'Checks that the role is still as the service wrote it.',
  Action: 'iam:GetRole',
  // IAM authorises a look at a role that is gone by an ARN without its path.
  Resource: rolesUnderAnyPath,
};

export const ReadAttachments: Statement = {
  Sid: 'ReadAttachments',
  why: 'Reads which policies are attached: no others than the service’s own should be.',
  Action: 'iam:ListAttachedRolePolicies',
  Resource: roles,
};

export const ReadPoliciesOfRole: Statement = {
  Sid: 'ReadPoliciesOfRole',
  why: 'Checks that a role which an earlier attempt created has no policies of others.',
  Action: ['iam:ListAttachedRolePolicies', 'iam:ListRolePolicies'],
  Resource: roles,
};

export const ReadUsesOfRole: Statement = {
  Sid: 'ReadUsesOfRole',
  why: 'Reads what keeps a role from being deleted, to name it: policies and instance profiles of others.',
  Action: ['iam:ListAttachedRolePolicies', 'iam:ListRolePolicies', 'iam:ListInstanceProfilesForRole'],
  Resource: roles,
};

export const CreateRole: Statement = {
  Sid: 'CreateRole',
  why: 'Creates the role, with the permissions boundary only.',
  Action: 'iam:CreateRole',
  Resource: roles,
  Condition: hasBoundary,
};

export const TagRole: Statement = {
  Sid: 'TagRole',
  why: 'IAM demands it for CreateRole with tags. Sets the owner tag and those of `defaultTags`, with their values.',
  Action: 'iam:TagRole',
  Resource: roles,
  Condition: { ...setsOwnerTag, 'ForAllValues:StringEquals': { 'aws:TagKeys': roleTagKeys } },
};

export const AttachPolicy: Statement = {
  Sid: 'AttachPolicy',
  why: 'Attaches the service’s own policies, only to roles that have the permissions boundary.',
  Action: 'iam:AttachRolePolicy',
  Resource: roles,
  Condition: { ...hasBoundary, ...isOwnPolicy },
};

export const DetachPolicy: Statement = {
  Sid: 'DetachPolicy',
  why: 'Takes access away before role or policy are deleted.',
  Action: 'iam:DetachRolePolicy',
  Resource: roles,
  Condition: isOwnPolicy,
};

export const DeleteRole: Statement = {
  Sid: 'DeleteRole',
  why: 'Deletes roles that carry the owner tag.',
  Action: 'iam:DeleteRole',
  Resource: roles,
  Condition: hasOwnerTag,
};

export const DenyAll: Statement = {
  Sid: 'DenyAll',
  why: 'Ends the access of a role that cannot be deleted, also of one that has lost its tag. No other boundary can be set.',
  Action: 'iam:PutRolePermissionsBoundary',
  Resource: roles,
  Condition: { StringEquals: { 'iam:PermissionsBoundary': noAccessBoundary } },
};

// Roles that the deployment allows to adopt
export const AdoptRole: Statement = {
  Sid: 'AdoptRole',
  why: 'Adds a statement to the trust policy.',
  Action: 'iam:UpdateAssumeRolePolicy',
  Resource: adoptableRoles,
  onlyIf: 'NamesAdoptableRoles',
};

export const ReleaseRole: Statement = {
  Sid: 'ReleaseRole',
  why: 'Removes the statement that AdoptRole added to the trust policy.',
  Action: 'iam:UpdateAssumeRolePolicy',
  Resource: adoptableRoles,
  onlyIf: 'NamesAdoptableRoles',
};

export const AttachToAdoptedRole: Statement = {
  Sid: 'AttachToAdoptedRole',
  why: 'Attaches the service’s own policies, only to roles that have a permissions boundary of yours.',
  Action: 'iam:AttachRolePolicy',
  Resource: adoptableRoles,
  Condition: { ...hasAnyBoundary, ...isOwnPolicy },
  onlyIf: 'NamesAdoptableRoles',
};

export const DetachFromAdoptedRole: Statement = {
  Sid: 'DetachFromAdoptedRole',
  why: 'Detaches what AttachToAdoptedRole attached.',
  Action: 'iam:DetachRolePolicy',
  Resource: adoptableRoles,
  Condition: isOwnPolicy,
  onlyIf: 'NamesAdoptableRoles',
};

export const ReadAttachmentsOfAdopted: Statement = {
  Sid: 'ReadAttachmentsOfAdopted',
  why: 'Reads which of the service’s policies are attached.',
  Action: 'iam:ListAttachedRolePolicies',
  Resource: adoptableRoles,
  onlyIf: 'NamesAdoptableRoles',
};

// Policies
export const LookAtPolicyName: Statement = {
  Sid: 'LookAtPolicy',
  why: 'Checks whether the policy name is free, under the service’s path and without a path.',
  Action: 'iam:GetPolicy',
  // What people make by hand lies under no path.
  Resource: [policies, policiesWithoutPath],
};

export const LookAtPolicy = (actions: string | string[]): Statement => ({
  Sid: 'LookAtPolicy',
  why: 'Checks whether the policy is there and whose it is, before it is created, changed or deleted.',
  Action: actions,
  Resource: policies,
});

export const ReadPolicy: Statement = {
  Sid: 'ReadPolicy',
  why: 'Checks that the policy is still as the service wrote it.',
  Action: ['iam:GetPolicy', 'iam:GetPolicyVersion'],
  Resource: policies,
};

export const CreatePolicy: Statement = {
  Sid: 'CreatePolicy',
  why: 'Creates the policy with the owner tag. IAM demands TagPolicy for CreatePolicy with tags.',
  Action: ['iam:CreatePolicy', 'iam:TagPolicy'],
  Resource: policies,
  Condition: setsOwnerTag,
};

export const WritePolicy = (actions: string[]): Statement => ({
  Sid: 'WritePolicy',
  why: 'Writes which added buckets the role may use, in policies that carry the owner tag.',
  Action: actions,
  Resource: policies,
  Condition: hasOwnerTag,
});

export const DeletePolicy: Statement = {
  Sid: 'DeletePolicy',
  why: 'Deletes policies that carry the owner tag.',
  Action: ['iam:DeletePolicy', 'iam:DeletePolicyVersion'],
  Resource: policies,
  Condition: hasOwnerTag,
};

// The account
export const LookAtQuotas = (actions: string | string[]): Statement => ({
  Sid: 'LookAtQuotas',
  why: 'Checks whether the account’s quotas leave room for one more. AWS has no resource-level permissions for it.',
  Action: actions,
  Resource: '*',
});

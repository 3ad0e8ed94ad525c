/** AWS IAM's calls under AWS's own names. A function takes those that it makes: `Pick<Iam, 'getRole' | 'createRole'>`. */
import type { PolicyDocument } from '../../model/permission-policy.ts';
import type { Found, RemovalOutcome, Tags } from '../../saga/ownership.ts';

export interface Role extends Found {
  readonly arn: string;
  readonly uniqueId: string;
  /** The trust policy as it stands, as text. */
  readonly trustPolicy: string;
  readonly permissionsBoundaryArn: string | undefined;
}

/** A customer managed policy with its default version. */
export interface PolicyVersion extends Found {
  readonly versionId: string;
  /** Parsed; undefined where it is no JSON. */
  readonly document: unknown;
}

/** How many roles and policies the account has, and how many it may have. */
export interface AccountSummary {
  readonly roles: number;
  readonly rolesQuota: number;
  readonly policies: number;
  readonly policiesQuota: number;
}

/** `exists`: something of that name was there, and was left as it is. */
type CreationOutcome = { readonly uniqueId: string } | 'exists';

export interface Iam {
  /** Undefined where there is no role of that name, under whatever path. */
  getRole(name: string): Promise<Role | undefined>;
  createRole(role: {
    readonly name: string;
    readonly path: string;
    readonly description: string;
    readonly trustPolicy: PolicyDocument;
    readonly permissionsBoundaryArn: string;
    readonly tags: Tags;
  }): Promise<CreationOutcome>;
  updateAssumeRolePolicy(roleName: string, document: string): Promise<void>;
  deleteRole(name: string): Promise<RemovalOutcome>;
  putRolePermissionsBoundary(roleName: string, policyArn: string): Promise<void>;
  attachRolePolicy(roleName: string, policyArn: string): Promise<void>;
  /** One that is not attached counts as detached. */
  detachRolePolicy(roleName: string, policyArn: string): Promise<void>;
  /** ARNs of the managed policies that are attached to a role. */
  listAttachedRolePolicies(roleName: string): Promise<readonly string[]>;
  /** Names of the inline policies of a role. */
  listRolePolicies(roleName: string): Promise<readonly string[]>;
  /** Names of the instance profiles that a role is in. */
  listInstanceProfilesForRole(roleName: string): Promise<readonly string[]>;
  /** What a policy is attached to, or is the boundary of, as in "role NAME". */
  listEntitiesForPolicy(arn: string): Promise<readonly string[]>;
  /** A customer managed policy, or undefined where there is none. */
  getPolicy(arn: string): Promise<Found | undefined>;
  getDefaultPolicyVersion(arn: string): Promise<PolicyVersion | undefined>;
  createPolicy(policy: {
    readonly name: string;
    readonly path: string;
    readonly description: string;
    readonly document: PolicyDocument;
    readonly tags: Tags;
  }): Promise<CreationOutcome>;
  /** Writes a new default version; the oldest goes where there are as many as IAM takes. */
  createPolicyVersion(arn: string, document: unknown): Promise<void>;
  /** Deletes a policy with all its versions. */
  deletePolicy(arn: string): Promise<RemovalOutcome>;
  getAccountSummary(): Promise<AccountSummary>;
}

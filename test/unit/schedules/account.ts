/** What stands in the AWS account, and what of it may be adopted. */
import type { CorsRule, PublicAccessBlock } from '../../../src/domain/model/record.ts';
import type { Part } from './parts.ts';
import type { Service } from './service.ts';
import type { Thing } from './things.ts';
import type { Policy } from './world-policies.ts';

/** What of a bucket the service may change; it outlives the bucket where another is made under its name. */
export interface BucketParts {
  readonly cors: Part<readonly CorsRule[] | undefined>;
  readonly publicAccess: Part<PublicAccessBlock | undefined>;
}

export interface RoleParts {
  readonly trust: Part<string>;
  /** Policies that its owners have attached. */
  readonly attached: Set<string>;
  /** Whether the service has changed one that was made anew behind its last look. */
  isExcused: boolean;
  /** Whether a policy is one of those that an integration's journal names; IAM knows policies by their ARNs alone. */
  isPolicyOf(integrationId: string | undefined, arn: string): boolean;
}

export interface Bucket extends Thing {
  tags: Record<string, string>;
  objects: number;
  readonly account: string;
  readonly settings: Record<string, unknown>;
  /** Who gave it to its owner. */
  readonly releasedBy?: string | undefined;
  /** Where it may be adopted. */
  readonly parts?: BucketParts;
}

export interface Role extends Thing {
  readonly name: string;
  readonly arn: string;
  readonly id: string;
  tags: Record<string, string>;
  trust: string;
  readonly boundary: string | undefined;
  readonly attached: Set<string>;
  /** Where it may be adopted. */
  readonly parts?: RoleParts;
}

export interface Aws {
  readonly buckets: Map<string, Bucket>;
  readonly policies: Map<string, Policy>;
  readonly roles: Map<string, Role>;
  uniqueId(): string;
  readonly s3: Service;
  readonly iam: Service;
}

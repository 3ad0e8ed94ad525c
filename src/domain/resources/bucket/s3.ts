/** Amazon S3's calls on buckets under AWS's own names. A function takes those that it makes: `Pick<S3, 'headBucket'>`. */
import type { PolicyDocument } from '../../model/permission-policy.ts';
import type { CorsRule, PublicAccessBlock } from '../../model/record.ts';
import type { Tags } from '../../saga/ownership.ts';

export interface BucketAddress {
  readonly name: string;
  readonly region: string;
  /** The account that must own the bucket: every call on it is refused by S3 otherwise. */
  readonly ownerAccountId: string;
}

/** Who holds a bucket name, as far as we can see: `account` is our own account. */
export type BucketHolder = 'nobody' | 'account' | 'another-account';

export interface S3 {
  /**
   * Who holds it, and where it lies; no region where S3 does not say.
   * @throws ServiceError when S3 answers with anything but a holder
   */
  headBucket(
    bucket: BucketAddress,
  ): Promise<{ readonly holder: BucketHolder | 'another-region'; readonly region: string | undefined }>;
  /** With its tags, in one call: there is no moment at which it exists and is not known as ours. */
  createBucket(
    bucket: BucketAddress,
    tags: Tags,
  ): Promise<'created' | 'exists-in-account' | 'exists-in-another-account'>;
  /** Whether it holds any object, as far as one look tells: older versions and delete markers are not seen. */
  hasObjects(bucket: BucketAddress): Promise<boolean>;
  /** Never empties it. */
  deleteBucket(bucket: BucketAddress): Promise<'removed' | 'absent' | 'not-empty'>;
  getBucketTagging(bucket: BucketAddress): Promise<Tags>;
  /** Replaces all tags. */
  putBucketTagging(bucket: BucketAddress, tags: Tags): Promise<void>;
  /** What keeps S3 from deleting the bucket, as far as one answer of S3 tells. */
  listObjectVersions(bucket: BucketAddress): Promise<{
    readonly versions: readonly { readonly key: string; readonly isLatest: boolean }[];
    readonly deleteMarkers: number;
  }>;
  /** Undefined where the bucket has none. */
  getPublicAccessBlock(bucket: BucketAddress): Promise<PublicAccessBlock | undefined>;
  /** That of the account that must own the bucket; undefined where it has none. */
  getAccountPublicAccessBlock(bucket: BucketAddress): Promise<PublicAccessBlock | undefined>;
  /** Undefined: takes it away. */
  putPublicAccessBlock(bucket: BucketAddress, block: PublicAccessBlock | undefined): Promise<void>;
  /** Who owns new objects, in S3's words; undefined where the bucket does not say. */
  getBucketOwnershipControls(bucket: BucketAddress): Promise<string | undefined>;
  /** Objects belong to the bucket's owner, whoever wrote them. */
  putBucketOwnershipControls(bucket: BucketAddress): Promise<void>;
  /** The default encryption; undefined where the bucket has none. */
  getBucketEncryption(
    bucket: BucketAddress,
  ): Promise<{ readonly algorithm: string; readonly kmsKeyId: string | undefined } | undefined>;
  /** Default encryption: with the KMS key, or S3's own where there is none. */
  putBucketEncryption(bucket: BucketAddress, kmsKeyArn: string | undefined): Promise<void>;
  /** The document as text; undefined where the bucket has none. */
  getBucketPolicy(bucket: BucketAddress): Promise<string | undefined>;
  putBucketPolicy(bucket: BucketAddress, policy: PolicyDocument): Promise<void>;
  deleteBucketPolicy(bucket: BucketAddress): Promise<void>;
  /** Whether Object Lock is on, and the default retention; undefined where the bucket has none. */
  getObjectLockConfiguration(
    bucket: BucketAddress,
  ): Promise<{ readonly isEnabled: boolean; readonly retention: string | undefined } | undefined>;
  /** `Enabled` or `Suspended`; undefined where the bucket never had versions. */
  getBucketVersioning(bucket: BucketAddress): Promise<string | undefined>;
  /** Who pays for requests: `BucketOwner` or `Requester`. */
  getBucketRequestPayment(bucket: BucketAddress): Promise<string | undefined>;
  /** Undefined where the bucket has no CORS configuration. */
  getBucketCors(bucket: BucketAddress): Promise<readonly CorsRule[] | undefined>;
  /** Undefined: takes the configuration away. */
  putBucketCors(bucket: BucketAddress, rules: readonly CorsRule[] | undefined): Promise<void>;
  /** Buckets of the account, in all regions; not counted further than the default quota. */
  countBuckets(): Promise<number>;
}

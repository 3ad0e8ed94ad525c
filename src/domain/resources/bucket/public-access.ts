/** Whether a bucket is closed to the public. */
import { errorKinds, ServiceError } from '../../../errors.ts';
import { sameJson } from '../../model/canonical-json.ts';
import type { PublicAccessBlock } from '../../model/record.ts';
import type { BucketAddress, S3 } from './s3.ts';

/** The public-access block of a bucket that is closed to the public. */
export const closed: PublicAccessBlock = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

export const isClosed = (block: PublicAccessBlock | undefined): boolean => sameJson(block, closed);

/** S3 applies the stricter of the bucket's settings and the account's, each by itself. */
const stricter = (one: PublicAccessBlock = {}, other: PublicAccessBlock = {}): PublicAccessBlock => ({
  BlockPublicAcls: (one.BlockPublicAcls ?? false) || (other.BlockPublicAcls ?? false),
  IgnorePublicAcls: (one.IgnorePublicAcls ?? false) || (other.IgnorePublicAcls ?? false),
  BlockPublicPolicy: (one.BlockPublicPolicy ?? false) || (other.BlockPublicPolicy ?? false),
  RestrictPublicBuckets: (one.RestrictPublicBuckets ?? false) || (other.RestrictPublicBuckets ?? false),
});

/**
 * Whether the bucket is closed by its own block together with the account's, which is read only if the own does not do.
 * @param whereUnknown what counts if AWS does not answer now; undefined: then this throws
 */
export async function isClosedInAccount(
  bucket: BucketAddress,
  block: PublicAccessBlock | undefined,
  s3: Pick<S3, 'getAccountPublicAccessBlock'>,
  whereUnknown?: boolean,
): Promise<boolean> {
  if (isClosed(block)) return true;
  try {
    return isClosed(stricter(block, await s3.getAccountPublicAccessBlock(bucket)));
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    // A service control policy may forbid the look: then the bucket's own block decides.
    if (!errorKinds[error.name].retryable) return false;
    if (whereUnknown === undefined) throw error;
    return whereUnknown;
  }
}

/** Whether a bucket is closed to the public. */
import { sameJson } from '../../model/canonical-json.ts';
import type { PublicAccessBlock } from '../../model/record.ts';

/** The public-access block of a bucket that is closed to the public. */
export const closed: PublicAccessBlock = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

export const isClosed = (block: PublicAccessBlock | undefined): boolean => sameJson(block, closed);

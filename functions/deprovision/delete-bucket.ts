import { recordReader } from '../../src/clients/aws/journal/record.ts';
import * as s3 from '../../src/clients/aws/s3.ts';
import { callsOf } from '../../src/clients/calls.ts';
import { table } from '../../src/deployed/journal.ts';
import { releaseBucket } from '../../src/domain/resources/bucket/adopt.ts';
import { deleteBucket, isKept, releaseCreatedBucket } from '../../src/domain/resources/bucket/delete.ts';
import { deprovisionStep } from '../../src/runtime/step.ts';

const calls = callsOf(s3.s3Clients(), {
  headBucket: s3.headBucket,
  getBucketTagging: s3.getBucketTagging,
  putBucketTagging: s3.putBucketTagging,
  getBucketPolicy: s3.getBucketPolicy,
  deleteBucketPolicy: s3.deleteBucketPolicy,
  listObjectVersions: s3.listObjectVersions,
  getPublicAccessBlock: s3.getPublicAccessBlock,
  putPublicAccessBlock: s3.putPublicAccessBlock,
  getBucketCors: s3.getBucketCors,
  putBucketCors: s3.putBucketCors,
  deleteBucket: s3.deleteBucket,
});
const records = recordReader(table);

/**
 * DeleteBucket: undoes CreateBucket, if the bucket is empty, or leaves it to its owner, if `DELETE` said so; the settings of
 * an adopted one are restored.
 */
export const handler = deprovisionStep('DeleteBucket', async (step) => {
  if (step.desired.bucket.mode === 'adopt') return releaseBucket(step, calls);
  const kept = await isKept(step.record, records);
  return kept ? releaseCreatedBucket(step, calls) : deleteBucket(step, calls);
});

import * as s3 from '../../src/clients/aws/s3.ts';
import { callsOf } from '../../src/clients/calls.ts';
import { releaseBucket } from '../../src/domain/resources/bucket/adopt.ts';
import { deleteBucket } from '../../src/domain/resources/bucket/bucket.ts';
import { deprovisionStep } from '../../src/runtime/step.ts';

const calls = callsOf(s3.s3Clients(), {
  headBucket: s3.headBucket,
  getBucketTagging: s3.getBucketTagging,
  getPublicAccessBlock: s3.getPublicAccessBlock,
  putPublicAccessBlock: s3.putPublicAccessBlock,
  getBucketCors: s3.getBucketCors,
  putBucketCors: s3.putBucketCors,
  deleteBucket: s3.deleteBucket,
});

/** DeleteBucket: undoes CreateBucket, if the bucket is empty; the settings of an adopted one are restored. */
export const handler = deprovisionStep('DeleteBucket', (step) =>
  step.desired.bucket.mode === 'adopt' ? releaseBucket(step, calls) : deleteBucket(step, calls),
);

import { getAccountPublicAccessBlock } from '../../src/clients/aws/account-public-access.ts';
import * as s3 from '../../src/clients/aws/s3.ts';
import { callsOf } from '../../src/clients/calls.ts';
import { adoptBucket } from '../../src/domain/resources/bucket/adopt.ts';
import { createBucket } from '../../src/domain/resources/bucket/bucket.ts';
import { provisionStep } from '../../src/runtime/step.ts';

const calls = callsOf(s3.s3Clients(), {
  headBucket: s3.headBucket,
  createBucket: s3.createBucket,
  getBucketTagging: s3.getBucketTagging,
  getPublicAccessBlock: s3.getPublicAccessBlock,
  getAccountPublicAccessBlock,
  putPublicAccessBlock: s3.putPublicAccessBlock,
  putBucketOwnershipControls: s3.putBucketOwnershipControls,
  putBucketEncryption: s3.putBucketEncryption,
  getBucketPolicy: s3.getBucketPolicy,
  putBucketPolicy: s3.putBucketPolicy,
  getBucketOwnershipControls: s3.getBucketOwnershipControls,
  getBucketEncryption: s3.getBucketEncryption,
  getBucketCors: s3.getBucketCors,
  putBucketCors: s3.putBucketCors,
});

/** CreateBucket: the bucket, closed to the public, encrypted, tagged, TLS only; or an existing one. */
export const handler = provisionStep('CreateBucket', (step) =>
  step.desired.bucket.mode === 'adopt' ? adoptBucket(step, calls) : createBucket(step, calls),
);

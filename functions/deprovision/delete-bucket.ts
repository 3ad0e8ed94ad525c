import { bucketRemover, s3Clients } from '../../src/clients/aws/s3.ts';
import { deleteBucket } from '../../src/domain/bucket.ts';
import { deprovisionStep } from '../../src/handlers/step.ts';

const s3 = bucketRemover(s3Clients());

/** DeleteBucket: undoes CreateBucket, where the bucket is empty. */
export const handler = deprovisionStep('DeleteBucket', (step) => deleteBucket(step, s3));

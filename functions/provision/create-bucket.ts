import { bucketCreator, s3Clients } from '../../src/clients/aws/s3.ts';
import { createBucket } from '../../src/domain/bucket.ts';
import { provisionStep } from '../../src/handlers/step.ts';

const s3 = bucketCreator(s3Clients());

/** CreateBucket: the bucket, closed to the public, encrypted, tagged, and deaf to plain HTTP. */
export const handler = provisionStep('CreateBucket', (step) => createBucket(step, s3));

import { bucketAdopter, bucketCreator, s3Clients } from '../../src/clients/aws/s3.ts';
import { adoptBucket } from '../../src/domain/resources/bucket/adopt.ts';
import { createBucket } from '../../src/domain/resources/bucket/bucket.ts';
import { provisionStep } from '../../src/runtime/step.ts';

const clients = s3Clients();
const creator = bucketCreator(clients);
const adopter = bucketAdopter(clients);

/** CreateBucket: the bucket, closed to the public, encrypted, tagged, and deaf to plain HTTP; or one that is there. */
export const handler = provisionStep('CreateBucket', (step) =>
  step.desired.bucket.mode === 'adopt' ? adoptBucket(step, adopter) : createBucket(step, creator),
);

import { bucketAdopter, bucketCreator, s3Clients } from '../../src/clients/aws/s3.ts';
import { adoptBucket } from '../../src/domain/adopted-bucket.ts';
import { createBucket } from '../../src/domain/bucket.ts';
import { provisionStep } from '../../src/handlers/step.ts';

const clients = s3Clients();
const creator = bucketCreator(clients);
const adopter = bucketAdopter(clients);

/** CreateBucket: the bucket, closed to the public, encrypted, tagged, and deaf to plain HTTP; or one that is there. */
export const handler = provisionStep('CreateBucket', (step) =>
  step.plan.bucket.mode === 'adopt' ? adoptBucket(step, adopter) : createBucket(step, creator),
);

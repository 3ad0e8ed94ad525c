import { bucketAdopter, bucketRemover, s3Clients } from '../../src/clients/aws/s3.ts';
import { releaseBucket } from '../../src/domain/resources/bucket/adopt.ts';
import { deleteBucket } from '../../src/domain/resources/bucket/bucket.ts';
import { deprovisionStep } from '../../src/runtime/step.ts';

const clients = s3Clients();
const remover = bucketRemover(clients);
const adopter = bucketAdopter(clients);

/** DeleteBucket: undoes CreateBucket, where the bucket is empty; one that was adopted is given back. */
export const handler = deprovisionStep('DeleteBucket', (step) =>
  step.desired.bucket.mode === 'adopt' ? releaseBucket(step, adopter) : deleteBucket(step, remover),
);

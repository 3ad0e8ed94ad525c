/** Refusals of S3 whose own words do not say what to do. */
import type { BucketAddress } from '../../domain/resources/bucket/s3.ts';
import { ServiceError } from '../../errors.ts';

/** S3 answers so for a region that is not enabled, too, and says nothing about the bucket. */
export const notAnswered = (
  { name, region }: BucketAddress,
  status: 400 | 403,
  cause: unknown,
): ServiceError =>
  new ServiceError(
    status === 403 ? 'AwsAccessDeniedError' : 'AwsRequestRefusedError',
    `S3 in ${region} refused to say who holds the bucket ${name} (${status}). Check that ${region} is enabled for this ` +
      'account and is in its partition, and that no policy denies s3:ListBucket to the function.',
    { cause },
  );

/** Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, and Amazon S3 User Guide, "Deleting a bucket". */
export const stillBusy = ({ name, region }: BucketAddress, cause: unknown): ServiceError =>
  new ServiceError(
    'AwsConflictError',
    `S3 is still busy with the bucket name ${name} (OperationAborted). A name that was deleted stays busy for some minutes, ` +
      `and for up to an hour if the bucket was in another region than ${region}. Send the request again in an hour, or ` +
      'choose another bucket name.',
    { cause },
  );

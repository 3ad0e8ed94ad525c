/**
 * Amazon S3: buckets, a function a call. A Lambda function binds those that it makes to its clients, and its bundle
 * holds no others.
 */
import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  type CreateBucketCommandInput,
  DeleteBucketCommand,
  DeleteBucketCorsCommand,
  DeleteBucketPolicyCommand,
  DeleteBucketTaggingCommand,
  DeletePublicAccessBlockCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketRequestPaymentCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketCorsCommand,
  PutBucketEncryptionCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import * as z from 'zod';
import { corsRuleSchema, publicAccessBlockSchema } from '../../domain/model/record.ts';
import { defaultBucketQuota } from '../../domain/preflight/quotas.ts';
import type { BucketAddress, S3 } from '../../domain/resources/bucket/s3.ts';
import { awsCall, awsCallOr, awsErrorCode, awsErrorStatus, given, mapAwsError } from './errors.ts';
import { notAnswered, stillBusy } from './s3-refusals.ts';
import { regionalClients } from './settings.ts';

/** A client for a bucket's region: S3 answers a call in another region with a redirect. */
export type S3ClientFor = (region: string) => S3Client;

export const s3Clients = (): S3ClientFor => regionalClients((settings) => new S3Client(settings));

const target = ({ name, ownerAccountId }: BucketAddress) => ({
  Bucket: name,
  ExpectedBucketOwner: ownerAccountId,
});

/** S3 says where a bucket lies in a header, also of an error. */
const answerSchema = z.object({
  $response: z.object({ headers: z.object({ 'x-amz-bucket-region': z.string() }) }),
});

/** HeadBucket has no body: only the status says what is the matter. */
export const headBucket =
  (clientFor: S3ClientFor): S3['headBucket'] =>
  async (bucket) => {
    try {
      const { BucketRegion } = await clientFor(bucket.region).send(new HeadBucketCommand(target(bucket)));
      return { holder: 'account', region: BucketRegion };
    } catch (error) {
      const status = awsErrorStatus(error);
      const region = answerSchema.safeParse(error).data?.$response.headers['x-amz-bucket-region'];
      if (status === 404) return { holder: 'nobody', region: undefined };
      if (status === 301) return { holder: 'another-region', region };
      // Where a bucket is, S3 says where; without that, the answer is about the caller, and says nothing of the bucket.
      if (region !== undefined && status === 403) return { holder: 'another-account', region };
      if (region !== undefined && status === 400) return { holder: 'another-region', region };
      if (status === 403 || status === 400) throw notAnswered(bucket, status, error);
      throw mapAwsError(error, `read bucket ${bucket.name}`);
    }
  };

/**
 * The request of CreateBucket; us-east-1 takes no location constraint, every other region requires one. It names no object
 * ownership: S3 authorises that as PutBucketOwnershipControls, which an organisation may deny, and a new bucket has it.
 */
function createInput(
  bucket: BucketAddress,
  tags: Readonly<Record<string, string>>,
): CreateBucketCommandInput {
  const location =
    bucket.region === 'us-east-1' ? {} : { LocationConstraint: bucket.region as BucketLocationConstraint };
  return {
    Bucket: bucket.name,
    CreateBucketConfiguration: {
      ...location,
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    },
  };
}

export const createBucket =
  (clientFor: S3ClientFor): S3['createBucket'] =>
  async (bucket, tags) => {
    try {
      await clientFor(bucket.region).send(new CreateBucketCommand(createInput(bucket, tags)));
      return 'created';
    } catch (error) {
      const code = awsErrorCode(error);
      if (code === 'BucketAlreadyOwnedByYou') return 'exists-in-account';
      if (code === 'BucketAlreadyExists') return 'exists-in-another-account';
      if (code === 'OperationAborted') throw stillBusy(bucket, error);
      throw mapAwsError(error, `create bucket ${bucket.name}`);
    }
  };

export const deleteBucket =
  (clientFor: S3ClientFor): S3['deleteBucket'] =>
  async (bucket) => {
    try {
      await clientFor(bucket.region).send(new DeleteBucketCommand(target(bucket)));
      return 'removed';
    } catch (error) {
      const code = awsErrorCode(error);
      if (code === 'NoSuchBucket') return 'absent';
      if (code === 'BucketNotEmpty') return 'not-empty';
      throw mapAwsError(error, `delete bucket ${bucket.name}`);
    }
  };

export const hasObjects =
  (clientFor: S3ClientFor): S3['hasObjects'] =>
  async (bucket) => {
    const what = `look into bucket ${bucket.name}`;
    const answer = await awsCallOr(what, ['NoSuchBucket'], { KeyCount: 0 }, () =>
      clientFor(bucket.region).send(new ListObjectsV2Command({ ...target(bucket), MaxKeys: 1 })),
    );
    return given(answer.KeyCount, 'the number of objects', what) > 0;
  };

export const getBucketTagging =
  (clientFor: S3ClientFor): S3['getBucketTagging'] =>
  async (bucket) => {
    const what = `read the tags of bucket ${bucket.name}`;
    const answer = await awsCallOr(what, ['NoSuchTagSet'], { TagSet: [] }, () =>
      clientFor(bucket.region).send(new GetBucketTaggingCommand(target(bucket))),
    );
    const tags = given(answer.TagSet, 'the tags', what);
    return Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [Key, Value]));
  };

export const putBucketTagging =
  (clientFor: S3ClientFor): S3['putBucketTagging'] =>
  (bucket, tags) =>
    change(`set the tags of bucket ${bucket.name}`, () => {
      const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
      return TagSet.length > 0
        ? clientFor(bucket.region).send(
            new PutBucketTaggingCommand({ ...target(bucket), Tagging: { TagSet } }),
          )
        : clientFor(bucket.region).send(new DeleteBucketTaggingCommand(target(bucket)));
    });

export const listObjectVersions =
  (clientFor: S3ClientFor): S3['listObjectVersions'] =>
  async (bucket) => {
    const { Versions = [], DeleteMarkers = [] } = await awsCall(`list what is in bucket ${bucket.name}`, () =>
      clientFor(bucket.region).send(new ListObjectVersionsCommand(target(bucket))),
    );
    return {
      versions: Versions.map(({ Key = '', IsLatest = true }) => ({ key: Key, isLatest: IsLatest })),
      deleteMarkers: DeleteMarkers.length,
    };
  };

export const getPublicAccessBlock =
  (clientFor: S3ClientFor): S3['getPublicAccessBlock'] =>
  async (bucket) => {
    const what = `read the public-access block of bucket ${bucket.name}`;
    const answer = await awsCallOr(what, ['NoSuchPublicAccessBlockConfiguration'], undefined, () =>
      clientFor(bucket.region).send(new GetPublicAccessBlockCommand(target(bucket))),
    );
    if (!answer) return undefined;
    return publicAccessBlockSchema.parse(given(answer.PublicAccessBlockConfiguration, 'its settings', what));
  };

export const putPublicAccessBlock =
  (clientFor: S3ClientFor): S3['putPublicAccessBlock'] =>
  (bucket, block) =>
    change(`set the public-access block of bucket ${bucket.name}`, () =>
      block
        ? clientFor(bucket.region).send(
            new PutPublicAccessBlockCommand({ ...target(bucket), PublicAccessBlockConfiguration: block }),
          )
        : clientFor(bucket.region).send(new DeletePublicAccessBlockCommand(target(bucket))),
    );

export const getBucketOwnershipControls =
  (clientFor: S3ClientFor): S3['getBucketOwnershipControls'] =>
  async (bucket) => {
    const what = `read the object ownership of bucket ${bucket.name}`;
    const answer = await awsCallOr(what, ['OwnershipControlsNotFoundError'], undefined, () =>
      clientFor(bucket.region).send(new GetBucketOwnershipControlsCommand(target(bucket))),
    );
    return answer?.OwnershipControls?.Rules?.[0]?.ObjectOwnership;
  };

export const putBucketOwnershipControls =
  (clientFor: S3ClientFor): S3['putBucketOwnershipControls'] =>
  (bucket) =>
    change(`set the object ownership of bucket ${bucket.name}`, () =>
      clientFor(bucket.region).send(
        new PutBucketOwnershipControlsCommand({
          ...target(bucket),
          OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
        }),
      ),
    );

export const getBucketEncryption =
  (clientFor: S3ClientFor): S3['getBucketEncryption'] =>
  async (bucket) => {
    const what = `read the encryption of bucket ${bucket.name}`;
    const answer = await awsCallOr(what, ['ServerSideEncryptionConfigurationNotFoundError'], undefined, () =>
      clientFor(bucket.region).send(new GetBucketEncryptionCommand(target(bucket))),
    );
    if (!answer) return undefined;
    const [rule] = answer.ServerSideEncryptionConfiguration?.Rules ?? [];
    const { SSEAlgorithm = 'none', KMSMasterKeyID } = { ...rule?.ApplyServerSideEncryptionByDefault };
    return { algorithm: SSEAlgorithm, kmsKeyId: KMSMasterKeyID };
  };

export const putBucketEncryption =
  (clientFor: S3ClientFor): S3['putBucketEncryption'] =>
  (bucket, kmsKeyArn) =>
    change(`set the encryption of bucket ${bucket.name}`, () =>
      clientFor(bucket.region).send(
        new PutBucketEncryptionCommand({
          ...target(bucket),
          ServerSideEncryptionConfiguration: {
            Rules: [
              kmsKeyArn
                ? {
                    ApplyServerSideEncryptionByDefault: {
                      SSEAlgorithm: 'aws:kms',
                      KMSMasterKeyID: kmsKeyArn,
                    },
                    // One call of KMS for many objects; Dataloop reads whole data sets.
                    BucketKeyEnabled: true,
                  }
                : {
                    ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' },
                    BucketKeyEnabled: false,
                  },
            ],
          },
        }),
      ),
    );

export const getBucketPolicy =
  (clientFor: S3ClientFor): S3['getBucketPolicy'] =>
  async (bucket) => {
    const what = `read the policy of bucket ${bucket.name}`;
    const answer = await awsCallOr(what, ['NoSuchBucketPolicy'], undefined, () =>
      clientFor(bucket.region).send(new GetBucketPolicyCommand(target(bucket))),
    );
    return answer && given(answer.Policy, 'the policy', what);
  };

export const putBucketPolicy =
  (clientFor: S3ClientFor): S3['putBucketPolicy'] =>
  (bucket, policy) =>
    change(`set the policy of bucket ${bucket.name}`, () =>
      clientFor(bucket.region).send(
        new PutBucketPolicyCommand({ ...target(bucket), Policy: JSON.stringify(policy) }),
      ),
    );

export const deleteBucketPolicy =
  (clientFor: S3ClientFor): S3['deleteBucketPolicy'] =>
  (bucket) =>
    change(`delete the policy of bucket ${bucket.name}`, () =>
      clientFor(bucket.region).send(new DeleteBucketPolicyCommand(target(bucket))),
    );

export const getObjectLockConfiguration =
  (clientFor: S3ClientFor): S3['getObjectLockConfiguration'] =>
  async (bucket) => {
    const what = `read the Object Lock of bucket ${bucket.name}`;
    const answer = await awsCallOr(what, ['ObjectLockConfigurationNotFoundError'], undefined, () =>
      clientFor(bucket.region).send(new GetObjectLockConfigurationCommand(target(bucket))),
    );
    const lock = answer?.ObjectLockConfiguration;
    if (!lock) return undefined;
    const { Mode, Days, Years } = lock.Rule?.DefaultRetention ?? {};
    const time = Days === undefined ? `${Years} years` : `${Days} days`;
    return {
      isEnabled: lock.ObjectLockEnabled === 'Enabled',
      retention: Mode && `${time} in ${Mode.toLowerCase()} mode`,
    };
  };

export const getBucketVersioning =
  (clientFor: S3ClientFor): S3['getBucketVersioning'] =>
  async (bucket) => {
    const { Status } = await awsCall(`read the versioning of bucket ${bucket.name}`, () =>
      clientFor(bucket.region).send(new GetBucketVersioningCommand(target(bucket))),
    );
    return Status;
  };

export const getBucketRequestPayment =
  (clientFor: S3ClientFor): S3['getBucketRequestPayment'] =>
  async (bucket) => {
    const { Payer } = await awsCall(`read who pays for requests to bucket ${bucket.name}`, () =>
      clientFor(bucket.region).send(new GetBucketRequestPaymentCommand(target(bucket))),
    );
    return Payer;
  };

export const getBucketCors =
  (clientFor: S3ClientFor): S3['getBucketCors'] =>
  async (bucket) => {
    const what = `read the CORS rules of bucket ${bucket.name}`;
    const answer = await awsCallOr(what, ['NoSuchCORSConfiguration'], undefined, () =>
      clientFor(bucket.region).send(new GetBucketCorsCommand(target(bucket))),
    );
    return answer && z.array(corsRuleSchema).parse(given(answer.CORSRules, 'the rules', what));
  };

export const putBucketCors =
  (clientFor: S3ClientFor): S3['putBucketCors'] =>
  (bucket, rules) =>
    change(`set the CORS rules of bucket ${bucket.name}`, () =>
      rules
        ? clientFor(bucket.region).send(
            new PutBucketCorsCommand({ ...target(bucket), CORSConfiguration: { CORSRules: [...rules] } }),
          )
        : clientFor(bucket.region).send(new DeleteBucketCorsCommand(target(bucket))),
    );

const change = async (what: string, call: () => Promise<unknown>): Promise<void> => {
  await awsCall(what, call);
};

/** @param region where to ask: one call tells the buckets of all regions */
export const countBuckets =
  (region: string) =>
  (clientFor: S3ClientFor): S3['countBuckets'] =>
  async () => {
    const answer = await awsCall("count the account's buckets", () =>
      clientFor(region).send(new ListBucketsCommand({ MaxBuckets: defaultBucketQuota })),
    );
    return answer.Buckets?.length ?? 0;
  };

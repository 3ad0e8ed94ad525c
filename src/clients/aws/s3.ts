/** Amazon S3: buckets. Each function contains just the calls of one step, so that its bundle does too. */
import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  type CreateBucketCommandInput,
  DeleteBucketCommand,
  DeleteBucketCorsCommand,
  DeletePublicAccessBlockCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketTaggingCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutBucketCorsCommand,
  PutBucketEncryptionCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import * as z from 'zod';
import type { ConnectionBucket } from '../../domain/healthcheck/checks.ts';
import { type CorsRule, corsRuleSchema, publicAccessBlockSchema } from '../../domain/model/record.ts';
import { defaultBucketQuota } from '../../domain/preflight/quotas.ts';
import {
  type AdoptableBucketReader,
  type BucketAdopter,
  type BucketLocation,
  closed,
  isClosed,
} from '../../domain/resources/bucket/adopt.ts';
import type {
  BucketAddress,
  BucketCreator,
  BucketHolder,
  BucketReader,
  BucketRemover,
} from '../../domain/resources/bucket/bucket.ts';
import { corsRule } from '../../domain/resources/bucket/cors.ts';
import { ServiceError } from '../../errors.ts';
import { awsCall, awsCallOr, awsErrorCode, awsErrorStatus, given, mapAwsError } from './errors.ts';
import { regionalClients } from './settings.ts';

/** A client for a bucket's region: S3 answers a call in another region with a redirect. */
export type S3ClientFor = (region: string) => S3Client;

export const s3Clients = (): S3ClientFor => regionalClients((settings) => new S3Client(settings));

const target = ({ name, ownerAccountId }: BucketAddress) => ({
  Bucket: name,
  ExpectedBucketOwner: ownerAccountId,
});

export function bucketReader(clientFor: S3ClientFor): BucketReader {
  return {
    holderOf: (bucket) => holderOf(clientFor, bucket),
    tagsOf: (bucket) => tagsOf(clientFor, bucket),
  };
}

/** @throws ServiceError `BucketNameTakenError` where it lies in another region */
export async function holderOf(clientFor: S3ClientFor, bucket: BucketAddress): Promise<BucketHolder> {
  const { holder } = await locate(clientFor, bucket);
  if (holder !== 'another-region') return holder;
  throw new ServiceError(
    'BucketNameTakenError',
    `The bucket ${bucket.name} already exists in another region than ${bucket.region}; it was left as it is. ` +
      'Choose another bucket name.',
  );
}

/** S3 says where a bucket lies in a header, also of an error. */
const answerSchema = z.object({
  $response: z.object({ headers: z.object({ 'x-amz-bucket-region': z.string() }) }),
});

/** HeadBucket has no body: only the status says what is the matter. */
async function locate(clientFor: S3ClientFor, bucket: BucketAddress): Promise<BucketLocation> {
  try {
    const { BucketRegion } = await clientFor(bucket.region).send(new HeadBucketCommand(target(bucket)));
    return { holder: 'account', region: BucketRegion };
  } catch (error) {
    const status = awsErrorStatus(error);
    const region = answerSchema.safeParse(error).data?.$response.headers['x-amz-bucket-region'];
    if (status === 404) return { holder: 'nobody', region: undefined };
    if (status === 403) return { holder: 'another-account', region };
    if (status === 301 || status === 400) return { holder: 'another-region', region };
    throw mapAwsError(error, `look at bucket ${bucket.name}`);
  }
}

async function tagsOf(clientFor: S3ClientFor, bucket: BucketAddress): Promise<Record<string, string>> {
  const what = `read the tags of bucket ${bucket.name}`;
  const answer = await awsCallOr(what, ['NoSuchTagSet'], { TagSet: [] }, () =>
    clientFor(bucket.region).send(new GetBucketTaggingCommand(target(bucket))),
  );
  const tags = given(answer.TagSet, 'the tags', what);
  return Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [Key, Value]));
}

/** The request of CreateBucket; us-east-1 takes no location constraint, every other region requires one. */
function createInput(
  bucket: BucketAddress,
  tags: Readonly<Record<string, string>>,
): CreateBucketCommandInput {
  const location =
    bucket.region === 'us-east-1' ? {} : { LocationConstraint: bucket.region as BucketLocationConstraint };
  return {
    Bucket: bucket.name,
    ObjectOwnership: 'BucketOwnerEnforced',
    CreateBucketConfiguration: {
      ...location,
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    },
  };
}

export function bucketCreator(clientFor: S3ClientFor): BucketCreator {
  return {
    ...bucketReader(clientFor),
    create: async (bucket, tags) => {
      try {
        await clientFor(bucket.region).send(new CreateBucketCommand(createInput(bucket, tags)));
        return 'created';
      } catch (error) {
        const code = awsErrorCode(error);
        if (code === 'BucketAlreadyOwnedByYou') return 'exists-in-account';
        if (code === 'BucketAlreadyExists') return 'exists-in-another-account';
        throw mapAwsError(error, `create bucket ${bucket.name}`);
      }
    },
    blockPublicAccess: (bucket) =>
      change(`block public access to bucket ${bucket.name}`, () =>
        clientFor(bucket.region).send(
          new PutPublicAccessBlockCommand({ ...target(bucket), PublicAccessBlockConfiguration: closed }),
        ),
      ),
    enforceOwnership: (bucket) =>
      change(`set the object ownership of bucket ${bucket.name}`, () =>
        clientFor(bucket.region).send(
          new PutBucketOwnershipControlsCommand({
            ...target(bucket),
            OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
          }),
        ),
      ),
    encrypt: (bucket, kmsKeyArn) =>
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
      ),
    setPolicy: (bucket, policy) =>
      change(`set the policy of bucket ${bucket.name}`, () =>
        clientFor(bucket.region).send(
          new PutBucketPolicyCommand({ ...target(bucket), Policy: JSON.stringify(policy) }),
        ),
      ),
    allowOrigins: (bucket, origins) =>
      setCors(clientFor, bucket, [corsRule('dataloop-cross-account', origins)]),
  };
}

const setCors = (clientFor: S3ClientFor, bucket: BucketAddress, rules: readonly CorsRule[] | undefined) =>
  change(`set the CORS rules of bucket ${bucket.name}`, () =>
    rules
      ? clientFor(bucket.region).send(
          new PutBucketCorsCommand({ ...target(bucket), CORSConfiguration: { CORSRules: [...rules] } }),
        )
      : clientFor(bucket.region).send(new DeleteBucketCorsCommand(target(bucket))),
  );

export function adoptableBucketReader(clientFor: S3ClientFor): AdoptableBucketReader {
  return {
    locate: (bucket) => locate(clientFor, bucket),
    tagsOf: (bucket) => tagsOf(clientFor, bucket),
    publicAccessBlockOf: async (bucket) => {
      const what = `read the public-access block of bucket ${bucket.name}`;
      const answer = await awsCallOr(what, ['NoSuchPublicAccessBlockConfiguration'], undefined, () =>
        clientFor(bucket.region).send(new GetPublicAccessBlockCommand(target(bucket))),
      );
      if (!answer) return undefined;
      return publicAccessBlockSchema.parse(
        given(answer.PublicAccessBlockConfiguration, 'its settings', what),
      );
    },
  };
}

export function bucketAdopter(clientFor: S3ClientFor): BucketAdopter {
  return {
    ...adoptableBucketReader(clientFor),
    corsOf: async (bucket) => {
      const what = `read the CORS rules of bucket ${bucket.name}`;
      const answer = await awsCallOr(what, ['NoSuchCORSConfiguration'], undefined, () =>
        clientFor(bucket.region).send(new GetBucketCorsCommand(target(bucket))),
      );
      return answer && z.array(corsRuleSchema).parse(given(answer.CORSRules, 'the rules', what));
    },
    setPublicAccessBlock: (bucket, block) =>
      change(`set the public-access block of bucket ${bucket.name}`, () =>
        block
          ? clientFor(bucket.region).send(
              new PutPublicAccessBlockCommand({ ...target(bucket), PublicAccessBlockConfiguration: block }),
            )
          : clientFor(bucket.region).send(new DeletePublicAccessBlockCommand(target(bucket))),
      ),
    setCors: (bucket, rules) => setCors(clientFor, bucket, rules),
  };
}

export function bucketRemover(clientFor: S3ClientFor): BucketRemover {
  return {
    ...bucketReader(clientFor),
    delete: async (bucket) => {
      try {
        await clientFor(bucket.region).send(new DeleteBucketCommand(target(bucket)));
        return 'removed';
      } catch (error) {
        const code = awsErrorCode(error);
        if (code === 'NoSuchBucket') return 'absent';
        if (code === 'BucketNotEmpty') return 'not-empty';
        throw mapAwsError(error, `delete bucket ${bucket.name}`);
      }
    },
  };
}

const change = async (what: string, call: () => Promise<unknown>): Promise<void> => {
  await awsCall(what, call);
};

/** Buckets of the account in all regions, not counted further than the default quota: one call. */
export async function countBuckets(clientFor: S3ClientFor, region: string): Promise<number> {
  const answer = await awsCall("count the account's buckets", () =>
    clientFor(region).send(new ListBucketsCommand({ MaxBuckets: defaultBucketQuota })),
  );
  return answer.Buckets?.length ?? 0;
}

/** A bucket's settings as they stand, read for the test of a connection. */
export function connectionBucket(clientFor: S3ClientFor): ConnectionBucket {
  return {
    tagsOf: (bucket) => unlessGone(bucket, () => tagsOf(clientFor, bucket)),
    publicAccessBlock: (bucket) =>
      setting(bucket, 'the public access block', 'NoSuchPublicAccessBlockConfiguration', async () => {
        const answer = await clientFor(bucket.region).send(new GetPublicAccessBlockCommand(target(bucket)));
        return isClosed(answer.PublicAccessBlockConfiguration) ? 'complete' : 'open';
      }),
    corsRules: async (bucket) =>
      (await setting(bucket, 'the CORS rules', 'NoSuchCORSConfiguration', async () => {
        const { CORSRules = [] } = await clientFor(bucket.region).send(
          new GetBucketCorsCommand(target(bucket)),
        );
        return CORSRules.map(({ AllowedOrigins = [], AllowedMethods = [] }) => ({
          origins: AllowedOrigins,
          methods: AllowedMethods,
        }));
      })) ?? [],
    encryption: (bucket) =>
      setting(bucket, 'the encryption', 'ServerSideEncryptionConfigurationNotFoundError', async () => {
        const answer = await clientFor(bucket.region).send(new GetBucketEncryptionCommand(target(bucket)));
        const [rule] = answer.ServerSideEncryptionConfiguration?.Rules ?? [];
        const { SSEAlgorithm = 'none', KMSMasterKeyID } = {
          ...rule?.ApplyServerSideEncryptionByDefault,
        };
        return { algorithm: SSEAlgorithm, kmsKeyId: KMSMasterKeyID };
      }),
  };
}

/** One setting of a bucket; undefined where it is not set. */
const setting = <T>(bucket: BucketAddress, which: string, unsetCode: string, read: () => Promise<T>) =>
  unlessGone(bucket, () => awsCallOr(`read ${which} of bucket ${bucket.name}`, [unsetCode], undefined, read));

/** A bucket that is not there any more does not come back by waiting, as one does that was just created. */
async function unlessGone<T>(bucket: BucketAddress, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ServiceError) || awsErrorCode(error.cause) !== 'NoSuchBucket') throw error;
    throw new ServiceError(
      'AwsRequestRefusedError',
      `There is no bucket ${bucket.name} any more: somebody deleted it. Send DELETE for this integration, then connect ` +
        'the bucket again.',
      { cause: error.cause },
    );
  }
}

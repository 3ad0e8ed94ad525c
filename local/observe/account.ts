/** The resources of an AWS account: names, and the settings of a bucket as facts to compare. */
import { type IAMClient, paginateListPolicies, paginateListRoles } from '@aws-sdk/client-iam';
import {
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetPublicAccessBlockCommand,
  paginateListBuckets,
  type S3Client,
} from '@aws-sdk/client-s3';
import * as z from 'zod';

export async function bucketNames(client: S3Client): Promise<string[]> {
  const names: string[] = [];
  for await (const { Buckets = [] } of paginateListBuckets({ client }, {})) {
    names.push(...Buckets.map(({ Name = '' }) => Name));
  }
  return names;
}

/** ARNs of the account's own policies. */
export async function policyArns(client: IAMClient): Promise<string[]> {
  const arns: string[] = [];
  for await (const { Policies = [] } of paginateListPolicies({ client }, { Scope: 'Local' })) {
    arns.push(...Policies.map(({ Arn = '' }) => Arn));
  }
  return arns;
}

export async function rolesIn(client: IAMClient): Promise<{ name: string; arn: string }[]> {
  const roles: { name: string; arn: string }[] = [];
  for await (const { Roles = [] } of paginateListRoles({ client }, {})) {
    roles.push(...Roles.map(({ RoleName: name = '', Arn: arn = '' }) => ({ name, arn })));
  }
  return roles;
}

/**
 * An answer without what the SDK adds to it.
 * @param none names of the errors that are an answer too, "there is none"
 * @returns the answer, or the name of such an error
 */
export async function factsOf(call: Promise<object>, none: RegExp): Promise<unknown> {
  try {
    const { $metadata: _metadata, ...rest } = { $metadata: undefined, ...(await call) };
    return rest;
  } catch (error) {
    const name = error instanceof Error ? error.name : '';
    if (none.test(name)) return name;
    throw error;
  }
}

const taggingSchema = z.object({ TagSet: z.array(z.object({ Key: z.string(), Value: z.string() })) });

/** Tags in the facts about a bucket; an empty object where there are none, or nobody may see them. */
export const tagsIn = (facts: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (taggingSchema.safeParse(facts).data?.TagSet ?? []).map(({ Key, Value }) => [Key, Value]),
  );

/** @param none as of `factsOf` */
export async function bucketSettings(s3: S3Client, Bucket: string, none: RegExp) {
  const [tags, policy, cors, encryption, publicAccess, ownership] = await Promise.all([
    factsOf(s3.send(new GetBucketTaggingCommand({ Bucket })), none),
    factsOf(s3.send(new GetBucketPolicyCommand({ Bucket })), none),
    factsOf(s3.send(new GetBucketCorsCommand({ Bucket })), none),
    factsOf(s3.send(new GetBucketEncryptionCommand({ Bucket })), none),
    factsOf(s3.send(new GetPublicAccessBlockCommand({ Bucket })), none),
    factsOf(s3.send(new GetBucketOwnershipControlsCommand({ Bucket })), none),
  ]);
  return { tags, policy, cors, encryption, publicAccess, ownership };
}

/** What was there before: a bucket as a customer has it, a role as another team has it, an integration that waits. */
import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  type IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import {
  type BucketLocationConstraint,
  type CORSRule,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeletePublicAccessBlockCommand,
  type PublicAccessBlockConfiguration,
  PutBucketCorsCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import * as z from 'zod';

/** How many of each a deployment of the tests may adopt. */
export const adoptableCount = 15;
/** Those that it may adopt have these names, with a number; no name is the beginning of another one. */
const numbered = (name: string, number: number) => `${name}${String(number).padStart(2, '0')}`;
export const bucketName = (number: number) => numbered('acme-photos-', number);
export const roleName = (number: number) => numbered('AcmeLabelling', number);

export const closed: PublicAccessBlockConfiguration = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};
export const theirRules: CORSRule[] = [
  {
    ID: 'theirs',
    AllowedMethods: ['GET'],
    AllowedOrigins: ['https://example.com'],
    AllowedHeaders: ['x-one', 'x-two'],
    MaxAgeSeconds: 5,
  },
  { AllowedMethods: ['PUT', 'POST'], AllowedOrigins: ['https://*.example.org'] },
];
const theirObjects = ['raw/1.jpg', 'raw/2.jpg'];

/** As people write it: with white space, and one statement that is no list. */
export const theirTrust = JSON.stringify(
  {
    Version: '2012-10-17',
    Id: 'made-by-the-team',
    Statement: {
      Sid: 'Team',
      Effect: 'Allow',
      Principal: { Service: 'ec2.amazonaws.com' },
      Action: 'sts:AssumeRole',
    },
  },
  undefined,
  4,
);
const readOnly = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
/** The limit of a role that may be adopted. */
export const theirBoundary = 'arn:aws:iam::aws:policy/AmazonS3FullAccess';
const inline = (RoleName: string) => ({ RoleName, PolicyName: 'theirs' });

export interface Made {
  readonly rules?: readonly CORSRule[];
  readonly publicAccess?: PublicAccessBlockConfiguration | 'none';
  readonly objects?: readonly string[];
}

const madeSchema = z.object({ id: z.string() });

export function adoptable({
  s3,
  iam,
  dataloopCall,
  organizationId,
}: {
  readonly s3: S3Client;
  readonly iam: IAMClient;
  readonly dataloopCall: (method: string, path: string, body?: unknown) => Promise<unknown>;
  readonly organizationId: string;
}) {
  const integrations = `/orgs/${organizationId}/integrations`;

  async function setRules(number: number, rules: readonly CORSRule[]): Promise<void> {
    const CORSConfiguration = { CORSRules: [...rules] };
    await s3.send(new PutBucketCorsCommand({ Bucket: bucketName(number), CORSConfiguration }));
  }

  return {
    setRules,

    makeBucket: async (
      number: number,
      { rules, publicAccess = closed, objects = theirObjects }: Made = {},
    ): Promise<string> => {
      const Bucket = bucketName(number);
      const Tags = [{ Key: 'team', Value: 'theirs' }];
      const LocationConstraint: BucketLocationConstraint = 'eu-west-1';
      await s3.send(
        new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint, Tags } }),
      );
      if (publicAccess === 'none') await s3.send(new DeletePublicAccessBlockCommand({ Bucket }));
      else {
        const block = { Bucket, PublicAccessBlockConfiguration: publicAccess };
        await s3.send(new PutPublicAccessBlockCommand(block));
      }
      if (rules) await setRules(number, rules);
      for (const Key of objects) await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
      return Bucket;
    },

    dropBucket: async (number: number, objects: readonly string[] = theirObjects): Promise<void> => {
      const Bucket = bucketName(number);
      for (const Key of objects) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
      await s3.send(new DeleteBucketCommand({ Bucket }));
    },

    /** With permissions of its own. */
    makeRole: async (
      number: number,
      trust = theirTrust,
      boundary: string | 'none' = theirBoundary,
    ): Promise<string> => {
      const RoleName = roleName(number);
      const role = { RoleName, Path: '/team/', AssumeRolePolicyDocument: trust };
      const limit = boundary === 'none' ? {} : { PermissionsBoundary: boundary };
      await iam.send(new CreateRoleCommand({ ...role, ...limit }));
      await iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn: readOnly }));
      const Statement = [{ Effect: 'Deny', Action: 'ec2:*', Resource: '*' }];
      const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
      await iam.send(new PutRolePolicyCommand({ ...inline(RoleName), PolicyDocument }));
      return RoleName;
    },

    dropRole: async (number: number): Promise<void> => {
      const RoleName = roleName(number);
      await iam.send(new DeleteRolePolicyCommand(inline(RoleName)));
      await iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn: readOnly }));
      await iam.send(new DeleteRoleCommand({ RoleName }));
    },

    /** An integration that somebody left waiting with its IAM user. @returns its id */
    makeWaiting: async (name: string, type = 'aws-cross'): Promise<string> =>
      madeSchema.parse(await dataloopCall('POST', integrations, { name, type, options: {} })).id,

    dropWaiting: (id: string) => dataloopCall('DELETE', `${integrations}/${id}`),
  };
}

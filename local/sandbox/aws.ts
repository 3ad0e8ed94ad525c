/** Dataloop's side of AWS: IAM users in an account of its own, who really assume roles and use buckets. */
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  IAMClient,
  ListUsersCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';

export interface IamUser {
  readonly name: string;
  readonly arn: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface Bucket {
  readonly name: string;
  readonly region: string;
  /** Folder, without slashes at its ends; empty: the whole bucket. */
  readonly path: string;
  readonly mayDelete: boolean;
}

const policyName = 'assume-customer-roles';

export interface DataloopAws {
  createUser(name: string): Promise<IamUser>;
  deleteUser(user: IamUser): Promise<void>;
  listUserNames(): Promise<string[]>;
  /** A session of the role, for buckets in a region. @throws the AWS error of AssumeRole */
  assume(user: IamUser, roleArn: string, region: string): Promise<S3Client>;
}

/** Acts for Dataloop's account, with the credentials that the environment names. */
export function dataloopAws(region: string): DataloopAws {
  const iam = new IAMClient({ region });
  return {
    createUser: async (name) => {
      const { User } = await iam.send(new CreateUserCommand({ UserName: name }));
      const document = {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' }],
      };
      await iam.send(
        new PutUserPolicyCommand({
          UserName: name,
          PolicyName: policyName,
          PolicyDocument: JSON.stringify(document),
        }),
      );
      const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: name }));
      return {
        name,
        arn: User?.Arn ?? '',
        accessKeyId: AccessKey?.AccessKeyId ?? '',
        secretAccessKey: AccessKey?.SecretAccessKey ?? '',
      };
    },
    deleteUser: async ({ name, accessKeyId }) => {
      await iam.send(new DeleteAccessKeyCommand({ UserName: name, AccessKeyId: accessKeyId }));
      await iam.send(new DeleteUserPolicyCommand({ UserName: name, PolicyName: policyName }));
      await iam.send(new DeleteUserCommand({ UserName: name }));
    },
    listUserNames: async () => {
      const { Users = [] } = await iam.send(new ListUsersCommand({}));
      return Users.map(({ UserName = '' }) => UserName).sort();
    },
    assume: async (user, roleArn, bucketRegion) => {
      const sts = new STSClient({ region, credentials: user });
      const { Credentials } = await sts.send(
        new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: 'dataloop', DurationSeconds: 900 }),
      );
      return new S3Client({
        region: bucketRegion,
        forcePathStyle: true,
        credentials: {
          accessKeyId: Credentials?.AccessKeyId ?? '',
          secretAccessKey: Credentials?.SecretAccessKey ?? '',
          sessionToken: Credentials?.SessionToken ?? '',
        },
      });
    },
  };
}

/** What the platform writes when it validates access, the second one where its hidden files are. */
export const testFiles = ['test-file', '.dataloop/test-file'];

/** What nobody outside of Dataloop knows of its test. */
export interface TestForm {
  readonly testLists?: 'folder/' | 'folder' | 'all' | undefined;
  readonly hiddenFiles?: 'folder' | 'root' | undefined;
}

/**
 * Lists, writes, reads and, where it may, deletes, as the platform does when it validates access. Without the
 * right to delete, the permission file stays behind, as on the platform.
 * @throws Error that names the call and AWS's error
 */
export async function tryBucket(
  s3: S3Client,
  bucket: Bucket,
  { testLists = 'folder/', hiddenFiles = 'folder' }: TestForm = {},
): Promise<void> {
  const at = (key: string) => {
    const isAtRoot = !bucket.path || (hiddenFiles === 'root' && key.startsWith('.dataloop/'));
    return isAtRoot ? key : `${bucket.path}/${key}`;
  };
  const Bucket = bucket.name;
  const step = async (call: string, work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      const name = error instanceof Error ? error.name : 'Unknown';
      throw new Error(`${call} on bucket ${bucket.name} was refused: ${name}`, { cause: error });
    }
  };
  const isWhole = testLists === 'all' || !bucket.path;
  const Prefix = isWhole ? undefined : testLists.replace('folder', () => bucket.path);
  await step('ListObjectsV2', () => s3.send(new ListObjectsV2Command({ Bucket, Prefix, MaxKeys: 10 })));
  for (const key of testFiles.map(at)) {
    await step('PutObject', () =>
      s3.send(new PutObjectCommand({ Bucket, Key: key, Body: 'permission test' })),
    );
    await step('GetObject', async () => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: key }));
      await Body?.transformToString();
    });
    if (bucket.mayDelete)
      await step('DeleteObject', () => s3.send(new DeleteObjectCommand({ Bucket, Key: key })));
  }
}

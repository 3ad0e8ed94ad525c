/** What an organisation asks of a deployment: every parameter for it, and a person who may deploy and nothing else. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreatePolicyCommand,
  CreateUserCommand,
  IAMClient,
} from '@aws-sdk/client-iam';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { projectRoot } from '../../local/environment/paths.ts';
import { type AwsKeys, accountIds } from '../../local/environment/root-keys.ts';
import type { Place } from './clients.ts';

const path = '/platform/';
const prefix = 'acme-';
const codeBucket = 'acme-code';
const boundaryName = 'stack-boundary';

/** What no role of the stack may do, whatever its own policy says: as an organisation words it. */
const boundaryOfStack = {
  Version: '2012-10-17',
  Statement: [
    { Sid: 'Most', Effect: 'Allow', Action: '*', Resource: '*' },
    {
      Sid: 'NoPeople',
      Effect: 'Deny',
      Action: ['iam:CreateUser', 'iam:CreateAccessKey', 'iam:CreateGroup'],
      Resource: '*',
    },
  ],
};

/** For the roles that the service creates. */
const denials = [
  { Sid: 'NothingLegal', Effect: 'Deny', Action: 's3:*', Resource: 'arn:aws:s3:::*/legal-hold/*' },
];

/** The policy of docs/deployment.md as somebody pastes it, with the names that the parameters ask for. */
function deployerPolicy(region: string): string {
  return readFileSync(join(projectRoot, 'docs', 'deployer-policy.json'), 'utf8')
    .replaceAll('REGION', region)
    .replaceAll('ACCOUNT', accountIds.customer)
    .replaceAll(':role/dataloop-cross-account-*', `:role${path}${prefix}*`)
    .replaceAll('arn:aws:s3:::dataloop-cross-account-*', `arn:aws:s3:::${codeBucket}*`);
}

export interface Governed {
  /** Parameters as they stand in the stage's file. */
  readonly settings: Readonly<Record<string, string>>;
  readonly deployer: AwsKeys;
}

export async function governed({ endpointUrl: endpoint, region, credentials }: Place): Promise<Governed> {
  const client = { endpoint, region, credentials };
  const iam = new IAMClient(client);
  const kms = new KMSClient(client);
  const key = async (Description: string) => {
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Description }));
    return KeyMetadata?.Arn ?? '';
  };
  const boundary = await iam.send(
    new CreatePolicyCommand({
      PolicyName: boundaryName,
      Path: path,
      PolicyDocument: JSON.stringify(boundaryOfStack),
    }),
  );
  await new S3Client(client).send(
    new CreateBucketCommand({
      Bucket: codeBucket,
      CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' },
    }),
  );
  const settings = {
    stackBoundaryArn: boundary.Policy?.Arn ?? '',
    stackRolePath: path,
    stackRolePrefix: prefix,
    boundaryDenials: JSON.stringify(denials),
    stackTags: 'cost-center=42',
    defaultTags: 'unit=platform',
    vpcSubnetIds: 'subnet-0123456789abcdef0',
    vpcSecurityGroupIds: 'sg-0123456789abcdef0',
    dataKeyArn: await key('What the service stores'),
    secretKeyArn: await key('Credentials of Dataloop'),
    deploymentBucketName: codeBucket,
  };
  return { settings, deployer: await createDeployer(iam, region) };
}

async function createDeployer(iam: IAMClient, region: string): Promise<AwsKeys> {
  const UserName = 'deployer';
  await iam.send(new CreateUserCommand({ UserName }));
  const { Policy } = await iam.send(
    new CreatePolicyCommand({ PolicyName: UserName, PolicyDocument: deployerPolicy(region) }),
  );
  await iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn: Policy?.Arn }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  return { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' };
}

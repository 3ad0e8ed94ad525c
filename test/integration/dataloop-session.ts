/** Dataloop's own session of a role that the service created: what it may do is what a customer hands over. */
import {
  CreateAccessKeyCommand,
  DeleteAccessKeyCommand,
  GetRoleCommand,
  IAMClient,
} from '@aws-sdk/client-iam';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import * as z from 'zod';
import type { IntegrationAnswer } from '../../local/observe/api-client.ts';
import { client, environment, iam } from './deployment.ts';
import { documentOf } from './policy-documents.ts';

const trustSchema = z.object({
  Statement: z.tuple([z.object({ Principal: z.object({ AWS: z.string() }) })]),
});

export const roleArnOf = ({ resources }: Pick<IntegrationAnswer, 'resources'>): string => {
  const arn = resources.find(({ type }) => type === 'AWS::IAM::Role')?.arn;
  if (!arn) throw new Error('The integration has no role.');
  return arn;
};

/** ARNs of those whom the role's trust policy names. */
export async function trustedBy(roleArn: string): Promise<string> {
  const { Role } = await iam.send(new GetRoleCommand({ RoleName: roleArn.split('/').at(-1) }));
  return trustSchema.parse(documentOf(Role?.AssumeRolePolicyDocument)).Statement[0].Principal.AWS;
}

/** Credentials as Dataloop gets them: its IAM user, with keys of its own, assumes the role. */
export async function dataloopSession(integration: Pick<IntegrationAnswer, 'resources'>) {
  const roleArn = roleArnOf(integration);
  const UserName = (await trustedBy(roleArn)).split('/').at(-1);
  const theirIam = new IAMClient({ ...client, credentials: environment.rootKeys.dataloop });
  const { AccessKey } = await theirIam.send(new CreateAccessKeyCommand({ UserName }));
  const { AccessKeyId: accessKeyId = '', SecretAccessKey: secretAccessKey = '' } = AccessKey ?? {};
  const { Credentials } = await new STSClient({
    ...client,
    credentials: { accessKeyId, secretAccessKey },
  }).send(new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: 'dataloop', DurationSeconds: 900 }));
  // The session outlives it; the sandbox could not delete a user who has another key.
  await theirIam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId: accessKeyId }));
  return {
    accessKeyId: Credentials?.AccessKeyId ?? '',
    secretAccessKey: Credentials?.SecretAccessKey ?? '',
    sessionToken: Credentials?.SessionToken ?? '',
  };
}

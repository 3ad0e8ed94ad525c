/** Sessions of the stack's own roles, as a thief of one would have them, and clients that act with them. */
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  IAMClient,
  PutUserPolicyCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { client, iam, uniqueName } from '../integration/deployment.ts';
import { until } from '../until.ts';
import { accountId } from './resolve.ts';
import { arnOf, physicalId, roleOf } from './template.ts';

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export type Session = ReturnType<typeof sessionWith>;

/** Clients that act with given credentials. */
export function sessionWith(credentials: Credentials) {
  const settings = { ...client, credentials };
  return {
    credentials,
    dynamodb: new DynamoDBClient(settings),
    events: new EventBridgeClient(settings),
    iam: new IAMClient(settings),
    kms: new KMSClient(settings),
    lambda: new LambdaClient(settings),
    logs: new CloudWatchLogsClient(settings),
    s3: new S3Client({ ...settings, forcePathStyle: true }),
    secrets: new SecretsManagerClient(settings),
    stepFunctions: new SFNClient(settings),
    sqs: new SQSClient({ ...settings, useQueueUrlAsEndpoint: false }),
    sts: new STSClient(settings),
  };
}

/**
 * One session of each role. Only Lambda and Step Functions may assume them: for the moment of it, the operator lets
 * a user in, too.
 */
export async function borrowSessions(roleIds: readonly string[]): Promise<Map<string, Session>> {
  const UserName = uniqueName('thief');
  const { User } = await iam.send(new CreateUserCommand({ UserName }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  const { AccessKeyId = '', SecretAccessKey = '' } = AccessKey ?? {};
  const mayAssume = {
    Effect: 'Allow',
    Action: 'sts:AssumeRole',
    Resource: `arn:aws:iam::${accountId}:role/*`,
  };
  await iam.send(
    new PutUserPolicyCommand({
      UserName,
      PolicyName: 'assume',
      PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [mayAssume] }),
    }),
  );
  const thief = new STSClient({
    ...client,
    credentials: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey },
  });
  const sessions = new Map<string, Session>();
  for (const id of roleIds) {
    const trust = roleOf(id).AssumeRolePolicyDocument;
    const letIn = { Effect: 'Allow', Principal: { AWS: User?.Arn }, Action: 'sts:AssumeRole' };
    const setTrust = (Statement: unknown[]) =>
      iam.send(
        new UpdateAssumeRolePolicyCommand({
          RoleName: physicalId(id),
          PolicyDocument: JSON.stringify({ ...trust, Statement }),
        }),
      );
    try {
      const { Credentials } = await until(`${id} lets ${UserName} in`, async () => {
        // Somebody else who borrows a session of it sets the trust, too.
        await setTrust([...trust.Statement, letIn]);
        return thief
          .send(new AssumeRoleCommand({ RoleArn: arnOf(id), RoleSessionName: 'stolen' }))
          .catch((error: unknown) => {
            if (error instanceof Error && error.name.startsWith('AccessDenied')) return undefined;
            throw error;
          });
      });
      sessions.set(
        id,
        sessionWith({
          accessKeyId: Credentials?.AccessKeyId ?? '',
          secretAccessKey: Credentials?.SecretAccessKey ?? '',
          sessionToken: Credentials?.SessionToken ?? '',
        }),
      );
    } finally {
      await setTrust(trust.Statement);
    }
  }
  await iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }));
  await iam.send(new DeleteUserPolicyCommand({ UserName, PolicyName: 'assume' }));
  await iam.send(new DeleteUserCommand({ UserName }));
  return sessions;
}

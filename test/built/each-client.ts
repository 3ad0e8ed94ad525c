/** Bundled as functions are: makes a call with each client of AWS, and says what came of it. */
import { GetItemCommand, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetRoleCommand } from '@aws-sdk/client-iam';
import { DescribeKeyCommand } from '@aws-sdk/client-kms';
import { GetBucketTaggingCommand, HeadBucketCommand, PutBucketTaggingCommand } from '@aws-sdk/client-s3';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { awsErrorCode } from '../../src/clients/aws/errors.ts';
import { eventBridgeClient } from '../../src/clients/aws/events.ts';
import { iamClient } from '../../src/clients/aws/iam-client.ts';
import { cancellationReasons, journalTable } from '../../src/clients/aws/journal/table.ts';
import { kmsClients } from '../../src/clients/aws/kms.ts';
import { queueClient } from '../../src/clients/aws/queue.ts';
import { s3Clients } from '../../src/clients/aws/s3.ts';
import { secretsClient } from '../../src/clients/aws/secrets.ts';
import { stepFunctionsClient } from '../../src/clients/aws/step-functions.ts';
import { stsClient } from '../../src/clients/aws/sts.ts';

const region = 'eu-west-1';
const Bucket = 'dataloop-acme';
const { client: table } = journalTable('journal');
const s3 = s3Clients()(region);
const item = { TableName: 'journal', Key: { pk: { S: 'x' } } };

const calls: Readonly<Record<string, () => Promise<unknown>>> = {
  'dynamodb:GetItem': () => table.send(new GetItemCommand(item)),
  'dynamodb:TransactWriteItems': () =>
    table.send(
      new TransactWriteItemsCommand({ TransactItems: [{ Delete: item }], ClientRequestToken: 'token' }),
    ),
  'events:PutEvents': () => eventBridgeClient().send(new PutEventsCommand({ Entries: [{ Detail: '{}' }] })),
  'iam:GetRole': () => iamClient().send(new GetRoleCommand({ RoleName: 'x' })),
  'kms:DescribeKey': () => kmsClients()(region).send(new DescribeKeyCommand({ KeyId: 'x' })),
  's3:GetBucketTagging': () => s3.send(new GetBucketTaggingCommand({ Bucket })),
  's3:HeadBucket': () => s3.send(new HeadBucketCommand({ Bucket })),
  's3:PutBucketTagging': () =>
    s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } })),
  'secretsmanager:GetSecretValue': () => secretsClient().send(new GetSecretValueCommand({ SecretId: 'x' })),
  'sqs:SendMessage': () =>
    queueClient().send(new SendMessageCommand({ QueueUrl: 'https://queue.invalid/1/x', MessageBody: 'x' })),
  'states:StartExecution': () =>
    stepFunctionsClient().send(new StartExecutionCommand({ stateMachineArn: 'x', input: '{}' })),
  'sts:GetCallerIdentity': () => stsClient().send(new GetCallerIdentityCommand({})),
};

export async function callEach(): Promise<Record<string, unknown>> {
  const ends: Record<string, unknown> = {};
  for (const [name, call] of Object.entries(calls)) {
    ends[name] = await call().then(
      () => 'answered',
      (error: unknown) => ({
        code: awsErrorCode(error),
        said: error instanceof Error ? error.message : undefined,
        reasons: cancellationReasons(error).map(({ Code }) => Code),
      }),
    );
  }
  return ends;
}

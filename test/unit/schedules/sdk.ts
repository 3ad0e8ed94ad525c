/** What the AWS SDK does with a command: it ends in the simulation instead of on a network. */
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  PutCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import type { Lambda } from './lambda.ts';
import { awsError, type Service } from './service.ts';
import type { Failures, Worker } from './worker.ts';

const failures: Failures = {
  unavailable: () => awsError('ServiceUnavailable', 503),
  refused: () => awsError('AccessDenied', 403),
  noAnswer: () => awsError('TimeoutError', undefined),
  throttled: () => awsError('Throttling', 400),
  sendsAgain: true,
};

/** DynamoDB refuses a write that meets a transaction on its item, and a transaction that meets a write. */
function conflictOf(command: unknown): (() => unknown) | undefined {
  if (command instanceof TransactWriteCommand) {
    const CancellationReasons = [{ Code: 'TransactionConflict' }];
    return () => awsError('TransactionCanceledException', 400, { CancellationReasons });
  }
  const isWrite = [UpdateCommand, PutCommand, DeleteCommand].some((write) => command instanceof write);
  return isWrite ? () => awsError('TransactionConflictException', 400) : undefined;
}

export const awsServices = {
  s3: S3Client,
  iam: IAMClient,
  kms: KMSClient,
  sts: STSClient,
  secrets: SecretsManagerClient,
  states: SFNClient,
  queue: SQSClient,
  bus: EventBridgeClient,
  journal: DynamoDBDocumentClient,
} as const;

export type AwsServiceName = keyof typeof awsServices;

const nameOf = (command: unknown) =>
  typeof command === 'object' && command !== null ? command.constructor.name : 'nothing';

interface RetryToken {
  getRetryDelay(): number;
}

interface Client {
  readonly config: {
    retryStrategy(): Promise<{
      acquireInitialRetryToken(scope: string): Promise<RetryToken>;
      refreshRetryTokenForRetry(token: RetryToken, error: { errorType: string }): Promise<RetryToken>;
    }>;
  };
}

/** What is throttled is sent again as the client's own strategy wants it. */
async function retried(client: Client, call: () => Promise<unknown>): Promise<unknown> {
  let token: RetryToken | undefined;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'Throttling') throw error;
      const strategy = await client.config.retryStrategy();
      token ??= await strategy.acquireInitialRetryToken('');
      token = await strategy.refreshRetryTokenForRetry(token, { errorType: 'THROTTLING' }).catch(() => {
        throw error;
      });
      await delay(token.getRetryDelay());
    }
  }
}

const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Sends the commands of all clients to the given services. */
export function connectSdk(lambda: () => Lambda, services: () => Readonly<Record<AwsServiceName, Service>>) {
  for (const [name, client] of Object.entries(awsServices)) {
    function send(this: Client, command: unknown) {
      const service = services()[name as AwsServiceName];
      // Credentials are kept between invocations: who happens to read them first decides nothing.
      if (name === 'secrets') return Promise.resolve(service(command, noWorker));
      const all = { ...failures, conflict: conflictOf(command) };
      const call = () => lambda().call(nameOf(command), name, all, (by) => service(command, by));
      return retried(this, call);
    }
    Object.defineProperty(client.prototype, 'send', { value: send, configurable: true });
  }
}

const noWorker: Worker = {
  functionName: '',
  integrationId: undefined,
  label: '',
  invocation: 0,
  clockSkewMs: 0,
  looks: new Map(),
  read: new Map(),
  state: 'alive',
  deadline: 0,
  calls: 0,
  effects: 0,
  pending: new Set(),
};

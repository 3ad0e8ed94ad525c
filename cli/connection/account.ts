/** What `doctor`, `report`, `export` and the page read of the caller's AWS account. Nothing is written, and no secret's value is read. */
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import { IAMClient } from '@aws-sdk/client-iam';
import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { clientOptions, explained, regionOf } from './connect.ts';
import { type History, readHistory } from './history.ts';
import { type Policies, readPolicies } from './policies.ts';
import type { ConnectionSettings } from './settings.ts';
import { findStack, type Stack } from './stack.ts';

export interface Account {
  /** @throws CommandError without a region */
  region(): Promise<string>;
  /** ARN of the caller. @throws where there are no credentials, or AWS does not accept them */
  caller(): Promise<string>;
  /** @throws CommandError where there is none */
  stack(): Promise<Stack>;
  /** `deleted`: marked for deletion. @throws where it may not be looked at */
  secret(name: string): Promise<'there' | 'missing' | 'deleted'>;
  /** Alarms whose names begin so, with the number of their actions. */
  alarms(prefix: string): Promise<readonly { readonly name: string; readonly actions: number }[]>;
  /** As they are in IAM. @throws where they may not be read */
  policies(roleArn: string, policyArns: readonly string[]): Promise<Policies>;
  /** Of an execution of a state machine. @throws where it may not be read */
  history(executionArn: string): Promise<History>;
}

export function accountOf(settings: ConnectionSettings): Account {
  const options = clientOptions(settings);
  const cloudFormation = new CloudFormationClient(options);
  const region = () => regionOf(cloudFormation);
  const inWords = async <T>(work: () => Promise<T>): Promise<T> => {
    const where = await region();
    try {
      return await work();
    } catch (error) {
      throw explained(error, where);
    }
  };
  return {
    region,
    caller: () =>
      inWords(
        async () => (await new STSClient(options).send(new GetCallerIdentityCommand({}))).Arn ?? 'unknown',
      ),
    stack: () => inWords(async () => findStack(cloudFormation, settings.stage, await region())),
    secret: async (SecretId) => {
      try {
        const { DeletedDate } = await new SecretsManagerClient(options).send(
          new DescribeSecretCommand({ SecretId }),
        );
        return DeletedDate ? 'deleted' : 'there';
      } catch (error) {
        if (error instanceof Error && error.name === 'ResourceNotFoundException') return 'missing';
        throw error;
      }
    },
    alarms: async (AlarmNamePrefix) => {
      const client = new CloudWatchClient(options);
      const found: { name: string; actions: number }[] = [];
      for await (const { MetricAlarms = [] } of paginateDescribeAlarms({ client }, { AlarmNamePrefix })) {
        found.push(
          ...MetricAlarms.map(({ AlarmName: name = '', AlarmActions = [], ActionsEnabled = true }) => ({
            name,
            actions: ActionsEnabled ? AlarmActions.length : 0,
          })),
        );
      }
      return found;
    },
    policies: (roleArn, policyArns) =>
      inWords(() => readPolicies(new IAMClient(options), roleArn, policyArns)),
    history: (executionArn) => inWords(() => readHistory(new SFNClient(options), executionArn)),
  };
}

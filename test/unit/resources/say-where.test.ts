import { createRequire } from 'node:module';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';

const SayWhere = createRequire(import.meta.url)('../../../resources/say-where.cjs');
const secrets = mockClient(SecretsManagerClient);
const cloudFormation = mockClient(CloudFormationClient);

class ServerlessError extends Error {}

interface Given {
  readonly command?: string;
  readonly account?: string;
  readonly exists?: boolean;
  readonly dataloopAccountId?: string;
  readonly secretKeyArn?: string;
}

function pluginFor({
  command = 'deploy',
  account = '',
  exists = true,
  dataloopAccountId = '222222222222',
  secretKeyArn = 'key-1',
}: Given) {
  const said: string[] = [];
  const log = {
    notice: (line: string) => said.push(line),
    warning: (line: string) => said.push(`! ${line}`),
  };
  const serviceOutputs = new Map([['endpoints', ['GET - https://api/integrations']]]);
  const provider = {
    getAccountInfo: async () => ({ accountId: '111111111111', partition: 'aws' }),
    getAwsSdkV3Config: async () => ({ region: 'eu-west-1' }),
    getStage: () => 'dev',
    getRegion: () => 'eu-west-1',
    naming: { getStackName: () => 'stack' },
  };
  const custom = {
    stageFile: { path: 'stages/dev.yml', exists, account },
    parameters: {
      dataloopAccountId,
      dataloopSecretName: 'dataloop-cross-account/dev/dataloop',
      dataKeyArn: 'key-1',
      secretKeyArn,
      deploymentBucketName: 'acme-code',
    },
  };
  const serverless = {
    getProvider: () => provider,
    processedInput: { commands: command.split(' ') },
    service: { custom },
    serviceOutputs,
    classes: { Error: ServerlessError },
  };
  const { hooks } = new SayWhere(serverless, {}, { log, writeText: (line: string) => said.push(line) });
  return { hooks, said, serviceOutputs };
}

/** All that is said from begin to end. */
async function running(given: Given): Promise<string> {
  const { hooks, said } = pluginFor(given);
  await hooks.initialize();
  await hooks.finalize();
  return said.join('\n');
}

beforeEach(() => {
  secrets.reset();
  cloudFormation.reset();
  secrets.on(DescribeSecretCommand).resolves({});
  cloudFormation
    .on(DescribeStacksCommand)
    .resolves({ Stacks: [{ Outputs: [{ OutputKey: 'HttpApiUrl', OutputValue: 'https://api' }] }] as never });
});

test('a deployment says first where it goes, and last what people need', async () => {
  expect(await running({})).toBe(
    [
      'Stage dev, account 111111111111, region eu-west-1, command: deploy',
      'Settings: stages/dev.yml',
      '',
      'Stage    dev, account 111111111111, region eu-west-1',
      'API      https://api',
      'Secret   dataloop-cross-account/dev/dataloop exists.',
    ].join('\n'),
  );
});

test('a removal says last what stays, and how to delete the secret', async () => {
  expect(await running({ command: 'remove' })).toContain(
    [
      'Removed  stage dev, account 111111111111, region eu-west-1',
      'Stays    the secret with the credentials of Dataloop. Delete it:',
      '         aws secretsmanager delete-secret --region eu-west-1 --secret-id dataloop-cross-account/dev/dataloop',
      'Stays    stages/dev.yml',
      'Stays    your key key-1',
      'Stays    your bucket acme-code, with the packages in it',
      'Stays    what was adopted, and buckets that were kept: they are yours.',
    ].join('\n'),
  );
});

test('routes and functions are not listed at its end', () => {
  const { hooks, serviceOutputs } = pluginFor({});
  hooks['after:aws:info:displayStackOutputs']();
  expect(serviceOutputs.size).toBe(0);
});

test('serverless info lists them as ever, and other commands say nothing', async () => {
  const { hooks, said, serviceOutputs } = pluginFor({ command: 'info' });
  await hooks.initialize();
  hooks['after:aws:info:displayStackOutputs']();
  await hooks.finalize();
  expect([said, serviceOutputs.size]).toEqual([[], 1]);
});

test('an empty dataloopAccountId is said at every deployment, first and last', async () => {
  const said = await running({ dataloopAccountId: '' });
  expect(said.match(/dataloopAccountId is empty/g)).toHaveLength(2);
});

test('a stage without a file is said aloud', async () => {
  expect(await running({ exists: false })).toContain('! The stage dev has no file stages/dev.yml.');
});

test.each(['deploy', 'deploy function', 'remove', 'rollback'])(
  '%s with credentials of another account than the stage names is refused',
  async (command) => {
    await expect(running({ command, account: '111111111111' })).resolves.toContain('account 111111111111');
    await expect(running({ command, account: '333333333333' })).rejects.toThrow(
      'The stage dev belongs to the account 333333333333, but your credentials are of 111111111111.',
    );
  },
);

const failing = (name: string) =>
  secrets.on(DescribeSecretCommand).rejects(Object.assign(new Error(), { name }));

test('a secret that is missing comes with the command that makes it', async () => {
  failing('ResourceNotFoundException');
  expect(await running({})).toMatch(
    /does not exist yet.*\n.*create-secret --region eu-west-1 --name dataloop-cross-account\/dev\/dataloop --kms-key-id key-1 /,
  );
  expect(await running({ secretKeyArn: '' })).toContain('/dev/dataloop --secret-string');
});

test('a secret that is scheduled for deletion comes with the command that takes it back', async () => {
  secrets.on(DescribeSecretCommand).resolves({ DeletedDate: new Date() });
  expect(await running({})).toMatch(
    /scheduled for deletion.*\n.*restore-secret --region eu-west-1 --secret-id /,
  );
});

test('who may not look at the secret is told so', async () => {
  failing('AccessDeniedException');
  expect(await running({})).toContain('you may not look whether it exists (AccessDeniedException).');
});

describe('a secret under a key', () => {
  const key = 'arn:aws:kms:eu-west-1:111111111111:key/1';
  const unreadable = 'exists, but no function can read it: set secretKeyArn to its key,';

  test.each([
    ['of yours that no setting names', key, ''],
    ['of yours that is another one', `${key}2`, key],
    ['that is named by an alias, where no setting names any', 'alias/acme', ''],
  ])('%s is said to be unreadable', async (_what, KmsKeyId, secretKeyArn) => {
    secrets.on(DescribeSecretCommand).resolves({ KmsKeyId });
    expect(await running({ secretKeyArn })).toContain(`${unreadable} ${KmsKeyId}.`);
  });

  test.each([
    [undefined, ''],
    ['alias/aws/secretsmanager', ''],
    [key, key],
    ['1', key],
    ['alias/acme', key],
  ])('%s is fine where secretKeyArn is "%s"', async (KmsKeyId, secretKeyArn) => {
    secrets.on(DescribeSecretCommand).resolves(KmsKeyId === undefined ? {} : { KmsKeyId });
    expect(await running({ secretKeyArn })).toContain('/dev/dataloop exists.');
  });
});

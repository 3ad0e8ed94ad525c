import {
  CloudFormationClient,
  DescribeStacksCommand,
  ListStackResourcesCommand,
} from '@aws-sdk/client-cloudformation';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { beforeEach, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { readStack } from '../../../../local/rehearsal/stack.ts';

const clients = {
  cloudFormation: new CloudFormationClient({ region: 'eu-west-1' }),
  lambda: new LambdaClient({ region: 'eu-west-1' }),
};
const cloudFormation = mockClient(clients.cloudFormation);
const lambda = mockClient(clients.lambda);

const outputs = {
  HttpApiId: 'abc123',
  HttpApiUrl: 'https://abc123.execute-api.eu-west-1.amazonaws.com',
  ProvisionStateMachineArn: 'arn:provision',
  DeprovisionStateMachineArn: 'arn:deprovision',
  TableName: 'table',
};
const stack = {
  StackName: 'dataloop-cross-account-dev',
  StackId: 'arn:aws:cloudformation:eu-west-1:111111111111:stack/dataloop-cross-account-dev/1',
  StackStatus: 'UPDATE_COMPLETE' as const,
  CreationTime: new Date(0),
  Outputs: Object.entries(outputs).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue })),
};
const resource = (LogicalResourceId: string, ResourceType: string) => ({
  LogicalResourceId,
  ResourceType,
  PhysicalResourceId: `dev-${LogicalResourceId}`,
  LastUpdatedTimestamp: new Date(0),
  ResourceStatus: 'CREATE_COMPLETE' as const,
});

beforeEach(() => {
  cloudFormation.reset();
  lambda.reset();
  cloudFormation.on(DescribeStacksCommand).resolves({ Stacks: [stack] });
  cloudFormation
    .on(ListStackResourcesCommand)
    .resolvesOnce({
      StackResourceSummaries: [resource('CreateRoleRole', 'AWS::IAM::Role')],
      NextToken: 'more',
    })
    .resolves({
      StackResourceSummaries: [resource('StartProvisioningLambdaFunction', 'AWS::Lambda::Function')],
    });
  const Variables = { BUCKET_NAME_PATTERN: 'b-*', ROLE_NAME_PATTERN: 'r-*', IAM_PATH: '/x/', OTHER: 'o' };
  lambda.on(GetFunctionConfigurationCommand).resolves({ Environment: { Variables } });
});

test('a stack is read from CloudFormation, all pages of its resources', async () => {
  const read = await readStack(clients, 'dev', {});
  expect(read).toMatchObject({
    accountId: '111111111111',
    partition: 'aws',
    region: 'eu-west-1',
    apiUrl: outputs.HttpApiUrl,
    roles: ['dev-CreateRoleRole'],
    functions: ['dev-StartProvisioningLambdaFunction'],
    settings: { BUCKET_NAME_PATTERN: 'b-*' },
  });
  expect(read.physicalId('CreateRoleRole')).toBe('dev-CreateRoleRole');
  expect(() => read.physicalId('NewStepRole')).toThrow('Deploy this version of the service first');
});

test.each([
  {
    what: 'of an endpoint in place of AWS',
    given: { endpoint: 'https://127.0.0.1:1/' },
    url: 'https://127.0.0.1:1/_aws/execute-api/abc123',
  },
  {
    what: 'with a domain of its own',
    given: { apiUrl: 'https://api.acme.test' },
    url: 'https://api.acme.test',
  },
])('the URL $what', async ({ given, url }) => {
  expect((await readStack(clients, 'dev', given)).apiUrl).toBe(url);
});

test('the URL of another stage is refused: its roles would not be the ones that are denied', async () => {
  const given = { apiUrl: 'https://other.execute-api.eu-west-1.amazonaws.com' };
  await expect(readStack(clients, 'dev', given)).rejects.toThrow('belongs to another stage');
});

test('a stage that is not deployed is told with the command that deploys it', async () => {
  cloudFormation.on(DescribeStacksCommand).rejects(new Error('Stack with id x does not exist'));
  await expect(readStack(clients, 'dev', {})).rejects.toThrow(
    'npm run deploy -- --stage dev --region eu-west-1',
  );
});

test('missing credentials are told with how to give them', async () => {
  const missing = Object.assign(new Error('Could not load'), { name: 'CredentialsProviderError' });
  cloudFormation.on(DescribeStacksCommand).rejects(missing);
  await expect(readStack(clients, 'dev', {})).rejects.toThrow('Set AWS_PROFILE');
});

test('any other refusal is told as AWS says it', async () => {
  cloudFormation.on(DescribeStacksCommand).rejects(Object.assign(new Error('no'), { name: 'AccessDenied' }));
  await expect(readStack(clients, 'dev', {})).rejects.toThrow('AccessDenied: no');
});

test('a stack that is being changed is waited for', async () => {
  const changing = { ...stack, StackStatus: 'UPDATE_IN_PROGRESS' as const };
  cloudFormation.on(DescribeStacksCommand).resolves({ Stacks: [changing] });
  await expect(readStack(clients, 'dev', {})).rejects.toThrow('UPDATE_IN_PROGRESS');
});

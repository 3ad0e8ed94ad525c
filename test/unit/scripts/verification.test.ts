/** `npm run verify` finds what is wrong with a deployed stage, and makes no call that changes anything. */
import {
  CloudFormationClient,
  DescribeStacksCommand,
  GetTemplateCommand,
  ListStackResourcesCommand,
} from '@aws-sdk/client-cloudformation';
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { IAMClient, SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam';
import {
  GetFunctionConfigurationCommand,
  GetFunctionRecursionConfigCommand,
  LambdaClient,
} from '@aws-sdk/client-lambda';
import { beforeEach, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { lineOf, neverAllowed, placeOf, verify } from '../../../scripts/verification.ts';

const settings = { region: 'eu-west-1' };
const clients = {
  cloudFormation: new CloudFormationClient(settings),
  logs: new CloudWatchLogsClient(settings),
  dynamodb: new DynamoDBClient(settings),
  iam: new IAMClient(settings),
  lambda: new LambdaClient(settings),
};
const [cloudFormation, logs, dynamodb, iam, lambda] = [
  mockClient(clients.cloudFormation),
  mockClient(clients.logs),
  mockClient(clients.dynamodb),
  mockClient(clients.iam),
  mockClient(clients.lambda),
];
const stack = 'dataloop-cross-account-prod';
const [poll, role] = [`${stack}-pollIamUser`, `${stack}-createRole`];

const decisions = (allowed: readonly string[]) => ({
  EvaluationResults: neverAllowed.map((EvalActionName) => ({
    EvalActionName,
    EvalDecision: allowed.includes(EvalActionName) ? ('allowed' as const) : ('implicitDeny' as const),
  })),
});

beforeEach(() => {
  for (const each of [cloudFormation, logs, dynamodb, iam, lambda]) each.reset();
  const resource = (ResourceType: string, PhysicalResourceId: string) => ({
    ...{ ResourceType, PhysicalResourceId, LogicalResourceId: 'x' },
    ...{ ResourceStatus: 'CREATE_COMPLETE' as const, LastUpdatedTimestamp: new Date(0) },
  });
  cloudFormation.on(ListStackResourcesCommand, { StackName: stack }).resolves({
    StackResourceSummaries: [
      resource('AWS::Lambda::Function', poll),
      resource('AWS::Lambda::Function', role),
      resource('AWS::CloudWatch::Alarm', 'alarm'),
      resource('AWS::DynamoDB::Table', 'journal'),
    ],
  });
  const deployed = { StackName: stack, CreationTime: new Date(0), StackStatus: 'UPDATE_COMPLETE' as const };
  cloudFormation.on(DescribeStacksCommand).resolves({
    Stacks: [{ ...deployed, EnableTerminationProtection: true }],
  });
  const DefaultRouteSettings = { ThrottlingRateLimit: 20, ThrottlingBurstLimit: 40 };
  cloudFormation.on(GetTemplateCommand).resolves({
    TemplateBody: JSON.stringify({ Resources: { Stage: { Properties: { DefaultRouteSettings } } } }),
  });
  logs.on(DescribeLogGroupsCommand).resolves({ logGroups: [{ logGroupName: 'g', retentionInDays: 90 }] });
  dynamodb.on(DescribeTableCommand, { TableName: 'journal' }).resolves({ Table: { TableStatus: 'ACTIVE' } });
  lambda.on(GetFunctionConfigurationCommand).resolves({
    Role: 'arn:aws:iam::111111111111:role/r',
    FunctionArn: 'arn:aws:lambda:eu-west-1:111111111111:function:f',
  });
  lambda
    .on(GetFunctionRecursionConfigCommand)
    .resolves({ RecursiveLoop: 'Terminate' })
    .on(GetFunctionRecursionConfigCommand, { FunctionName: poll })
    .resolves({ RecursiveLoop: 'Allow' });
  iam.on(SimulatePrincipalPolicyCommand).resolves(decisions([]));
});

const lines = async () => (await verify(clients, 'prod')).map(lineOf);

test('a stage as it should be', async () => {
  expect(await lines()).toEqual([
    '✓ stack: UPDATE_COMPLETE',
    '✓ termination protection: on',
    '✓ API throttling: 20 a second, burst 40',
    '✓ log groups: 2',
    '✓ alarms: 1',
    '✓ journal: encrypted with a key of AWS',
    '✓ pollIamUser: recursion Allow, nothing that it must not do',
    '✓ createRole: recursion Terminate, nothing that it must not do',
  ]);
});

test('what is not as it should be is named', async () => {
  cloudFormation.on(DescribeStacksCommand).resolves({ Stacks: [] });
  cloudFormation.on(GetTemplateCommand).resolves({ TemplateBody: '{"Resources":{}}' });
  logs.on(DescribeLogGroupsCommand).resolves({ logGroups: [{ logGroupName: '/aws/lambda/x' }] });
  lambda
    .on(GetFunctionRecursionConfigCommand, { FunctionName: poll })
    .resolves({ RecursiveLoop: 'Terminate' });
  iam.on(SimulatePrincipalPolicyCommand).resolves(decisions(['iam:PassRole']));
  const wrong = (await lines()).filter((line) => line.startsWith('✗'));
  expect(wrong).toEqual([
    '✗ stack: unknown',
    '✗ termination protection: off (deletionProtection)',
    '✗ API throttling: none',
    '✗ kept for ever: /aws/lambda/x',
    '✗ kept for ever: /aws/lambda/x',
    '✗ pollIamUser: recursion Terminate, not Allow, may iam:PassRole',
    '✗ createRole: may iam:PassRole',
  ]);
});

test('what is allowed on some resource alone is found, wherever the answer says so', async () => {
  const [, ...others] = decisions([]).EvaluationResults;
  const onOne = {
    EvalResourceName: 'arn:aws:iam::111111111111:role/r',
    EvalResourceDecision: 'allowed' as const,
  };
  const results = [
    [
      {
        EvalActionName: 'iam:PassRole',
        EvalDecision: 'implicitDeny' as const,
        ResourceSpecificResults: [onOne],
      },
      ...others,
    ],
    [...decisions([]).EvaluationResults, ...decisions(['iam:PassRole']).EvaluationResults],
  ];
  for (const EvaluationResults of results) {
    iam.on(SimulatePrincipalPolicyCommand).resolves({ EvaluationResults });
    expect(await lines()).toContain('✗ createRole: may iam:PassRole');
  }
  const [asked] = iam.commandCalls(SimulatePrincipalPolicyCommand).map(({ args: [{ input }] }) => input);
  expect(asked?.ResourceArns).toEqual([
    '*',
    'arn:aws:iam::111111111111:role/r',
    'arn:aws:iam::111111111111:role/dataloop-cross-account/prod/dataloop-verify',
    'arn:aws:lambda:eu-west-1:111111111111:function:f',
  ]);
});

test('it reads, and changes nothing', async () => {
  await lines();
  const calls = [cloudFormation, logs, dynamodb, iam, lambda].flatMap((each) => each.calls());
  const names = new Set(calls.map(({ args: [command] }) => command.constructor.name));
  for (const name of names) expect(name).toMatch(/^(Describe|List|Get|Simulate)/);
});

test('a line fits into 80 columns', () => {
  expect(lineOf({ isRight: true, what: 'x'.repeat(200) })).toHaveLength(80);
});

test('the stage has to be named, also where npm has taken it for itself', () => {
  expect(placeOf({ stage: 'prod' }, {})).toEqual({ stage: 'prod', region: 'eu-west-1' });
  expect(placeOf({ stage: 'prod' }, { AWS_REGION: 'us-east-1' })).toMatchObject({ region: 'us-east-1' });
  // That of the stage's file.
  expect(placeOf({ stage: 'example' }, { AWS_REGION: 'us-east-1' })).toMatchObject({ region: 'eu-west-1' });
  expect(placeOf({ stage: 'example', region: 'eu-north-1' }, {})).toMatchObject({ region: 'eu-north-1' });
  expect(() => placeOf({}, {})).toThrow(
    'No stage is named. Name it after "--": npm run verify -- --stage dev.',
  );
  for (const given of [{}, { stage: 'dev' }]) {
    expect(() => placeOf(given, { npm_config_stage: 'prod' })).toThrow('npm has taken "--stage=prod"');
  }
});

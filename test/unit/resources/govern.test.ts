/** What the parameters of an organisation make of the template. test/integration/conformance.test.ts packages it. */
import { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';

const Govern = createRequire(import.meta.url)('../../../resources/govern.cjs');

const none = {
  stackBoundaryArn: '',
  stackRolePath: '/',
  stackRolePrefix: '',
  boundaryDenials: { json: '[]' },
  defaultTags: { map: {} },
  vpcSubnetIds: [],
  vpcSecurityGroupIds: [],
  dataKeyArn: '',
};

const template = () => ({
  CreateRoleRole: {
    Type: 'AWS::IAM::Role',
    Properties: {
      Policies: [
        { PolicyDocument: { Statement: [{ Sid: 'TagRole', Condition: { StringLike: { own: 'int_*' } } }] } },
      ],
    },
  },
  Queue: { Type: 'AWS::SQS::Queue', Properties: { SqsManagedSseEnabled: true } },
  Logs: { Type: 'AWS::Logs::LogGroup', Properties: {} },
  Code: {
    Type: 'AWS::S3::Bucket',
    Properties: {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
    },
  },
  Function: { Type: 'AWS::Lambda::Function', Properties: {} },
  PermissionsBoundary: {
    Type: 'AWS::IAM::ManagedPolicy',
    Properties: { PolicyDocument: { Statement: [{ Sid: 'NothingElse' }] } },
  },
});

function governed(parameters: object, Outputs: Record<string, { Value: string }> = {}) {
  const Resources = template();
  const serverless = {
    getProvider: () => ({ getStage: () => 'prod' }),
    service: {
      custom: { parameters: { ...none, ...parameters } },
      provider: { compiledCloudFormationTemplate: { Resources, Outputs } },
    },
  };
  new Govern(serverless).hooks['after:aws:package:finalize:mergeCustomProviderResources']();
  return Resources;
}

test('without such parameters the template stays as it is', () => {
  expect(governed({})).toEqual(template());
});

test('every role of the stack gets boundary, path and a name with the prefix', () => {
  const boundary = 'arn:aws:iam::111111111111:policy/stack';
  const parameters = { stackBoundaryArn: boundary, stackRolePath: '/platform/', stackRolePrefix: 'acme-' };
  expect(governed(parameters).CreateRoleRole.Properties).toMatchObject({
    PermissionsBoundary: boundary,
    Path: '/platform/',
    RoleName: 'acme-prod-CreateRoleRole',
  });
});

test('all data is encrypted with the key', () => {
  const { Queue, Logs, Code } = governed({ dataKeyArn: 'key' });
  expect(Queue.Properties).toEqual({ KmsMasterKeyId: 'key' });
  expect(Logs.Properties).toEqual({ KmsKeyId: 'key' });
  expect(Code.Properties.BucketEncryption.ServerSideEncryptionConfiguration).toEqual([
    {
      ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: 'key' },
      BucketKeyEnabled: true,
    },
  ]);
});

test('every function is in the VPC', () => {
  expect(governed({ vpcSubnetIds: ['a'], vpcSecurityGroupIds: ['b'] }).Function.Properties).toEqual({
    VpcConfig: { SubnetIds: ['a'], SecurityGroupIds: ['b'] },
  });
});

test('the boundary of created roles keeps its own statements, and gets further ones', () => {
  const { PolicyDocument } = governed({ boundaryDenials: { json: '[{"Sid":"More"}]' } }).PermissionsBoundary
    .Properties;
  expect(PolicyDocument.Statement).toEqual([{ Sid: 'NothingElse' }, { Sid: 'More' }]);
});

test('a created role must have each default tag with its value', () => {
  const { Policies } = governed({ defaultTags: { map: { team: 'data' } } }).CreateRoleRole.Properties;
  expect(Policies[0]?.PolicyDocument.Statement[0]?.Condition.StringLike).toEqual({
    own: 'int_*',
    'aws:RequestTag/team': 'data',
  });
});

test('what no function has is kept in an output, for the next deployment to compare', () => {
  const outputs: Record<string, { Value: string }> = {};
  governed({ boundaryDenials: { json: '[{"Sid":"More"}]' }, stackBoundaryArn: 'boundary' }, outputs);
  expect(JSON.parse(outputs['Settings']?.Value ?? '')).toMatchObject({
    boundaryDenials: '[{"Sid":"More"}]',
    stackBoundaryArn: 'boundary',
    stackRolePath: '/',
    vpcSubnetIds: '[]',
  });
});

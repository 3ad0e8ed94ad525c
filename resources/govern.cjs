/**
 * A plugin of the Serverless Framework: writes into the template what an organisation asks for by parameters, and for
 * which the framework has no setting. It creates most log groups and all functions, one after the other.
 */
'use strict';

const { asText, kept, keptIn } = require('./stack.cjs');

/** IAM has 64 characters for the name of a role: docs/operations.md. */
const nameOf = (prefix, stage, logicalId) => `${prefix}${stage}-${logicalId}`;

const rules = {
  'AWS::IAM::Role': (properties, { parameters, stage, logicalId }) => {
    const { stackBoundaryArn, stackRolePath, stackRolePrefix } = parameters;
    if (stackBoundaryArn) properties.PermissionsBoundary = stackBoundaryArn;
    if (stackRolePath !== '/') properties.Path = stackRolePath;
    if (stackRolePrefix) properties.RoleName = nameOf(stackRolePrefix, stage, logicalId);
  },
  'AWS::Logs::LogGroup': (properties, { parameters: { dataKeyArn } }) => {
    if (dataKeyArn) properties.KmsKeyId = dataKeyArn;
  },
  'AWS::SQS::Queue': (properties, { parameters: { dataKeyArn } }) => {
    if (!dataKeyArn) return;
    delete properties.SqsManagedSseEnabled;
    properties.KmsMasterKeyId = dataKeyArn;
  },
  'AWS::S3::Bucket': (properties, { parameters: { dataKeyArn } }) => {
    if (!dataKeyArn) return;
    const [rule] = properties.BucketEncryption.ServerSideEncryptionConfiguration;
    rule.ServerSideEncryptionByDefault = { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: dataKeyArn };
    rule.BucketKeyEnabled = true;
  },
  'AWS::Lambda::Function': (properties, { parameters: { vpcSubnetIds, vpcSecurityGroupIds } }) => {
    if (vpcSubnetIds.length === 0) return;
    properties.VpcConfig = { SubnetIds: vpcSubnetIds, SecurityGroupIds: vpcSecurityGroupIds };
  },
};

module.exports = class Govern {
  constructor(serverless) {
    this.hooks = {
      'after:aws:package:finalize:mergeCustomProviderResources': () => {
        const { service } = serverless;
        const { parameters } = service.custom;
        const stage = serverless.getProvider('aws').getStage();
        const { Resources, Outputs } = service.provider.compiledCloudFormationTemplate;
        for (const [logicalId, { Type, Properties }] of Object.entries(Resources)) {
          rules[Type]?.(Properties, { parameters, stage, logicalId });
        }
        const [{ PolicyDocument }] = Resources.CreateRoleRole.Properties.Policies;
        const tagging = PolicyDocument.Statement.find(({ Sid }) => Sid === 'TagRole');
        // Policies of the account may let in whoever has a tag: so not the function decides what a tag says.
        for (const [key, value] of Object.entries(parameters.defaultTags.map)) {
          tagging.Condition.StringLike[`aws:RequestTag/${key}`] = value;
        }
        Resources.PermissionsBoundary.Properties.PolicyDocument.Statement.push(
          ...JSON.parse(parameters.boundaryDenials.json),
        );
        const settings = kept.map((name) => [name, asText(parameters[name])]);
        Outputs[keptIn] = { Value: JSON.stringify(Object.fromEntries(settings)) };
      },
    };
  }
};

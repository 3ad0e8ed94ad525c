/** What is deployed already, as the plugins look it up with the credentials of who deploys. */
'use strict';

const { CloudFormationClient, DescribeStacksCommand } = require('@aws-sdk/client-cloudformation');

/** The outputs of the stack by their keys; undefined if there is no such stack. */
async function outputsOf(provider, config) {
  const StackName = provider.naming.getStackName();
  try {
    const { Stacks } = await new CloudFormationClient(config).send(new DescribeStacksCommand({ StackName }));
    return new Map(
      (Stacks?.[0]?.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]),
    );
  } catch (error) {
    if (error.name === 'ValidationError' && /does not exist/.test(error.message)) return undefined;
    throw error;
  }
}

/** Settings that no function has: an output of the stack keeps them, so that the next deployment can compare. */
const kept = [
  'stackBoundaryArn',
  'stackRolePath',
  'stackRolePrefix',
  'boundaryDenials',
  'vpcSubnetIds',
  'vpcSecurityGroupIds',
  'dataKeyArn',
  'secretKeyArn',
  'deletionProtection',
];
const keptIn = 'Settings';

/** A setting as people read it, and as two are compared. */
const asText = (value) =>
  value?.text ?? value?.json ?? (typeof value === 'string' ? value : JSON.stringify(value));

module.exports = { outputsOf, kept, keptIn, asText };

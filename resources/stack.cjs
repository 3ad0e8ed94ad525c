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

module.exports = { outputsOf };

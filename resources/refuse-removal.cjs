/**
 * A plugin of the Serverless Framework: refuses `serverless remove` while integrations own resources. Without the
 * service their roles would stay for ever, and running workflows would be aborted.
 */
const { CloudFormationClient, DescribeStacksCommand } = require('@aws-sdk/client-cloudformation');
const { DynamoDBClient } = require('@aws-sdk/client-dynamodb');
const { DynamoDBDocumentClient, paginateQuery } = require('@aws-sdk/lib-dynamodb');

/** Every status in which an integration owns resources, or may come to own some. */
const owningStatuses = ['provisioning', 'ready', 'rolling-back', 'removing', 'residue'];

/** How many integrations a message names. */
const named = 10;

class RefuseRemoval {
  constructor(serverless) {
    this.provider = serverless.getProvider('aws');
    this.hooks = { 'before:remove:remove': () => this.refuse(serverless.classes.Error) };
  }

  /** @throws ServerlessError that names the integrations and says how to remove them */
  async refuse(ServerlessError) {
    const config = await this.provider.getAwsSdkV3Config();
    const tableName = await this.tableName(config);
    if (!tableName) return;
    const found = await this.integrationsIn(tableName, config);
    if (found.length === 0) return;
    const lines = found.slice(0, named).map(({ integrationId, status }) => `  ${integrationId} (${status})`);
    if (found.length > named) lines.push(`  and ${found.length - named} more`);
    throw new ServerlessError(
      'Cannot uninstall: these integrations still own resources. Disconnect them first:\n' +
        `${lines.join('\n')}\n` +
        'Send DELETE /integrations/{integrationId} for each, wait until it is "removed" or "failed", then try again.',
      'INTEGRATIONS_OWN_RESOURCES',
    );
  }

  /** The journal's table; undefined if there is no such stack. */
  async tableName(config) {
    const StackName = this.provider.naming.getStackName();
    try {
      const { Stacks } = await new CloudFormationClient(config).send(
        new DescribeStacksCommand({ StackName }),
      );
      return Stacks?.[0]?.Outputs?.find(({ OutputKey }) => OutputKey === 'TableName')?.OutputValue;
    } catch (error) {
      if (error.name === 'ValidationError' && /does not exist/.test(error.message)) return undefined;
      throw error;
    }
  }

  async integrationsIn(TableName, config) {
    const client = DynamoDBDocumentClient.from(new DynamoDBClient(config));
    const found = [];
    for (const status of owningStatuses) {
      const query = {
        TableName,
        IndexName: 'byStatus',
        // Added buckets are removed with their integration, which is listed as long as one is left.
        KeyConditionExpression: '#status = :status AND begins_with(integrationId, :integrations)',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':status': status, ':integrations': 'int_' },
      };
      for await (const page of paginateQuery({ client }, query)) found.push(...page.Items);
    }
    return found;
  }
}

module.exports = RefuseRemoval;

/**
 * A plugin of the Serverless Framework: `serverless remove` is refused while integrations stand. Without the
 * service nobody could take their roles away any more, and what their workflows are doing would break off.
 */
const { CloudFormationClient, DescribeStacksCommand } = require('@aws-sdk/client-cloudformation');
const { DynamoDBClient } = require('@aws-sdk/client-dynamodb');
const { DynamoDBDocumentClient, paginateQuery } = require('@aws-sdk/lib-dynamodb');

/** Every status in which something of an integration stands, or may come to stand. */
const standing = ['provisioning', 'ready', 'rolling-back', 'removing', 'residue'];

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
    const found = await this.standingIn(tableName, config);
    if (found.length === 0) return;
    const lines = found.slice(0, named).map(({ integrationId, status }) => `  ${integrationId} (${status})`);
    if (found.length > named) lines.push(`  and ${found.length - named} more`);
    throw new ServerlessError(
      `${found.length} integration${found.length === 1 ? ' stands' : 's stand'} in this deployment, so it is not removed: ` +
        `their roles would stay, and nothing would take them away.\n${lines.join('\n')}\n` +
        'Send DELETE /integrations/{integrationId} for each, wait until it is "removed" or "failed", and try again.',
      'INTEGRATIONS_STAND',
    );
  }

  /** The journal's table; undefined where there is no such stack. */
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

  async standingIn(TableName, config) {
    const client = DynamoDBDocumentClient.from(new DynamoDBClient(config));
    const found = [];
    for (const status of standing) {
      const query = {
        TableName,
        IndexName: 'byStatus',
        KeyConditionExpression: '#status = :status',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':status': status },
      };
      for await (const page of paginateQuery({ client }, query)) found.push(...page.Items);
    }
    // Drivers that were added go with their integrations, which stand as long as they do.
    return found.filter(({ integrationId }) => integrationId.startsWith('int_'));
  }
}

module.exports = RefuseRemoval;

/**
 * A plugin of the Serverless Framework: refuses `serverless remove` while integrations own resources. Without the
 * service their roles would stay for ever, and running workflows would be aborted.
 */
const { CloudFormationClient, DescribeStacksCommand } = require('@aws-sdk/client-cloudformation');
const { DynamoDBClient } = require('@aws-sdk/client-dynamodb');
const { DynamoDBDocumentClient, paginateScan } = require('@aws-sdk/lib-dynamodb');

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
    // Not by status: a record that moves between two queries would be in neither answer. Its item stays where it is, so
    // one pass over the table meets it, in whatever status it then is.
    const scan = {
      TableName,
      ConsistentRead: true,
      // Added buckets are removed with their integration, which is listed as long as one is left.
      FilterExpression: `begins_with(pk, :integrations) AND #status IN (${owningStatuses.map((_status, index) => `:status${index}`)})`,
      ProjectionExpression: 'integrationId, #status',
      ExpressionAttributeNames: { '#status': 'status' },
      ExpressionAttributeValues: {
        ':integrations': 'integration#int_',
        ...Object.fromEntries(owningStatuses.map((status, index) => [`:status${index}`, status])),
      },
    };
    const found = [];
    for await (const page of paginateScan({ client }, scan)) found.push(...page.Items);
    return found;
  }
}

module.exports = RefuseRemoval;

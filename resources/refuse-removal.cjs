/**
 * A plugin of the Serverless Framework: refuses `serverless remove` while integrations own resources. Without the
 * service their roles would stay for ever, and running workflows would be aborted.
 */
const { DynamoDBClient } = require('@aws-sdk/client-dynamodb');
const { DynamoDBDocumentClient, paginateScan, QueryCommand } = require('@aws-sdk/lib-dynamodb');
const { outputsOf, owning } = require('./stack.cjs');

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
    const tableName = (await outputsOf(this.provider, config))?.get('TableName');
    if (!tableName) return;
    const found = await this.integrationsIn(tableName, config);
    if (found.length === 0) return;
    const lines = found.slice(0, named).map(({ integrationId, status }) => `  ${integrationId} (${status})`);
    if (found.length > named) lines.push('  and others');
    throw new ServerlessError(
      'Cannot uninstall: these integrations still own resources. Disconnect them first:\n' +
        `${lines.join('\n')}\n` +
        'Send DELETE /integrations/{integrationId} for each, wait until it is "removed" or "failed", then try again.',
      'INTEGRATIONS_OWN_RESOURCES',
    );
  }

  async integrationsIn(TableName, config) {
    const client = DynamoDBDocumentClient.from(new DynamoDBClient(config));
    // A few are enough to refuse, however many there are.
    // Where the index cannot be asked, the pass over the table says why, or decides.
    const first = await this.firstIn(TableName, client).catch(() => []);
    if (first.length > 0) return first;
    // To go on, none may be left. Not by status: a record that moves between two queries would be in neither answer. Its item stays where it is, so
    // one pass over the table meets it, in whatever status it then is.
    const scan = {
      TableName,
      ConsistentRead: true,
      // Added buckets are removed with their integration, which is listed as long as one is left.
      FilterExpression: `begins_with(pk, :integrations) AND ${owning.expression}`,
      ProjectionExpression: 'integrationId, #status',
      ExpressionAttributeNames: owning.names,
      ExpressionAttributeValues: {
        ':integrations': 'integration#int_',
        ...owning.values,
      },
    };
    const found = [];
    for await (const page of paginateScan({ client }, scan)) {
      found.push(...page.Items);
      if (found.length > named) break;
    }
    return found;
  }

  /** Of each status some integrations, by the index. One that has just moved may be missing. */
  async firstIn(TableName, client) {
    const answers = await Promise.all(
      Object.values(owning.values).map((status) =>
        client.send(
          new QueryCommand({
            TableName,
            IndexName: 'byStatus',
            KeyConditionExpression: '#status = :status AND begins_with(integrationId, :integrations)',
            ExpressionAttributeNames: owning.names,
            ExpressionAttributeValues: { ':status': status, ':integrations': 'int_' },
            Limit: named + 1,
          }),
        ),
      ),
    );
    return answers.flatMap(({ Items = [] }) => Items);
  }
}

module.exports = RefuseRemoval;

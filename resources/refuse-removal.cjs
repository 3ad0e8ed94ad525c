/**
 * A plugin of the Serverless Framework: refuses `serverless remove` while integrations own resources. Without the
 * service their roles would stay for ever, and running workflows would be aborted.
 */
const { outputsOf } = require('./stack.cjs');
const { standing } = require('./standing.cjs');

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

  /** A few are enough to refuse, however many there are. */
  async integrationsIn(tableName, config) {
    const found = [];
    // Added buckets are removed with their integration, which is listed as long as one is left.
    for await (const item of standing(config, tableName, 'integrations', named + 1)) {
      found.push(item);
      if (found.length > named) break;
    }
    return found;
  }
}

module.exports = RefuseRemoval;

/**
 * A plugin of the Serverless Framework: refuses a deployment whose settings would leave a standing integration outside
 * of what the service may touch, and says which settings change. Otherwise its access would break, and its removal too.
 */
'use strict';

require('./typescript.cjs');
const { DynamoDBClient } = require('@aws-sdk/client-dynamodb');
const { GetFunctionConfigurationCommand, LambdaClient } = require('@aws-sdk/client-lambda');
const { DynamoDBDocumentClient, paginateScan } = require('@aws-sdk/lib-dynamodb');
const { cutOff } = require('./guard.ts');
const { outputsOf, owning } = require('./stack.cjs');

/** How many integrations a message names. */
const named = 10;

const asText = (value) => value?.text ?? String(value);

/** Settings as the deployed functions have them. */
const variables = {
  dataloopAccountId: 'DATALOOP_ACCOUNT_ID',
  dataloopOrganizationId: 'DATALOOP_ORGANIZATION_ID',
  bucketNamePattern: 'BUCKET_NAME_PATTERN',
  roleNamePattern: 'ROLE_NAME_PATTERN',
  policyNamePattern: 'POLICY_NAME_PATTERN',
  regions: 'REGIONS',
  tagKeys: 'TAG_KEYS',
  kmsKeyArns: 'KMS_KEY_ARNS',
  adoptableBucketArns: 'ADOPTABLE_BUCKET_ARNS',
  adoptableRoleArns: 'ADOPTABLE_ROLE_ARNS',
  dataloopApiUrl: 'DATALOOP_API_URL',
  dataloopSecretName: 'DATALOOP_SECRET_ID',
};

const mayNot = (error) => /AccessDenied|UnauthorizedOperation|AuthorizationError/.test(error.name);

class Guard {
  constructor(serverless, _options, { log }) {
    this.serverless = serverless;
    this.provider = serverless.getProvider('aws');
    this.log = log;
    const deploys = () =>
      ['deploy', 'deploy function'].includes(serverless.processedInput.commands.join(' '));
    // Before anything is bundled, and so before anything is changed.
    this.hooks = { initialize: () => deploys() && this.guard() };
  }

  /** @throws ServerlessError that names the integrations and says what to do */
  async guard() {
    const config = await this.provider.getAwsSdkV3Config();
    const outputs = await outputsOf(this.provider, config);
    const tableName = outputs?.get('TableName');
    if (!tableName) return;
    const { parameters, stageFile } = this.serverless.service.custom;
    const deployed = await this.deployedSettings(config);
    const changes = Object.keys(variables).filter(
      (name) => deployed[name] !== undefined && deployed[name] !== asText(parameters[name]),
    );
    for (const name of changes) {
      this.log.notice(`Changes: ${name}: "${deployed[name]}" becomes "${asText(parameters[name])}"`);
    }
    const lines = await this.wouldBeCutOff(tableName, config, parameters);
    if (deployed.dataloopAccountId && parameters.dataloopAccountId !== deployed.dataloopAccountId) {
      const now = parameters.dataloopAccountId || 'any account';
      lines.unshift(
        `dataloopAccountId was ${deployed.dataloopAccountId} and becomes ${now}: new roles would trust others.`,
      );
    }
    if (lines.length === 0) return;
    const text = [
      ...lines.slice(0, named).map((line) => `  ${line}`),
      ...(lines.length > named ? [`  and ${lines.length - named} more`] : []),
    ].join('\n');
    if (parameters.cutOff) {
      this.log.warning(`Deployed all the same (cutOff):\n${text}`);
      return;
    }
    throw new this.serverless.classes.Error(
      `Nothing was deployed. With these settings, the service could no longer reach what it is in charge of:\n${text}\n` +
        `Keep the settings of the last deployment (${stageFile.path}), or disconnect these integrations first. ` +
        "To deploy all the same, add --param='cutOff=true'.",
      'SETTINGS_CUT_OFF',
    );
  }

  /** What the functions have now, as far as who deploys may look. */
  async deployedSettings(config) {
    const FunctionName = `${this.provider.naming.getStackName()}-createRole`;
    try {
      const { Environment } = await new LambdaClient(config).send(
        new GetFunctionConfigurationCommand({ FunctionName }),
      );
      const values = Environment?.Variables ?? {};
      return Object.fromEntries(
        Object.entries(variables).map(([name, variable]) => [name, values[variable]]),
      );
    } catch (error) {
      if (error.name === 'ResourceNotFoundException') return {};
      if (!mayNot(error)) throw error;
      this.log.warning(
        `You may not read the settings of the last deployment (lambda:GetFunctionConfiguration on ${FunctionName}), so changes are not shown.`,
      );
      return {};
    }
  }

  async wouldBeCutOff(tableName, config, parameters) {
    try {
      const items = await this.standing(tableName, config);
      const { partition } = await this.provider.getAccountInfo();
      return cutOff(items, parameters, { partition, region: this.provider.getRegion() });
    } catch (error) {
      if (error.name === 'ResourceNotFoundException') return [];
      if (!mayNot(error)) throw error;
      this.log.warning(
        `You may not read the journal (dynamodb:Scan on ${tableName}), so it was not checked whether standing ` +
          'integrations stay within the settings.',
      );
      return [];
    }
  }

  async standing(TableName, config) {
    const client = DynamoDBDocumentClient.from(new DynamoDBClient(config));
    const scan = {
      TableName,
      ConsistentRead: true,
      FilterExpression: `begins_with(pk, :records) AND ${owning.expression}`,
      ExpressionAttributeNames: owning.names,
      ExpressionAttributeValues: { ':records': 'integration#', ...owning.values },
    };
    const found = [];
    for await (const page of paginateScan({ client }, scan)) found.push(...page.Items);
    return found;
  }
}

module.exports = Guard;

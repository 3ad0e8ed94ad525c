/**
 * A plugin of the Serverless Framework: refuses a deployment whose settings would leave a standing integration outside
 * of what the service may touch, and says which settings change. Otherwise its access would break, and its removal too.
 */
'use strict';

require('./typescript.cjs');
const { GetFunctionConfigurationCommand, LambdaClient } = require('@aws-sdk/client-lambda');
const { cutOff, mayCutOff } = require('./guard.ts');
const { outputsOf } = require('./stack.cjs');
const { standing } = require('./standing.cjs');

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
  deploymentBucketName: 'DEPLOYMENT_BUCKET',
};
/** A bucket that the stack creates has no name before. */
const isSaid = (name, parameters) => name !== 'deploymentBucketName' || parameters[name] !== '';

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
      (name) =>
        deployed[name] !== undefined &&
        deployed[name] !== asText(parameters[name]) &&
        isSaid(name, parameters),
    );
    for (const name of changes) {
      this.log.notice(`Changes: ${name}: "${deployed[name]}" becomes "${asText(parameters[name])}"`);
    }
    // What no setting leaves out that the last deployment allowed, nobody has to look for among all that stands.
    const lines = mayCutOff(deployed, parameters)
      ? await this.wouldBeCutOff(tableName, config, parameters)
      : [];
    if (deployed.dataloopAccountId && parameters.dataloopAccountId !== deployed.dataloopAccountId) {
      const now = parameters.dataloopAccountId || 'any account';
      lines.unshift(
        `dataloopAccountId was ${deployed.dataloopAccountId} and becomes ${now}: new roles would trust others.`,
      );
    }
    if (lines.length === 0) return;
    const text = [
      ...lines.slice(0, named).map((line) => `  ${line}`),
      ...(lines.length > named ? ['  and others'] : []),
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

  /** Lines of those that would be cut off. More of them than a message names are not looked for. */
  async wouldBeCutOff(tableName, config, parameters) {
    const lines = [];
    try {
      const { partition } = await this.provider.getAccountInfo();
      const place = { partition, region: this.provider.getRegion() };
      for await (const item of standing(config, tableName, 'all')) {
        lines.push(...cutOff([item], parameters, place));
        if (lines.length > named) break;
      }
    } catch (error) {
      if (error.name === 'ResourceNotFoundException') return [];
      if (!mayNot(error)) throw error;
      this.log.warning(
        `You may not read the journal (dynamodb:Query and dynamodb:BatchGetItem on ${tableName}), so it was not ` +
          'checked whether standing integrations stay within the settings.',
      );
    }
    return lines;
  }
}

module.exports = Guard;

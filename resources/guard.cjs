/**
 * A plugin of the Serverless Framework: refuses a deployment whose settings would leave a standing integration outside
 * of what the service may touch, and says which settings change. Otherwise its access would break, and its removal too.
 */
'use strict';

require('./typescript.cjs');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { GetFunctionConfigurationCommand, LambdaClient } = require('@aws-sdk/client-lambda');
const { cutOff, mayCutOff } = require('./guard.ts');
const { asText, keptIn, outputsOf } = require('./stack.cjs');
const { standing } = require('./standing.cjs');

/** How many integrations a message names. */
const named = 10;

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
  denyPlainHttp: 'DENY_PLAIN_HTTP',
  dataloopConsoleOrigin: 'DATALOOP_CONSOLE_ORIGIN',
  dataloopCorsMethods: 'DATALOOP_CORS_METHODS',
  defaultTags: 'DEFAULT_TAGS',
  dataloopApiUrl: 'DATALOOP_API_URL',
  dataloopSecretName: 'DATALOOP_SECRET_ID',
  deploymentBucketName: 'DEPLOYMENT_BUCKET',
};
/** A bucket that the stack creates has no name before. */
const isSaid = (name, parameters) => name !== 'deploymentBucketName' || parameters[name] !== '';

const mayNot = (error) => /AccessDenied|UnauthorizedOperation|AuthorizationError/.test(error.name);

/** What somebody has to say aloud, whatever stands: with these, roles could do more, or trust others. */
function loosened(deployed, parameters) {
  const { dataloopAccountId, stackBoundaryArn, boundaryDenials } = parameters;
  const lines = [];
  if (deployed.dataloopAccountId && dataloopAccountId !== deployed.dataloopAccountId) {
    const now = dataloopAccountId || 'any account';
    lines.push(
      `dataloopAccountId was ${deployed.dataloopAccountId} and becomes ${now}: new roles would trust others.`,
    );
  }
  if (deployed.stackBoundaryArn && stackBoundaryArn === '') {
    lines.push(
      `stackBoundaryArn was ${deployed.stackBoundaryArn} and becomes empty: the roles of the stack could do more.`,
    );
  }
  const sids = JSON.parse(boundaryDenials.json).map(({ Sid }) => Sid);
  const lost = JSON.parse(deployed.boundaryDenials ?? '[]').filter(({ Sid }) => !sids.includes(Sid));
  if (lost.length > 0) {
    const names = lost.map(({ Sid }) => Sid).join(', ');
    lines.push(`boundaryDenials no longer has ${names}: roles for Dataloop could do more.`);
  }
  return lines;
}

class Guard {
  constructor(serverless, options, { log }) {
    this.serverless = serverless;
    this.options = options;
    this.provider = serverless.getProvider('aws');
    this.log = log;
    const command = () => serverless.processedInput.commands.join(' ');
    // Before anything is bundled, and so before anything is changed.
    this.hooks = {
      initialize: () => {
        if (command() === 'rollback') return this.refuseRollback();
        return ['deploy', 'deploy function'].includes(command()) && this.guard();
      },
    };
  }

  /** @throws ServerlessError: the template of an earlier deployment has settings that nobody checks */
  refuseRollback() {
    const { parameters, stageFile } = this.serverless.service.custom;
    // Without a time, it only lists them.
    if (!this.options.timestamp || parameters.cutOff) return;
    throw new this.serverless.classes.Error(
      'Nothing was rolled back. It would bring back the settings of that deployment, too, unchecked. Check out the ' +
        `version that you want, and deploy it with the settings of ${stageFile.path}. ` +
        "To roll back all the same, add --param='cutOff=true'.",
      'SETTINGS_UNCHECKED',
    );
  }

  /** The settings that are deployed: of what was packaged before, those that it was packaged with. */
  settings() {
    const { parameters } = this.serverless.service.custom;
    if (!this.options.package) return parameters;
    const file = join(this.options.package, this.provider.naming.getServiceStateFileName());
    const packaged = JSON.parse(readFileSync(file, 'utf8')).service.custom.parameters;
    return { ...packaged, cutOff: parameters.cutOff };
  }

  /** @throws ServerlessError that names the integrations and says what to do */
  async guard() {
    const config = await this.provider.getAwsSdkV3Config();
    const outputs = await outputsOf(this.provider, config);
    const tableName = outputs?.get('TableName');
    if (!tableName) return;
    const { stageFile } = this.serverless.service.custom;
    const parameters = this.settings();
    const deployed = {
      ...(await this.deployedSettings(config)),
      ...JSON.parse(outputs.get(keptIn) ?? '{}'),
    };
    const changes = Object.keys(deployed).filter(
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
      ? await this.wouldBeCutOff(tableName, config, parameters, deployed)
      : [];
    lines.unshift(...loosened(deployed, parameters));
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
      `Nothing was deployed. These settings would cut off what the service is in charge of, or allow more than before:\n${text}\n` +
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
  async wouldBeCutOff(tableName, config, parameters, { dataloopApiUrl }) {
    const lines = [];
    try {
      const { partition } = await this.provider.getAccountInfo();
      const place = { partition, region: this.provider.getRegion(), apiUrl: dataloopApiUrl };
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

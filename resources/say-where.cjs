/**
 * A plugin of the Serverless Framework: says before a deployment where it goes and with which settings, and refuses
 * another account than that of the stage's file. Says at its end what people need next, not what it has deployed.
 */
'use strict';

const { CloudFormationClient, DescribeStacksCommand } = require('@aws-sdk/client-cloudformation');
const { DescribeSecretCommand, SecretsManagerClient } = require('@aws-sdk/client-secrets-manager');

/** Commands that change what is deployed. */
const changing = ['deploy', 'deploy function', 'remove', 'rollback'];

const anyAccount =
  'dataloopAccountId is empty: roles may trust an IAM user of any AWS account. Set it to the account of Dataloop.';

/** Whether the functions may use the key of the secret; an alias does not say which key it is. */
function isNamed(key, secretKeyArn) {
  if (key === undefined || key === 'alias/aws/secretsmanager') return true;
  if (secretKeyArn === '') return false;
  return /(^|:)alias\//.test(key) || secretKeyArn === key || secretKeyArn.endsWith(`/${key}`);
}

class SayWhere {
  constructor(serverless, _options, { log, writeText }) {
    this.serverless = serverless;
    this.provider = serverless.getProvider('aws');
    this.log = log;
    this.writeText = writeText;
    this.hooks = {
      initialize: () => changing.includes(this.command()) && this.before(),
      // Twelve routes and every function: the last lines say what is needed of it.
      'after:aws:info:displayStackOutputs': () =>
        this.command() === 'deploy' && serverless.serviceOutputs.clear(),
      finalize: () => this.last(),
    };
  }

  command() {
    return this.serverless.processedInput.commands.join(' ');
  }

  get custom() {
    return this.serverless.service.custom;
  }

  async where() {
    const { accountId, partition } = await this.provider.getAccountInfo();
    return { accountId, partition, stage: this.provider.getStage(), region: this.provider.getRegion() };
  }

  /** @throws ServerlessError where the credentials are of another account than the stage's file names */
  async before() {
    const { stageFile, parameters } = this.custom;
    const { accountId, stage, region } = await this.where();
    if (stageFile.account !== '' && stageFile.account !== accountId) {
      throw new this.serverless.classes.Error(
        `The stage ${stage} belongs to the account ${stageFile.account}, but your credentials are of ${accountId}. ` +
          `Use credentials of ${stageFile.account} (AWS_PROFILE), or correct "account" in ${stageFile.path}.`,
        'WRONG_ACCOUNT',
      );
    }
    this.log.notice(`Stage ${stage}, account ${accountId}, region ${region}, command: ${this.command()}`);
    if (stageFile.exists) this.log.notice(`Settings: ${stageFile.path}`);
    else {
      this.log.warning(
        `The stage ${stage} has no file ${stageFile.path}. What --param does not name has its default, whatever it ` +
          'was at the last deployment. To keep settings, copy stages/example.yml.',
      );
    }
    if (parameters.dataloopAccountId === '') this.log.warning(anyAccount);
  }

  async last() {
    if (this.command() === 'deploy') await this.after();
    if (this.command() === 'remove') await this.removed();
  }

  /** What a stage leaves behind. */
  async removed() {
    const { accountId, stage, region } = await this.where();
    const { stageFile, parameters } = this.custom;
    const { dataloopSecretName, deploymentBucketName, dataKeyArn, secretKeyArn } = parameters;
    const keys = [...new Set([dataKeyArn, secretKeyArn])].filter((key) => key !== '');
    const lines = [
      '',
      `Removed  stage ${stage}, account ${accountId}, region ${region}`,
      'Stays    the secret with the credentials of Dataloop. Delete it:',
      `         aws secretsmanager delete-secret --region ${region} --secret-id ${dataloopSecretName}`,
      ...(stageFile.exists ? [`Stays    ${stageFile.path}`] : []),
      ...keys.map((key) => `Stays    your key ${key}`),
      ...(deploymentBucketName
        ? [`Stays    your bucket ${deploymentBucketName}, with the packages in it`]
        : []),
      'Stays    what was adopted, and buckets that were kept: they are yours.',
    ];
    for (const line of lines) this.writeText(line);
  }

  async after() {
    const { accountId, stage, region } = await this.where();
    const config = await this.provider.getAwsSdkV3Config();
    const { Stacks } = await new CloudFormationClient(config).send(
      new DescribeStacksCommand({ StackName: this.provider.naming.getStackName() }),
    );
    const apiUrl = Stacks?.[0]?.Outputs?.find(({ OutputKey }) => OutputKey === 'HttpApiUrl')?.OutputValue;
    const lines = [
      '',
      `Stage    ${stage}, account ${accountId}, region ${region}`,
      `API      ${apiUrl}`,
      `Secret   ${await this.secret(config, region)}`,
      ...(this.custom.parameters.dataloopAccountId === '' ? [`Warning  ${anyAccount}`] : []),
    ];
    for (const line of lines) this.writeText(line);
  }

  /** Whether Dataloop's credentials are there, and if not, how they get there. */
  async secret(config, region) {
    const { dataloopSecretName: name, secretKeyArn } = this.custom.parameters;
    try {
      const { DeletedDate, KmsKeyId } = await new SecretsManagerClient(config).send(
        new DescribeSecretCommand({ SecretId: name }),
      );
      if (!DeletedDate && !isNamed(KmsKeyId, secretKeyArn)) {
        return `${name} exists, but no function can read it: set secretKeyArn to its key, ${KmsKeyId}.`;
      }
      if (!DeletedDate) return `${name} exists.`;
      return (
        `${name} is scheduled for deletion. Take it back:\n` +
        `         aws secretsmanager restore-secret --region ${region} --secret-id ${name}`
      );
    } catch (error) {
      if (error.name !== 'ResourceNotFoundException') {
        return `${name}: you may not look whether it exists (${error.name}).`;
      }
      return (
        `${name} does not exist yet. With the API key in the variable KEY, create it:\n` +
        `         printf '{"apiKey":"%s"}' "$KEY" | aws secretsmanager create-secret --region ${region} ` +
        `--name ${name} ${secretKeyArn && `--kms-key-id ${secretKeyArn} `}--secret-string file:///dev/stdin`
      );
    }
  }
}

module.exports = SayWhere;

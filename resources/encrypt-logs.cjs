/**
 * Encrypts every log group of the stack with the KMS key of the parameter `dataKeyArn`, if it is set. The framework
 * creates most log groups, one for each function, and has no setting for their key.
 */
'use strict';

module.exports = class EncryptLogs {
  constructor(serverless) {
    this.hooks = {
      'after:aws:package:finalize:mergeCustomProviderResources': () => {
        const { service } = serverless;
        const { dataKeyArn } = service.custom.parameters;
        if (!dataKeyArn) return;
        const { Resources } = service.provider.compiledCloudFormationTemplate;
        for (const { Type, Properties } of Object.values(Resources)) {
          if (Type === 'AWS::Logs::LogGroup') Properties.KmsKeyId = dataKeyArn;
        }
      },
    };
  }
};

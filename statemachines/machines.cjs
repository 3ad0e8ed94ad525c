/** What `${file(statemachines/machines.cjs):…}` in resources/workflow.yml reads: the framework itself loads no TypeScript. */
'use strict';

require('../resources/typescript.cjs');
const { stateMachines } = require('./machines.ts');

module.exports = async ({ resolveVariable }) =>
  stateMachines({
    iamUserTimeoutSeconds: await resolveVariable('self:custom.parameters.iamUserTimeoutSeconds'),
    trustSeconds: await resolveVariable('self:custom.parameters.dataloopTrustSeconds'),
    driverTestSeconds: await resolveVariable('self:custom.parameters.dataloopDriverTestSeconds'),
  });

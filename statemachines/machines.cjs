/** What `${file(statemachines/machines.cjs):…}` in resources/workflow.yml reads: the framework itself loads no TypeScript. */
'use strict';

if (!process.features.typescript) {
  throw new Error(
    `Node.js ${process.versions.node} cannot read TypeScript. Use "npx serverless" or "npm run": both run the Node.js that "npm ci" installed here.`,
  );
}
const { stateMachines } = require('./machines.ts');

module.exports = async ({ resolveVariable }) =>
  stateMachines({
    iamUserTimeoutSeconds: await resolveVariable('self:custom.parameters.iamUserTimeoutSeconds'),
  });

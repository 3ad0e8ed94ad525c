import { iamClient, roleAdopter, roleCreator } from '../../src/clients/aws/iam.ts';
import { settleStep } from '../../src/clients/aws/journal.ts';
import { integrationReader } from '../../src/clients/dataloop/client.ts';
import { accountSettings, dataloopSettings } from '../../src/config.ts';
import { adoptRole } from '../../src/domain/adopted-role.ts';
import { readUserArn } from '../../src/domain/integration.ts';
import { createRole } from '../../src/domain/role.ts';
import { deployedDataloop } from '../../src/handlers/dataloop.ts';
import { provisionStep, table } from '../../src/handlers/step.ts';

const client = iamClient();
const creator = roleCreator(client);
const adopter = roleAdopter(client);
const dataloop = integrationReader(deployedDataloop());

/**
 * CreateRole: trusts the one IAM user that Dataloop names when it is asked here, and carries our boundary; or a role
 * that is there trusts that user, too.
 */
export const handler = provisionStep('CreateRole', async (step) => {
  // Who woke the workflow may have died, or not have learnt that it did, before it could write so.
  await settleStep(table, step.plan.integrationId, 'RequestIamUser', 'succeeded');
  const userArn = () => readUserArn(step, dataloop);
  const trust = {
    partition: accountSettings().partition,
    dataloopAccountId: dataloopSettings().accountId,
  };
  return step.plan.role.mode === 'adopt'
    ? adoptRole(step, adopter, userArn, trust)
    : createRole(step, creator, userArn, trust);
});

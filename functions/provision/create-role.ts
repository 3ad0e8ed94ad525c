import { iamClient, roleCreator } from '../../src/clients/aws/iam.ts';
import { settleStep } from '../../src/clients/aws/journal.ts';
import { integrationReader } from '../../src/clients/dataloop/client.ts';
import { accountSettings, dataloopSettings } from '../../src/config.ts';
import { readUserArn } from '../../src/domain/integration.ts';
import { createRole } from '../../src/domain/role.ts';
import { deployedDataloop } from '../../src/handlers/dataloop.ts';
import { provisionStep, table } from '../../src/handlers/step.ts';

const iam = roleCreator(iamClient());
const dataloop = integrationReader(deployedDataloop());

/** CreateRole: trusts the one IAM user that Dataloop names when it is asked here, and carries our boundary. */
export const handler = provisionStep('CreateRole', async (step) => {
  // Who woke the workflow may have died, or not have learnt that it did, before it could write so.
  await settleStep(table, step.plan.integrationId, 'RequestIamUser', 'succeeded');
  return createRole(step, iam, () => readUserArn(step, dataloop), {
    partition: accountSettings().partition,
    dataloopAccountId: dataloopSettings().accountId,
  });
});

import { iamClient, policyReader, roleReader } from '../../src/clients/aws/iam.ts';
import { writeOrganization } from '../../src/clients/aws/journal.ts';
import { holderOf, s3Clients } from '../../src/clients/aws/s3.ts';
import { callerAccountId, stsClient } from '../../src/clients/aws/sts.ts';
import { projectReader } from '../../src/clients/dataloop/client.ts';
import { dataloopSettings } from '../../src/config.ts';
import { preflight } from '../../src/domain/preflight.ts';
import { deployedDataloop } from '../../src/handlers/dataloop.ts';
import { provisionStep, table } from '../../src/handlers/step.ts';

const iam = iamClient();
const sts = stsClient();
const s3 = s3Clients();
const checks = {
  ...policyReader(iam),
  ...roleReader(iam),
  ...projectReader(deployedDataloop()),
  holderOf: (bucket: Parameters<typeof holderOf>[1]) => holderOf(s3, bucket),
  callerAccountId: () => callerAccountId(sts),
};

/** Preflight: refuses what would fail later, and resolves the Dataloop organisation. */
export const handler = provisionStep('Preflight', async (step) => {
  const found = await preflight(step, checks, dataloopSettings().organizationId);
  await writeOrganization(table, step.plan.integrationId, found.organizationId);
  return found;
});

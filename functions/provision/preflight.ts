import { writeOrganization } from '../../src/clients/aws/journal/organization.ts';
import { s3Clients } from '../../src/clients/aws/s3.ts';
import { dataloopSettings } from '../../src/config.ts';
import { table } from '../../src/deployed/journal.ts';
import { deployedPreflightReads } from '../../src/deployed/reads.ts';
import { preflight } from '../../src/domain/preflight/preflight.ts';
import { provisionStep } from '../../src/runtime/step.ts';

const checks = deployedPreflightReads(s3Clients());

/** Preflight: refuses what would fail later, and resolves the Dataloop organisation. */
export const handler = provisionStep('Preflight', async (step) => {
  const found = await preflight(step, checks, dataloopSettings().organizationId);
  await writeOrganization(table, step.desired.recordId, found.organizationId);
  return found;
});

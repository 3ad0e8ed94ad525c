import { recordReader } from '../../src/clients/aws/journal/record.ts';
import { hasObjects, s3Clients } from '../../src/clients/aws/s3.ts';
import { callsOf } from '../../src/clients/calls.ts';
import { accountSettings } from '../../src/config.ts';
import { boundedBy } from '../../src/deadline.ts';
import { table } from '../../src/deployed/journal.ts';
import { deployedRemovalReads } from '../../src/deployed/reads.ts';
import { planRemoval } from '../../src/domain/preflight/removal-plan.ts';
import { apiHandler } from '../../src/runtime/api.ts';

const { accountId } = accountSettings();
const reads = {
  ...deployedRemovalReads(),
  ...recordReader(table),
  ...callsOf(s3Clients(), { hasObjects }),
};

/** `POST /integrations/{integrationId}/removal-plan`, and the same of an added bucket */
export const handler = apiHandler(async (request) => {
  const bound = boundedBy(request.remainingMilliseconds());
  const driverId = request.path('driverId');
  const wanted = { integrationId: request.path('integrationId'), ...(driverId === '' ? {} : { driverId }) };
  return { status: 200, body: await planRemoval(wanted, accountId, reads, bound) };
});

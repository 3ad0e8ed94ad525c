import { lockReader } from '../../src/clients/aws/journal/locks.ts';
import { recordReader } from '../../src/clients/aws/journal/record.ts';
import { countBuckets, s3Clients } from '../../src/clients/aws/s3.ts';
import { callsOf } from '../../src/clients/calls.ts';
import { apiKeyEnd } from '../../src/clients/dataloop/client.ts';
import { accountSettings, dataloopSettings } from '../../src/config.ts';
import { boundedBy } from '../../src/deadline.ts';
import { deployedDataloop } from '../../src/deployed/dataloop.ts';
import { table } from '../../src/deployed/journal.ts';
import { deployedPreflightReads } from '../../src/deployed/reads.ts';
import { parseBody } from '../../src/domain/model/request.ts';
import { planIntegration } from '../../src/domain/preflight/dry-run.ts';
import { apiHandler } from '../../src/runtime/api.ts';

const account = accountSettings();
const buckets = s3Clients();
const atDataloop = deployedDataloop();
const reads = {
  ...deployedPreflightReads(buckets, atDataloop),
  ...callsOf(atDataloop, { apiKeyEnd }),
  now: Date.now,
  ...lockReader(table),
  ...recordReader(table),
  ...callsOf(buckets, { countBuckets: countBuckets(account.region) }),
};

/** `POST /plans` */
export const handler = apiHandler(async (request) => {
  const body = parseBody(request.json());
  const bound = boundedBy(request.remainingMilliseconds());
  const { organizationId } = dataloopSettings();
  return { status: 200, body: await planIntegration(body, account, organizationId, reads, bound) };
});

import { recordReader } from '../../src/clients/aws/journal.ts';
import { countBuckets, s3Clients } from '../../src/clients/aws/s3.ts';
import { lockReader, standingReader } from '../../src/clients/aws/standing.ts';
import { journalTable } from '../../src/clients/aws/table.ts';
import { accountSettings, dataloopSettings, tableName } from '../../src/config.ts';
import { planIntegration } from '../../src/domain/planning.ts';
import { parseBody } from '../../src/domain/request.ts';
import { apiHandler } from '../../src/handlers/api.ts';
import { boundedBy } from '../../src/handlers/bound.ts';
import { deployedPreflightReads } from '../../src/handlers/preflight-reads.ts';

const table = journalTable(tableName());
const account = accountSettings();
const s3 = s3Clients();
const records = recordReader(table);
const reads = {
  ...deployedPreflightReads(s3),
  ...lockReader(table),
  ...standingReader(table, records),
  ...records,
  countBuckets: () => countBuckets(s3, account.region),
};

/** `POST /plans` */
export const handler = apiHandler(async (request) => {
  const body = parseBody(request.json());
  const bound = boundedBy(request.remainingMilliseconds());
  const { organizationId } = dataloopSettings();
  return { status: 200, body: await planIntegration(body, account, organizationId, reads, bound) };
});

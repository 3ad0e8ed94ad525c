import { recordReader } from '../../src/clients/aws/journal/record.ts';
import { journalTable } from '../../src/clients/aws/journal/table.ts';
import { tableName } from '../../src/config.ts';
import { driverView } from '../../src/domain/api/view.ts';
import { asDriver } from '../../src/domain/lifecycle/added-buckets.ts';
import { apiHandler } from '../../src/runtime/api.ts';

const records = recordReader(journalTable(tableName()));

/** `GET /integrations/{integrationId}/drivers/{driverId}` */
export const handler = apiHandler(async (request) => ({
  status: 200,
  body: driverView(asDriver(await records.read(request.path('driverId')), request.path('integrationId'))),
}));

import { recordReader } from '../../src/clients/aws/journal.ts';
import { journalTable } from '../../src/clients/aws/table.ts';
import { tableName } from '../../src/config.ts';
import { asDriver } from '../../src/domain/added-drivers.ts';
import { driverView } from '../../src/domain/view.ts';
import { apiHandler } from '../../src/handlers/api.ts';

const records = recordReader(journalTable(tableName()));

/** `GET /integrations/{integrationId}/drivers/{driverId}` */
export const handler = apiHandler(async (request) => ({
  status: 200,
  body: driverView(asDriver(await records.read(request.path('driverId')), request.path('integrationId'))),
}));

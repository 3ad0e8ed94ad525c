import { integrationLister } from '../../src/clients/aws/lister.ts';
import { journalTable } from '../../src/clients/aws/table.ts';
import { tableName } from '../../src/config.ts';
import { listIntegrations, parseListQuery } from '../../src/domain/listing.ts';
import { apiHandler } from '../../src/handlers/api.ts';

const journal = integrationLister(journalTable(tableName()));

/** `GET /integrations` */
export const handler = apiHandler(async (request) => ({
  status: 200,
  body: await listIntegrations(parseListQuery(request.query()), journal),
}));

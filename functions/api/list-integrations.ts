import { journalTable } from '../../src/clients/aws/journal/table.ts';
import { integrationLister } from '../../src/clients/aws/lister.ts';
import { tableName } from '../../src/config.ts';
import { listIntegrations, parseListQuery } from '../../src/domain/api/queries.ts';
import { apiHandler } from '../../src/runtime/api.ts';

const journal = integrationLister(journalTable(tableName()));

/** `GET /integrations` */
export const handler = apiHandler(async (request) => ({
  status: 200,
  body: await listIntegrations(parseListQuery(request.query()), journal),
}));

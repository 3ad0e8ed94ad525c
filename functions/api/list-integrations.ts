import { integrationLister } from '../../src/clients/aws/journal/queries.ts';
import { table } from '../../src/deployed/journal.ts';
import { listIntegrations, parseListQuery } from '../../src/domain/api/queries.ts';
import { apiHandler } from '../../src/runtime/api.ts';

const journal = integrationLister(table);

/** `GET /integrations` */
export const handler = apiHandler(async (request) => ({
  status: 200,
  body: await listIntegrations(parseListQuery(request.query()), journal),
}));

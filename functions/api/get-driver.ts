import { recordReader } from '../../src/clients/aws/journal/record.ts';
import { table } from '../../src/deployed/journal.ts';
import { addedBucketView } from '../../src/domain/api/view.ts';
import { asAddedBucket } from '../../src/domain/model/lookup.ts';
import { apiHandler } from '../../src/runtime/api.ts';

const records = recordReader(table);

/** `GET /integrations/{integrationId}/drivers/{driverId}` */
export const handler = apiHandler(async (request) => ({
  status: 200,
  body: addedBucketView(
    asAddedBucket(await records.read(request.path('driverId')), request.path('integrationId')),
  ),
}));

import * as z from 'zod';
import { defineCommand } from '../command.ts';
import { addedBucketOf, findIntegration, readConnection } from '../connection/find.ts';
import { removalFlags, removalSchema, removed } from '../removal.ts';

/** `DELETE` of a bucket that was added to an integration. */
export const removeBucket = defineCommand({
  name: 'remove-bucket',
  summary: 'Disconnect an added bucket; the integration stays.',
  takes: [
    ['<integration>', 'name or id (int_…)'],
    ['<bucket>', 'the added bucket: its name, its driver, or its id (drv_…)'],
  ],
  flags: removalFlags,
  schema: z.object(removalSchema),
  examples: ['remove-bucket acme-images dataloop-dev-acme-videos'],
  run: async ({ names: [name = '', bucket = ''], flags }, session) => {
    const api = await session.api();
    const { value: integration } = await findIntegration(api, name);
    const found = await readConnection(api, addedBucketOf(integration, bucket));
    return removed(session, api, found.value, flags);
  },
});

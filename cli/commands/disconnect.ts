import * as z from 'zod';
import { defineCommand } from '../command.ts';
import { findIntegration } from '../connection/find.ts';
import { removalFlags, removalSchema, removed } from '../removal.ts';

/** `DELETE` of an integration, with all its added buckets. */
export const disconnect = defineCommand({
  name: 'disconnect',
  summary: 'Disconnect a bucket, and all added buckets: access ends first, then the rest is removed.',
  takes: [['<integration>', 'name or id (int_…)']],
  flags: removalFlags,
  schema: z.object(removalSchema),
  examples: ['disconnect acme-images', 'disconnect acme-images --keep-bucket --yes'],
  run: async ({ names: [name = ''], flags }, session) => {
    const api = await session.api();
    const { value } = await findIntegration(api, name);
    return removed(session, api, value, flags);
  },
});

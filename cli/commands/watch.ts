import * as z from 'zod';
import { defineCommand } from '../command.ts';
import { addedBucketOf, findIntegration, readConnection } from '../connection/find.ts';
import { follow } from '../follow.ts';
import { concluded } from '../screen/conclusion.ts';
import { handleOf, headline } from '../screen/connection.ts';
import { secondsSchema } from '../waiting.ts';

/** Follows a workflow that somebody started, from here or elsewhere. */
export const watch = defineCommand({
  name: 'watch',
  summary: 'Follow a workflow to its end; with --output json, each change is a line.',
  takes: [
    ['<integration>', 'name or id (int_…)'],
    ['[bucket]', 'an added bucket: its name, its driver, or its id (drv_…)'],
  ],
  flags: [['--timeout <seconds>', 'stop looking after this time; the workflow goes on']],
  schema: z.object({ timeout: secondsSchema.optional() }),
  examples: ['watch acme-images', 'watch acme-images --output json'],
  run: async ({ names: [name = '', bucket], flags }, session) => {
    const { screen, world } = session;
    const begun = world.now();
    const api = await session.api();
    const integration = await findIntegration(api, name);
    const first =
      bucket === undefined
        ? integration
        : await readConnection(api, addedBucketOf(integration.value, bucket));
    screen.say(headline(session, first.value));
    const { driverId, integrationId } = first.value;
    const last = await follow(session, api, {
      path: first.value.links.self,
      id: driverId ? handleOf(first.value) : integrationId,
      timeoutSeconds: flags.timeout,
      onChange: ({ raw }) => screen.document(raw, true),
    });
    return concluded(session, last, { begun, verb: 'watch' });
  },
});

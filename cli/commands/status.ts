import * as z from 'zod';
import { defineCommand } from '../command.ts';
import { addedBucketOf, findIntegration, readConnection } from '../connection/find.ts';
import { exitCodes } from '../exit-codes.ts';
import { codeOf } from '../follow.ts';
import { printConnection } from '../screen/connection.ts';
import { stepLine } from '../screen/progress.ts';

/** `GET` of an integration or an added bucket. */
export const status = defineCommand({
  name: 'status',
  summary: 'Show state, resources, leftovers, and what to do next.',
  takes: [
    ['<integration>', 'name or id (int_…)'],
    ['[bucket]', 'an added bucket: its name, its driver, or its id (drv_…)'],
  ],
  flags: [['--steps', 'show each step with its time and attempts']],
  schema: z.object({ steps: z.literal(true).optional() }),
  examples: ['status acme-images', 'status acme-images dataloop-dev-acme-videos --steps'],
  run: async ({ names: [name = '', bucket], flags }, session) => {
    const { screen, world } = session;
    const api = await session.api();
    const integration = await findIntegration(api, name);
    const found =
      bucket === undefined
        ? integration
        : await readConnection(api, addedBucketOf(integration.value, bucket));
    screen.document(found.raw);
    const steps = flags.steps ? found.value.steps : [];
    printConnection(
      session,
      found.value,
      steps.map((step) => stepLine(step, world.now())),
    );
    return found.value.action ? exitCodes.running : codeOf(found.value);
  },
});

import * as z from 'zod';
import { defineCommand } from '../command.ts';
import { addedBucketOf, findIntegration, readConnection } from '../connection/find.ts';
import { exitCodes } from '../exit-codes.ts';
import { linkOf } from '../page/words.ts';

/** The workflow in the Step Functions console, which shows its graph. */
export const open = defineCommand({
  name: 'open',
  summary: 'Open the workflow in the AWS console; prints the link, too.',
  takes: [
    ['<integration>', 'name or id (int_…)'],
    ['[bucket]', 'an added bucket: its name, its driver, or its id (drv_…)'],
  ],
  flags: [['--print', 'print the link only']],
  schema: z.object({ print: z.literal(true).optional() }),
  examples: ['open acme-images'],
  run: async ({ names: [name = '', bucket], flags }, session) => {
    const { world, screen } = session;
    const api = await session.api();
    const { value: integration } = await findIntegration(api, name);
    const { value } =
      bucket === undefined
        ? { value: integration }
        : await readConnection(api, addedBucketOf(integration, bucket));
    const { console: link, execution } = value.links;
    screen.say(link);
    screen.document({ console: link, execution });
    if (world.canAsk && !flags.print && linkOf(link) && !(await world.openInBrowser(link))) {
      screen.note('No browser was found: open the link yourself.');
    }
    return exitCodes.done;
  },
});

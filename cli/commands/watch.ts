import * as z from 'zod';
import { defineCommand } from '../command.ts';
import type { Api } from '../connection/api.ts';
import { addedBucketOf, type Found, findIntegration, readConnection } from '../connection/find.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-codes.ts';
import { follow } from '../follow.ts';
import { answersOf } from '../page/answers.ts';
import { pageDocument } from '../page/document.ts';
import { servePage } from '../page/server.ts';
import { concluded } from '../screen/conclusion.ts';
import { handleOf, headline } from '../screen/connection.ts';
import type { Session } from '../session.ts';
import { secondsSchema } from '../waiting.ts';

/** Follows a workflow that somebody started, from here or elsewhere. */
export const watch = defineCommand({
  name: 'watch',
  summary: 'Follow a workflow to its end, here or on a page in your browser.',
  takes: [
    ['[integration]', 'name or id (int_…); with --browser you may leave it out'],
    ['[bucket]', 'an added bucket: its name, its driver, or its id (drv_…)'],
  ],
  flags: [
    ['--browser', 'show it on a page of this machine, until you press Ctrl-C'],
    ['--timeout <seconds>', 'stop looking after this time; the workflow goes on'],
  ],
  schema: z.object({ browser: z.literal(true).optional(), timeout: secondsSchema.optional() }),
  examples: ['watch acme-images', 'watch acme-images --output json', 'watch --browser'],
  run: async ({ names: [name, bucket], flags }, session) => {
    const api = await session.api();
    if (name === undefined) {
      if (!flags.browser) {
        throw new CommandError(
          exitCodes.usage,
          'Name an integration, or look at all of them with --browser.',
          {
            next: 'watch --browser',
          },
        );
      }
      return shown(session, api, undefined, async () => exitCodes.done);
    }
    const integration = await findIntegration(api, name);
    const first =
      bucket === undefined
        ? integration
        : await readConnection(api, addedBucketOf(integration.value, bucket));
    const followed = () => followedToItsEnd(session, api, first, flags.timeout);
    return flags.browser ? shown(session, api, first, followed) : followed();
  },
});

async function followedToItsEnd(
  session: Session,
  api: Api,
  first: Found,
  timeoutSeconds: number | undefined,
) {
  const { screen, world } = session;
  const begun = world.now();
  screen.say(headline(session, first.value));
  const { driverId, integrationId } = first.value;
  const last = await follow(session, api, {
    path: first.value.links.self,
    id: driverId ? handleOf(first.value) : integrationId,
    timeoutSeconds,
    onChange: ({ raw }) => screen.document(raw, true),
  });
  return concluded(session, last, { begun, verb: 'watch' });
}

/** Serves the page meanwhile, and afterwards until somebody presses Ctrl-C. */
async function shown(
  session: Session,
  api: Api,
  first: Found | undefined,
  meanwhile: () => Promise<ExitCode>,
): Promise<ExitCode> {
  const { screen, world, settings } = session;
  const page = pageDocument(world.pageAssets, { title: 'dataloop-connect', apiUrl: api.apiUrl });
  const server = await servePage(page, answersOf(api, world.account(settings)));
  try {
    const anchor = first ? `#${first.value.links.self.slice(1)}` : '';
    screen.note(`Page: ${server.address}${anchor}`);
    if (world.canAsk && !(await world.openInBrowser(`${server.onceAddress}${anchor}`))) {
      screen.note('No browser was found: open the address yourself.');
    }
    const code = await meanwhile();
    screen.note('The page stays until you press Ctrl-C.');
    await world.untilInterrupted();
    return code;
  } finally {
    await server.close();
  }
}

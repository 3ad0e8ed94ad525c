import * as z from 'zod';
import { defineCommand } from '../command.ts';
import { type Connection, type TestResult, testSchema } from '../connection/answers.ts';
import type { Api } from '../connection/api.ts';
import { findIntegration } from '../connection/find.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { answersOf, entryOf, type Unknown } from '../page/answers.ts';
import { pageDocument } from '../page/document.ts';

/** All about one integration, in one file to keep or to hand on. */
export const report = defineCommand({
  name: 'report',
  summary: 'Write all about an integration into one HTML file that opens without a network.',
  takes: [['<integration>', 'name or id (int_…)']],
  flags: [
    ['--html <file>', 'file to write; default: NAME.html'],
    ['--no-test', 'do not test the connection for it'],
  ],
  schema: z.object({ html: z.string().optional(), test: z.boolean().default(true) }),
  examples: ['report acme-images --html acme-images.html'],
  run: async ({ names: [name = ''], flags }, session) => {
    const { world, screen, settings } = session;
    const api = await session.api();
    const { value: connection } = await findIntegration(api, name);
    const answers = answersOf(api, world.account(settings));
    const { path } = entryOf(connection);
    const paths = [path, ...(connection.drivers ?? []).map(({ links }) => links.self.slice(1))];
    const read = async (asked: string) => [asked, await answers(asked)] as const;
    const all = await Promise.all(
      paths.flatMap((each) => [read(each), read(`${each}/policies`), read(`${each}/history`)]),
    );
    const page = pageDocument(world.pageAssets, {
      title: `${connection.name}: ${connection.status}`,
      apiUrl: api.apiUrl,
      report: {
        madeAt: new Date(world.now()).toISOString(),
        version: world.version,
        answers: {
          integrations: [entryOf(connection)],
          ...Object.fromEntries(all),
          [`${path}/test`]: flags.test
            ? await testOf(api, connection)
            : { unknown: 'It was not tested for this report.' },
        },
      },
    });
    // The name of a file is not left to an answer.
    const file = flags.html ?? `${connection.name.replaceAll(/[^a-z0-9-]/g, '_')}.html`;
    try {
      await world.writeText(file, page.text);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new CommandError(exitCodes.usage, `${file} cannot be written: ${reason}`, { cause: error });
    }
    screen.say(`Written: ${file}`);
    screen.document({ integrationId: connection.integrationId, file });
    return exitCodes.done;
  },
});

async function testOf(api: Api, { status, links }: Connection): Promise<TestResult | Unknown> {
  if (status !== 'ready') {
    return { unknown: `Only a ready integration can be tested; this one is ${status}.` };
  }
  try {
    return (await api.call({ method: 'POST', path: `${links.self}/test` }, testSchema)).value;
  } catch (error) {
    if (error instanceof CommandError) return { unknown: `It could not be tested: ${error.message}` };
    throw error;
  }
}

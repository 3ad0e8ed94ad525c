import * as z from 'zod';
import { defineCommand } from '../command.ts';
import { type Connection, type TestResult, testSchema } from '../connection/answers.ts';
import type { Api } from '../connection/api.ts';
import { findIntegration, readConnection } from '../connection/find.ts';
import type { Policies } from '../connection/policies.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { reportPage } from '../report/page.ts';
import type { Session } from '../session.ts';

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
    const { world, screen } = session;
    const api = await session.api();
    const { value: connection } = await findIntegration(api, name);
    const added = await Promise.all(
      (connection.drivers ?? []).map(async ({ links }) => (await readConnection(api, links.self)).value),
    );
    const page = reportPage({
      connection,
      added,
      policies: await policiesOf(session, connection),
      test: flags.test ? await testOf(api, connection) : 'It was not tested for this report.',
      madeAt: world.now(),
      apiUrl: api.apiUrl,
    });
    // The name of a file is not left to an answer.
    const file = flags.html ?? `${connection.name.replaceAll(/[^a-z0-9-]/g, '_')}.html`;
    try {
      await world.writeText(file, page);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new CommandError(exitCodes.usage, `${file} cannot be written: ${reason}`, { cause: error });
    }
    screen.say(`Written: ${file}`);
    screen.document({ integrationId: connection.integrationId, file });
    return exitCodes.done;
  },
});

/** As they are in IAM now. A report without them is better than none. */
async function policiesOf(
  { world, settings }: Session,
  { resources }: Connection,
): Promise<Policies | string> {
  const arnsOf = (type: string) =>
    resources.flatMap((resource) => (resource.type === type && resource.arn ? [resource.arn] : []));
  const [roleArn] = arnsOf('AWS::IAM::Role');
  if (roleArn === undefined) return 'There is no role.';
  try {
    return await world.account(settings).policies(roleArn, arnsOf('AWS::IAM::ManagedPolicy'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `They could not be read with your credentials (iam:GetRole, iam:GetPolicy, iam:GetPolicyVersion): ${reason}`;
  }
}

async function testOf(api: Api, { status, links }: Connection): Promise<TestResult | string> {
  if (status !== 'ready') return `Only a ready integration can be tested; this one is ${status}.`;
  try {
    return (await api.call({ method: 'POST', path: `${links.self}/test` }, testSchema)).value;
  } catch (error) {
    if (error instanceof CommandError) return `It could not be tested: ${error.message}`;
    throw error;
  }
}

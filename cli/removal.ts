/** `DELETE` of an integration or an added bucket: shown, asked for, and followed to its end. */
import * as z from 'zod';
import { type Connection, connectionSchema } from './connection/answers.ts';
import type { Api } from './connection/api.ts';
import { CommandError, type ExitCode, exitCodes } from './exit-codes.ts';
import { follow } from './follow.ts';
import { concluded } from './screen/conclusion.ts';
import { handleOf, headline, printResources } from './screen/connection.ts';
import type { Session } from './session.ts';
import { secondsSchema, waitFlags } from './waiting.ts';

export const removalFlags = [
  ['--keep-bucket', 'keep the bucket and its objects; it is yours then'],
  ['--force', 'even if drivers that somebody else made lose their storage'],
  ['-y, --yes', 'do not ask'],
  ...waitFlags,
] as const;

export const removalSchema = {
  keepBucket: z.literal(true).optional(),
  force: z.literal(true).optional(),
  yes: z.literal(true).optional(),
  wait: z.boolean().default(true),
  timeout: secondsSchema.optional(),
};
const flagsSchema = z.object(removalSchema);

export async function removed(
  session: Session,
  api: Api,
  before: Connection,
  flags: z.output<typeof flagsSchema>,
): Promise<ExitCode> {
  const { world, screen } = session;
  if (!flags.yes && !world.canAsk) {
    throw new CommandError(
      exitCodes.usage,
      'Nobody can be asked here. Add --yes to remove it without a question.',
    );
  }
  screen.say(headline(session, before));
  printResources(session, before);
  for (const { bucket, driverId } of before.drivers ?? []) {
    screen.say(`  Added bucket  s3://${bucket}  (${driverId})`);
  }
  const what = flags.keepBucket ? 'Disconnect it and keep the bucket?' : 'Disconnect it?';
  if (!flags.yes && !(await world.ask(what))) {
    screen.note('Nothing was sent.');
    return exitCodes.interrupted;
  }
  const begun = world.now();
  const query = new URLSearchParams({
    ...(flags.keepBucket ? { keepBucket: 'true' } : {}),
    ...(flags.force ? { force: 'true' } : {}),
  }).toString();
  const { value, raw } = await api.call(
    { method: 'DELETE', path: `${before.links.self}${query ? `?${query}` : ''}` },
    connectionSchema,
  );
  const found = flags.wait
    ? await follow(session, api, {
        path: value.links.self,
        id: value.driverId ? handleOf(value) : value.integrationId,
        since: value.updatedAt,
        timeoutSeconds: flags.timeout,
      })
    : { value, raw };
  return concluded(session, found, { begun, verb: 'disconnect' });
}

/** `DELETE` of an integration or an added bucket: shown, asked for, and followed to its end. */
import * as z from 'zod';
import {
  type Connection,
  connectionSchema,
  type RemovalPlan,
  removalPlanSchema,
} from './connection/answers.ts';
import type { Api } from './connection/api.ts';
import { CommandError, type ExitCode, exitCodes } from './exit-codes.ts';
import { follow } from './follow.ts';
import { concluded } from './screen/conclusion.ts';
import { handleOf, headline, printResources } from './screen/connection.ts';
import { printRemovalPlan } from './screen/removal-plan.ts';
import type { Session } from './session.ts';
import { secondsSchema, waitFlags } from './waiting.ts';

export const removalFlags = [
  ['--keep-bucket', 'keep the bucket and its objects; it is yours then'],
  ['--force', 'even if drivers or datasets of others lose their storage'],
  ['--plan', 'show what would be removed and what blocks it; change nothing'],
  ['-y, --yes', 'do not ask'],
  ...waitFlags,
] as const;

export const removalSchema = {
  keepBucket: z.literal(true).optional(),
  force: z.literal(true).optional(),
  plan: z.literal(true).optional(),
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
  const plan = flags.plan || !flags.yes ? await planOf(api, before) : undefined;
  if (flags.plan) return planned(session, plan, flags.keepBucket === true);
  if (!flags.yes && !world.canAsk) {
    throw new CommandError(
      exitCodes.usage,
      'Nobody can be asked here. Add --yes to remove it without a question.',
    );
  }
  printBefore(session, before, plan?.value, flags.keepBucket === true);
  if (plan && !plan.value.clear && !flags.force && !flags.yes)
    return blocked(session, before, flags.keepBucket === true);
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

/** Undefined where there is none: while a workflow runs, without the right to it, or from an earlier service. */
async function planOf(
  api: Api,
  { links }: Connection,
): Promise<{ readonly value: RemovalPlan; readonly raw: unknown } | undefined> {
  try {
    return await api.call({ method: 'POST', path: `${links.self}/removal-plan` }, removalPlanSchema);
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

/** With --plan: shown, and nothing else. */
function planned(session: Session, plan: Awaited<ReturnType<typeof planOf>>, keepBucket: boolean): ExitCode {
  if (!plan) {
    throw new CommandError(exitCodes.refused, 'The service gives no plan of this removal now.', {
      next: 'list',
    });
  }
  session.screen.document(plan.raw);
  printRemovalPlan(session, plan.value, keepBucket);
  return plan.value.clear ? exitCodes.done : exitCodes.refused;
}

function printBefore(
  session: Session,
  before: Connection,
  plan: RemovalPlan | undefined,
  keepBucket: boolean,
): void {
  const { screen } = session;
  screen.say(headline(session, before));
  if (plan) {
    printRemovalPlan(session, plan, keepBucket);
    return;
  }
  printResources(session, before);
  for (const { bucket, driverId } of before.drivers ?? []) {
    screen.say(`  Added bucket  s3://${bucket}  (${driverId})`);
  }
}

function blocked(session: Session, before: Connection, keepBucket: boolean): ExitCode {
  session.screen.say(session.screen.paint('red', 'Nothing was sent.'));
  const command = before.driverId ? 'remove-bucket' : 'disconnect';
  session.next(`${command} ${handleOf(before)}${keepBucket ? ' --keep-bucket' : ''} --force`);
  return exitCodes.refused;
}

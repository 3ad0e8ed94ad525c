import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { defineCommand } from '../command.ts';
import type { Account } from '../connection/account.ts';
import { serviceName } from '../connection/settings.ts';
import type { Stack } from '../connection/stack.ts';
import { type Check, failure, skipped } from '../doctor/check.ts';
import { checkDataloop, checkSecret } from '../doctor/dataloop.ts';
import { checkRights } from '../doctor/rights.ts';
import { checkAlarms, checkCaller, checkNode, checkRegion, checkStack } from '../doctor/surroundings.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Colour } from '../screen/screen.ts';
import { paragraph } from '../screen/table.ts';
import type { Session } from '../session.ts';

const signs: Readonly<Record<Check['status'], readonly [string, Colour]>> = {
  passed: ['✓', 'green'],
  warning: ['!', 'yellow'],
  failed: ['✗', 'red'],
  skipped: ['-', 'dim'],
};

/** Looks at all that a connection needs, and changes nothing. */
export const doctor = defineCommand({
  name: 'doctor',
  summary: 'Check credentials, stack, rights, secret, quota and alarms; say what to do.',
  flags: [['--project <id>', 'project at Dataloop, to check role and quota there']],
  schema: z.object({ project: z.string().optional() }),
  examples: ['doctor', 'doctor --stage prod --project PROJECT_ID'],
  run: async ({ flags }, session) => {
    const checks: Check[] = [];
    for await (const check of checksOf(session, flags.project)) {
      checks.push(check);
      print(session, check);
    }
    const failed = checks.filter(({ status }) => status === 'failed').length;
    session.screen.document({ status: failed > 0 ? 'failed' : 'passed', checks });
    if (failed > 0) {
      session.screen.say(failed === 1 ? 'One check failed.' : `${failed} checks failed.`);
      return exitCodes.failed;
    }
    session.next('plan NAME --bucket BUCKET --project PROJECT_ID');
    return exitCodes.done;
  },
});

/** Each as soon as it is known. Without credentials, nothing further can be looked at. */
async function* checksOf(session: Session, project: string | undefined): AsyncGenerator<Check> {
  const { world, settings } = session;
  const account = world.account(settings);
  yield checkNode(world);
  const region = await checkRegion(account);
  yield region;
  if (region.status === 'failed') return;
  const caller = await checkCaller(account);
  yield caller;
  if (caller.status === 'failed') return;
  const stack = await stackOf(account);
  yield 'check' in stack ? stack.check : checkStack(stack.found, world.version);
  if ('check' in stack && settings.apiUrl === undefined) return;
  const api = await session.api();
  const { check, mayPlan } = await checkRights(api);
  yield check;
  const secretName = 'found' in stack ? stack.found.outputs['DataloopSecretName'] : undefined;
  yield await checkSecret(account, secretName ?? `${serviceName}/${settings.stage}/dataloop`);
  if (mayPlan) yield* await checkDataloop(api, project, randomUUID().slice(0, 8));
  else yield skipped('Dataloop', 'not looked at', 'The right to plan is needed.');
  if ('found' in stack) yield await checkAlarms(account, stack.found);
}

async function stackOf(account: Account): Promise<{ readonly found: Stack } | { readonly check: Check }> {
  try {
    return { found: await account.stack() };
  } catch (error) {
    return { check: failure('Stack', error) };
  }
}

function print({ screen }: Session, { name, status, detail, advice }: Check): void {
  const [sign, colour] = signs[status];
  const indent = ' '.repeat(17);
  const [first = '', ...rest] = paragraph(detail, screen.columns, indent);
  screen.say(`${screen.paint(colour, sign)} ${name.padEnd(15)}${first.trimStart()}`);
  for (const line of rest) screen.say(line);
  if (advice === undefined) return;
  const [begin = '', ...more] = paragraph(advice, screen.columns, `${indent}  `);
  screen.say(`${indent}${screen.paint(colour, `→ ${begin.trimStart()}`)}`);
  for (const line of more) screen.say(line);
}

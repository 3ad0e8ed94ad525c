import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { requestSchema } from '../../src/domain/model/request.ts';
import { defineCommand } from '../command.ts';
import { connectionSchema, planSchema } from '../connection/answers.ts';
import type { Api } from '../connection/api.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { follow } from '../follow.ts';
import { checked } from '../request/build.ts';
import { flagOf, integrationFlags, integrationFlagsSchema, integrationRequest } from '../request/flags.ts';
import { concluded } from '../screen/conclusion.ts';
import { blockingOf, printPlan } from '../screen/plan.ts';
import type { Session } from '../session.ts';
import { secondsSchema, startingFlags, waitFlags } from '../waiting.ts';

/** `POST /plans`, a question, `POST /integrations`, and the workflow to its end. */
export const connect = defineCommand({
  name: 'connect',
  summary: 'Connect a bucket to Dataloop: show the plan, ask, and follow each step.',
  takes: [['[name]', 'your name for the integration']],
  flags: [
    ...integrationFlags,
    ['--policies', 'show the policies in full before the question'],
    ['--no-plan', 'do not ask for the plan first; the workflow makes the same checks'],
    ...startingFlags,
    ...waitFlags,
  ],
  schema: integrationFlagsSchema.extend({
    policies: z.literal(true).optional(),
    plan: z.boolean().default(true),
    yes: z.literal(true).optional(),
    idempotencyKey: z.string().optional(),
    wait: z.boolean().default(true),
    timeout: secondsSchema.optional(),
  }),
  examples: [
    'connect acme-images --bucket dataloop-dev-acme-images --project PROJECT_ID',
    'connect --file request.yaml --yes --output json',
  ],
  run: async ({ names: [name], flags }, session) => {
    const { world, screen } = session;
    const request = await integrationRequest(name, flags, world);
    checked(request, requestSchema, flagOf, 'connect');
    if (!flags.yes && (!world.canAsk || flags.file === '-')) {
      throw new CommandError(
        exitCodes.usage,
        'Nobody can be asked here. Add --yes to connect without a question.',
      );
    }
    const api = await session.api();
    const outlook = flags.plan ? await look(session, api, request, flags.policies === true) : 'clear';
    if (outlook === 'blocked') return exitCodes.refused;
    // One of this name is there: sent again, the same request makes nothing, and another is refused.
    if (outlook === 'clear' && !flags.yes && !(await world.ask('Connect it?'))) {
      screen.note('Nothing was sent.');
      return exitCodes.interrupted;
    }
    const key = flags.idempotencyKey ?? randomUUID();
    screen.note(`Idempotency-Key: ${key}`);
    const begun = world.now();
    world.whenInterrupted(() => [
      'The request may have been taken. To find out, send it again with the same key:',
      `  --idempotency-key ${key}`,
    ]);
    const { value, raw } = await api.call(
      { method: 'POST', path: '/integrations', body: request, headers: { 'idempotency-key': key } },
      connectionSchema,
    );
    screen.say(`${screen.paint('bold', value.name)}  ${value.integrationId}`);
    const found = flags.wait
      ? await follow(session, api, {
          path: value.links.self,
          id: value.integrationId,
          timeoutSeconds: flags.timeout,
        })
      : { value, raw };
    return concluded(session, found, { begun, verb: 'connect' });
  },
});

/** Shows the plan. @returns whether the request may be sent */
async function look(
  session: Session,
  api: Api,
  request: unknown,
  withPolicies: boolean,
): Promise<'clear' | 'taken' | 'blocked'> {
  const { value, raw } = await api.call({ method: 'POST', path: '/plans', body: request }, planSchema);
  const blocking = blockingOf(value);
  if (blocking.some(({ type }) => type.endsWith(':name-or-bucket-taken'))) return 'taken';
  printPlan(session, value, withPolicies);
  // Whatever could not be checked now, the workflow checks again.
  if (!blocking.some(({ severity }) => severity === 'error')) return 'clear';
  session.screen.document(raw);
  return 'blocked';
}

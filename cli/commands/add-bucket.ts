import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { driverRequestSchema } from '../../src/domain/model/request.ts';
import { defineCommand } from '../command.ts';
import { connectionSchema } from '../connection/answers.ts';
import { findIntegration } from '../connection/find.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { follow } from '../follow.ts';
import { checked } from '../request/build.ts';
import { bucketFlags, bucketFlagsSchema, bucketRequest, flagOf } from '../request/flags.ts';
import { concluded } from '../screen/conclusion.ts';
import { handleOf } from '../screen/connection.ts';
import { secondsSchema, startingFlags, waitFlags } from '../waiting.ts';

/** `POST /integrations/{integrationId}/drivers`, and the workflow to its end. */
export const addBucket = defineCommand({
  name: 'add-bucket',
  summary: 'Add one more bucket to an integration that is ready.',
  takes: [['<integration>', 'name or id (int_…)']],
  flags: [...bucketFlags, ...startingFlags, ...waitFlags],
  schema: bucketFlagsSchema.extend({
    yes: z.literal(true).optional(),
    idempotencyKey: z.string().optional(),
    wait: z.boolean().default(true),
    timeout: secondsSchema.optional(),
  }),
  examples: ['add-bucket acme-images --bucket dataloop-dev-acme-videos --project PROJECT_ID'],
  run: async ({ names: [name = ''], flags }, session) => {
    const { world, screen } = session;
    const request = await bucketRequest(flags, world);
    checked(request, driverRequestSchema, flagOf, 'add-bucket');
    if (!flags.yes && (!world.canAsk || flags.file === '-')) {
      throw new CommandError(
        exitCodes.usage,
        'Nobody can be asked here. Add --yes to add it without a question.',
      );
    }
    const begun = world.now();
    const api = await session.api();
    const { value: integration } = await findIntegration(api, name);
    const question = `Add ${flags.bucket ?? 'the bucket of the file'} to ${integration.name}?`;
    if (!flags.yes && !(await world.ask(question))) {
      screen.note('Nothing was sent.');
      return exitCodes.interrupted;
    }
    const key = flags.idempotencyKey ?? randomUUID();
    screen.note(`Idempotency-Key: ${key}`);
    const path = `${integration.links.self}/drivers`;
    const { value, raw } = await api.call(
      { method: 'POST', path, body: request, headers: { 'idempotency-key': key } },
      connectionSchema,
    );
    screen.say(`${screen.paint('bold', value.name)}  ${value.driverId}`);
    const found = flags.wait
      ? await follow(session, api, {
          path: value.links.self,
          id: handleOf(value),
          timeoutSeconds: flags.timeout,
        })
      : { value, raw };
    return concluded(session, found, { begun, verb: 'connect' });
  },
});

import * as z from 'zod';
import { confirmationSchema } from '../../src/domain/waiting/operator.ts';
import { defineCommand } from '../command.ts';
import { connectionSchema } from '../connection/answers.ts';
import { findIntegration } from '../connection/find.ts';
import { follow } from '../follow.ts';
import { checked } from '../request/build.ts';
import { concluded } from '../screen/conclusion.ts';
import { secondsSchema, waitFlags } from '../waiting.ts';

/** `POST /integrations/{integrationId}/iam-user`: what an operator did at Dataloop. */
export const confirmUser = defineCommand({
  name: 'confirm-user',
  summary: "Operator mode: say which IAM user Dataloop issued, then the integration's id.",
  takes: [['<integration>', 'name or id (int_…)']],
  flags: [
    ['--user-arn <arn>', 'ARN of the IAM user that Dataloop shows'],
    ['--dataloop-integration <id>', 'id of the integration at Dataloop, once it has the role'],
    ...waitFlags,
  ],
  schema: z.object({
    userArn: z.string().optional(),
    dataloopIntegration: z.string().optional(),
    wait: z.boolean().default(true),
    timeout: secondsSchema.optional(),
  }),
  examples: ['confirm-user acme-images --user-arn arn:aws:iam::111111111111:user/dataloop-acme'],
  run: async ({ names: [name = ''], flags }, session) => {
    const { userArn, dataloopIntegration: dataloopIntegrationId } = flags;
    const body = {
      ...(userArn === undefined ? {} : { userArn }),
      ...(dataloopIntegrationId === undefined ? {} : { dataloopIntegrationId }),
    };
    const flagOf = { '/userArn': '--user-arn', '/dataloopIntegrationId': '--dataloop-integration' };
    checked(body, confirmationSchema, flagOf, 'confirm-user');
    const begun = session.world.now();
    const api = await session.api();
    const { value: before } = await findIntegration(api, name);
    const { value, raw } = await api.call(
      { method: 'POST', path: `${before.links.self}/iam-user`, body },
      connectionSchema,
    );
    const found = flags.wait
      ? await follow(session, api, {
          path: value.links.self,
          id: value.integrationId,
          timeoutSeconds: flags.timeout,
          // What was asked before is answered, and of what was said the workflow finds out by itself whether it is right.
          answered: [before.action?.what, userArn, dataloopIntegrationId].flatMap((each) => each ?? []),
        })
      : { value, raw };
    return concluded(session, found, { begun, verb: 'connect' });
  },
});

import * as z from 'zod';
import { requestSchema } from '../../src/domain/model/request.ts';
import { defineCommand } from '../command.ts';
import { planSchema } from '../connection/answers.ts';
import { exitCodes } from '../exit-codes.ts';
import { checked } from '../request/build.ts';
import { flagOf, integrationFlags, integrationFlagsSchema, integrationRequest } from '../request/flags.ts';
import { blockingOf, printPlan } from '../screen/plan.ts';

/** `POST /plans`: nothing is written. */
export const plan = defineCommand({
  name: 'plan',
  summary: 'Show what a request would make, both policies, and all that blocks it.',
  takes: [['[name]', 'your name for the integration']],
  flags: [...integrationFlags, ['--policies', 'show the policies in full']],
  schema: integrationFlagsSchema.extend({ policies: z.literal(true).optional() }),
  examples: [
    'plan acme-images --bucket dataloop-dev-acme-images --project PROJECT_ID --policies',
    'plan --file request.yaml',
  ],
  run: async ({ names: [name], flags }, session) => {
    const request = await integrationRequest(name, flags, session.world);
    checked(request, requestSchema, flagOf, 'plan');
    const api = await session.api();
    const { value, raw } = await api.call({ method: 'POST', path: '/plans', body: request }, planSchema);
    printPlan(session, value, flags.policies === true);
    session.screen.document(raw);
    return blockingOf(value).length > 0 ? exitCodes.refused : exitCodes.done;
  },
});

import { activate } from '../../src/clients/aws/journal/ends.ts';
import { publish } from '../../src/deployed/bus.ts';
import { table } from '../../src/deployed/journal.ts';
import { announceReady } from '../../src/domain/lifecycle/conclude.ts';
import { stepHandler } from '../../src/runtime/step.ts';

/** Activate: the integration is ready, and an event says so. A repeated attempt may find it ready already. */
export const handler = stepHandler('Activate', { during: ['provisioning'], endsIn: ['ready'] }, (step) =>
  announceReady(step, (integrationId, ends) => activate(table, integrationId, ends), publish),
);

import { eventBridgeClient, publisher } from '../../src/clients/aws/events.ts';
import { activate } from '../../src/clients/aws/journal/record.ts';
import { eventBusName } from '../../src/config.ts';
import { announceReady } from '../../src/domain/lifecycle/conclude.ts';
import { stepHandler, table } from '../../src/runtime/step.ts';

const publish = publisher(eventBridgeClient(), eventBusName());

/** Activate: the integration is ready, and an event says so. A repeated attempt may find it ready already. */
export const handler = stepHandler('Activate', { during: ['provisioning', 'ready'] }, (step) =>
  announceReady(step, (integrationId) => activate(table, integrationId), publish),
);

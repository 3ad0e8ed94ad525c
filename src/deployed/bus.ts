/** The event bus as deployed. */
import { eventBridgeClient, publisher } from '../clients/aws/events.ts';
import { eventBusName } from '../config.ts';

export const publish = publisher(eventBridgeClient(), eventBusName());

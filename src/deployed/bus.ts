/** The event bus as deployed. */
import { eventBridgeClient, publisher } from '../clients/aws/events.ts';
import { eventBusName } from '../config.ts';
import type { IamUserIssued } from '../domain/resources/dataloop/integration.ts';

export const publish = publisher(eventBridgeClient(), eventBusName());

export const announceIamUser = (issued: IamUserIssued): Promise<void> =>
  publish('Dataloop IAM User Issued', { version: '1', ...issued });

/** Amazon EventBridge: the service's own bus. */
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { eventDetails, eventSource, type Publish } from '../../domain/api/events.ts';
import { ServiceError } from '../../errors.ts';
import { awsCall } from './errors.ts';
import { clientSettings } from './settings.ts';

export const eventBridgeClient = () => new EventBridgeClient(clientSettings);

/**
 * Publishes on one bus. PutEvents answers 200 even where an entry was refused.
 * @throws ServiceError `AwsUnavailableError` where the entry was not taken
 */
export function publisher(client: EventBridgeClient, eventBusName: string): Publish {
  return async (detailType, detail) => {
    const checked = eventDetails[detailType].parse(detail);
    const answer = await awsCall(`publish "${detailType}"`, () =>
      client.send(
        new PutEventsCommand({
          Entries: [
            {
              EventBusName: eventBusName,
              Source: eventSource,
              DetailType: detailType,
              Detail: JSON.stringify(checked),
            },
          ],
        }),
      ),
    );
    const [entry] = answer.Entries ?? [];
    if (answer.FailedEntryCount || !entry?.EventId) {
      throw new ServiceError(
        'AwsUnavailableError',
        `EventBridge did not accept "${detailType}" (${entry?.ErrorCode ?? 'no reason given'}).`,
        { mayPass: true },
      );
    }
  };
}

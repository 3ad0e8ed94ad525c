/** JSON Schemas (draft 2020-12) of the events on the service's bus, as EventBridge delivers them. */
import * as z from 'zod';
import { type DetailType, eventDetails, eventSource } from '../src/domain/api/events.ts';

const detailTypes = Object.keys(eventDetails) as DetailType[];

/** `Dataloop IAM User Issued` → `dataloop-iam-user-issued.v1` */
export const eventFileName = (detailType: string): string =>
  `${detailType.toLowerCase().replaceAll(' ', '-')}.v1`;

/** File name below `events/` → schema, for every event. */
export function eventSchemaFiles(): [string, object][] {
  return detailTypes.map((detailType) => {
    const { $schema, ...schema } = z.toJSONSchema(
      z.object({
        source: z.literal(eventSource),
        'detail-type': z.literal(detailType),
        detail: eventDetails[detailType],
      }),
      { io: 'input' },
    );
    return [`${eventFileName(detailType)}.schema.json`, { $schema, title: detailType, ...schema }];
  });
}

/**
 * The events on the service's own bus, in and out. The JSON Schemas in `events/` are made from these
 * (`npm run schemas`), and a test holds both together.
 */
import * as z from 'zod';
import { addedBucketIdSchema as driverId, integrationIdSchema as integrationId } from '../model/ids.ts';
import { errorSchema, executionArnSchema } from '../model/record.ts';
import { stackResourceSchema } from '../model/stack-resource.ts';

/** `source` of every event that the service publishes. */
export const eventSource = 'dataloop-cross-account';

const version = z.literal('1');

const resource = z.object({
  type: z.string(),
  arn: z.string().optional(),
  id: z.string().optional(),
  name: z.string().optional(),
});

const residue = z.array(resource.extend({ reason: z.string(), advice: z.string() }));
/** What its owner keeps, where `DELETE` said so. */
const released = z.array(resource.extend({ reason: z.string() })).optional();
const ended = {
  name: z.string(),
  /** The resource of a CloudFormation stack that it was made for. The rule that answers stacks looks for it. */
  stack: stackResourceSchema.optional(),
};
const ready = { ...ended, resources: z.array(resource) };
const failed = {
  ...ended,
  status: z.enum(['failed', 'residue']),
  error: errorSchema.optional(),
  residue,
  released,
};
const removed = { ...ended, status: z.enum(['removed', 'residue']), residue, released };

export const eventDetails = {
  'Dataloop IAM User Issued': z.object({
    version,
    integrationId,
    /** Not there where an operator names the user: which integration it is is known later. */
    dataloopIntegrationId: z.string().min(1).max(200).optional(),
    /** As Dataloop names it, whatever that is: the event wakes, and CreateRole decides whom to trust. */
    userArn: z.string().min(1).max(2_048),
  }),
  'Dataloop Integration Ready': z.object({ version, integrationId, ...ready }),
  'Dataloop Integration Failed': z.object({ version, integrationId, ...failed }),
  'Dataloop Integration Removed': z.object({ version, integrationId, ...removed }),
  'Dataloop Driver Ready': z.object({ version, integrationId, driverId, ...ready }),
  'Dataloop Driver Failed': z.object({ version, integrationId, driverId, ...failed }),
  'Dataloop Driver Removed': z.object({ version, integrationId, driverId, ...removed }),
  'Dataloop API Key Expires': z.object({
    version,
    /** Name of the secret that holds the key. */
    secretId: z.string(),
    expiresAt: z.iso.datetime(),
    daysLeft: z.int().nonnegative(),
  }),
} as const;

export type DetailType = keyof typeof eventDetails;
export type EventDetail<T extends DetailType> = z.infer<(typeof eventDetails)[T]>;

/** Puts one event on the service's bus. */
export type Publish = <T extends DetailType>(detailType: T, detail: EventDetail<T>) => Promise<void>;

/** The event as EventBridge hands it to a function. */
export const iamUserIssuedEventSchema = z.object({
  source: z.literal(eventSource),
  'detail-type': z.literal('Dataloop IAM User Issued'),
  detail: eventDetails['Dataloop IAM User Issued'],
});

/** "Step Functions Execution Status Change", as far as the watchdog reads it (Step Functions Developer Guide). */
export const executionStatusEventSchema = z.object({
  detail: z.object({
    executionArn: executionArnSchema,
    stateMachineArn: z.string().max(300),
    name: z.string().max(80),
    status: z.enum(['FAILED', 'TIMED_OUT', 'ABORTED']),
    /** JSON; left out where it is longer than an event may be. */
    input: z.string().max(262_144).nullish(),
  }),
});

/**
 * The integration record: the source of truth for status and rollback. Every effect is written here before it
 * is attempted and after, so that whatever dies in between, the undo knows what to look for.
 */
import * as z from 'zod';
import { printable } from '../../errors.ts';
import { accessLockSchema } from './access-lock.ts';
import { addedBucketIdSchema, integrationIdSchema, recordIdSchema } from './ids.ts';
import { requestSchema } from './request.ts';
import { policyKeys, type ResourceKey, resourceKeys } from './resource-keys.ts';
import { stackResourceSchema } from './stack-resource.ts';
import { type AttemptEnd, isoTime, type StepRecord, stepSchema } from './step-record.ts';
import { type RecordKind, recordKinds, type StepName, stepNames } from './steps.ts';

export const statuses = [
  'provisioning',
  'ready',
  'rolling-back',
  'failed',
  'residue',
  'removing',
  'removed',
] as const;
export const statusSchema = z.enum(statuses);
export type Status = z.infer<typeof statusSchema>;

/** ARN of an execution of one of our state machines. The link to the console is made of it. */
export const executionArnSchema = z
  .string()
  .regex(/^arn:[a-z-]{1,20}:states:[a-z0-9-]{1,30}:[0-9]{12}:execution:[\w-]{1,80}:[\w-]{1,80}$/);

/** An id at Dataloop. It becomes one part of a URL's path, where `..` would lead elsewhere. */
export const dataloopIdSchema = z
  .string('An id at Dataloop must be a string.')
  .regex(
    /^(?!\.{1,2}$)[\x21-\x7e]{1,200}$/,
    'An id at Dataloop must have 1 to 200 printable ASCII characters without spaces.',
  );

/**
 * Most characters of texts in a record, of which others choose a part. All of them together take little of the 400 KB
 * that an item may have, so there is always room for the writes of the undo.
 */
export const longest = { name: 200, reason: 1_000, error: 8_000, caller: 2_048 } as const;

/** A text that others chose a part of. An earlier version stored it as it came; from there it is read cut, too. */
const told = (length: number) => z.string().transform((text) => printable(text, length));

export const errorSchema = z.object({
  type: z.string(),
  title: z.string(),
  detail: z.string(),
  step: z.string().optional(),
});
/** Why an integration failed, as the API shows it. */
export type RecordedError = z.infer<typeof errorSchema>;

/** A rule of a bucket's CORS configuration, in S3's words and with all that S3 has. */
export const corsRuleSchema = z.object({
  ID: z.string().optional(),
  AllowedHeaders: z.array(z.string()).optional(),
  AllowedMethods: z.array(z.string()),
  AllowedOrigins: z.array(z.string()),
  ExposeHeaders: z.array(z.string()).optional(),
  MaxAgeSeconds: z.number().optional(),
});
export type CorsRule = z.infer<typeof corsRuleSchema>;

/** The four settings of a bucket's public-access block. */
export const publicAccessBlockSchema = z.object({
  BlockPublicAcls: z.boolean().optional(),
  IgnorePublicAcls: z.boolean().optional(),
  BlockPublicPolicy: z.boolean().optional(),
  RestrictPublicBuckets: z.boolean().optional(),
});
export type PublicAccessBlock = z.infer<typeof publicAccessBlockSchema>;

/** `before`: as it was, left out for nothing; `after`: as we wrote it. */
const changeOf = <T extends z.ZodType>(schema: T) => z.object({ before: schema.optional(), after: schema });

const changesSchema = z.object({
  cors: changeOf(z.array(corsRuleSchema)).optional(),
  publicAccessBlock: changeOf(publicAccessBlockSchema).optional(),
  /** The documents as text, to the byte. */
  trustPolicy: changeOf(z.string()).optional(),
});
export type Changes = z.infer<typeof changesSchema>;

export const leftoverSchema = z.object({ reason: told(longest.reason), advice: told(longest.reason) });

/** How the sync of a dataset stands: `unfinished` after the longest wait. */
export const syncSchema = z.object({
  status: z.enum(['running', 'succeeded', 'failed', 'unfinished']),
  /** Of Dataloop's command. Unknown where Dataloop did not name it. */
  commandId: dataloopIdSchema.optional(),
  /** Items of the dataset after the sync. */
  items: z.number().int().nonnegative().optional(),
  reason: told(longest.reason).optional(),
});

export const resourceSchema = z.object({
  /**
   * `intended`: about to be created, may or may not exist; `created`: exists by our doing;
   * `gone`: removed by us, or never created. For an adopted resource: about to be changed,
   * in use, and given back.
   */
  state: z.enum(['intended', 'created', 'gone']),
  /** It was there before, and stays. Left out: we create it. */
  origin: z.literal('adopted').optional(),
  /** What we changed about something adopted. */
  changes: changesSchema.optional(),
  /** AWS resources. */
  arn: z.string().optional(),
  /** Region of a bucket. */
  region: z.string().optional(),
  /** Dataloop resources; unknown while only intended. */
  id: dataloopIdSchema.optional(),
  /** Name at Dataloop, by which an intended resource is found. */
  name: told(longest.name).optional(),
  /** Id that AWS gives to one role or policy and never again: tells ours from a later one of the same name. */
  uniqueId: z.string().optional(),
  /** Not-found reads of the undo so far; AWS may take a while to show a new resource. */
  absentLooks: z.number().int().positive().optional(),
  /** Of a policy that several buckets share: hashes of the documents that may stand in it by our doing. */
  written: z.array(z.string()).optional(),
  /** Of a role or a policy: when the call began that created or wrote it last, ms since the epoch. */
  writtenAt: z.number().optional(),
  /** Calls on it that AWS refused, perhaps by a late view: since when (ms since the epoch), and how many. */
  refusals: z.object({ since: z.number(), count: z.number().int().positive() }).optional(),
  /** Of one that somebody edited: hash of what we made of it last. */
  rewritten: z.string().optional(),
  /** Created a second time, because the first was not found: there may be two of it. */
  madeAgain: z.literal(true).optional(),
  /** Of a dataset. */
  sync: syncSchema.optional(),
  /** Why it could not be removed, and what to do. */
  residue: leftoverSchema.optional(),
  /** Why the resource under its name belongs to another owner and was left alone. */
  leftAlone: told(longest.reason).optional(),
  /** How it was given to its owner. */
  released: told(longest.reason).optional(),
});
export type ResourceRecord = z.infer<typeof resourceSchema>;

/** A resource as it is written: none of its texts is longer than a record has room for. */
export const bounded = (resource: ResourceRecord): ResourceRecord => resourceSchema.parse(resource);

const saidSchema = z.object({ by: z.string(), at: isoTime });
const operatorSchema = z.object({
  userArn: z.string(),
  /** Who named the IAM user. */
  named: saidSchema,
  /** The integration at Dataloop that was given the role, and who said so. */
  given: saidSchema.extend({ dataloopIntegrationId: dataloopIdSchema }).optional(),
});
/** What an operator said of an integration that is made by hand at Dataloop. */
export type OperatorRecord = z.infer<typeof operatorSchema>;

const parentSchema = z.object({
  integrationId: integrationIdSchema,
  dataloopIntegrationId: dataloopIdSchema,
});

const inFlightCallSchema = z.preprocess(
  // An earlier version stored the time alone.
  (call) => (typeof call === 'number' ? { until: call } : call),
  z.object({
    /** Unknown of a call of an earlier version, which counts for any step. */
    step: z.enum(stepNames).optional(),
    /** Until when its function can live and so take effect, ms since the epoch. */
    until: z.number(),
  }),
);
/** A call of a step function that has begun and not said that it ended. */
export type InFlightCall = z.output<typeof inFlightCallSchema>;

/** A bucket that was added to an integration, as the integration knows it. */
const addedBucketSchema = z.object({
  bucket: requestSchema.shape.bucket.pick({ name: true, prefix: true, kmsKeyArn: true }),
  dataloop: requestSchema.shape.dataloop.pick({ projectId: true, allowDelete: true }).extend({
    driverName: z.string(),
  }),
  /** The policy that grants the access to its bucket, once one does. */
  placedIn: z.enum(policyKeys).optional(),
});
export type AddedBucket = z.infer<typeof addedBucketSchema>;

/** What an integration knows of a bucket that was requested for it. */
export const asAdded = ({ bucket, dataloop }: z.output<typeof requestSchema>): AddedBucket => ({
  bucket: {
    name: bucket.name,
    ...(bucket.prefix === undefined ? {} : { prefix: bucket.prefix }),
    ...(bucket.kmsKeyArn === undefined ? {} : { kmsKeyArn: bucket.kmsKeyArn }),
  },
  dataloop: {
    projectId: dataloop.projectId,
    driverName: dataloop.driverName ?? bucket.name,
    allowDelete: dataloop.allowDelete,
  },
});

export const recordSchema = z.object({
  id: recordIdSchema,
  /** Not stored: `parent` tells it. */
  kind: z.enum(recordKinds),
  /** The integration that this bucket was added to. */
  parent: parentSchema.optional(),
  /** The resource of a CloudFormation stack that it was made for. */
  stack: stackResourceSchema.optional(),
  /** Buckets that were added, until nothing is left of them. */
  addedBuckets: z.record(addedBucketIdSchema, addedBucketSchema).optional(),
  /** Who may write the integration's policies now. */
  accessLock: accessLockSchema.optional(),
  name: z.string(),
  status: statusSchema,
  createdAt: isoTime,
  updatedAt: isoTime,
  request: requestSchema,
  requestHash: z.string(),
  /** ARN of who sent the request. Unknown of one that an earlier version took. */
  requestedBy: told(longest.caller).optional(),
  executionArn: executionArnSchema,
  /** Resolved by Preflight: where the integration lives at Dataloop. */
  dataloop: z.object({ organizationId: dataloopIdSchema }).optional(),
  operator: operatorSchema.optional(),
  /** What `DELETE` said last of the bucket. Only `DELETE` writes it. */
  keepBucket: z.boolean().optional(),
  steps: z.partialRecord(z.enum(stepNames), stepSchema.extend({ reason: told(longest.reason).optional() })),
  resources: z.partialRecord(z.enum(resourceKeys), resourceSchema),
  /** By the ids of the calls. */
  inFlightCalls: z.record(z.string(), inFlightCallSchema),
  /** The current undo: which run of it, in which mode, and how often the watchdog has started it again. */
  deprovision: z
    .object({
      mode: z.enum(['rollback', 'remove']).catch('remove'),
      // A forged one is read so that the next run can still begin.
      run: z
        .number()
        .transform((run) => Math.max(0, Math.floor(run)))
        .catch(0),
      restarts: z.number().int().nonnegative().catch(0),
      /** A random part of the name of its execution. Unknown of a run that an earlier version began. */
      token: z
        .string()
        .regex(/^[0-9a-f]{12}$/)
        .optional()
        .catch(undefined),
    })
    .optional(),
  error: errorSchema.extend({ detail: told(longest.error) }).optional(),
});
export type JournalRecord = z.infer<typeof recordSchema>;

/** Runs of an undo are counted up to here. A record with more of them is forged, and they are counted anew. */
export const mostRuns = 1_000_000;

/** What a record is of. Every added bucket has a parent, and no integration has. */
export const kindOf = (parent: unknown): RecordKind =>
  parent === undefined ? 'integration' : 'added bucket';

/** Its name, as people know it: of an added bucket, that of its driver. */
export const nameOf = ({ name, kind, request }: JournalRecord): string =>
  kind === 'added bucket' ? (request.dataloop.driverName ?? name) : name;

/** What messages for its owner call it. */
export const thisOf = ({ kind }: Pick<JournalRecord, 'kind'>): string =>
  kind === 'added bucket' ? 'this driver' : 'this integration';

/** Path of an integration in the API, or of a bucket that was added to one. */
export const pathOf = ({ id, parent }: Pick<JournalRecord, 'id' | 'parent'>) =>
  parent ? `/integrations/${parent.integrationId}/drivers/${id}` : `/integrations/${id}`;

/** One invocation of a step's function. */
export interface StepCall {
  readonly recordId: string;
  readonly step: StepName;
  /** Distinguishes calls of one step: execution and attempt. */
  readonly callId: string;
  readonly attempt: number;
  /** When the state was entered (the same for every attempt), by the clock of Step Functions. */
  readonly startedAt: string;
  /** When this call began, ms since the epoch, by the clock of Step Functions. */
  readonly begunAt: number;
  /** Until when the function can live, ms since the epoch. */
  readonly aliveUntil: number;
}

/** Steps that have begun and not ended, in the order of a run. */
export const openSteps = ({ steps }: Pick<JournalRecord, 'steps'>): StepName[] =>
  stepNames.filter((name) => {
    const status = steps[name]?.status;
    return status !== undefined && status !== 'succeeded' && status !== 'failed';
  });

/** How steps end that end together with the status of their record. */
export type StepEnds = Readonly<Partial<Record<StepName, 'succeeded' | 'failed'>>>;

/** What steps read and write; each write is refused unless the integration is in one of the given states. */
export interface StepJournal {
  /**
   * Notes that a call begins and returns the record as it then is.
   * @param endsIn states in which the step has ended: a repeated attempt leaves it so, and is only a call
   * @throws ServiceError `IntegrationMovedOnError` when the integration is in none of these states.
   */
  beginStep(call: StepCall, during: readonly Status[], endsIn?: readonly Status[]): Promise<JournalRecord>;
  /** Notes how a call ended. A later call of the same step that has begun meanwhile keeps its own entry. */
  endStep(call: StepCall, status: StepRecord['status'], endedAt?: string, more?: AttemptEnd): Promise<void>;
  /** Notes that a call is over whose step ended together with the status. */
  endCall(call: StepCall): Promise<void>;
  /**
   * Writes what is about to be done to a resource, or what came of it.
   * @throws ServiceError `IntegrationMovedOnError` when the integration is in none of `during`.
   */
  writeResource(
    call: StepCall,
    key: ResourceKey,
    resource: ResourceRecord,
    during: readonly Status[],
  ): Promise<void>;
}

export interface RecordReader {
  /**
   * The record; undefined where there is none.
   * @throws ServiceError `RecordDamagedError` for one that somebody changed by hand
   */
  read(recordId: string): Promise<JournalRecord | undefined>;
}

export interface ActiveFinder {
  /** Ids of all records in which something is still to happen. */
  findActive(): Promise<readonly string[]>;
}

/** States in which something can still happen without a new request. An undo that stands still leaves access open: first. */
export const activeStatuses: readonly Status[] = ['removing', 'rolling-back', 'provisioning'];

/** States in which something of an integration stands, or may. */
export const standingStatuses: readonly Status[] = [...activeStatuses, 'ready', 'residue'];

/** Resources that exist, or may exist, by our doing. */
export function standingResources(record: JournalRecord): [ResourceKey, ResourceRecord][] {
  return resourceKeys.flatMap((key): [ResourceKey, ResourceRecord][] => {
    const resource = record.resources[key];
    return resource && resource.state !== 'gone' ? [[key, resource]] : [];
  });
}

/** What the API answers. The views are bound to these types, and its OpenAPI document is made from these schemas. */
import * as z from 'zod';
import { type ErrorName, errorKinds, problemType } from '../../errors.ts';
import { addedBucketIdSchema as driverId, integrationIdSchema as integrationId } from '../model/ids.ts';
import { errorSchema, recordSchema, syncSchema } from '../model/record.ts';
import { driverRequestSchema, requestSchema } from '../model/request.ts';
import { resourceTypes } from '../model/resource-keys.ts';
import { isoTime, stepSchema, spentSchema as storedSpentSchema } from '../model/step-record.ts';
import { stepNames } from '../model/steps.ts';

/** As it was read or parsed: views share parts with what they were made from. */
type ReadOnly<T> = T extends object ? { readonly [K in keyof T]: ReadOnly<T[K]> } : T;

const errorNames = Object.keys(errorKinds) as ErrorName[];
const problemTypeSchema = z.enum(errorNames.map(problemType));

const detail = z.string().min(1);

/** By ARN (AWS) or id (Dataloop); what Dataloop may hold without our knowing its id, by name. */
const reference = {
  type: z.enum([...new Set(Object.values(resourceTypes))]),
  arn: z.string().optional(),
  id: z.string().optional(),
  name: z.string().optional(),
};

const { name, status, createdAt, updatedAt, executionArn } = recordSchema.shape;

const policyDocumentSchema = z.strictObject({
  Version: z.literal('2012-10-17'),
  Statement: z.array(z.record(z.string(), z.unknown())).min(1),
});

const operatorActionSchema = z.strictObject({
  what: detail,
  steps: z.array(detail).min(1),
  roleArn: z.string(),
  permissionPolicy: policyDocumentSchema,
  /** Once the role is there. */
  trustPolicy: policyDocumentSchema.optional(),
  /** How long the workflow waits, and the answer can be corrected. */
  until: isoTime.optional(),
});
/** What an operator has to do now. */
export type OperatorAction = ReadOnly<z.infer<typeof operatorActionSchema>>;

const driverPath = z.string().regex(/^\/integrations\/int_[0-9A-Z]{26}\/drivers\/drv_[0-9A-Z]{26}$/);

/** Where the time of a step went, in milliseconds. */
const spentSchema = z.strictObject({
  ...storedSpentSchema.shape,
  waitingMs: storedSpentSchema.shape.ownMs.optional(),
});

/** Fields that an integration and an added driver share. */
const progress = {
  name,
  status,
  createdAt,
  updatedAt,
  /** ARN of the caller. */
  requestedBy: z.string().optional(),
  steps: z.array(
    z.strictObject({ name: z.enum(stepNames), ...stepSchema.shape, spent: spentSchema.optional() }),
  ),
  resources: z.array(z.strictObject({ ...reference, origin: z.enum(['created', 'adopted']) })),
  residue: z.array(z.strictObject({ ...reference, reason: detail, advice: detail })),
  leftAlone: z.array(z.strictObject({ ...reference, reason: detail })).optional(),
  /** What was ours and now belongs to its owner alone, because `DELETE` said to keep it. */
  released: z.array(z.strictObject({ ...reference, reason: detail })).optional(),
  error: z.strictObject({ ...errorSchema.shape, type: problemTypeSchema }).optional(),
};
const watched = { execution: executionArn, console: z.url() };

export const integrationSchema = z.strictObject({
  integrationId,
  ...progress,
  /** What was asked for, with all defaults. */
  request: requestSchema,
  /** The dataset of the request, once it is begun. */
  dataset: z
    .strictObject({
      name: z.string(),
      id: z.string().optional(),
      /** How its sync stands: `unfinished` after the longest wait. */
      sync: syncSchema.shape.status.optional(),
      /** How many items it had after its sync. */
      items: syncSchema.shape.items,
      /** Why it was not synced. */
      reason: z.string().optional(),
    })
    .optional(),
  /** Its added drivers of which something exists. */
  drivers: z
    .array(
      z.strictObject({
        driverId,
        name,
        bucket: z.string(),
        projectId: z.string(),
        links: z.strictObject({ self: driverPath }),
      }),
    )
    .min(1)
    .optional(),
  /** Where an operator is to do something at Dataloop. */
  action: operatorActionSchema.optional(),
  /** The execution that runs, or that ran last. */
  links: z.strictObject({ self: z.string().regex(/^\/integrations\/int_[0-9A-Z]{26}$/), ...watched }),
});
export type IntegrationView = z.infer<typeof integrationSchema>;

export const addedDriverViewSchema = z.strictObject({
  driverId,
  /** The integration that it was added to. */
  integrationId,
  bucket: z.string(),
  projectId: z.string(),
  ...progress,
  /** What was asked for, with all defaults. */
  request: driverRequestSchema,
  links: z.strictObject({ self: driverPath, ...watched }),
});
export type DriverView = z.infer<typeof addedDriverViewSchema>;

export const integrationListSchema = z.strictObject({
  items: z.array(integrationSchema),
  /** Ids of records that somebody changed: asked for alone, each says what is wrong with it. */
  damaged: z.array(integrationId).min(1).optional(),
  /** Leads to the next page; left out on the last. */
  nextToken: z.string().optional(),
});
export type IntegrationList = ReadOnly<z.infer<typeof integrationListSchema>>;

const subject = {
  type: z.string(),
  arn: z.string().optional(),
  id: z.string().optional(),
  name: z.string().optional(),
};

const plannedResourceSchema = z.strictObject({
  /** `change`: it is there, and something of it is changed; `leave`: it is used as it is. */
  action: z.enum(['create', 'change', 'leave']),
  ...subject,
  region: z.string().optional(),
});
/** What becomes of a resource. */
export type PlannedResource = ReadOnly<z.infer<typeof plannedResourceSchema>>;

/** A JSON pointer (RFC 6901) to a field of the request. */
const pointer = z.string().meta({ format: 'json-pointer' });

const findingSchema = z.strictObject({
  severity: z.enum(['error', 'warning', 'unknown']),
  type: problemTypeSchema,
  title: detail,
  resource: z.strictObject(subject),
  pointer: pointer.optional(),
  detail,
});
export type FindingView = ReadOnly<z.infer<typeof findingSchema>>;

export const planSchema = z.strictObject({
  name,
  /** Whether the request would go through, as far as can be told. */
  clear: z.boolean(),
  resources: z.array(plannedResourceSchema),
  tags: z.record(z.string(), z.string()),
  /** For an adopted role: the statement that is added. */
  trustPolicy: policyDocumentSchema,
  permissionPolicy: policyDocumentSchema,
  bucketPolicy: policyDocumentSchema.optional(),
  permissionsBoundaryArn: z.string().optional(),
  actions: z.array(z.strictObject({ step: z.enum(stepNames), action: z.string(), resource: z.string() })),
  findings: z.array(findingSchema),
  /** Integrations at Dataloop that wait for a role: `dataloop.integrationId` may name one. At most ten. */
  waitingIntegrations: z
    .array(z.strictObject({ id: z.string(), name: z.string() }))
    .min(1)
    .optional(),
});
export type PlanView = ReadOnly<z.infer<typeof planSchema>>;

const plannedRemovalSchema = z.strictObject({
  /** `restore`: it gets back what it had; `change`: our part is taken out of it; `leave`: it stays. */
  action: z.enum(['delete', 'restore', 'change', 'leave']),
  ...reference,
});
export type PlannedRemoval = ReadOnly<z.infer<typeof plannedRemovalSchema>>;

export const removalPlanSchema = z.strictObject({
  integrationId,
  driverId: driverId.optional(),
  name,
  status,
  /** Whether `DELETE` goes through without `force`, as far as can be told. */
  clear: z.boolean(),
  resources: z.array(plannedRemovalSchema),
  datasets: z.array(
    z.strictObject({ id: z.string(), name: z.string(), projectId: z.string(), driverId: z.string() }),
  ),
  foreignDrivers: z.array(
    z.strictObject({ id: z.string(), name: z.string(), projectId: z.string().optional() }),
  ),
  /** Of which Dataloop tells the number only. */
  foreignDriversElsewhere: z.int().nonnegative(),
  findings: z.array(findingSchema),
});
export type RemovalPlanView = ReadOnly<z.infer<typeof removalPlanSchema>>;

const connectionCheckSchema = z.strictObject({
  name: z.string(),
  status: z.enum(['passed', 'failed', 'skipped']),
  detail,
});
export type ConnectionCheck = ReadOnly<z.infer<typeof connectionCheckSchema>>;

const tested = { status: z.enum(['passed', 'failed']), checks: z.array(connectionCheckSchema) };

export const connectionTestSchema = z.strictObject({ integrationId, ...tested });
export type ConnectionTest = ReadOnly<z.infer<typeof connectionTestSchema>>;

export const driverTestSchema = z.strictObject({ driverId, integrationId, ...tested });
export type DriverTest = ReadOnly<z.infer<typeof driverTestSchema>>;

/** RFC 9457. */
export const problemSchema = z.strictObject({
  type: problemTypeSchema,
  title: detail,
  status: z.int(),
  detail,
  /** Each bad field of the request. */
  errors: z.array(z.strictObject({ pointer, detail })).optional(),
  requestId: z.string(),
});
export type Problem = ReadOnly<z.infer<typeof problemSchema>>;

/** What API Gateway itself answers. */
export const gatewayMessageSchema = z.object({ message: z.string().nullable() });

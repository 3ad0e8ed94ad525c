/**
 * What the API answers, as far as this program shows it. Looser than the API's own schemas: a later version of the
 * service may answer more, and `--output json` passes on all of it.
 */
import * as z from 'zod';

const named = z.looseObject({
  type: z.string(),
  arn: z.string().optional(),
  id: z.string().optional(),
  name: z.string().optional(),
});
export type Named = z.infer<typeof named>;

export const stepSchema = z.looseObject({
  name: z.string(),
  status: z.string(),
  startedAt: z.string(),
  endedAt: z.string().optional(),
  attempts: z.number(),
  /** Why it failed, and when it is tried again at the latest: only while it is retried. */
  reason: z.string().optional(),
  nextAttemptBy: z.string().optional(),
});
export type Step = z.infer<typeof stepSchema>;

const policy = z.looseObject({ Statement: z.array(z.unknown()) });

/** An integration, or a bucket that was added to one. */
export const connectionSchema = z.looseObject({
  integrationId: z.string(),
  /** Only of an added bucket. */
  driverId: z.string().optional(),
  bucket: z.string().optional(),
  name: z.string(),
  status: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
  /** ARN of the caller. */
  requestedBy: z.string().optional(),
  request: z
    .looseObject({
      description: z.string().optional(),
      bucket: z.looseObject({ cors: z.boolean().optional(), kmsKeyArn: z.string().optional() }),
    })
    .optional(),
  steps: z.array(stepSchema),
  resources: z.array(named.extend({ origin: z.string().optional() })),
  residue: z.array(named.extend({ reason: z.string(), advice: z.string() })),
  leftAlone: z.array(named.extend({ reason: z.string() })).optional(),
  /** What was ours and is its owner's now. */
  released: z.array(named.extend({ reason: z.string() })).optional(),
  error: z
    .looseObject({ type: z.string(), title: z.string(), detail: z.string(), step: z.string().optional() })
    .optional(),
  /** The dataset of the request. */
  dataset: z
    .looseObject({
      name: z.string(),
      sync: z.string().optional(),
      items: z.number().optional(),
      reason: z.string().optional(),
    })
    .optional(),
  drivers: z
    .array(
      z.looseObject({
        driverId: z.string(),
        name: z.string(),
        bucket: z.string(),
        projectId: z.string(),
        links: z.looseObject({ self: z.string() }),
      }),
    )
    .optional(),
  action: z
    .looseObject({
      what: z.string(),
      steps: z.array(z.string()),
      roleArn: z.string(),
      permissionPolicy: policy,
      trustPolicy: policy.optional(),
    })
    .optional(),
  links: z.looseObject({ self: z.string(), execution: z.string(), console: z.string() }),
});
export type Connection = z.infer<typeof connectionSchema>;

export const pageSchema = z.looseObject({
  items: z.array(connectionSchema),
  damaged: z.array(z.string()).optional(),
  nextToken: z.string().optional(),
});

const findingSchema = z.looseObject({
  severity: z.string(),
  type: z.string(),
  title: z.string(),
  resource: named,
  pointer: z.string().optional(),
  detail: z.string(),
});
export type Finding = z.infer<typeof findingSchema>;

export const planSchema = z.looseObject({
  name: z.string(),
  clear: z.boolean(),
  resources: z.array(named.extend({ action: z.string(), region: z.string().optional() })),
  trustPolicy: policy,
  permissionPolicy: policy,
  bucketPolicy: policy.optional(),
  permissionsBoundaryArn: z.string().optional(),
  findings: z.array(findingSchema),
  waitingIntegrations: z.array(z.looseObject({ id: z.string(), name: z.string() })).optional(),
});
export type Plan = z.infer<typeof planSchema>;

export const removalPlanSchema = z.looseObject({
  name: z.string(),
  clear: z.boolean(),
  resources: z.array(named.extend({ action: z.string() })),
  datasets: z.array(z.looseObject({ id: z.string(), name: z.string() })),
  foreignDrivers: z.array(z.looseObject({ id: z.string(), name: z.string() })),
  findings: z.array(findingSchema),
});
export type RemovalPlan = z.infer<typeof removalPlanSchema>;

export const testSchema = z.looseObject({
  integrationId: z.string(),
  driverId: z.string().optional(),
  status: z.string(),
  checks: z.array(z.looseObject({ name: z.string(), status: z.string(), detail: z.string() })),
});
export type TestResult = z.infer<typeof testSchema>;

export const problemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string(),
  errors: z.array(z.looseObject({ pointer: z.string(), detail: z.string() })).optional(),
  requestId: z.string().optional(),
});
export type Problem = z.infer<typeof problemSchema>;

/** What API Gateway itself answers. */
export const gatewaySchema = z.looseObject({ message: z.string().nullish(), Message: z.string().nullish() });

const settled = ['ready', 'failed', 'residue', 'removed'];

/** Whether a status lasts until somebody does something. */
export const isSettled = ({ status }: Pick<Connection, 'status'>): boolean => settled.includes(status);

/** Statuses of which something is left, or may be. */
export const standingStatuses = ['provisioning', 'ready', 'rolling-back', 'removing', 'residue'];
export const endedStatuses = ['failed', 'removed'];

/** What the sandbox takes: Dataloop's request bodies and its own settings. */
import * as z from 'zod';

export const createIntegrationSchema = z.looseObject({
  name: z.string().min(1),
  type: z.string(),
  options: z.looseObject({}),
});

export const updateIntegrationSchema = z.looseObject({
  integrationId: z.string(),
  name: z.string().optional(),
  credentials: z
    .looseObject({
      type: z.string().optional(),
      options: z.looseObject({ roleArn: z.string().optional() }).optional(),
    })
    .optional(),
});

export const driverSchema = z.looseObject({
  name: z.string().min(1),
  type: z.string(),
  creator: z.string(),
  integrationId: z.string().optional(),
  integrationType: z.string().optional(),
  metadata: z.looseObject({ system: z.looseObject({ projectId: z.string().optional() }) }),
  payload: z.looseObject({
    bucketName: z.string().min(1),
    region: z.string().optional(),
    path: z.string().nullish(),
    storageClass: z.string().nullish(),
  }),
  allowExternalDelete: z.boolean().default(true),
});
export type DriverBody = z.infer<typeof driverSchema>;

export const loginSchema = z.union([
  z.looseObject({ type: z.literal('user_credentials'), username: z.string(), password: z.string() }),
  z.looseObject({ type: z.literal('refresh_token'), refresh_token: z.string() }),
]);

const delay = z.union([z.number().nonnegative(), z.literal('never')]);

/** How the platform behaves; set for all integrations, or for those whose name contains a text. */
export const settingsSchema = z.strictObject({
  userArnDelaySeconds: delay.optional(),
  /** Seconds after the first role ARN until trust can be established. */
  trustDelaySeconds: delay.optional(),
  driverTest: z.enum(['real', 'fail']).optional(),
  /** Whether a driver that a dataset uses can be deleted; the platform refuses. */
  driverInUse: z.enum(['refused', 'deleted']).optional(),
  integrationLimit: z.number().int().nonnegative().optional(),
  /** How a role that cannot be assumed yet is answered: with this status, or with 200 and another state. */
  untrusted: z.union([z.literal(400), z.literal(409), z.literal(422), z.literal(424)]).optional(),
  /** Whether an integration of a name that exists is made. */
  names: z.enum(['repeat', 'unique']).optional(),
  /** Whether the sync of a dataset fails, how long it takes, and whether it is answered by a command. */
  sync: z.enum(['real', 'fail']).optional(),
  syncSeconds: delay.optional(),
  syncAnswer: z.enum(['command', 'nothing']).optional(),
  integrationInUse: z.enum(['deleted', 'refused']).optional(),
  /** How long a call is answered later for which Dataloop works at AWS. It has its effect at once. */
  answerDelaySeconds: z.number().nonnegative().optional(),
  /** Whether there is a test before there is a driver, or what is answered instead. */
  testBefore: z.union([z.literal('there'), z.literal(404), z.literal(405)]).optional(),
  /** What the driver test lists, and where hidden files are. */
  testLists: z.enum(['folder/', 'folder', 'all']).optional(),
  hiddenFiles: z.enum(['folder', 'root']).optional(),
  /** Forms of answers. */
  others: z.enum(['none', 'odd']).optional(),
  lists: z.enum(['whole', 'paged']).optional(),
  dates: z.enum(['texts', 'numbers']).optional(),
  organizations: z.enum(['as seen', 'objects', 'texts']).optional(),
  errors: z.enum(['statusCode', 'status']).optional(),
  rateLimitPerSecond: z.number().positive().optional(),
  tokenLifetimeSeconds: z.number().positive().optional(),
  /** Whether a log-in answers with a refresh token; Dataloop does so sometimes. */
  refreshTokens: z.boolean().optional(),
});
export type Settings = z.infer<typeof settingsSchema>;

export const faultSchema = z.strictObject({
  method: z.string(),
  /** Regular expression on the path below the API base, query included. */
  path: z.string(),
  status: z.number().int().min(400).max(599),
  /** How often; left out: until the faults are cleared. */
  times: z.number().int().positive().optional(),
  retryAfterSeconds: z.number().nonnegative().optional(),
  /** `after`: the effect happens, its answer is replaced. */
  when: z.enum(['before', 'after']).default('before'),
  /** Only requests that belong to integrations whose name contains this. */
  scope: z.string().optional(),
});
export type Fault = z.infer<typeof faultSchema>;
export type FaultInput = z.input<typeof faultSchema>;

/** The line of JSON that the sandbox prints when it is ready: where it is and who may use it. */
export const sandboxDescriptionSchema = z.object({
  apiUrl: z.string(),
  controlUrl: z.string(),
  /** What the control API asks for. */
  controlToken: z.string(),
  token: z.string(),
  username: z.string(),
  password: z.string(),
  organizationId: z.string(),
  projectId: z.string(),
  accountId: z.string(),
});
export type SandboxDescription = z.infer<typeof sandboxDescriptionSchema>;

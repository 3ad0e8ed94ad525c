/** What can be done to a call, and which calls are meant. The schemas are what the control server takes. */
import * as z from 'zod';

const kind = <K extends string>(name: K) => z.strictObject({ kind: z.literal(name) });

export const faultSchema = z.discriminatedUnion('kind', [
  /** Refused as too fast, in the service's own words; nothing happens. */
  kind('throttle'),
  /** A 5xx of the service; nothing happens. */
  kind('unavailable'),
  /** Permission refused; nothing happens. */
  kind('refuse'),
  /** It happens, and the connection breaks before the answer. */
  kind('answer-lost'),
  /** Neither forwarded nor answered; the connection stays open until the client gives up. */
  kind('hang'),
  /** The worker dies before anything happens. */
  kind('kill-before'),
  /** It happens, and the worker dies before it learns of it. */
  kind('kill-after'),
  /** Forwarded so many ms later. */
  kind('latency').extend({ ms: z.number().nonnegative() }),
  /** Answered with an error by name; nothing happens. Dataloop's answers have no code. */
  kind('error').extend({ status: z.number().int().min(400).max(599), code: z.string(), message: z.string() }),
  /** Kept back until it is released by name, then forwarded even where the client has gone: a late effect. */
  kind('hold').extend({ name: z.string().min(1) }),
  /** It happens; body, and where given status and headers, of its answer are replaced. */
  kind('rewrite').extend({
    status: z.number().int().min(200).max(599).optional(),
    headers: z.record(z.string(), z.string()).optional(),
    body: z.string(),
  }),
  /** What exceeds so many calls within a second is throttled. */
  kind('rate-limit').extend({ perSecond: z.number().int().positive() }),
]);
export type Fault = z.infer<typeof faultSchema>;

/** Lower case, as bucket names are, which it has to be part of. */
export const scopeSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{3,39}$/, 'A scope has 4 to 40 of a-z, 0-9 and "-".');

export const ruleSchema = z.strictObject({
  /** Stands in the record of each call that it met; given out where left out. */
  id: z.string().min(1).optional(),
  scope: scopeSchema,
  /** Function as serverless.yml names it; left out: any caller. */
  function: z.string().min(1).optional(),
  /** Callers that are not meant. */
  exceptFunctions: z.array(z.string().min(1)).optional(),
  /** `iam:CreateRole`; a trailing `*` stands for anything: `dynamodb:*`, `*`. */
  operation: z
    .string()
    .regex(
      /^(\*$|(iam|s3|sts|kms|dynamodb|states|events|sqs|secretsmanager|dataloop):.)/,
      'An operation is "*" or begins with its service: "iam:CreateRole".',
    ),
  /** Only the nth call, from 1 on, of those meant that begin after the rule was added; left out: each. */
  call: z.number().int().positive().optional(),
  /** Also every call after that one. */
  onwards: z.boolean().optional(),
  /** Attempts of the SDK within a call that are met. */
  attempts: z
    .union([z.enum(['first', 'all']), z.array(z.number().int().positive()).nonempty()])
    .default('all'),
  /** How many requests it meets at most. */
  times: z.number().int().positive().optional(),
  /** For how long it acts, from the first request that it meets. */
  forSeconds: z.number().positive().optional(),
  fault: faultSchema,
});
export type Rule = z.infer<typeof ruleSchema>;
export type RuleInput = z.input<typeof ruleSchema>;

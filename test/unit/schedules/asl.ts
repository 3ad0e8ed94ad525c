/** The state machines as deployed, and their expressions evaluated. */
import * as z from 'zod';
import { stateMachines } from '../../../statemachines/machines.ts';
import { iamUserTimeoutSeconds } from '../environment.ts';

const retrySchema = z.looseObject({
  ErrorEquals: z.array(z.string()),
  IntervalSeconds: z.number(),
  BackoffRate: z.number(),
  MaxDelaySeconds: z.number(),
  MaxAttempts: z.number(),
});
const catchSchema = z.looseObject({
  ErrorEquals: z.tuple([z.literal('States.ALL')]),
  Next: z.string(),
  Output: z.unknown(),
  Assign: z.record(z.string(), z.unknown()).optional(),
});

export interface Definition {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}
export interface State {
  readonly Type: 'Task' | 'Parallel' | 'Pass' | 'Choice' | 'Wait' | 'Succeed' | 'Fail';
  readonly Next?: string | undefined;
  readonly Resource?: string | undefined;
  readonly Arguments?:
    | { readonly FunctionName: string; readonly Payload: Record<string, unknown> }
    | undefined;
  readonly Output?: unknown;
  readonly Assign?: Record<string, unknown> | undefined;
  readonly TimeoutSeconds?: number | undefined;
  readonly Retry?: readonly z.infer<typeof retrySchema>[] | undefined;
  readonly Catch?: readonly z.infer<typeof catchSchema>[] | undefined;
  readonly Branches?: readonly Definition[] | undefined;
  readonly Choices?: readonly { readonly Condition: string; readonly Next: string }[] | undefined;
  readonly Default?: string | undefined;
  readonly Seconds?: unknown;
  readonly Error?: string | undefined;
  readonly Cause?: string | undefined;
}

const stateSchema: z.ZodType<State> = z.lazy(() =>
  z.looseObject({
    Type: z.enum(['Task', 'Parallel', 'Pass', 'Choice', 'Wait', 'Succeed', 'Fail']),
    Next: z.string().optional(),
    Resource: z.string().optional(),
    Arguments: z.object({ FunctionName: z.string(), Payload: z.record(z.string(), z.unknown()) }).optional(),
    Output: z.unknown().optional(),
    Assign: z.record(z.string(), z.unknown()).optional(),
    TimeoutSeconds: z.number().optional(),
    Retry: z.array(retrySchema).optional(),
    Catch: z.array(catchSchema).optional(),
    Branches: z.array(definitionSchema).optional(),
    Choices: z.array(z.object({ Condition: z.string(), Next: z.string() })).optional(),
    Default: z.string().optional(),
    Seconds: z.unknown().optional(),
    Error: z.string().optional(),
    Cause: z.string().optional(),
  }),
);
const definitionSchema: z.ZodType<Definition> = z.looseObject({
  StartAt: z.string(),
  States: z.record(z.string(), stateSchema),
});

export type MachineName = keyof ReturnType<typeof stateMachines>;

/** @param change of the definition's text */
export const readMachine = (name: MachineName, change = (text: string) => text): Definition => {
  const { Definition } = stateMachines({ iamUserTimeoutSeconds })[name];
  return definitionSchema.parse(JSON.parse(change(JSON.stringify(Definition))));
};

/** What an expression can see: `$states`, and the variables that states have assigned. */
export interface Scope {
  readonly states: {
    readonly input?: unknown;
    readonly result?: unknown;
    readonly errorOutput?: unknown;
    readonly context: Readonly<Record<string, unknown>>;
  };
  /** ms since the epoch, by the clock of Step Functions. */
  readonly now: number;
  readonly [variable: string]: unknown;
}

const at = (value: unknown, path: string): unknown =>
  path
    .split('.')
    .filter((part) => part !== '')
    .reduce<unknown>(
      (inner, key) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined),
      value,
    );

/** Step Functions fails where an expression returns nothing. */
function something(scope: Scope, path: string): unknown {
  const value = at(scope, path);
  if (value === undefined) throw new Error(`States.QueryEvaluationError: $${path} is undefined.`);
  return value;
}

type Form = readonly [RegExp, (scope: Scope, ...parts: string[]) => unknown];

/** The forms of JSONata that the state machines use. */
const forms: readonly Form[] = [
  [/^\$millis\(\)$/, ({ now }) => now],
  [/^\$([\w.]+)$/, (scope, path = '') => something(scope, path)],
  [/^\$([\w.]+) \+ 1$/, (scope, path = '') => Number(at(scope, path)) + 1],
  [/^\$exists\(\$([\w.]+)\)$/, (scope, path = '') => at(scope, path) !== undefined],
  [/^\$exists\(\$([\w.]+)\) \? \$\1 : null$/, (scope, path = '') => at(scope, path) ?? null],
  [/^\$boolean\(\$([\w.]+)\)$/, (scope, path = '') => Boolean(something(scope, path))],
  [
    /^\$([\w.]+) and \$([\w.]+) = '([\w ]+)'$/,
    (scope, one = '', other = '', wanted) => at(scope, one) === true && at(scope, other) === wanted,
  ],
  [/^\$([\w.]+) = '([\w ]+)'$/, (scope, path = '', wanted) => at(scope, path) === wanted],
  [
    /^\$([\w.]+)\.\((\w+) \? \2 : (\w+)\)$/,
    (scope, path = '', name = '', other = '') =>
      at(scope, `${path}.${name}`) || at(scope, `${path}.${other}`),
  ],
  [
    /^\$replace\(\$([\w.]+), '([\w.]+)', '([\w.]+)'\)$/,
    (scope, path = '', old = '', by = '') => String(at(scope, path)).replaceAll(old, by),
  ],
  [/^\$merge\(\$states\.input\)$/, ({ states }) => Object.assign({}, ...Object.values(states.input ?? {}))],
  [
    /^\$merge\(\[\$states\.input, \{'(\w+)': \$([\w.]+)\}\]\)$/,
    (scope, name = '', path = '') => Object.assign({}, scope.states.input, { [name]: at(scope, path) }),
  ],
  [
    /^\$string\(\{'step': '(\w+)', 'cause': \$([\w.]+)\}\)$/,
    (scope, step, path = '') => JSON.stringify({ step, cause: at(scope, path) }),
  ],
  [
    /^\$append\(\$(\w+), \[\{'step': '(\w+)', 'error': \$([\w.]+)\}\]\)$/,
    (scope, list = '', step = '', path = '') => {
      const before = scope[list];
      return [...(Array.isArray(before) ? before : []), { step, error: at(scope, path) }];
    },
  ],
];

/** Evaluates every expression in a value. @throws Error for a form that is not known here: add it above */
export function evaluate(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) return value.map((each) => evaluate(each, scope));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, evaluate(each, scope)]));
  }
  const expression = typeof value === 'string' ? /^\{% (.*) %\}$/.exec(value)?.[1] : undefined;
  if (expression === undefined) return value;
  for (const [form, evaluated] of forms) {
    const match = form.exec(expression);
    if (match) return evaluated(scope, ...match.slice(1));
  }
  throw new Error(`The simulation does not know the expression ${expression}: add its form to asl.ts.`);
}

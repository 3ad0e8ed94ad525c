/** A state machine as an outline: for each state what it calls, retries, catches and leads to. Comments do not count. */
import * as z from 'zod';

const retrierSchema = z.strictObject({
  ErrorEquals: z.array(z.string()),
  IntervalSeconds: z.number(),
  BackoffRate: z.number(),
  MaxDelaySeconds: z.number(),
  MaxAttempts: z.number(),
  JitterStrategy: z.string(),
});
const catcherSchema = z.strictObject({
  Comment: z.string().optional(),
  ErrorEquals: z.array(z.string()),
  Assign: z.unknown().optional(),
  Output: z.unknown().optional(),
  Next: z.string(),
});
const taskArgumentsSchema = z.strictObject({
  FunctionName: z.string(),
  Payload: z.record(z.string(), z.string()),
});

export interface Definition {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}
/** Strict: a field that the outline would leave out is refused. */
const stateSchema = z.strictObject({
  Type: z.string(),
  Comment: z.string().optional(),
  Resource: z.string().optional(),
  Arguments: taskArgumentsSchema.optional(),
  TimeoutSeconds: z.union([z.string(), z.number()]).optional(),
  Seconds: z.string().optional(),
  Retry: z.array(retrierSchema).default([]),
  Catch: z.array(catcherSchema).default([]),
  get Branches(): z.ZodOptional<z.ZodArray<z.ZodType<Definition>>> {
    return z.array(branchSchema).optional();
  },
  Choices: z.array(z.strictObject({ Condition: z.string(), Next: z.string() })).default([]),
  Default: z.string().optional(),
  Assign: z.unknown().optional(),
  Output: z.unknown().optional(),
  Error: z.string().optional(),
  Cause: z.string().optional(),
  Next: z.string().optional(),
  End: z.literal(true).optional(),
});
export type State = z.infer<typeof stateSchema>;
const branchSchema: z.ZodType<Definition> = z.strictObject({
  StartAt: z.string(),
  States: z.record(
    z.string(),
    z.lazy(() => stateSchema),
  ),
});
const machineSchema = z.strictObject({
  Comment: z.string(),
  QueryLanguage: z.string(),
  TimeoutSeconds: z.number(),
  StartAt: z.string(),
  States: z.record(z.string(), stateSchema),
});

export interface Outline {
  readonly machine: string;
  /** One line for each thing that a state does, by its name. Names of branches have their Parallel state in front. */
  readonly states: Readonly<Record<string, readonly string[]>>;
  /** What each field of a payload says: everywhere the same, or there are several. */
  readonly payload: Readonly<Record<string, readonly string[]>>;
  /** Lists of error names, by the first name and how many follow. */
  readonly errors: Readonly<Record<string, readonly string[]>>;
}

/** Every state, those of branches, too, by its name; states of a branch as `Parallel/State`. */
export function statesOf(states: Readonly<Record<string, State>>, within = ''): [string, State][] {
  return Object.entries(states).flatMap(([name, state]): [string, State][] => [
    [`${within}${name}`, state],
    ...(state.Branches ?? []).flatMap((branch) => statesOf(branch.States, `${within}${name}/`)),
  ]);
}

export const parseMachine = (definition: unknown) => machineSchema.parse(definition);

/** @throws ZodError for a field that is not known here */
export function outlineOf(definition: unknown): Outline {
  const { QueryLanguage, TimeoutSeconds, StartAt, States } = parseMachine(definition);
  const payload: Record<string, Set<string>> = {};
  const errors: Record<string, Set<string>> = {};
  const note = (known: Record<string, Set<string>>, name: string, text: string): string => {
    known[name] = (known[name] ?? new Set()).add(text);
    return name;
  };
  const several = (names: readonly string[]): string =>
    names.length === 1
      ? names.join()
      : note(errors, `${names[0]} and ${names.length - 1} more`, names.toSorted().join(', '));
  const does = (what: string, value: unknown): string[] =>
    value === undefined ? [] : [`${what} ${typeof value === 'string' ? value : JSON.stringify(value)}`];

  const linesOf = (state: State): string[] => {
    const { FunctionName, Payload = {} } = state.Arguments ?? {};
    for (const [name, value] of Object.entries(Payload)) note(payload, name, value);
    return [
      [state.Type, ...does('by', state.Resource)].join(' '),
      ...does('calls', FunctionName && `${FunctionName} with ${Object.keys(Payload).join(', ')}`),
      ...does('times out after', state.TimeoutSeconds),
      ...does('waits', state.Seconds),
      ...(state.Branches ?? []).map(
        ({ StartAt: first, States: branch }) => `runs ${first}: ${Object.keys(branch)}`,
      ),
      ...state.Retry.map(
        ({ ErrorEquals, IntervalSeconds, BackoffRate, MaxDelaySeconds, MaxAttempts, JitterStrategy }) =>
          `retries ${several(ErrorEquals)}: ${MaxAttempts} times, after ${IntervalSeconds} s, ` +
          `times ${BackoffRate}, at most ${MaxDelaySeconds} s, jitter ${JitterStrategy}`,
      ),
      ...state.Catch.flatMap(({ ErrorEquals, Assign, Output, Next }) => [
        `catches ${several(ErrorEquals)}, leads to ${Next}`,
        ...does('  assigns', Assign),
        ...does('  outputs', Output),
      ]),
      ...state.Choices.map(({ Condition, Next }) => `if ${Condition}, leads to ${Next}`),
      ...does('otherwise leads to', state.Default),
      ...does('assigns', state.Assign),
      ...does('outputs', state.Output),
      ...does('error', state.Error),
      ...does('cause', state.Cause),
      ...does('leads to', state.Next),
      ...(state.End ? ['ends'] : []),
    ];
  };
  const states = Object.fromEntries(statesOf(States).map(([name, state]) => [name, linesOf(state)]));
  const listed = (known: Record<string, Set<string>>) =>
    Object.fromEntries(Object.entries(known).map(([name, texts]) => [name, [...texts]]));
  return {
    machine: `${QueryLanguage}, starts at ${StartAt}, times out after ${TimeoutSeconds} s`,
    states,
    payload: listed(payload),
    errors: listed(errors),
  };
}

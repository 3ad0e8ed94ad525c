/** The parts of the Amazon States Language (JSONata) that the state machines use. Every state has a Comment. */

export interface StateMachine extends Branch {
  readonly Comment: string;
  readonly QueryLanguage: 'JSONata';
  readonly TimeoutSeconds: number;
}

export interface Branch {
  readonly StartAt: string;
  readonly States: States;
}

/** States by their names, in the order in which a reader comes to them. */
export type States = Readonly<Record<string, State>>;

export type State = { readonly Comment: string } & (Task | Parallel | Pass | Choice | Wait | Succeed | Fail);

/** Where a state leads. */
export type Onward = { readonly Next: string } | { readonly End: true };

/** Variables that last until the execution ends, with their JSONata expressions. */
type Assign = Readonly<Record<string, unknown>>;

type Task = Onward & {
  readonly Type: 'Task';
  readonly Resource: string;
  readonly Arguments: {
    readonly FunctionName: string;
    readonly Payload: Readonly<Record<string, string>>;
  };
  readonly TimeoutSeconds: number;
  readonly Retry: readonly Retrier[];
  readonly Catch: readonly Catcher[];
  readonly Output: string;
};

type Parallel = Onward & {
  readonly Type: 'Parallel';
  readonly Branches: readonly Branch[];
  readonly Catch: readonly Catcher[];
};

type Pass = Onward & { readonly Type: 'Pass'; readonly Assign?: Assign; readonly Output?: string };

type Choice = {
  readonly Type: 'Choice';
  readonly Choices: readonly { readonly Condition: string; readonly Next: string }[];
  readonly Default: string;
};
type Wait = { readonly Type: 'Wait'; readonly Seconds: string; readonly Next: string };
type Succeed = { readonly Type: 'Succeed' };
type Fail = { readonly Type: 'Fail'; readonly Error: string; readonly Cause: string };

export interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds: number;
  readonly BackoffRate: number;
  readonly MaxDelaySeconds: number;
  readonly MaxAttempts: number;
  readonly JitterStrategy: 'FULL';
}

export interface Catcher {
  readonly Comment?: string;
  readonly ErrorEquals: readonly string[];
  readonly Assign?: Assign;
  readonly Output: unknown;
  readonly Next: string;
}

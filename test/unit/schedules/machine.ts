/** AWS Step Functions: executions of the state machines as deployed, and its API. */
import {
  DescribeExecutionCommand,
  SendTaskSuccessCommand,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { machineArn } from '../environment.ts';
import { type Definition, evaluate, type MachineName, readMachine, type Scope, type State } from './asl.ts';
import type { Clock } from './clock.ts';
import type { Lambda } from './lambda.ts';
import { awsError, type Service } from './service.ts';
import type { Outcome } from './worker.ts';

export interface Execution {
  readonly arn: string;
  readonly name: string;
  readonly machine: MachineName;
  readonly input: Readonly<Record<string, unknown>>;
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED' | 'TIMED_OUT';
  state: string;
  readonly variables: Record<string, unknown>;
  /** Names of all states that it came to, those of branches, too. */
  readonly entered: string[];
  /** How it ended; undefined while it runs, and where it was stopped from outside. */
  end?: Exclude<End, 'dropped'>;
}

export interface Machines {
  readonly executions: Map<string, Execution>;
  /** Stops an execution from outside, as somebody in the console does. */
  stop(execution: Execution, status: 'ABORTED' | 'TIMED_OUT'): void;
  readonly service: Service;
}

export type Definitions = Readonly<Record<MachineName, Definition>>;

const deployed: Definitions = {
  provision: readMachine('provision'),
  addDriver: readMachine('addDriver'),
  deprovision: readMachine('deprovision'),
};

const machineNames: readonly MachineName[] = ['provision', 'addDriver', 'deprovision'];

/** What runs together and is dropped together: an execution, or the branches of a Parallel state. */
interface Scoped {
  readonly outer: Scoped | undefined;
  dropped: boolean;
}

const isDropped = (scoped: Scoped): boolean =>
  scoped.dropped || (scoped.outer !== undefined && isDropped(scoped.outer));

type End = { readonly ok: true; readonly output: unknown } | (Outcome & { ok: false }) | 'dropped';

const lambdaName = (reference: string) => {
  const name = /^\$\{(\w+)FunctionArn\}$/.exec(reference)?.[1] ?? '';
  return name.charAt(0).toLowerCase() + name.slice(1);
};

/** @param ended called when an execution ends early: what Step Functions' status events report */
export function machines(
  clock: Clock,
  lambda: Pick<Lambda, 'invoke'>,
  jitters: readonly number[],
  ended: (execution: Execution) => void,
  trace: (line: string) => void,
  violate: (text: string) => void,
  definitions: Definitions = deployed,
): Machines {
  const executions = new Map<string, Execution>();
  const roots = new Map<Execution, Scoped>();
  const waiting = new Map<string, { scoped: Scoped; answer: (output: unknown) => void }>();
  let waits = 0;
  let tokens = 0;

  const iso = () => new Date(clock.now()).toISOString();
  const jitter = () => (jitters.length === 0 ? 1 : (jitters[waits++ % jitters.length] ?? 1));

  /** One attempt of a Task. */
  function attempt(
    execution: Execution,
    state: State,
    scope: Scope,
    scoped: Scoped,
    token: string,
  ): Promise<Outcome> {
    const { FunctionName = '', Payload = {} } = state.Arguments ?? {};
    const payload = evaluate(Payload, scope);
    const { recordId } = execution.input;
    const call = lambda.invoke(lambdaName(FunctionName), payload, String(recordId));
    const isCallback = state.Resource?.endsWith('.waitForTaskToken') ?? false;
    return new Promise((resolve) => {
      const settle = (outcome: Outcome) => {
        waiting.delete(token);
        resolve(outcome);
      };
      if (isCallback) waiting.set(token, { scoped, answer: (value) => settle({ ok: true, value }) });
      void call.then((outcome) => {
        if (isCallback && outcome.ok) return;
        settle(outcome.ok ? { ok: true, value: { Payload: outcome.value } } : outcome);
      });
      clock.after((state.TimeoutSeconds ?? 0) * 1000, () =>
        settle({ ok: false, Error: 'States.Timeout', Cause: 'The task timed out.' }),
      );
    });
  }

  /** A Task with its retries. */
  async function task(
    execution: Execution,
    state: State,
    input: unknown,
    scoped: Scoped,
  ): Promise<Outcome | 'dropped'> {
    const enteredAt = iso();
    const retries = new Map<object, number>();
    for (let retryCount = 0; ; retryCount += 1) {
      const token = `token-${tokens++}`;
      const scope = scopeOf(execution, { input }, { enteredAt, retryCount, token });
      const outcome = await attempt(execution, state, scope, scoped, token);
      if (isDropped(scoped)) return 'dropped';
      if (outcome.ok) return outcome;
      const retry = state.Retry?.find(({ ErrorEquals }) => ErrorEquals.includes(outcome.Error));
      const count = retry ? (retries.get(retry) ?? 0) : 0;
      if (!retry || count >= retry.MaxAttempts) return outcome;
      retries.set(retry, count + 1);
      const seconds = Math.min(retry.MaxDelaySeconds, retry.IntervalSeconds * retry.BackoffRate ** count);
      await clock.sleep(seconds * 1000 * jitter());
      if (isDropped(scoped)) return 'dropped';
    }
  }

  function scopeOf(
    execution: Execution,
    states: { input?: unknown; result?: unknown; errorOutput?: unknown },
    of: { enteredAt: string; retryCount?: number; token?: string },
  ): Scope {
    return {
      ...execution.variables,
      now: clock.now(),
      states: {
        ...states,
        context: {
          Execution: { Id: execution.arn, Input: execution.input },
          State: { EnteredTime: of.enteredAt, RetryCount: of.retryCount ?? 0 },
          Task: { Token: of.token },
        },
      },
    };
  }

  async function parallel(
    execution: Execution,
    state: State,
    input: unknown,
    outer: Scoped,
  ): Promise<Outcome | 'dropped'> {
    const scoped: Scoped = { outer, dropped: false };
    return new Promise((resolve) => {
      const results: unknown[] = [];
      let open = state.Branches?.length ?? 0;
      for (const [index, branch] of (state.Branches ?? []).entries()) {
        void run(execution, branch, input, scoped).then((end) => {
          if (end === 'dropped') return isDropped(outer) ? resolve('dropped') : undefined;
          if (!end.ok) {
            // The others are dropped; the functions that they have called go on.
            scoped.dropped = true;
            return resolve(end);
          }
          results[index] = end.output;
          open -= 1;
          if (open === 0) resolve({ ok: true, value: results });
        });
      }
    });
  }

  async function run(
    execution: Execution,
    definition: Definition,
    first: unknown,
    scoped: Scoped,
  ): Promise<End> {
    let name = definition.StartAt;
    let input = first;
    for (;;) {
      const state = definition.States[name];
      if (!state) throw new Error(`There is no state ${name}.`);
      execution.state = name;
      execution.entered.push(name);
      const enteredAt = iso();
      const scope = scopeOf(execution, { input }, { enteredAt });
      let outcome: Outcome | 'dropped' = { ok: true, value: undefined };
      if (state.Type === 'Task') outcome = await task(execution, state, input, scoped);
      if (state.Type === 'Parallel') outcome = await parallel(execution, state, input, scoped);
      if (state.Type === 'Wait') await clock.sleep(Number(evaluate(state.Seconds, scope)) * 1000);
      if (outcome === 'dropped' || isDropped(scoped)) return 'dropped';

      if (!outcome.ok) {
        const [caught] = state.Catch ?? [];
        if (!caught) return outcome;
        const { Error: name_, Cause } = outcome;
        const failed = scopeOf(execution, { input, errorOutput: { Error: name_, Cause } }, { enteredAt });
        Object.assign(execution.variables, evaluate(caught.Assign ?? {}, failed));
        input = evaluate(caught.Output, failed);
        name = caught.Next;
        continue;
      }
      if (state.Type === 'Succeed') return { ok: true, output: input };
      if (state.Type === 'Fail') {
        const [Error_, Cause] = [evaluate(state.Error, scope), evaluate(state.Cause, scope)];
        return { ok: false, Error: String(Error_), Cause: String(Cause) };
      }
      if (state.Type === 'Choice') {
        const choice = state.Choices?.find(({ Condition }) => evaluate(Condition, scope) === true);
        name = choice?.Next ?? state.Default ?? '';
        continue;
      }
      const done = scopeOf(execution, { input, result: outcome.value }, { enteredAt });
      Object.assign(execution.variables, evaluate(state.Assign ?? {}, done));
      if (state.Output !== undefined) input = evaluate(state.Output, done);
      else if (state.Type === 'Parallel') input = outcome.value;
      if (!state.Next) return { ok: true, output: input };
      name = state.Next;
    }
  }

  function end(execution: Execution, status: Execution['status']): void {
    if (execution.status !== 'RUNNING') return;
    execution.status = status;
    const root = roots.get(execution);
    if (root) root.dropped = true;
    trace(`execution ${execution.name} ends ${status}`);
    if (status !== 'SUCCEEDED') ended(execution);
  }

  function start(machine: MachineName, name: string, input: Execution['input']): void {
    const arn = `${machineArn(machine).replace(':stateMachine:', ':execution:')}:${name}`;
    if (executions.has(arn)) throw awsError('ExecutionAlreadyExists', 400);
    for (const other of executions.values()) {
      // Conclude has nothing left to do but to say so, when the next run is asked for.
      const isAtWork = other.status === 'RUNNING' && other.state !== 'Conclude';
      const isSame = other.machine === machine && other.input['recordId'] === input['recordId'];
      if (isAtWork && isSame) violate(`${name} starts while ${other.name} is at ${other.state}`);
    }
    const execution: Execution = {
      ...{ arn, name, machine, input, status: 'RUNNING', state: '' },
      ...{ variables: {}, entered: [] },
    };
    executions.set(arn, execution);
    const scoped: Scoped = { outer: undefined, dropped: false };
    roots.set(execution, scoped);
    trace(`execution ${name} starts`);
    void run(execution, definitions[machine], input, scoped).then((result) => {
      if (result !== 'dropped') execution.end = result;
      if (result !== 'dropped') end(execution, result.ok ? 'SUCCEEDED' : 'FAILED');
    });
  }

  const service: Service = (command) => {
    if (command instanceof StartExecutionCommand) {
      const { stateMachineArn = '', name = '', input = '{}' } = command.input;
      const machine = machineNames.find((each) => stateMachineArn === machineArn(each));
      if (!machine) throw awsError('StateMachineDoesNotExist', 400);
      start(machine, name, JSON.parse(input));
      return {};
    }
    if (command instanceof StopExecutionCommand) {
      const execution = executions.get(command.input.executionArn ?? '');
      if (!execution) throw awsError('ExecutionDoesNotExist', 400);
      end(execution, 'ABORTED');
      return {};
    }
    if (command instanceof DescribeExecutionCommand) {
      const execution = executions.get(command.input.executionArn ?? '');
      if (!execution) throw awsError('ExecutionDoesNotExist', 400);
      return { status: execution.status };
    }
    if (command instanceof SendTaskSuccessCommand) {
      const task = waiting.get(command.input.taskToken ?? '');
      if (!task || isDropped(task.scoped)) throw awsError('TaskTimedOut', 400);
      task.answer(JSON.parse(command.input.output ?? '{}'));
      return {};
    }
    throw new Error('Step Functions does not know this command here.');
  };

  return { executions, stop: end, service };
}

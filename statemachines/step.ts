/** A step: one Task that calls the Lambda function of its name. */
import type { Catcher, Onward, Retrier, State, States } from './asl.ts';
import { crowded, throttled, transient, transientWhileWaiting, waiting } from './retries.ts';

/** Its function lives 30 s at most, and may take 10 s to start: so it never outlives it. */
const stepTimeoutSeconds = 40;

/** Sent to every function. */
const payload = {
  // An execution that a function of an earlier version starts during a deployment has the id under its earlier name.
  recordId: '{% $states.context.Execution.Input.(recordId ? recordId : integrationId) %}',
  executionArn: '{% $states.context.Execution.Id %}',
  enteredAt: '{% $states.context.State.EnteredTime %}',
  attempt: '{% $states.context.State.RetryCount + 1 %}',
  // Of this attempt, by the one clock that all functions share.
  begunAt: '{% $millis() %}',
};

export type Step = Onward & Told & { readonly Output: string };

/** What is told of a step beside the name of its answer, and where it leads. */
export type Told = {
  readonly Comment: string;
  /** Sent to the function besides. */
  readonly Payload?: Readonly<Record<string, string>>;
  /** Errors that this step retries besides the transient ones, which every step retries. */
  readonly Retry?: readonly Retrier[];
  /** How long the step waits for SendTaskSuccess with its task token. Without this, the function's answer ends it. */
  readonly callbackSeconds?: number;
};

/**
 * The state of a step, under its name.
 * @param Catch where it leads when it fails permanently
 */
export function step(name: string, options: Step, Catch: Catcher): States {
  const { Comment, Payload, Retry = [], Output, callbackSeconds, ...onward } = options;
  const isCallback = callbackSeconds !== undefined;
  const token = isCallback ? { taskToken: '{% $states.context.Task.Token %}' } : {};
  return {
    [name]: {
      Type: 'Task',
      Comment,
      // China, GovCloud and the European sovereign cloud are partitions of their own.
      Resource: `arn:\${Partition}:states:::lambda:invoke${isCallback ? '.waitForTaskToken' : ''}`,
      Arguments: {
        FunctionName: `\${${name}FunctionArn}`,
        Payload: { ...payload, ...token, ...Payload },
      },
      TimeoutSeconds: callbackSeconds ?? stepTimeoutSeconds,
      Retry: [
        ...Retry,
        waiting,
        // Of two for one error, Step Functions takes the first.
        ...(Retry.includes(crowded) ? [] : [throttled]),
        isCallback ? transientWhileWaiting : transient,
      ],
      Catch: [Catch],
      Output,
      ...onward,
    },
  };
}

/** Adds a function's answer to what the next states get as input. */
export const addToInput = (name: string, answer = '$states.result.Payload'): string =>
  `{% $merge([$states.input, {'${name}': ${answer}}]) %}`;

/** Hands the error on to another state, with the name of the step that failed. */
export const handOver = (failedStep: string, Next: string): Catcher => ({
  ErrorEquals: ['States.ALL'],
  Output: { failedStep, error: '{% $states.errorOutput %}' },
  Next,
});

/** @param choices a state for each condition; the first that holds decides */
export function choice(Comment: string, choices: Readonly<Record<string, string>>, Default: string): State {
  const Choices = Object.entries(choices).map(([Condition, Next]) => ({ Condition, Next }));
  return { Type: 'Choice', Comment, Choices, Default };
}

/** Turns what a state machine caught into the error that the integration shows. */
import * as z from 'zod';
import { type ErrorName, errorKinds, isErrorName, printable, problemType } from '../../errors.ts';
import { longest, type RecordedError } from '../model/record.ts';
import { stepNames } from '../model/steps.ts';

/** `$states.errorOutput` of a Catch. */
export const errorOutputSchema = z.object({ Error: z.string(), Cause: z.string().optional() });
export type ErrorOutput = z.infer<typeof errorOutputSchema>;

/** What a branch of the Parallel state puts in its Cause, so that the step is known outside of it. */
const branchCauseSchema = z.object({ step: z.enum(stepNames), cause: z.string().optional() });
/** What Lambda makes of a thrown error. */
const lambdaCauseSchema = z.object({ errorMessage: z.string().optional() });

function parseJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // Causes that AWS itself writes are plain text.
    return undefined;
  }
}

/** The error of a failed provisioning, with the step it happened in. */
export function describeFailure(step: string, caught: ErrorOutput): RecordedError {
  const branch = branchCauseSchema.safeParse(parseJson(caught.Cause));
  if (branch.success) {
    return describeFailure(branch.data.step, {
      Error: caught.Error,
      ...(branch.data.cause === undefined ? {} : { Cause: branch.data.cause }),
    });
  }
  const { name, detail } = classify(step, caught);
  return recordedError(name, detail, step);
}

export function recordedError(name: ErrorName, detail: string, step?: string): RecordedError {
  return {
    type: problemType(name),
    title: errorKinds[name].title,
    detail: printable(detail, longest.error),
    ...(step === undefined ? {} : { step }),
  };
}

function classify(step: string, caught: ErrorOutput): { name: ErrorName; detail: string } {
  const lambda = lambdaCauseSchema.safeParse(parseJson(caught.Cause));
  const said = (lambda.success ? lambda.data.errorMessage : caught.Cause) ?? '';
  if (isErrorName(caught.Error)) return { name: caught.Error, detail: said };
  const message = said.slice(0, 2000);
  // A Fail state must not end with an error of AWS's own: it hands on "States.…" under another name.
  if (/^(States|StepFunctions)\.(Timeout|HeartbeatTimeout)$/.test(caught.Error)) {
    return step === 'RequestIamUser'
      ? {
          name: 'IamUserTimeoutError',
          detail:
            'No IAM user was named in time (parameter iamUserTimeoutSeconds): Dataloop did not issue one or, in operator mode, nobody sent it. ' +
            'Ask Dataloop whether cross-account integrations work for the organisation, then send the request again.',
        }
      : {
          name: 'StepTimeoutError',
          detail: `${step} did not end in time. Send the request again.`,
        };
  }
  if (/^(Sandbox\.Timedout|Lambda\.Unknown|Runtime\.(ExitError|OutOfMemory))$/.test(caught.Error)) {
    // Linux kills what needs more memory than the function has, and Node.js aborts where its heap is full.
    const isOutOfMemory = caught.Error === 'Runtime.OutOfMemory' || /\bsignal: (killed|aborted)\b/.test(said);
    const advice = isOutOfMemory
      ? 'It ran out of memory: give it more (memorySize in serverless.yml).'
      : 'See its log.';
    return {
      name: 'StepCrashedError',
      detail: `The function of ${step} crashed in every attempt (${caught.Error}). ${advice}`,
    };
  }
  return { name: 'InternalError', detail: `${caught.Error.slice(0, 100)}: ${message}` };
}

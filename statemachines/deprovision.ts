/** The undo, of an integration or of an added bucket: after a failure, and after DELETE. */
import type { State, StateMachine, States } from './asl.ts';
import { accessLocked } from './retries.ts';
import { addToInput, choice, handOver, type Step, step, type Told } from './step.ts';

/** Whether the undo has waited for in-flight calls: what it finds gone now stays gone. */
const callsEnded = '{% $exists($states.input.openCalls) %}';

const wasAdded = "{% $states.input.openCalls.kind = 'added bucket' %}";

export const deprovision: StateMachine = {
  Comment:
    'Undoes an integration or an added bucket: mode rollback after a failure, mode remove after DELETE. Each step runs even if the one before it failed.',
  QueryLanguage: 'JSONata',
  TimeoutSeconds: 86_400,
  StartAt: 'Begin',
  States: {
    Begin: noteTime(
      'Starts an empty list of undo steps that failed, and notes when the undo began.',
      'WhoseAccess',
      { failures: [] },
    ),

    WhoseAccess: choice(
      "Dataloop's access ends first, before anything waits or asks Dataloop. An execution that an earlier version started does not say what it is for: it waits first.",
      {
        "{% $states.context.Execution.Input.kind = 'integration' %}": 'DeleteRole',
        "{% $states.context.Execution.Input.kind = 'added bucket' %}": 'RevokeAccess',
      },
      'AwaitOpenCalls',
    ),
    ...undo('DeleteRole', 'role', 'AccessTried', {
      Comment:
        "Deletes the role. Dataloop's access ends here. An adopted role stays, without our policies and our trust statement.",
      Payload: { callsEnded },
    }),
    ...undo('RevokeAccess', 'access', 'AccessTried', {
      Comment: "Takes the bucket out of the policy of the role. Dataloop's access to it ends here.",
      Payload: { callsEnded },
      Retry: [accessLocked],
    }),
    AccessTried: choice(
      'After the wait for in-flight calls the undo goes on. Otherwise it waits for them now.',
      { [callsEnded]: 'WasAdded' },
      'AwaitOpenCalls',
    ),

    ...needed('AwaitOpenCalls', 'openCalls', 'OpenCallsSettled', {
      Comment:
        'Looks for in-flight calls: functions of a stopped or failed execution that may still change something. Waits for them at most 35 s.',
      Payload: { since: '{% $since %}', failures: '{% $failures %}' },
    }),
    OpenCallsSettled: choice(
      'No call is in flight: go on, or first take away once more what such a call may have given Dataloop meanwhile. Otherwise wait.',
      {
        [settled('openCalls', 'DeleteRole')]: 'DeleteRole',
        [settled('openCalls', 'RevokeAccess')]: 'RevokeAccess',
        [settled('openCalls')]: 'WasAdded',
      },
      'WaitForOpenCalls',
    ),
    WaitForOpenCalls: waitFor(
      'openCalls',
      'Waits up to 5 s, then looks for in-flight calls again.',
      'AwaitOpenCalls',
    ),
    WasAdded: choice(
      'Integration (int_...): its policies go next. Added bucket (drv_...): role and policies belong to the integration, so its driver is next.',
      { [wasAdded]: 'DeleteDriver' },
      'DeletePolicy',
    ),

    ...undo('DeletePolicy', 'policy', 'HasAddedBuckets', {
      Comment: 'Deletes the policies that this service created for the role.',
    }),
    HasAddedBuckets: choice(
      'Buckets were added to this integration: they go first. Otherwise go on with its dataset.',
      { '{% $boolean($states.input.openCalls.drivers) %}': 'BeginWithDrivers' },
      'HasDataset',
    ),
    BeginWithDrivers: noteTime(
      'Notes the time: from now on the undo waits for added buckets, for 15 minutes.',
      'RemoveDrivers',
    ),
    ...undo('RemoveDrivers', 'drivers', 'DriversRemoved', {
      Comment:
        'Removes the buckets that were added to this integration, ten at a time, each in its own execution of this state machine (drv_...).',
      Payload: { since: '{% $since %}' },
      Output: addToInput('drivers'),
      afterFailure: 'HasDataset',
    }),
    DriversRemoved: choice(
      'All added buckets are done, or 15 minutes have passed and the removal of each has begun: go on with the dataset or the driver of the integration itself. Otherwise wait.',
      { [settled('drivers')]: 'HasDataset' },
      'WaitForDrivers',
    ),
    WaitForDrivers: waitFor('drivers', 'Waits 5 s, then looks at the added buckets again.', 'RemoveDrivers'),

    HasDataset: choice(
      'A dataset was created: it goes before its driver. Otherwise go on with the driver.',
      { '{% $exists($states.input.openCalls.dataset) %}': 'DeleteDataset' },
      'DeleteDriver',
    ),
    ...undo('DeleteDataset', 'dataset', 'DeleteDriver', {
      Comment: 'Deletes the dataset at Dataloop if it is empty. With items it becomes a leftover.',
    }),
    ...undo('DeleteDriver', 'driver', 'HasIntegration', {
      Comment: 'Deletes the storage driver at Dataloop. If Dataloop refuses, it becomes a leftover.',
    }),
    HasIntegration: choice(
      'Added bucket (drv_...): the integration at Dataloop stays, so the bucket is next. Integration (int_...): it goes.',
      { [wasAdded]: 'DeleteBucket' },
      'DeleteIntegration',
    ),
    ...undo('DeleteIntegration', 'integration', 'DeleteBucket', {
      Comment: 'Deletes the integration at Dataloop. One that others created stays there.',
    }),
    ...undo('DeleteBucket', 'bucket', 'UndoTried', {
      Comment:
        'Deletes the bucket if it is empty and no role or policy names it any more. An adopted bucket stays and gets its earlier settings back.',
    }),

    UndoTried: noteTime(
      'Every undo step has had its turn. Notes the time: no further undo call begins after it.',
      'AwaitUndoCalls',
    ),
    ...needed('AwaitUndoCalls', 'openCalls', 'UndoCallsSettled', {
      Comment:
        'Looks for in-flight calls of the undo, for at most 35 s: a late one could hit what comes next.',
      Payload: { since: '{% $since %}' },
    }),
    UndoCallsSettled: choice(
      'No undo call is in flight: conclude. Otherwise wait.',
      { [settled('openCalls')]: 'Conclude' },
      'WaitForUndoCalls',
    ),
    WaitForUndoCalls: waitFor(
      'openCalls',
      'Waits up to 5 s, then looks for in-flight undo calls again.',
      'AwaitUndoCalls',
    ),

    ...needed('Conclude', 'status', 'Done', {
      Comment: 'Sets the final status, residue if something is left, and publishes the event.',
      Payload: {
        mode: '{% $states.context.Execution.Input.mode %}',
        run: '{% $states.context.Execution.Input.run %}',
        failures: '{% $failures %}',
      },
      Output: addToInput('status', '$states.result.Payload.status'),
    }),
    Done: {
      Type: 'Succeed',
      Comment:
        'The undo is finished, with or without leftovers: GET on the API lists each one under "residue" with what to do.',
    },
    Stuck: {
      Type: 'Fail',
      Comment:
        'The undo could not finish. The watchdog sees this execution fail and starts the next one; after several, the status becomes residue.',
      Error: "{% $replace($states.input.error.Error, 'States.', 'StepFunctions.') %}",
      Cause: '{% $states.input.error.Cause %}',
    },
  },
};

/** A step that takes something back. If it fails permanently, that is remembered, and the undo goes on. */
function undo(name: string, answer: string, Next: string, { afterFailure, ...told }: Undo): States {
  // What it did: removed, absent, kept, or left alone.
  const Output = addToInput(answer, '$states.result.Payload.outcome');
  return step(
    name,
    { Output, ...told, Next },
    {
      ErrorEquals: ['States.ALL'],
      Assign: { failures: `{% $append($failures, [{'step': '${name}', 'error': $states.errorOutput}]) %}` },
      Output: '{% $states.input %}',
      Next: afterFailure ?? Next,
    },
  );
}

interface Undo extends Told, Partial<Pick<Step, 'Output'>> {
  /** Where the undo goes on after a failure, if not where the step leads anyway. */
  readonly afterFailure?: string;
}

/** A step without which the undo can neither go on nor end. */
function needed(name: string, answer: string, Next: string, told: Partial<Step> & Told): States {
  return step(name, { Output: addToInput(answer), ...told, Next }, handOver(name, 'Stuck'));
}

/** @param again the step that is to have another turn */
function settled(answer: string, again?: string): string {
  const isSettled = `$states.input.${answer}.settled`;
  return `{% ${again ? `${isSettled} and $states.input.${answer}.again = '${again}'` : isSettled} %}`;
}

/** Waits as long as the last answer of a step asks for. */
function waitFor(answer: string, Comment: string, Next: string): State {
  return { Type: 'Wait', Comment, Seconds: `{% $states.input.${answer}.waitSeconds %}`, Next };
}

/** Remembers since when: the steps after it measure from there. */
function noteTime(Comment: string, Next: string, Assign = {}): State {
  return {
    Type: 'Pass',
    Comment,
    Assign: { ...Assign, since: '{% $states.context.State.EnteredTime %}' },
    Next,
  };
}

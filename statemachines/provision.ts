/** `POST /integrations`: connects an S3 bucket to Dataloop. */
import type { Branch, StateMachine } from './asl.ts';
import { createBucket, dataset, forward, preflight, rollBack, testAndActivate } from './connecting.ts';
import { iamUserNotIssued, operatorAwaited, trustNotEstablished } from './retries.ts';
import { addToInput, handOver, step, type Told } from './step.ts';

/** How long is waited: parameters of the deployment. */
export interface Waits {
  /** For Dataloop's IAM user. */
  readonly iamUserTimeoutSeconds: number;
  /** Until Dataloop can assume the role. */
  readonly trustSeconds: number;
  /** Until Dataloop can use the bucket, for each of the two tests. */
  readonly driverTestSeconds: number;
}

/** What no function can write, and so need not be asked again. */
const foundByPreflight = { organizationId: '{% $states.input.preflight.organizationId %}' };

export const provision = (waits: Waits): StateMachine => ({
  Comment:
    'Connects an S3 bucket to Dataloop. If a step fails permanently, RollBack starts the deprovision state machine, which undoes everything.',
  QueryLanguage: 'JSONata',
  // A day for the IAM user, a day for each of the two answers of an operator, and twelve hours for all attempts of all steps.
  TimeoutSeconds: 302_400,
  StartAt: 'Preflight',
  States: {
    ...forward('Preflight', 'preflight', 'PrepareBothSides', preflight),

    PrepareBothSides: {
      Type: 'Parallel',
      Comment:
        'Creates bucket and policy while Dataloop issues its IAM user. If one fails, all are rolled back.',
      Branches: [
        branch('CreateBucket', 'BucketNotCreated', addToInput('bucket'), createBucket),
        branch('CreatePolicy', 'PolicyNotCreated', addToInput('policy'), {
          Comment: 'Creates the policy with what Dataloop may do in the bucket. CreateRole attaches it.',
        }),
        branch('RequestIamUser', 'IamUserNotIssued', addToInput('iamUser', '$states.result'), {
          Comment:
            'Creates the integration at Dataloop, then waits for its IAM user, at most iamUserTimeoutSeconds. In operator mode, GET on the API says in "action" what to do.',
          Payload: foundByPreflight,
          callbackSeconds: waits.iamUserTimeoutSeconds,
        }),
      ],
      Catch: [handOver('PrepareBothSides', 'RollBack')],
      Next: 'MergeBranches',
    },
    MergeBranches: {
      Type: 'Pass',
      Comment: 'Merges the results of the three branches into one object.',
      Output: '{% $merge($states.input) %}',
      Next: 'CreateRole',
    },

    ...forward('CreateRole', 'role', 'CompleteIntegration', {
      Comment:
        'Creates the role that trusts exactly one IAM user, which Dataloop names now. Retries while AWS does not see that user yet, usually 30 s. In operator mode, waits until the operator corrects a wrong user.',
      Payload: foundByPreflight,
      Retry: [operatorAwaited, iamUserNotIssued],
    }),
    ...forward('CompleteIntegration', 'integration', 'TestDriver', {
      Comment:
        'Gives the role ARN to Dataloop and retries until Dataloop can assume the role, about four minutes. In operator mode, waits for the operator to do so.',
      Payload: {
        dataloopIntegration:
          '{% $exists($states.input.role.dataloopIntegration) ? $states.input.role.dataloopIntegration : null %}',
      },
      Retry: [operatorAwaited, trustNotEstablished(waits.trustSeconds)],
    }),

    ...testAndActivate(waits.driverTestSeconds, dataset),
    ...rollBack,
  },
});

/** One branch of PrepareBothSides: a step, and a Fail state that adds the step's name to its error. */
function branch(name: string, failed: string, Output: string, told: Told): Branch {
  const Catch = { ErrorEquals: ['States.ALL'], Output: '{% $states.errorOutput %}', Next: failed };
  return {
    StartAt: name,
    States: {
      ...step(name, { ...told, Output, End: true }, Catch),
      [failed]: {
        Type: 'Fail',
        Comment: `${name} failed permanently. PrepareBothSides fails with the same error and leads to RollBack.`,
        Error: "{% $replace($states.input.Error, 'States.', 'StepFunctions.') %}",
        Cause: `{% $string({'step': '${name}', 'cause': $states.input.Cause}) %}`,
      },
    },
  };
}

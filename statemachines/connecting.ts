/** The states that `provision` and `add-driver` share. */
import type { States } from './asl.ts';
import { crowded, datasetSyncing, driverTestFailed } from './retries.ts';
import { addToInput, choice, handOver, step, type Told } from './step.ts';

/** A step on the way to `ready`. If it fails permanently, everything is undone. */
export const forward = (name: string, answer: string, Next: string, told: Told): States =>
  step(name, { ...told, Output: addToInput(answer), Next }, handOver(name, 'RollBack'));

export const preflight = {
  Comment:
    'Checks everything that could block this connection, before anything is created: names, quotas, keys, credentials. A failure lists all blocking issues.',
  Retry: [crowded],
};

export const createBucket = {
  Comment:
    'Creates the bucket: private, encrypted, tagged, TLS only. An adopted bucket only gets the CORS rule and, if requested, is closed to the public.',
};

/** The dataset of a request. Its sync proves more, and ends no connection that is proven. */
export const dataset: States = {
  WantsDataset: choice(
    'The request names a dataset: create and sync it. Otherwise the integration is ready.',
    { '{% $exists($states.input.verification.dataset) %}': 'CreateDataset' },
    'Activate',
  ),
  ...forward('CreateDataset', 'dataset', 'SyncDataset', {
    Comment: 'Creates the dataset on the driver. If an earlier attempt may have, looks for that one first.',
  }),
  ...step(
    'SyncDataset',
    {
      Comment: 'Lets Dataloop read the bucket into the dataset, and waits for that, at most ten minutes.',
      Retry: [datasetSyncing],
      Output: addToInput('sync'),
      Next: 'Activate',
    },
    {
      Comment: 'The connection is proven, so it stays. GET on the API says why the sync failed.',
      ErrorEquals: ['States.ALL'],
      Output: '{% $states.input %}',
      Next: 'Activate',
    },
  ),
};

/**
 * The last steps: Dataloop tries the bucket, gets its driver and tries again.
 * @param driverTestSeconds how long each of the two tests is tried
 * @param before states between these and Activate
 */
export const testAndActivate = (driverTestSeconds: number, before: States = {}): States => ({
  ...forward('TestDriver', 'test', 'CreateDriver', {
    Comment:
      'Dataloop tests its access to the bucket by writing a small file. Retries for about a minute, because permissions reach S3 with a delay.',
    Retry: [driverTestFailed(driverTestSeconds)],
  }),
  ...forward('CreateDriver', 'driver', 'VerifyDriver', {
    Comment:
      'Creates the storage driver in the project. If an earlier attempt may have, looks for that one first.',
  }),
  ...forward('VerifyDriver', 'verification', Object.keys(before)[0] ?? 'Activate', {
    Comment: 'Dataloop tests its access again, now through the new driver. Retries for about a minute.',
    Retry: [driverTestFailed(driverTestSeconds)],
  }),
  ...before,
  ...forward('Activate', 'activation', 'Ready', {
    Comment: 'Sets the status to ready and publishes the event that says so on the bus of the service.',
  }),
  Ready: {
    Type: 'Succeed',
    Comment: 'The bucket is connected, and Dataloop has used it through the new driver.',
  },
});

/** Where every failure leads. */
export const rollBack: States = {
  ...step(
    'RollBack',
    {
      Comment:
        'A step failed. Records its name and its error, then starts the deprovision state machine: watch the undo there.',
      Payload: { failedStep: '{% $states.input.failedStep %}', error: '{% $states.input.error %}' },
      Output: '{% $states.input %}',
      Next: 'Failed',
    },
    {
      Comment: 'The watchdog sees this execution fail and starts the undo itself.',
      ErrorEquals: ['States.ALL'],
      Output: '{% $states.input %}',
      Next: 'Failed',
    },
  ),
  Failed: {
    Type: 'Fail',
    Comment:
      'Ends with the error of the step that failed. The undo goes on in the deprovision state machine; GET on the API shows how it ends.',
    Error: "{% $replace($states.input.error.Error, 'States.', 'StepFunctions.') %}",
    Cause: '{% $states.input.error.Cause %}',
  },
};

/** How often a step is tried again, and how long that takes. docs/operations.md says the same to operators. */
import {
  firstDelaySeconds,
  longestDelayOfCrowd,
  longestDelaySeconds,
} from '../src/domain/model/retry-delays.ts';
import type { ErrorName } from '../src/errors.ts';
import type { Retrier } from './asl.ts';

type Errors = [string, ...string[]];

/**
 * Tries again after 2 s, then after twice as long each time, up to the longest delay of the (first) error. Each delay is
 * drawn between zero and that (full jitter), so that executions that failed together do not come back together.
 */
const retry = (MaxAttempts: number, ...ErrorEquals: Errors): Retrier => ({
  ErrorEquals,
  IntervalSeconds: firstDelaySeconds,
  BackoffRate: 2,
  MaxDelaySeconds: longestDelaySeconds(ErrorEquals[0]),
  MaxAttempts,
  JitterStrategy: 'FULL',
});

const transientErrors: Errors = [
  'AwsConflictError',
  'DataloopUnavailableError',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.Unknown',
  'Sandbox.Timedout',
  'Runtime.ExitError',
  'Runtime.OutOfMemory',
];

/** Of every step: about three minutes, six and a half at most. */
export const transient = retry(16, ...transientErrors, 'States.Timeout');

const throttlingErrors: Errors = [
  'AwsUnavailableError',
  'DataloopRateLimitError',
  'Lambda.TooManyRequestsException',
];

/** Of every step but Preflight, beside that: AWS or Dataloop takes no more calls just now. About six minutes, twelve at most. */
export const throttled = retry(40, ...throttlingErrors);

/** Preflight instead: hundreds may be waiting there. About twelve minutes, twenty-five at most. */
export const crowded: Retrier = { ...retry(150, ...throttlingErrors), MaxDelaySeconds: longestDelayOfCrowd };

/**
 * Of every step, beside that: what was changed does not show yet, or an in-flight call may still change something. Who
 * waits has not failed, so the one uses up none of the attempts of the other.
 */
export const waiting = retry(16, 'AwsNotYetConsistentError', 'EarlierCallOpenError');

/**
 * GrantAccess, RevokeAccess: another bucket of the integration has its turn. A turn takes some seconds, and hundreds may
 * be waiting. About six hours; each attempt is three of the 25,000 events that an execution may have.
 */
export const accessLocked = retry(1_500, 'AccessLockedError');

/** Of a step that waits for a callback. After a time-out, a second wait would double the time allowed for it. */
export const transientWhileWaiting = retry(16, ...transientErrors);

/** CreateRole: Dataloop, or an operator, does not name the IAM user yet. About 45 s, 90 s at most. */
export const iamUserNotIssued = retry(6, 'IamUserNotIssuedError');

/** As many attempts as take a time on average: each delay is half of the longest that it may be. */
function lasting(error: ErrorName, seconds: number): Retrier {
  const longest = longestDelaySeconds(error);
  let attempts = 0;
  for (let waited = 0; waited + 1 <= seconds; attempts += 1) {
    waited += Math.min(firstDelaySeconds * 2 ** attempts, longest) / 2;
  }
  return retry(attempts, error);
}

/** CompleteIntegration: Dataloop cannot assume the role yet. By default about four minutes, eight at most. */
export const trustNotEstablished = (seconds: number) => lasting('TrustNotEstablishedError', seconds);

/**
 * CreateRole and CompleteIntegration in operator mode: more than a day. The functions themselves give up after
 * iamUserTimeoutSeconds.
 */
export const operatorAwaited = retry(3000, 'OperatorAwaitedError');

/** TestDriver, VerifyDriver: permissions do not reach S3 at once. By default about a minute, two at most. */
export const driverTestFailed = (seconds: number) => lasting('DriverTestFailedError', seconds);

/** SyncDataset: its function gives up after ten minutes. */
export const datasetSyncing = retry(500, 'DatasetSyncingError');

/** AWS SDK errors as errors of ours. Source: the services' API references, and the SDK's own retry lists. */
import { type ErrorName, printable, ServiceError } from '../../errors.ts';
import { waitingFor } from '../../spent.ts';

interface SdkErrorShape {
  readonly name?: unknown;
  readonly Code?: unknown;
  readonly message?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: unknown; readonly attempts?: unknown };
  readonly $retryable?: unknown;
  readonly code?: unknown;
  readonly hostname?: unknown;
}

function shape(error: unknown): SdkErrorShape {
  return typeof error === 'object' && error !== null ? error : {};
}

/** The error code as AWS documents it: modelled IAM and STS errors carry a suffix in their name. */
export function awsErrorCode(error: unknown): string {
  const { Code, name } = shape(error);
  const code = typeof Code === 'string' ? Code : typeof name === 'string' ? name : 'Unknown';
  return code.replace(/Exception$/, '');
}

/** HTTP status of the answer; undefined where none came. */
export function awsErrorStatus(error: unknown): number | undefined {
  const status = shape(error).$metadata?.httpStatusCode;
  return typeof status === 'number' ? status : undefined;
}

/** Whether the SDK sent the call more than once. */
function wasSentAgain(error: unknown): boolean {
  const attempts = shape(error).$metadata?.attempts;
  return typeof attempts === 'number' && attempts > 1;
}

const unavailable = new Set([
  'Throttling',
  'ThrottledException',
  'Throttled',
  'ThrottlingException',
  'TooManyRequests',
  'RequestLimitExceeded',
  'ProvisionedThroughputExceeded',
  'SlowDown',
  'ServiceFailure',
  'ServiceUnavailable',
  'InternalError',
  'InternalFailure',
  'InternalServerError',
  'InternalServiceError',
  'RequestTimeout',
  'RequestThrottled',
  'TimeoutError',
  'ExecutionLimitExceeded',
  'KmsThrottled',
]);
const conflicting = new Set([
  'OperationAborted',
  'ConcurrentModification',
  'DeleteConflict',
  'TransactionConflict',
  'TransactionInProgress',
  'EntityTemporarilyUnmodifiable',
]);
const notYetConsistent = new Set(['NoSuchBucket', 'NoSuchEntity']);
const quota = new Set(['LimitExceeded', 'TooManyBuckets', 'QuotaExceeded', 'ServiceQuotaExceeded']);
/** Of a region that is not enabled, or lies in another partition: AWS knows the caller's keys elsewhere. */
const unknownCaller = new Set([
  'InvalidToken',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'UnrecognizedClient',
  'AuthFailure',
  'OptInRequired',
]);
const denied = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'AllAccessDisabled',
  'UnauthorizedOperation',
]);

/** What IAM puts in the place of a user, a role or a session once it is deleted. No policy with it is accepted again. */
const deletedPrincipal = /\bA(?:IDA|ROA|GPA|IPA)[A-Z0-9]{6,}\b/;

/** Most of AWS's words that is repeated: they quote what others have named. */
const longestWords = 1_000;
/** No host name is longer. */
const longestHost = 253;

/** A refused signature is explained with the request: its signature and its session token are among that. */
const quotedRequest = /the canonical string|the string-to-sign|AWS4-HMAC-SHA256|x-amz-security-token/i;

/** AWS's words, up to the word with which they begin to quote the request. */
function wordsOf(message: unknown): string {
  const words = typeof message === 'string' ? message.slice(0, longestWords) : '';
  const at = words.search(quotedRequest);
  return at < 0 ? words : words.slice(0, at).split(/\s/).slice(0, -1).join(' ').trimEnd();
}

/**
 * Maps an SDK error to a ServiceError.
 * @param what the call and its resource, as in "create role dataloop-acme"
 */
export function mapAwsError(error: unknown, what: string): ServiceError {
  if (error instanceof ServiceError) return error;
  const code = awsErrorCode(error);
  const status = awsErrorStatus(error);
  const { message, code: systemCode, hostname } = shape(error);
  const words = wordsOf(message);
  const said = words === '' ? '' : `: ${words}`;
  const refused = `AWS did not ${what} (${code}${said}).`;
  const fail = (name: ErrorName, advice: string) =>
    new ServiceError(name, `${refused} ${advice}`, { cause: error, sentAgain: wasSentAgain(error) });
  const passing = (name: ErrorName, why = refused) =>
    new ServiceError(name, why, { cause: error, mayPass: true });

  if (code === 'MalformedPolicyDocument' && /invalid principal/i.test(said)) {
    const deleted = deletedPrincipal.exec(words)?.[0];
    if (deleted) {
      const advice = `${deleted} is the id of a user or role that was deleted. Take the statement that names it out of the policy.`;
      return fail('AwsRequestRefusedError', advice);
    }
    return passing('AwsNotYetConsistentError', `${refused} AWS does not see the new IAM user yet.`);
  }
  // Nobody has this name; a name server that does not answer has another code.
  if (systemCode === 'ENOTFOUND') {
    const host = typeof hostname === 'string' ? printable(hostname, longestHost) : 'this name';
    return new ServiceError(
      'AwsRequestRefusedError',
      `AWS did not ${what}: there is no endpoint ${host}. Check that the region exists, that AWS offers the service there, ` +
        'and that it is in the partition of this deployment.',
      { cause: error },
    );
  }
  if (unknownCaller.has(code))
    return fail(
      'AwsAccessDeniedError',
      'AWS does not know the caller there. Check that the region is enabled for this account and is in the partition of this ' +
        'deployment.',
    );
  if (conflicting.has(code)) return passing('AwsConflictError');
  if (notYetConsistent.has(code)) return passing('AwsNotYetConsistentError');
  if (quota.has(code))
    return fail(
      'AwsQuotaExceededError',
      'Request a higher quota in AWS Service Quotas, or delete resources that you do not need.',
    );
  if (denied.has(code) || status === 403) {
    return fail(
      'AwsAccessDeniedError',
      "Check the function's role, service and resource control policies (SCP, RCP) and bucket policies for what denies it, " +
        'then send the request again.',
    );
  }
  // Without a status no answer came: a lost connection, or a time-out.
  if (unavailable.has(code) || status === undefined || status === 429 || status >= 500) {
    return passing('AwsUnavailableError');
  }
  return fail('AwsRequestRefusedError', 'Fix the cause AWS reports, then try again.');
}

/**
 * A field that an answer must have: without it nothing is known, which is not the same as "there is nothing".
 * @throws ServiceError `AwsUnavailableError` where the answer lacks it
 */
export function given<T>(value: T | undefined, field: string, what: string): T {
  if (value !== undefined) return value;
  throw new ServiceError('AwsUnavailableError', `The answer of AWS to "${what}" lacks ${field}.`, {
    mayPass: true,
  });
}

/** Runs one AWS call and maps its error. */
export async function awsCall<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await waitingFor('awsMs', call);
  } catch (error) {
    throw mapAwsError(error, what);
  }
}

/** Runs one AWS call; an error with one of the given codes becomes a value. */
export async function awsCallOr<T, V>(
  what: string,
  codes: readonly string[],
  value: V,
  call: () => Promise<T>,
): Promise<T | V> {
  try {
    return await waitingFor('awsMs', call);
  } catch (error) {
    if (codes.includes(awsErrorCode(error))) return value;
    throw mapAwsError(error, what);
  }
}

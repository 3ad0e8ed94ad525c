/** AWS SDK errors as errors of ours. Source: the services' API references, and the SDK's own retry lists. */
import { type ErrorName, ServiceError } from '../../errors.ts';

interface SdkErrorShape {
  readonly name?: unknown;
  readonly Code?: unknown;
  readonly message?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: unknown; readonly attempts?: unknown };
  readonly $retryable?: unknown;
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
const denied = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'AllAccessDisabled',
  'UnauthorizedOperation',
]);

/** Most of AWS's words that is repeated: they quote what others have named. */
const longestWords = 1_000;

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
  const { message } = shape(error);
  const words = wordsOf(message);
  const said = words === '' ? '' : `: ${words}`;
  const refused = `AWS did not ${what} (${code}${said}).`;
  const fail = (name: ErrorName, advice: string) =>
    new ServiceError(name, `${refused} ${advice}`, { cause: error, sentAgain: wasSentAgain(error) });
  const passing = (name: ErrorName, why = refused) =>
    new ServiceError(name, why, { cause: error, triedAgain: true });

  if (code === 'MalformedPolicyDocument' && /invalid principal/i.test(said)) {
    return passing('AwsNotYetConsistentError', `${refused} AWS does not see the new IAM user yet.`);
  }
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
      "Check the function's role, service control policies and bucket policies for what denies it, then send the request again.",
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
    triedAgain: true,
  });
}

/** Runs one AWS call and maps its error. */
export async function awsCall<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
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
    return await call();
  } catch (error) {
    if (codes.includes(awsErrorCode(error))) return value;
    throw mapAwsError(error, what);
  }
}

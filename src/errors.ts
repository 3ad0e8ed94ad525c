/**
 * Every error that this service throws on purpose. Lambda reports the name as `errorType`, and the state machines'
 * Retry and Catch match it, so it is a literal: a minified class name would never match. docs/errors.md lists all of
 * them with what to do (scripts/error-catalog.ts).
 */
interface ErrorKind {
  /** One line that people read: the `title` of the problem document. */
  readonly title: string;
  /** True if the same call may succeed later without any change. */
  readonly retryable: boolean;
  /** HTTP status, if the API answers with this error itself. */
  readonly status?: number;
  /** True if the caller sees the message although the status is 500: it reveals no internals. */
  readonly told?: true;
}

export const errorKinds = {
  AwsUnavailableError: { title: 'AWS is throttling or unavailable', retryable: true },
  AwsConflictError: { title: 'AWS is still changing this resource', retryable: true },
  AwsNotYetConsistentError: { title: 'AWS does not show a recent change yet', retryable: true },
  AwsAccessDeniedError: { title: 'AWS denied access', retryable: false },
  AwsQuotaExceededError: { title: 'An AWS quota is used up', retryable: false },
  AwsRequestRefusedError: { title: 'AWS refused the request', retryable: false },
  EarlierCallOpenError: {
    title: 'An in-flight call may still take effect',
    retryable: true,
  },
  AccessLockedError: {
    title: 'Another bucket of the integration has its turn',
    retryable: true,
  },
  WrongAccountError: {
    title: 'The service runs in the wrong AWS account',
    retryable: false,
  },
  BucketNameTakenError: { title: 'The bucket name is taken', retryable: false },
  PolicyNameTakenError: { title: 'The policy name is taken', retryable: false },
  RoleNameTakenError: { title: 'The role name is taken', retryable: false },
  KmsKeyNotUsableError: { title: 'The KMS key cannot be used', retryable: false },
  DataloopApiKeyExpiresError: { title: "Dataloop's API key expires soon", retryable: false },
  PrefixOverlapError: { title: 'Another integration uses the same objects', retryable: false },
  BucketSettingsError: { title: 'Settings of the bucket may stop Dataloop', retryable: false },
  BucketNotAdoptableError: { title: 'The bucket cannot be adopted', retryable: false },
  RoleNotAdoptableError: { title: 'The role cannot be adopted', retryable: false },
  IntegrationNotAdoptableError: {
    title: 'The integration at Dataloop cannot be adopted',
    retryable: false,
  },
  DriverNameTakenError: { title: 'The driver name is taken', retryable: false },
  DatasetNameTakenError: { title: 'The dataset name is taken', retryable: false },
  DatasetSyncingError: { title: 'Dataloop is still syncing the dataset', retryable: true },
  DatasetNotSyncedError: { title: 'The dataset was not synced', retryable: false },
  BucketChangedError: { title: 'Somebody changed the bucket', retryable: false },
  RoleChangedError: { title: 'Somebody changed the role', retryable: false },
  PolicyChangedError: { title: 'Somebody changed a policy of the role', retryable: false },
  DataloopUnavailableError: { title: 'Dataloop does not answer', retryable: true },
  DataloopRateLimitError: { title: 'Dataloop limits the request rate', retryable: true },
  DataloopCredentialsError: { title: "Dataloop's credentials cannot be used", retryable: false },
  DataloopForbiddenError: { title: 'The Dataloop user lacks a role', retryable: false },
  DataloopIntegrationLimitError: {
    title: "Dataloop's integration limit is reached",
    retryable: false,
  },
  DataloopNotFoundError: { title: 'Dataloop does not know this resource', retryable: false },
  DataloopRequestRefusedError: { title: 'Dataloop refused the request', retryable: false },
  DataloopAnswerError: { title: "Dataloop's answer has an unknown format", retryable: false },
  IamUserNotIssuedError: { title: 'Dataloop has not issued the IAM user yet', retryable: true },
  IamUserTimeoutError: { title: 'Dataloop issued no IAM user in time', retryable: false },
  InvalidIamUserArnError: {
    title: 'The IAM user cannot be trusted',
    retryable: false,
  },
  OperatorAwaitedError: { title: 'The service waits for the operator', retryable: true },
  OperatorTimeoutError: { title: 'The operator took too long', retryable: false },
  OutsideDeploymentError: { title: 'This deployment does not allow it', retryable: false },
  DataloopNotOursError: {
    title: 'Something at Dataloop does not belong to this integration',
    retryable: false,
  },
  TrustNotEstablishedError: { title: 'Dataloop cannot assume the role', retryable: true },
  DriverTestFailedError: { title: 'Dataloop cannot use the bucket', retryable: true },
  StepTimeoutError: { title: 'A step timed out', retryable: false },
  StepCrashedError: { title: 'The function of a step crashed', retryable: false },
  ExecutionStoppedError: { title: 'The execution was stopped', retryable: false },
  RemovalRequestedError: { title: 'Removal was requested during provisioning', retryable: false },
  IntegrationMovedOnError: {
    title: 'The integration has moved to another state',
    retryable: false,
  },
  RecordDamagedError: {
    title: 'Somebody changed a record of the service',
    retryable: false,
    status: 500,
    told: true,
  },
  InvalidInputError: {
    title: 'A function received invalid input',
    retryable: false,
  },
  ConfigurationError: { title: 'A setting of the deployment is missing', retryable: false, status: 500 },
  InternalError: { title: 'Unexpected error', retryable: false, status: 500 },
  InvalidRequestError: { title: 'The request is invalid', retryable: false, status: 400 },
  IntegrationNotFoundError: { title: 'No such integration', retryable: false, status: 404 },
  RouteNotFoundError: { title: 'No such route', retryable: false, status: 404 },
  NameOrBucketTakenError: {
    title: 'Another integration uses this name or bucket',
    retryable: false,
    status: 409,
  },
  AlreadyConnectedError: { title: 'The same request was sent before', retryable: false },
  IntegrationNotReadyError: { title: 'The integration is not ready', retryable: false, status: 409 },
  AccessFullError: {
    title: 'The integration has no room for another bucket',
    retryable: false,
    status: 409,
  },
  DriverNotReadyError: { title: 'The driver is not ready', retryable: false, status: 409 },
  DriverNotFoundError: { title: 'No such driver', retryable: false, status: 404 },
  ForeignDriversError: {
    title: 'Other drivers would lose their storage',
    retryable: false,
    status: 409,
  },
  DatasetsInUseError: { title: 'Datasets would lose their storage', retryable: false, status: 409 },
  DatasetsUnknownError: { title: 'Datasets could not be checked', retryable: true },
  BucketNotEmptyError: { title: 'The bucket holds objects', retryable: false },
  DriversUnknownError: {
    title: 'Other drivers could not be checked',
    retryable: true,
  },
  NothingAwaitedError: {
    title: 'The integration expects no input',
    retryable: false,
    status: 409,
  },
  RequestTooLargeError: { title: 'The request body is too large', retryable: false, status: 413 },
  UnsupportedMediaTypeError: { title: 'The request body is not JSON', retryable: false, status: 415 },
  IdempotencyKeyReusedError: {
    title: 'The Idempotency-Key was used with a different body',
    retryable: false,
    status: 422,
  },
  TooManyOpenError: {
    title: 'Too many integrations are being set up',
    retryable: false,
    status: 429,
  },
  TryAgainError: { title: 'The service is temporarily unavailable', retryable: true, status: 503 },
} as const satisfies Record<string, ErrorKind>;

export type ErrorName = keyof typeof errorKinds;

/** An invalid field of a request: where it is (RFC 6901), and what is allowed. */
export interface FieldError {
  readonly pointer: string;
  readonly detail: string;
}

/**
 * What no text for people has: control characters, others that break a line, and those that do not show, among them the
 * ones that turn the direction of a text. Letters, digits, punctuation and symbols of every script are fit.
 */
const unfit = /(?:[^ \p{L}\p{M}\p{N}\p{P}\p{S}]|[\p{Default_Ignorable_Code_Point}\u2800])+/gu;

export const isFit = (text: string): boolean => text.search(unfit) < 0;

/**
 * A text that somebody else wrote, fit for people, for a line of a log and for the journal: of a bounded length, and
 * without characters that break a line or hide in it.
 */
export function printable(text: string, longest: number): string {
  // First the length: whatever comes after it takes no longer for a longer text.
  const bounded = text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
  return bounded.replace(unfit, ' ');
}

/** Most of a message: Preflight may have a long list. */
const longestMessage = 8_000;

/**
 * An error with a name from {@link errorKinds} and a message that says what happened, to which resource, and
 * what the reader can do. Whatever it quotes, it is {@link printable}.
 */
export class ServiceError extends Error {
  override readonly name: ErrorName;
  readonly fields: readonly FieldError[];
  /** The message for whoever made the only attempt that there is. */
  readonly messageOnce: string;
  /** The call was sent more than once, and the first may have taken effect. */
  readonly sentAgain: boolean;

  constructor(
    name: ErrorName,
    message: string,
    options: {
      cause?: unknown;
      fields?: readonly FieldError[];
      /** It may pass: whoever made the only attempt that there is may make another. */
      mayPass?: true;
      sentAgain?: boolean;
    } = {},
  ) {
    const said = printable(message, longestMessage);
    // Whether the state machine tries again, the function does not know: in its last attempt, nobody does.
    super(said, options.cause === undefined ? undefined : { cause: options.cause });
    this.messageOnce = options.mayPass ? `${said} Try again in a moment.` : said;
    this.sentAgain = options.sentAgain ?? false;
    this.name = name;
    this.fields = options.fields ?? [];
  }

  get retryable(): boolean {
    return errorKinds[this.name].retryable;
  }
}

/** True for names from {@link errorKinds}. */
export function isErrorName(name: string): name is ErrorName {
  return Object.hasOwn(errorKinds, name);
}

/** The HTTP status of an error that reaches the API. Without one it is our own fault: 500. */
export function statusOf(name: ErrorName): number {
  const kind: ErrorKind = errorKinds[name];
  return kind.status ?? 500;
}

/** The status of its problem document. Transient errors get 503, so that the caller's client tries again. */
export const problemStatus = (name: ErrorName): number => (errorKinds[name].retryable ? 503 : statusOf(name));

/** Whether the caller of the API sees the message although the status is 500. */
export function isTold(name: ErrorName): boolean {
  const kind: ErrorKind = errorKinds[name];
  return kind.told === true;
}

/** How many places a message names at most, and how long each may be. */
const longest = { places: 5, place: 60 } as const;

/**
 * Where a value violates its schema, for a message. Anybody may have written the keys: no value is quoted, and each
 * place is short and cannot forge a line of a log.
 */
export function placesOf({
  issues,
}: {
  readonly issues: readonly { readonly path: readonly PropertyKey[] }[];
}): string {
  const places = issues.slice(0, longest.places).map(({ path }) => {
    const place = path.map(String).join('.');
    return place.replace(/[^\x20-\x7e]+/g, ' ').slice(0, longest.place) || 'the whole value';
  });
  const more = issues.length - places.length;
  return `${places.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** The `type` of a problem document: a URI that never changes for an error name. */
export function problemType(name: ErrorName): string {
  const words = name
    .replace(/Error$/, '')
    .replace(/([a-z])([A-Z])/g, '$1-$2')
    .toLowerCase();
  return `urn:dataloop-cross-account:problem:${words}`;
}

/** Any thrown value as a ServiceError. Anything else becomes an `InternalError` with the value as its cause. */
export function toServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  const message =
    error instanceof Error ? `${error.name}: ${error.message}` : 'A value that is not an Error was thrown.';
  return new ServiceError('InternalError', message, { cause: error });
}

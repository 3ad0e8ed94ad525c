/**
 * Every error this service throws on purpose. The name is what Lambda reports as `errorType` and what the
 * state machines' Retry and Catch match, so it is a literal: a minified class name would never match.
 */
interface ErrorKind {
  /** One line for people; the `title` of the problem document. */
  readonly title: string;
  /** True where the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean;
  /** HTTP status where the API answers with this error itself. */
  readonly status?: number;
  /** True where the message of a fault of ours is for the caller, too: it holds nothing of what went wrong inside. */
  readonly told?: true;
}

export const errorKinds = {
  AwsUnavailableError: { title: 'AWS throttles or is briefly unavailable', retryable: true },
  AwsConflictError: { title: 'AWS is still busy with another change of the same resource', retryable: true },
  AwsNotYetConsistentError: { title: 'AWS does not yet see what was just created', retryable: true },
  AwsAccessDeniedError: { title: 'AWS refused the call', retryable: false },
  AwsQuotaExceededError: { title: 'An AWS quota is used up', retryable: false },
  AwsRequestRefusedError: { title: 'AWS refused the request', retryable: false },
  EarlierCallOpenError: {
    title: 'An earlier call of a step may still take effect',
    retryable: true,
  },
  WrongAccountError: {
    title: 'The service runs in another AWS account than it was deployed to',
    retryable: false,
  },
  BucketNameTakenError: { title: 'Bucket name is taken', retryable: false },
  PolicyNameTakenError: { title: 'Policy name is taken', retryable: false },
  RoleNameTakenError: { title: 'Role name is taken', retryable: false },
  KmsKeyNotUsableError: { title: 'The KMS key cannot be used', retryable: false },
  PrefixOverlapError: { title: 'Another integration reaches the same objects', retryable: false },
  BucketNotAdoptableError: { title: 'The bucket cannot be adopted as it is', retryable: false },
  RoleNotAdoptableError: { title: 'The role cannot be adopted as it is', retryable: false },
  IntegrationNotAdoptableError: {
    title: 'The integration at Dataloop cannot be adopted as it is',
    retryable: false,
  },
  DriverNameTakenError: { title: 'Driver name is taken', retryable: false },
  RoleChangedError: { title: 'The role was changed while it was being set up', retryable: false },
  PolicyChangedError: { title: 'A policy is not as the service wrote it', retryable: false },
  DataloopUnavailableError: { title: 'Dataloop does not answer', retryable: true },
  DataloopRateLimitError: { title: 'Dataloop asks to slow down', retryable: true },
  DataloopCredentialsError: { title: 'Dataloop does not accept the credentials', retryable: false },
  DataloopForbiddenError: { title: 'A role is missing at Dataloop', retryable: false },
  DataloopIntegrationLimitError: {
    title: "The organisation's cross-account integrations are used up",
    retryable: false,
  },
  DataloopNotFoundError: { title: 'Dataloop does not know this resource', retryable: false },
  DataloopRequestRefusedError: { title: 'Dataloop refused the request', retryable: false },
  DataloopAnswerError: { title: 'Dataloop answered in a shape that is not understood', retryable: false },
  IamUserNotIssuedError: { title: 'Dataloop has not issued the IAM user yet', retryable: true },
  IamUserTimeoutError: { title: 'Dataloop did not issue an IAM user in time', retryable: false },
  InvalidIamUserArnError: {
    title: 'Dataloop named something that is not a trustworthy IAM user',
    retryable: false,
  },
  OperatorAwaitedError: { title: 'An operator has not given the role to Dataloop yet', retryable: true },
  OperatorTimeoutError: { title: 'No operator gave the role to Dataloop in time', retryable: false },
  TrustNotEstablishedError: { title: 'Dataloop cannot assume the role', retryable: true },
  DriverTestFailedError: { title: 'Dataloop cannot use the bucket', retryable: true },
  StepTimeoutError: { title: 'A step did not end in time', retryable: false },
  StepCrashedError: { title: 'A step ended without an answer', retryable: false },
  ExecutionStoppedError: { title: 'The execution was stopped from outside', retryable: false },
  RemovalRequestedError: { title: 'Removal was requested while provisioning', retryable: false },
  IntegrationMovedOnError: {
    title: 'The integration is no longer in the state this step works in',
    retryable: false,
  },
  RecordDamagedError: {
    title: 'The journal holds something that the service did not write',
    retryable: false,
    status: 500,
    told: true,
  },
  InvalidInputError: {
    title: 'A function was called with something that it does not understand',
    retryable: false,
  },
  ResidueError: { title: 'A resource could not be removed', retryable: false },
  ConfigurationError: { title: 'The deployment is not configured', retryable: false, status: 500 },
  InternalError: { title: 'Something unexpected happened', retryable: false, status: 500 },
  InvalidRequestError: { title: 'The request is not valid', retryable: false, status: 400 },
  IntegrationNotFoundError: { title: 'No such integration', retryable: false, status: 404 },
  RouteNotFoundError: { title: 'No such resource', retryable: false, status: 404 },
  NameOrBucketTakenError: {
    title: 'Name or bucket is taken by another integration',
    retryable: false,
    status: 409,
  },
  IntegrationNotReadyError: { title: 'The integration is not ready', retryable: false, status: 409 },
  AccessFullError: {
    title: "No more buckets fit into the policies of the integration's role",
    retryable: false,
    status: 409,
  },
  DriverNotReadyError: { title: 'The driver is not ready', retryable: false, status: 409 },
  DriverNotFoundError: { title: 'No such driver', retryable: false, status: 404 },
  ForeignDriversError: {
    title: 'Drivers that somebody else made would lose their storage',
    retryable: false,
    status: 409,
  },
  DriversUnknownError: {
    title: 'Whether other drivers would lose their storage cannot be found out',
    retryable: true,
  },
  NothingAwaitedError: {
    title: 'The integration does not wait for this answer',
    retryable: false,
    status: 409,
  },
  RequestTooLargeError: { title: 'The request body is too large', retryable: false, status: 413 },
  UnsupportedMediaTypeError: { title: 'The request body is not JSON', retryable: false, status: 415 },
  IdempotencyKeyReusedError: {
    title: 'The idempotency key was used with another request',
    retryable: false,
    status: 422,
  },
  TryAgainError: { title: 'The service is briefly unavailable', retryable: true, status: 503 },
} as const satisfies Record<string, ErrorKind>;

export type ErrorName = keyof typeof errorKinds;

/** A field of a request that is not as it must be: where (RFC 6901) and what is allowed. */
export interface FieldError {
  readonly pointer: string;
  readonly detail: string;
}

/**
 * An error with a name from {@link errorKinds} and a message that says what happened, to which resource, and
 * what the reader can do.
 */
export class ServiceError extends Error {
  override readonly name: ErrorName;
  readonly fields: readonly FieldError[];

  constructor(
    name: ErrorName,
    message: string,
    options: { cause?: unknown; fields?: readonly FieldError[] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
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

/** The HTTP status of an error that reaches the API; anything without one is a fault of ours: 500. */
export function statusOf(name: ErrorName): number {
  const kind: ErrorKind = errorKinds[name];
  return kind.status ?? 500;
}

/** The status of its problem document. Whatever may pass by itself is said so: the caller's client then tries again. */
export const problemStatus = (name: ErrorName): number => (errorKinds[name].retryable ? 503 : statusOf(name));

/** Whether the message of a fault of ours is for the caller of the API, too. */
export function isTold(name: ErrorName): boolean {
  const kind: ErrorKind = errorKinds[name];
  return kind.told === true;
}

/** Longest list of places, and longest place, that a message names. */
const longest = { places: 5, place: 60 } as const;

/**
 * Where a value is not as its schema says, for a message. Keys may be anybody's words: no value is quoted, and a place is
 * short and cannot forge a line of a log.
 */
export function placesOf({
  issues,
}: {
  readonly issues: readonly { readonly path: readonly PropertyKey[] }[];
}): string {
  const places = issues.slice(0, longest.places).map(({ path }) => {
    const place = path.map(String).join('.');
    return place.replace(/[^\x20-\x7e]+/g, ' ').slice(0, longest.place) || 'the whole';
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

/** Any thrown value as a ServiceError; what is none of ours becomes `InternalError` with the value as its cause. */
export function toServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  const message =
    error instanceof Error ? `${error.name}: ${error.message}` : 'A value that is not an Error was thrown.';
  return new ServiceError('InternalError', message, { cause: error });
}

/** What every API function shares: body checked and bounded, answers in JSON, errors as RFC 9457 problems. */
import middy from '@middy/core';
import type { APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import * as z from 'zod';
import { withinLifetime } from '../deadline.ts';
import type { Problem } from '../domain/api/responses.ts';
import type { IdempotencyKey } from '../domain/lifecycle/start.ts';
import { maximumBodyBytes } from '../domain/model/request-size.ts';
import { errorKinds, isTold, problemStatus, problemType, ServiceError, toServiceError } from '../errors.ts';
import { parseInput } from './input.ts';
import { errorKeys, logger } from './log.ts';
import { endedByLambda } from './timeout.ts';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ApiRequest {
  /** A value from the path; empty where the route has none of that name. */
  path(name: string): string;
  /** A header by its lower-case name. */
  header(name: string): string | undefined;
  /** The parameters of the query; one that is given several times is one text, with commas. */
  query(): Readonly<Record<string, string>>;
  /** The body as JSON. @throws ServiceError for one that is too large, not JSON, or of another media type */
  json(): unknown;
  /** ARN of the caller, as IAM knows it. */
  caller(): string;
  /** The same for all sessions of a role. */
  owner(): string;
  /** The caller's key for this route, if one was sent: keys of other callers and routes do not meet it. */
  idempotencyKey(): IdempotencyKey | undefined;
  /** How long the function may still run. */
  remainingMilliseconds(): number;
}

const textsSchema = z
  .record(z.string(), z.string())
  .nullish()
  .transform((texts) => texts ?? {});

/** The event of an HTTP API, payload format 2.0, as far as it is read (API Gateway Developer Guide). */
const apiEventSchema = z.object({
  routeKey: z.string(),
  headers: textsSchema,
  pathParameters: textsSchema,
  queryStringParameters: textsSchema,
  body: z.string().nullish(),
  isBase64Encoded: z.boolean(),
  requestContext: z.object({
    requestId: z.string(),
    authorizer: z
      .object({ iam: z.object({ userArn: z.string().max(2_048).nullish() }).optional() })
      .optional(),
  }),
});
type ApiEvent = z.output<typeof apiEventSchema>;

/** A Lambda handler for one route of the HTTP API. @throws ServiceError for what does not come from API Gateway */
export function apiHandler(work: (request: ApiRequest) => Promise<Answer>) {
  return middy(async (input: unknown, context: Context): Promise<APIGatewayProxyStructuredResultV2> => {
    const event = parseInput(apiEventSchema, input, 'The event from API Gateway');
    const { requestId } = event.requestContext;
    logger.appendKeys({ requestId, routeKey: event.routeKey });
    try {
      const answer = await withinLifetime(context.getRemainingTimeInMillis(), () =>
        work(requestOf(event, context)),
      );
      return respond(answer.status, 'application/json', answer.body, answer.headers);
    } catch (thrown) {
      return problem(toServiceError(thrown), requestId);
    }
  }, endedByLambda);
}

function requestOf(event: ApiEvent, context: Context): ApiRequest {
  return {
    path: (name) => event.pathParameters[name] ?? '',
    header: (name) => event.headers[name],
    query: () => event.queryStringParameters,
    json: () => parseBody(event),
    caller: () => callerOf(event),
    owner: () => ownerOf(callerOf(event)),
    idempotencyKey: () => {
      const sent = event.headers['idempotency-key'];
      const key = sent && unquoted(sent.trim());
      return key === undefined ? undefined : { key, owner: `${event.routeKey} ${ownerOf(callerOf(event))}` };
    },
    remainingMilliseconds: () => context.getRemainingTimeInMillis(),
  };
}

const callerOf = ({ requestContext }: ApiEvent): string =>
  requestContext.authorizer?.iam?.userArn ?? 'unknown';

/** Sessions of a role are one caller: a request may be sent again with the next one. */
const ownerOf = (caller: string): string =>
  caller.includes(':assumed-role/') ? caller.slice(0, caller.lastIndexOf('/')) : caller;

/** A string as HTTP's structured fields quote it (RFC 9651) is the same key as without its quotes. */
const unquoted = (text: string): string =>
  /^"(?:[^"\\]|\\["\\])*"$/.test(text) ? text.slice(1, -1).replace(/\\(["\\])/g, '$1') : text;

const unsupported = (why: string) => new ServiceError('UnsupportedMediaTypeError', why);

/** @throws ServiceError `UnsupportedMediaTypeError` that says which header is in the way */
function checkMediaType({ headers }: ApiEvent): void {
  const [mediaType = '', ...parameters] = (headers['content-type'] ?? '')
    .split(';')
    .map((part) => part.trim().toLowerCase());
  if (mediaType !== 'application/json') {
    throw unsupported('Send the body as JSON, with Content-Type: application/json.');
  }
  const charset = parameters
    .find((each) => each.startsWith('charset='))
    ?.slice('charset='.length)
    .replaceAll('"', '');
  if (charset !== undefined && !['utf-8', 'utf8', 'us-ascii'].includes(charset)) {
    throw unsupported('Send the body in UTF-8. Content-Type names another charset.');
  }
  const encoding = headers['content-encoding']?.trim().toLowerCase();
  if (encoding && encoding !== 'identity') {
    throw unsupported('Send the body as it is, without Content-Encoding. The service unpacks nothing.');
  }
}

/** A byte order mark, which some editors and shells put before UTF-8, says nothing and goes. */
function textOf(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (error) {
    throw new ServiceError(
      'UnsupportedMediaTypeError',
      'The body is not UTF-8. If you sent it from a file, save that file as UTF-8.',
      { cause: error },
    );
  }
}

function parseBody(event: ApiEvent): unknown {
  checkMediaType(event);
  const body = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  if (body.byteLength > maximumBodyBytes) {
    throw new ServiceError(
      'RequestTooLargeError',
      `The request body has ${body.byteLength} bytes. Send at most ${maximumBodyBytes}.`,
    );
  }
  const text = textOf(body);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ServiceError('InvalidRequestError', 'The request body is not valid JSON.', { cause: error });
  }
}

function problem(error: ServiceError, requestId: string): APIGatewayProxyStructuredResultV2 {
  const status = problemStatus(error.name);
  if (status >= 500) logger.error('Request failed', errorKeys(error));
  else logger.info('Request refused', { errorName: error.name });
  const said =
    status !== 500 || isTold(error.name)
      ? error.messageOnce
      : `The service failed unexpectedly. Look for request ${requestId} in its logs.`;
  const body: Problem = {
    type: problemType(error.name),
    title: errorKinds[error.name].title,
    status,
    detail: said,
    ...(error.fields.length > 0 ? { errors: error.fields } : {}),
    requestId,
  };
  return respond(status, 'application/problem+json', body, retryAfter[status]);
}

/** Seconds, by status: a setup takes longer than a call. */
const retryAfter: Readonly<Record<number, Record<string, string>>> = {
  429: { 'retry-after': '30' },
  503: { 'retry-after': '5' },
};

function respond(
  statusCode: number,
  contentType: string,
  body: unknown,
  headers?: Readonly<Record<string, string>>,
): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode,
    headers: { 'content-type': contentType, 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(body),
  };
}

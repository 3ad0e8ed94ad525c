/** The OpenAPI 3.1 document of the API, made from the schemas that the code checks and answers with. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { projectRoot } from '../local/environment/paths.ts';
import {
  defaultLimit,
  type listQuerySchema,
  maximumLimit,
  removalQuerySchema,
} from '../src/domain/api/queries.ts';
import {
  addedDriverViewSchema,
  connectionTestSchema,
  driverTestSchema,
  gatewayMessageSchema,
  integrationListSchema,
  integrationSchema,
  planSchema,
  problemSchema,
} from '../src/domain/api/responses.ts';
import { driverRequestSchema } from '../src/domain/lifecycle/added-buckets.ts';
import { idempotencyKeySchema } from '../src/domain/lifecycle/start.ts';
import { addedBucketIdSchema, integrationIdSchema, statusSchema } from '../src/domain/model/record.ts';
import { maximumBodyBytes, requestSchema } from '../src/domain/model/request.ts';
import { confirmationSchema } from '../src/domain/waiting/operator.ts';
import { type ErrorName, errorKinds, isTold, problemStatus, problemType } from '../src/errors.ts';
import { errorCatalog, sample } from './error-catalog.ts';
import { examples } from './openapi-examples.ts';

const schemas = {
  IntegrationRequest: z.toJSONSchema(requestSchema, { io: 'input', unrepresentable: 'any' }),
  DriverRequest: z.toJSONSchema(driverRequestSchema, { io: 'input', unrepresentable: 'any' }),
  OperatorAnswer: z.toJSONSchema(confirmationSchema, { io: 'input' }),
  Integration: z.toJSONSchema(integrationSchema),
  IntegrationList: z.toJSONSchema(integrationListSchema),
  Driver: z.toJSONSchema(addedDriverViewSchema),
  Plan: z.toJSONSchema(planSchema),
  ConnectionTest: z.toJSONSchema(connectionTestSchema),
  DriverTest: z.toJSONSchema(driverTestSchema),
  Problem: z.toJSONSchema(problemSchema),
  GatewayMessage: z.toJSONSchema(gatewayMessageSchema, { io: 'input' }),
};
type SchemaName = keyof typeof schemas;

interface Operation {
  readonly method: 'get' | 'post' | 'delete';
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  /** Schema of the body; without one no body is read. */
  readonly body?: SchemaName;
  readonly headers?: readonly (keyof typeof headers)[];
  readonly query?: Readonly<Record<string, Parameter>>;
  readonly answer: {
    readonly status: 200 | 202;
    readonly schema: SchemaName;
    readonly example: unknown;
    /** Has the header Location: the path of this. */
    readonly location?: keyof typeof locations;
  };
  /** What it can refuse or fail with. The statuses follow from the names. */
  readonly errors: readonly ErrorName[];
}

interface Parameter {
  readonly description: string;
  readonly schema: z.ZodType;
}

/** The parameters that the code knows, as OpenAPI writes them; a list is one text, with commas. */
const listQuery: Readonly<Record<keyof typeof listQuerySchema.shape, Parameter>> = {
  status: { description: 'Only these.', schema: z.array(statusSchema) },
  limit: {
    description: 'How many a page has at most. It may have fewer although there are more.',
    schema: z.int().min(1).max(maximumLimit).default(defaultLimit),
  },
  nextToken: { description: 'From the page before.', schema: z.string().max(200) },
};

const removalQuery: Readonly<Record<keyof typeof removalQuerySchema.shape, Parameter>> = {
  force: {
    description:
      'true removes although drivers that this service did not make lose their storage. Those stay at Dataloop.',
    schema: removalQuerySchema.shape.force,
  },
};

const headers = {
  'Idempotency-Key': {
    description:
      'For 24 hours, the same key and body get the same answer and start nothing new. A UUID will do.',
    schema: idempotencyKeySchema,
  },
};

/** Whatever a request's body may be refused for. */
const bodyErrors = ['InvalidRequestError', 'RequestTooLargeError', 'UnsupportedMediaTypeError'] as const;
/** What the table or Step Functions may do to any call that needs them. */
const journalErrors = [
  'RecordDamagedError',
  'AwsAccessDeniedError',
  'AwsQuotaExceededError',
  'AwsRequestRefusedError',
  'ConfigurationError',
  'InternalError',
  'AwsUnavailableError',
  'AwsConflictError',
] as const;

/** Whatever else a `DELETE` may be refused for. */
const removalErrors = ['InvalidRequestError', 'ForeignDriversError', 'DriversUnknownError'] as const;

/** All of the API: an operation is one entry. */
export const operations: readonly Operation[] = [
  {
    method: 'post',
    path: '/integrations',
    operationId: 'createIntegration',
    summary: 'Connects a bucket',
    description:
      'Starts a provisioning and answers at once. The same request again, while that integration stands, gets that integration.',
    headers: ['Idempotency-Key'],
    body: 'IntegrationRequest',
    answer: { status: 202, schema: 'Integration', example: examples.begun, location: 'integration' },
    errors: [
      ...bodyErrors,
      'NameOrBucketTakenError',
      'IdempotencyKeyReusedError',
      'TryAgainError',
      ...journalErrors,
    ],
  },
  {
    method: 'get',
    path: '/integrations',
    operationId: 'listIntegrations',
    summary: 'All integrations by pages, newest first',
    query: listQuery,
    answer: { status: 200, schema: 'IntegrationList', example: examples.list },
    errors: ['InvalidRequestError', ...journalErrors],
  },
  {
    method: 'get',
    path: '/integrations/{integrationId}',
    operationId: 'getIntegration',
    summary: 'How far an integration is',
    answer: { status: 200, schema: 'Integration', example: examples.ready },
    errors: ['IntegrationNotFoundError', ...journalErrors],
  },
  {
    method: 'delete',
    path: '/integrations/{integrationId}',
    operationId: 'deleteIntegration',
    summary: 'Disconnects',
    description:
      'Removes what is ready or left over, drivers that were added included; stops and rolls back what is still provisioning. ' +
      'Sent again, it changes nothing.',
    query: removalQuery,
    answer: { status: 202, schema: 'Integration', example: examples.removing, location: 'integration' },
    errors: ['IntegrationNotFoundError', ...removalErrors, ...journalErrors],
  },
  {
    method: 'post',
    path: '/integrations/{integrationId}/iam-user',
    operationId: 'confirmIamUser',
    summary: 'What an operator did at Dataloop',
    description:
      'For a request with "createdBy": "operator". The integration\'s `action` says what is awaited: first `userArn` alone, then `dataloopIntegrationId` with it.',
    body: 'OperatorAnswer',
    answer: { status: 202, schema: 'Integration', example: examples.awaiting, location: 'integration' },
    errors: [...bodyErrors, 'IntegrationNotFoundError', 'NothingAwaitedError', ...journalErrors],
  },
  {
    method: 'post',
    path: '/integrations/{integrationId}/test',
    operationId: 'testIntegration',
    summary: 'Looks at each part of a connection that is ready, now',
    description: 'Changes nothing. A check that cannot be made has failed, and says why.',
    answer: { status: 200, schema: 'ConnectionTest', example: examples.connectionTest },
    errors: ['IntegrationNotFoundError', 'IntegrationNotReadyError', ...journalErrors],
  },
  {
    method: 'post',
    path: '/integrations/{integrationId}/drivers',
    operationId: 'addDriver',
    summary: 'Connects one more bucket over an integration that is ready',
    description:
      'Starts the making of bucket, permissions and driver, and answers at once. The same request again, while that driver stands, gets that driver.',
    headers: ['Idempotency-Key'],
    body: 'DriverRequest',
    answer: { status: 202, schema: 'Driver', example: examples.driverBegun, location: 'driver' },
    errors: [
      ...bodyErrors,
      'IntegrationNotFoundError',
      'IntegrationNotReadyError',
      'AccessFullError',
      'NameOrBucketTakenError',
      'IdempotencyKeyReusedError',
      'TryAgainError',
      ...journalErrors,
    ],
  },
  {
    method: 'get',
    path: '/integrations/{integrationId}/drivers/{driverId}',
    operationId: 'getDriver',
    summary: 'How far a driver is that was added',
    answer: { status: 200, schema: 'Driver', example: examples.driverReady },
    errors: ['DriverNotFoundError', ...journalErrors],
  },
  {
    method: 'post',
    path: '/integrations/{integrationId}/drivers/{driverId}/test',
    operationId: 'testDriver',
    summary: 'Looks at each part of a driver that was added and is ready, now',
    description:
      'Changes nothing. The role and what Dataloop says of it are tested with the integration. A check that cannot be made has failed, and says why.',
    answer: { status: 200, schema: 'DriverTest', example: examples.driverTest },
    errors: ['DriverNotFoundError', 'DriverNotReadyError', ...journalErrors],
  },
  {
    method: 'delete',
    path: '/integrations/{integrationId}/drivers/{driverId}',
    operationId: 'deleteDriver',
    summary: 'Takes a driver away that was added, with its permissions and its bucket if that is empty',
    description:
      'Removes what is ready or left over; stops and rolls back what is still being made. Sent again, it changes nothing.',
    query: removalQuery,
    answer: { status: 202, schema: 'Driver', example: examples.driverRemoving, location: 'driver' },
    errors: ['DriverNotFoundError', ...removalErrors, ...journalErrors],
  },
  {
    method: 'post',
    path: '/plans',
    operationId: 'planIntegration',
    summary: 'What a request would make, and everything that is in its way',
    description: 'Writes nothing. What cannot be looked at is a finding, not an error of this call.',
    body: 'IntegrationRequest',
    answer: { status: 200, schema: 'Plan', example: examples.plan },
    errors: [...bodyErrors, 'ConfigurationError', 'InternalError'],
  },
];

const ref = (name: SchemaName) => ({ $ref: `#/components/schemas/${name}` });

const patternOf = (schema: z.ZodType): string =>
  z.object({ pattern: z.string() }).parse(z.toJSONSchema(schema)).pattern;

const pathParameters = { integrationId: integrationIdSchema, driverId: addedBucketIdSchema };

/** Where Location leads. */
const locations = {
  integration: '/integrations/{integrationId}',
  driver: '/integrations/{integrationId}/drivers/{driverId}',
} as const;

/** The pattern of a path, with those of its parameters. */
const patternOfPath = (path: string): string =>
  Object.entries(pathParameters).reduce(
    (pattern, [name, schema]) => pattern.replace(`{${name}}`, patternOf(schema).replaceAll(/[$^]/g, '')),
    `^${path}$`,
  );

function responseHeaders(names: { location?: keyof typeof locations; retryAfter?: boolean }) {
  const Location = names.location && {
    description: `Path of the ${names.location}.`,
    required: true,
    schema: { type: 'string', pattern: patternOfPath(locations[names.location]) },
  };
  const RetryAfter = {
    description: 'Seconds after which to send the request again.',
    required: true,
    schema: { type: 'integer', minimum: 1 },
  };
  return {
    ...(Location ? { Location } : {}),
    ...(names.retryAfter ? { 'Retry-After': RetryAfter } : {}),
  };
}

/** Answered before any function is called. */
const gatewayAnswers = {
  403: {
    description: 'API Gateway: the call is not signed, or IAM does not allow it.',
    message: 'Forbidden',
  },
  429: {
    description: 'API Gateway: more calls than the deployment takes (apiRequestsPerSecond, apiBurst).',
    message: 'Too Many Requests',
  },
};

const gatewayContent = (message: string) => ({
  'application/json': { schema: ref('GatewayMessage'), example: { message } },
});

/** Problems of one status, and what API Gateway says itself where a function does not answer. */
function problemAnswer(status: number, names: readonly ErrorName[]): object {
  const problem = {
    schema: {
      ...ref('Problem'),
      type: 'object',
      properties: { type: { enum: names.map(problemType) }, status: { const: status } },
    },
    examples: Object.fromEntries(
      names.flatMap((name) => {
        // The details of our own faults stay in the logs.
        const isShown = status !== 500 || isTold(name) || name === 'InternalError';
        if (!isShown) return [];
        const { detail, errors } = errorCatalog[name];
        const value = {
          type: problemType(name),
          title: errorKinds[name].title,
          status,
          detail,
          ...(errors ? { errors } : {}),
          requestId: sample.requestId,
        };
        return [[name, { value }]];
      }),
    ),
  };
  return {
    description: names.map((name) => errorKinds[name].title).join('; '),
    ...(status === 503 ? { headers: responseHeaders({ retryAfter: true }) } : {}),
    content: {
      'application/problem+json': problem,
      ...(status === 500 ? gatewayContent('Internal Server Error') : {}),
    },
  };
}

function responses({ answer, errors }: Operation): Record<string, object> {
  const byStatus = new Map<number, ErrorName[]>();
  for (const name of errors) {
    const status = problemStatus(name);
    byStatus.set(status, [...(byStatus.get(status) ?? []), name]);
  }
  return {
    [answer.status]: {
      description: answer.status === 202 ? 'Begun: ask Location how far it is.' : 'As it is now.',
      ...(answer.location ? { headers: responseHeaders({ location: answer.location }) } : {}),
      content: { 'application/json': { schema: ref(answer.schema), example: answer.example } },
    },
    ...Object.fromEntries(
      Object.entries(gatewayAnswers).map(([status, { description, message }]) => [
        status,
        { description, content: gatewayContent(message) },
      ]),
    ),
    ...Object.fromEntries(
      [...byStatus].map(([status, names]) => [String(status), problemAnswer(status, names)]),
    ),
  };
}

const withoutDialect = ({ $schema, ...schema }: Record<string, unknown>) => schema;

const parameter = (where: 'header' | 'query', name: string, { description, schema }: Parameter) => ({
  name,
  in: where,
  required: false,
  description,
  schema: withoutDialect(z.toJSONSchema(schema, { io: 'input' })),
});

function parameters(operation: Operation): object[] {
  const inPath = Object.entries(pathParameters)
    .filter(([name]) => operation.path.includes(`{${name}}`))
    .map(([name, schema]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string', pattern: patternOf(schema) },
    }));
  const inHeader = (operation.headers ?? []).map((name) => parameter('header', name, headers[name]));
  const inQuery = Object.entries(operation.query ?? {}).map(([name, each]) => ({
    ...parameter('query', name, each),
    explode: false,
  }));
  return [...inPath, ...inHeader, ...inQuery];
}

const bodyExamples: Partial<Record<SchemaName, object>> = {
  IntegrationRequest: { smallest: { value: examples.smallest }, full: { value: examples.full } },
  DriverRequest: { smallest: { value: examples.driverSmallest }, full: { value: examples.driverFull } },
  OperatorAnswer: { user: { value: examples.operatorAnswer } },
};

function requestBody(name: SchemaName): object {
  return {
    required: true,
    description: `At most ${maximumBodyBytes} bytes.`,
    content: {
      'application/json': {
        schema: ref(name),
        examples: bodyExamples[name],
      },
    },
  };
}

const packageSchema = z.object({ version: z.string(), description: z.string(), license: z.string() });

export function openApiDocument() {
  const { version, description, license } = packageSchema.parse(
    JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')),
  );
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) {
    const { method, path, operationId, summary, body } = operation;
    paths[path] = {
      ...paths[path],
      [method]: {
        operationId,
        summary,
        ...(operation.description ? { description: operation.description } : {}),
        parameters: parameters(operation),
        ...(body ? { requestBody: requestBody(body) } : {}),
        responses: responses(operation),
      },
    };
  }
  return {
    openapi: '3.1.1',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: {
      title: 'dataloop-cross-account',
      version,
      description,
      license: { name: license, identifier: license },
    },
    servers: [
      {
        url: 'https://{apiId}.execute-api.{region}.amazonaws.com',
        description: 'The URL that serverless deploy prints.',
        variables: { apiId: { default: 'abcdef1234' }, region: { default: 'eu-west-1' } },
      },
    ],
    security: [{ sigv4: [] }],
    paths,
    components: {
      schemas: Object.fromEntries(
        Object.entries(schemas).map(([name, schema]) => [name, withoutDialect({ ...schema })]),
      ),
      securitySchemes: {
        sigv4: {
          type: 'apiKey',
          name: 'Authorization',
          in: 'header',
          description:
            'AWS Signature Version 4 for the service execute-api; the caller needs execute-api:Invoke.',
          'x-amazon-apigateway-authtype': 'awsSigv4',
        },
      },
    },
  };
}

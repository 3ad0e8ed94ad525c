/** The OpenAPI 3.1 document of the API, from the schemas that the code uses for requests and answers. */
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
  removalPlanSchema,
} from '../src/domain/api/responses.ts';
import { idempotencyKeySchema } from '../src/domain/lifecycle/start.ts';
import { addedBucketIdSchema, integrationIdSchema } from '../src/domain/model/ids.ts';
import { statusSchema } from '../src/domain/model/record.ts';
import { driverRequestSchema, requestSchema } from '../src/domain/model/request.ts';
import { maximumBodyBytes } from '../src/domain/model/request-size.ts';
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
  RemovalPlan: z.toJSONSchema(removalPlanSchema),
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
  /** Schema of the body; undefined: the operation reads no body. */
  readonly body?: SchemaName;
  readonly headers?: readonly (keyof typeof headers)[];
  readonly query?: Readonly<Record<string, Parameter>>;
  readonly answer: {
    readonly status: 200 | 202;
    readonly schema: SchemaName;
    readonly example: unknown;
    /** The header Location leads to this. */
    readonly location?: keyof typeof locations;
  };
  /** Errors that it can answer with. The statuses follow from the names. */
  readonly errors: readonly ErrorName[];
}

interface Parameter {
  readonly description: string;
  readonly schema: z.ZodType;
}

/** The parameters that the code reads, in OpenAPI's form; a list is one text with commas. */
const listQuery: Readonly<Record<keyof typeof listQuerySchema.shape, Parameter>> = {
  status: { description: 'Only integrations in one of these statuses.', schema: z.array(statusSchema) },
  limit: {
    description: 'Largest number of integrations on a page. A page may hold fewer although there are more.',
    schema: z.int().min(1).max(maximumLimit).default(defaultLimit),
  },
  nextToken: {
    description: 'From the page before, exactly as returned. Omit it for the first page.',
    schema: z.string().max(200),
  },
};

const removalQuery: Readonly<Record<keyof typeof removalQuerySchema.shape, Parameter>> = {
  force: {
    description:
      '"true" removes even if drivers that this service did not create lose their storage. They stay at Dataloop.',
    schema: removalQuerySchema.shape.force,
  },
  keepBucket: {
    description:
      '"true" keeps the created bucket, of an integration also those of its added drivers: our tag and our bucket policy are ' +
      'removed, and `released` names the bucket. "false" takes that back. Omitted: what an earlier DELETE said holds. An ' +
      'adopted bucket stays in any case.',
    schema: removalQuerySchema.shape.keepBucket,
  },
};

const headers = {
  'Idempotency-Key': {
    description:
      'For 24 hours, the same key with the same body gets the same integration, as it is now, and starts nothing new. Use a UUID, for example.',
    schema: idempotencyKeySchema,
  },
};

/** Errors of a request's body. */
const bodyErrors = ['InvalidRequestError', 'RequestTooLargeError', 'UnsupportedMediaTypeError'] as const;
/** Errors of any operation that uses the table or Step Functions. */
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

/** Further errors of a `DELETE`. */
const removalErrors = [
  'InvalidRequestError',
  'ForeignDriversError',
  'DriversUnknownError',
  'DatasetsInUseError',
  'DatasetsUnknownError',
] as const;

/** The whole API, one entry for each operation. */
export const operations: readonly Operation[] = [
  {
    method: 'post',
    path: '/integrations',
    operationId: 'createIntegration',
    summary: 'Connects a bucket',
    description:
      'Starts the setup and answers at once. Sent again while that integration exists, the same request gets that integration.',
    headers: ['Idempotency-Key'],
    body: 'IntegrationRequest',
    answer: { status: 202, schema: 'Integration', example: examples.begun, location: 'integration' },
    errors: [
      ...bodyErrors,
      'NameOrBucketTakenError',
      'IdempotencyKeyReusedError',
      'TooManyOpenError',
      'TryAgainError',
      ...journalErrors,
    ],
  },
  {
    method: 'get',
    path: '/integrations',
    operationId: 'listIntegrations',
    summary: 'Lists integrations, newest first',
    query: listQuery,
    answer: { status: 200, schema: 'IntegrationList', example: examples.list },
    errors: ['InvalidRequestError', ...journalErrors],
  },
  {
    method: 'get',
    path: '/integrations/{integrationId}',
    operationId: 'getIntegration',
    summary: 'Shows an integration and its progress',
    answer: { status: 200, schema: 'Integration', example: examples.ready },
    errors: ['IntegrationNotFoundError', ...journalErrors],
  },
  {
    method: 'delete',
    path: '/integrations/{integrationId}',
    operationId: 'deleteIntegration',
    summary: 'Disconnects a bucket',
    description:
      'Removes an integration that is `ready` or `residue`, with its added drivers. Stops and rolls back one that is `provisioning`. ' +
      'Sending it again changes nothing. `?keepBucket=true` keeps the bucket and what is in it.',
    query: removalQuery,
    answer: { status: 202, schema: 'Integration', example: examples.removing, location: 'integration' },
    errors: ['IntegrationNotFoundError', ...removalErrors, ...journalErrors],
  },
  {
    method: 'post',
    path: '/integrations/{integrationId}/removal-plan',
    operationId: 'planRemoval',
    summary: 'Shows what DELETE would take away, and what is in its way',
    description: 'Changes nothing. A check that cannot be made is a finding, not an error of this call.',
    answer: { status: 200, schema: 'RemovalPlan', example: examples.removalPlan },
    errors: ['IntegrationNotFoundError', ...journalErrors],
  },
  {
    method: 'post',
    path: '/integrations/{integrationId}/iam-user',
    operationId: 'confirmIamUser',
    summary: 'Reports what the operator did at Dataloop',
    description:
      'For requests with "createdBy": "operator". `action` of the integration says what to send: first `userArn` alone, later `userArn` with `dataloopIntegrationId`. Until the wait ends, a wrong value can be corrected.',
    body: 'OperatorAnswer',
    answer: { status: 202, schema: 'Integration', example: examples.awaiting, location: 'integration' },
    errors: [
      ...bodyErrors,
      'IntegrationNotFoundError',
      'NothingAwaitedError',
      'TryAgainError',
      ...journalErrors,
    ],
  },
  {
    method: 'post',
    path: '/integrations/{integrationId}/test',
    operationId: 'testIntegration',
    summary: 'Tests each part of a ready connection now',
    description: 'Changes nothing. A check that cannot be made counts as failed and says why.',
    answer: { status: 200, schema: 'ConnectionTest', example: examples.connectionTest },
    errors: ['IntegrationNotFoundError', 'IntegrationNotReadyError', ...journalErrors],
  },
  {
    method: 'post',
    path: '/integrations/{integrationId}/drivers',
    operationId: 'addDriver',
    summary: 'Connects one more bucket through a ready integration',
    description:
      'Starts to create bucket, permissions and driver, and answers at once. Sent again while that driver exists, the same request gets that driver.',
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
    summary: 'Shows an added driver and its progress',
    answer: { status: 200, schema: 'Driver', example: examples.driverReady },
    errors: ['DriverNotFoundError', ...journalErrors],
  },
  {
    method: 'post',
    path: '/integrations/{integrationId}/drivers/{driverId}/test',
    operationId: 'testDriver',
    summary: 'Tests each part of an added driver now',
    description:
      'Changes nothing. The test of the integration covers the role and its trust. A check that cannot be made counts as failed and says why.',
    answer: { status: 200, schema: 'DriverTest', example: examples.driverTest },
    errors: ['DriverNotFoundError', 'DriverNotReadyError', ...journalErrors],
  },
  {
    method: 'post',
    path: '/integrations/{integrationId}/drivers/{driverId}/removal-plan',
    operationId: 'planDriverRemoval',
    summary: 'Shows what DELETE of an added driver would take away, and what is in its way',
    description: 'Changes nothing. A check that cannot be made is a finding, not an error of this call.',
    answer: { status: 200, schema: 'RemovalPlan', example: examples.driverRemovalPlan },
    errors: ['IntegrationNotFoundError', 'DriverNotFoundError', ...journalErrors],
  },
  {
    method: 'delete',
    path: '/integrations/{integrationId}/drivers/{driverId}',
    operationId: 'deleteDriver',
    summary: 'Removes an added driver with its permissions, and its bucket if that is empty',
    description:
      'Removes a driver that is `ready` or `residue`. Stops and rolls back one that is `provisioning`. Sending it again changes ' +
      'nothing. `?keepBucket=true` keeps the bucket and what is in it.',
    query: removalQuery,
    answer: { status: 202, schema: 'Driver', example: examples.driverRemoving, location: 'driver' },
    errors: ['DriverNotFoundError', ...removalErrors, ...journalErrors],
  },
  {
    method: 'post',
    path: '/plans',
    operationId: 'planIntegration',
    summary: 'Shows what a request would create, and all blocking issues',
    description: 'Writes nothing. A check that cannot be made is a finding, not an error of this call.',
    body: 'IntegrationRequest',
    answer: { status: 200, schema: 'Plan', example: examples.plan },
    errors: [...bodyErrors, 'ConfigurationError', 'InternalError'],
  },
];

const ref = (name: SchemaName) => ({ $ref: `#/components/schemas/${name}` });

const patternOf = (schema: z.ZodType): string =>
  z.object({ pattern: z.string() }).parse(z.toJSONSchema(schema)).pattern;

const pathParameters = { integrationId: integrationIdSchema, driverId: addedBucketIdSchema };

/** Targets of the header Location. */
const locations = {
  integration: '/integrations/{integrationId}',
  driver: '/integrations/{integrationId}/drivers/{driverId}',
} as const;

/** The pattern of a path with its parameters. */
const patternOfPath = (path: string): string =>
  Object.entries(pathParameters).reduce(
    (pattern, [name, schema]) => pattern.replace(`{${name}}`, patternOf(schema).replaceAll(/[$^]/g, '')),
    `^${path}$`,
  );

function responseHeaders(names: { location?: keyof typeof locations; retryAfter?: { required: boolean } }) {
  const Location = names.location && {
    description: `Path of the ${names.location}.`,
    required: true,
    schema: { type: 'string', pattern: patternOfPath(locations[names.location]) },
  };
  const RetryAfter = {
    description: 'Wait this many seconds before you send the request again.',
    ...names.retryAfter,
    schema: { type: 'integer', minimum: 1 },
  };
  return {
    ...(Location ? { Location } : {}),
    ...(names.retryAfter ? { 'Retry-After': RetryAfter } : {}),
  };
}

/** Answers before any function is called. */
const gatewayAnswers = {
  403: {
    description: 'API Gateway: the call is not signed, or IAM does not allow it.',
    message: 'Forbidden',
  },
  429: {
    description:
      'API Gateway: more calls than the deployment allows (apiRequestsPerSecond, apiBurst, looksPerSecond).',
    message: 'Too Many Requests',
  },
};

const gatewayContent = (message: string) => ({
  'application/json': { schema: ref('GatewayMessage'), example: { message } },
});

/** Problems of one status, and the answer of API Gateway itself if a function does not answer. */
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
    description: [
      ...names.map((name) => errorKinds[name].title),
      ...(status === 429 ? [gatewayAnswers[429].description] : []),
    ].join('; '),
    // API Gateway sends no such header.
    ...(status === 429 ? { headers: responseHeaders({ retryAfter: { required: false } }) } : {}),
    ...(status === 503 ? { headers: responseHeaders({ retryAfter: { required: true } }) } : {}),
    content: {
      'application/problem+json': problem,
      ...(status === 429 ? gatewayContent(gatewayAnswers[429].message) : {}),
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
      description: answer.status === 202 ? 'Started. Follow its progress at Location.' : 'The current state.',
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

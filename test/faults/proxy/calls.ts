/** Which call is it? Service and operation of a request, and which attempt of which call of the SDK. */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import * as z from 'zod';
import { s3Operation } from './s3-operations.ts';

/** `unknown`: signed for a service that nothing here should call; it is forwarded and seen in the record. */
export const serviceSchema = z.enum([
  'iam',
  's3',
  'sts',
  'kms',
  'dynamodb',
  'states',
  'events',
  'sqs',
  'secretsmanager',
  'dataloop',
  'unknown',
]);
export type Service = z.infer<typeof serviceSchema>;

/** One request, its body read to the end. */
export interface HttpRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Call {
  readonly service: Service;
  /** `iam:CreateRole`, `dataloop:DELETE /drivers/{id}`; `SERVICE:unknown METHOD URL` where it cannot be told. */
  readonly operation: string;
  /** The same for all attempts that the SDK makes of one call. */
  readonly logicalCall: string;
  /** Attempt of the SDK, from 1 on. */
  readonly attempt: number;
}

export type Identify = (request: HttpRequest) => Call;

/** A call to AWS, by its signature, its target and the headers of the SDK. */
export const identifyAwsCall: Identify = (request) => {
  const { headers } = request;
  if (isAnswer(request)) {
    return { service: 's3', operation: 's3:PutAnswer', logicalCall: randomUUID(), attempt: 1 };
  }
  const signedFor = signedService(headers.authorization);
  const known = serviceSchema.safeParse(signedFor);
  const service = known.success ? known.data : 'unknown';
  const name = operationName(service, request) ?? `unknown ${request.method} ${request.url}`;
  return {
    service,
    operation: known.success ? `${service}:${name}` : `unknown:${signedFor ?? 'unsigned'}:${name}`,
    logicalCall: header(headers, 'amz-sdk-invocation-id') ?? randomUUID(),
    attempt: Number(/attempt=(\d+)/.exec(header(headers, 'amz-sdk-request') ?? '')?.[1] ?? 1),
  };
};

/** The answer to CloudFormation, which AWS takes as a presigned PUT to S3. */
const isAnswer = ({ method, url }: HttpRequest): boolean =>
  method === 'PUT' && url.startsWith('/_ministack/cfn-response/');

/** A call to Dataloop. Its client says nothing of its own retries: every request is a call. */
export const identifyDataloopCall: Identify = ({ method, url }) => ({
  service: 'dataloop',
  operation: `dataloop:${dataloopOperation(method, url)}`,
  logicalCall: randomUUID(),
  attempt: 1,
});

const header = (headers: IncomingHttpHeaders, name: string): string | undefined =>
  [headers[name] ?? []].flat()[0];

/** Service in the scope of the signature: `Credential=KEY/DATE/REGION/SERVICE/aws4_request`. */
const signedService = (authorization = ''): string | undefined =>
  /Credential=[^/]+\/[^/]+\/[^/]+\/([^/]+)\/aws4_request/.exec(authorization)?.[1];

function operationName(service: Service, request: HttpRequest): string | undefined {
  switch (service) {
    case 's3':
      return s3Operation(request.method, request.url);
    case 'iam':
    case 'sts':
      return new URLSearchParams(request.body.toString('utf8')).get('Action') ?? undefined;
    default:
      return header(request.headers, 'x-amz-target')?.split('.').at(-1);
  }
}

/** Paths below the API's base, and the log-in beside it, as src/clients/dataloop/client.ts calls them. */
const dataloopPaths = [
  '/token',
  '/projects/{id}',
  '/orgs/{id}/integrations',
  '/orgs/{id}/integrations/{id}',
  '/drivers',
  // Before `/drivers/{id}`, which it would be taken for.
  '/drivers/test',
  '/drivers/{id}',
  '/drivers/{id}/test',
  '/drivers/byIntegration/{id}',
  '/datasets/query',
].map((template) => ({
  template,
  pattern: new RegExp(`^(?:/api/v\\d+)?${template.replaceAll('{id}', '[^/]+')}$`),
}));

function dataloopOperation(method: string, url: string): string {
  const [path = ''] = url.split('?');
  const known = dataloopPaths.find(({ pattern }) => pattern.test(path));
  return known ? `${method} ${known.template}` : `unknown ${method} ${path}`;
}

/** Error answers as the SDK, or the Dataloop client, understands them. */
import type { OutgoingHttpHeaders } from 'node:http';
import type { HttpRequest, Service } from './calls.ts';

export interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

/** An error by name. */
export interface NamedError {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

const error = (status: number, code: string, message: string): NamedError => ({ status, code, message });

const throttling = error(400, 'ThrottlingException', 'Rate exceeded');
const queryThrottling = error(400, 'Throttling', 'Rate exceeded');
const throttled: Record<Service, NamedError> = {
  iam: queryThrottling,
  sts: queryThrottling,
  kms: throttling,
  s3: error(503, 'SlowDown', 'Please reduce your request rate.'),
  dynamodb: error(
    400,
    'ProvisionedThroughputExceededException',
    'The level of configured provisioned throughput for the table was exceeded.',
  ),
  states: throttling,
  events: throttling,
  sqs: throttling,
  secretsmanager: throttling,
  dataloop: error(429, 'TooManyRequests', 'Too many requests'),
  unknown: throttling,
};

const serviceUnavailable = error(503, 'ServiceUnavailable', 'The service is temporarily unavailable.');
const internal = (code: string) => error(500, code, 'An internal error occurred.');
const unavailable: Record<Service, NamedError> = {
  iam: serviceUnavailable,
  sts: serviceUnavailable,
  kms: internal('KMSInternalException'),
  s3: serviceUnavailable,
  dynamodb: internal('InternalServerError'),
  states: serviceUnavailable,
  events: internal('InternalException'),
  sqs: serviceUnavailable,
  secretsmanager: internal('InternalServiceError'),
  dataloop: serviceUnavailable,
  unknown: serviceUnavailable,
};

const accessDenied = error(403, 'AccessDenied', 'Access Denied');
/** Services that speak JSON refuse with 400 (their "Common Errors"). */
const accessDeniedException = error(400, 'AccessDeniedException', 'You are not authorized to do this.');
const refused: Record<Service, NamedError> = {
  iam: accessDenied,
  sts: accessDenied,
  kms: accessDeniedException,
  s3: accessDenied,
  dynamodb: accessDeniedException,
  states: accessDeniedException,
  events: accessDeniedException,
  sqs: accessDeniedException,
  secretsmanager: accessDeniedException,
  dataloop: error(403, 'Forbidden', 'Forbidden: the user lacks a role'),
  unknown: accessDeniedException,
};

export const throttledBy = (service: Service): NamedError => throttled[service];
export const unavailableAt = (service: Service): NamedError => unavailable[service];
export const refusedBy = (service: Service): NamedError => refused[service];

/** An error in the form of the service. To HEAD, Node sends the headers alone. */
export function errorAnswer(service: Service, request: HttpRequest, failed: NamedError): Answer {
  const { type, text } = encoded(service, request, failed);
  const body = Buffer.from(text);
  return {
    status: failed.status,
    headers: {
      'content-type': type,
      'content-length': body.length,
      'x-amzn-requestid': 'fault-proxy',
      // At once: the wait is the client's to choose.
      ...(failed.status === 429 ? { 'retry-after': '0' } : {}),
    },
    body,
  };
}

function encoded(service: Service, request: HttpRequest, { status, code, message }: NamedError) {
  switch (service) {
    case 'iam':
    case 'sts': {
      const type = status < 500 ? 'Sender' : 'Receiver';
      const inner = `<Type>${type}</Type><Code>${xml(code)}</Code><Message>${xml(message)}</Message>`;
      return {
        type: 'text/xml',
        text: `<ErrorResponse><Error>${inner}</Error><RequestId>fault-proxy</RequestId></ErrorResponse>`,
      };
    }
    case 's3':
      return {
        type: 'application/xml',
        text: `<Error><Code>${xml(code)}</Code><Message>${xml(message)}</Message></Error>`,
      };
    case 'dataloop':
      return { type: 'application/json', text: JSON.stringify({ message }) };
    default:
      return {
        type: request.headers['content-type'] ?? 'application/x-amz-json-1.0',
        text: JSON.stringify({ __type: code, message }),
      };
  }
}

const xml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

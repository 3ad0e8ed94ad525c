import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import * as z from 'zod';
import { maximumBodyBytes } from '../../../src/domain/model/request-size.ts';
import { ServiceError } from '../../../src/errors.ts';
import { type ApiRequest, apiHandler } from '../../../src/runtime/api.ts';
import { logger } from '../../../src/runtime/log.ts';
import { endingContext, lambdaContext, outlastingContext } from './lambda-context.ts';

const errorLog = jest.spyOn(logger, 'error');
const infoLog = jest.spyOn(logger, 'info');
beforeEach(() => {
  errorLog.mockReset().mockReturnValue(undefined);
  infoLog.mockReset().mockReturnValue(undefined);
});

/** A request as API Gateway hands it on. */
function eventOf(more: Partial<APIGatewayProxyEventV2> = {}): APIGatewayProxyEventV2 {
  return {
    version: '2.0',
    routeKey: 'POST /integrations',
    rawPath: '/integrations',
    rawQueryString: '',
    headers: { 'content-type': 'application/json' },
    requestContext: {
      accountId: '111111111111',
      apiId: 'api',
      domainName: 'api.example',
      domainPrefix: 'api',
      http: {
        method: 'POST',
        path: '/integrations',
        protocol: 'HTTP/1.1',
        sourceIp: '192.0.2.1',
        userAgent: 'x',
      },
      requestId: 'request-1',
      routeKey: 'POST /integrations',
      stage: '$default',
      time: '23/Nov/2026:00:00:00 +0000',
      timeEpoch: 1_795_392_000_000,
    },
    isBase64Encoded: false,
    ...more,
  };
}

const answerTo = (
  work: (request: ApiRequest) => unknown,
  more: Partial<APIGatewayProxyEventV2> = {},
): Promise<APIGatewayProxyStructuredResultV2> =>
  apiHandler(async (request) => ({ status: 200, body: await work(request) }))(eventOf(more), lambdaContext);

const problemSchema = z.strictObject({
  type: z.string().startsWith('urn:'),
  title: z.string().min(1),
  status: z.number(),
  detail: z.string().min(1),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
  requestId: z.string(),
});

/** The problem document that a handler answers with when its work throws. */
async function problemOf(thrown: unknown) {
  const answer = await answerTo(() => Promise.reject(thrown));
  const document = problemSchema.parse(JSON.parse(answer.body ?? ''));
  expect(answer.headers?.['content-type']).toBe('application/problem+json');
  expect(answer.statusCode).toBe(document.status);
  return { ...document, headers: answer.headers };
}

const readBody = (request: ApiRequest) => request.json();

test.each([
  ['"8e03978e-40d5"', '8e03978e-40d5'],
  [' "8e03978e-40d5" ', '8e03978e-40d5'],
  ['"a\\"b\\\\"', 'a"b\\'],
  ['a"b', 'a"b'],
  ['"', '"'],
  ['"a"b"', '"a"b"'],
])('the Idempotency-Key %s is the key %s', async (sent, key) => {
  const { body } = await answerTo((request) => request.idempotencyKey()?.key, {
    headers: { 'idempotency-key': sent },
  });
  expect(JSON.parse(body ?? '')).toBe(key);
});

describe('an answer', () => {
  test('is JSON that nobody caches, with the status and headers that the work gives', async () => {
    const handler = apiHandler(async () => ({
      status: 202,
      body: { status: 'provisioning' },
      headers: { location: '/integrations/int_1' },
    }));
    expect(await handler(eventOf(), lambdaContext)).toEqual({
      statusCode: 202,
      headers: {
        'content-type': 'application/json',
        'cache-control': 'no-store',
        location: '/integrations/int_1',
      },
      body: '{"status":"provisioning"}',
    });
  });

  test('is never an error while the work still goes on behind it', async () => {
    const handler = apiHandler(async () => ({ status: 200, body: await outlastingContext('done') }));
    expect(await handler(eventOf(), endingContext)).toMatchObject({ statusCode: 200, body: '"done"' });
  });

  test('can use what stands in the path and the headers', async () => {
    const { body } = await answerTo(
      (request) => [request.path('integrationId'), request.path('other'), request.header('idempotency-key')],
      { pathParameters: { integrationId: 'int_1' }, headers: { 'idempotency-key': 'key' } },
    );
    expect(JSON.parse(body ?? '')).toEqual(['int_1', '', 'key']);
  });
});

describe('a query', () => {
  const queryOf = async (more: Partial<APIGatewayProxyEventV2>) => {
    const { body } = await answerTo((request) => request.query(), more);
    return JSON.parse(body ?? '');
  };

  test('is what stands in it; nothing where there is none', async () => {
    expect(await queryOf({ queryStringParameters: { status: 'ready,residue', limit: '' } })).toEqual({
      status: 'ready,residue',
      limit: '',
    });
    expect(await queryOf({})).toEqual({});
  });
});

describe('a body', () => {
  const statusOf = async (headers: Record<string, string>, body: Buffer) => {
    const answer = await answerTo(readBody, {
      headers: { 'content-type': 'application/json', ...headers },
      body: body.toString('base64'),
      isBase64Encoded: true,
    });
    return [answer.statusCode, JSON.parse(answer.body ?? '')];
  };

  test('may begin with a byte order mark, and name what changes nothing', async () => {
    const marked = Buffer.from('\ufeff{"name":"Größe"}', 'utf8');
    for (const headers of [
      {},
      { 'content-encoding': 'identity' },
      { 'content-type': 'application/json; charset="UTF-8"' },
    ]) {
      expect(await statusOf(headers, marked)).toEqual([200, { name: 'Größe' }]);
    }
  });

  test.each([
    ['it is packed', { 'content-encoding': 'gzip' }, Buffer.from('{}'), /without Content-Encoding/],
    [
      'of another charset',
      { 'content-type': 'application/json; charset=utf-16' },
      Buffer.from('{}'),
      /in UTF-8/,
    ],
    ['it is in another charset', {}, Buffer.from('\ufeff{}', 'utf16le'), /not UTF-8/],
    ['it is in Latin-1', {}, Buffer.from('{"name":"Größe"}', 'latin1'), /not UTF-8/],
  ])('says why it is not taken: %s', async (_what, headers, body, why) => {
    expect(await statusOf(headers, body)).toMatchObject([415, { detail: expect.stringMatching(why) }]);
  });

  test.each(['application/json', 'Application/JSON; charset=utf-8'])(
    'is read as JSON when it is %s',
    async (type) => {
      const { body } = await answerTo(readBody, {
        headers: { 'content-type': type },
        body: '{"name":"Größe"}',
      });
      expect(JSON.parse(body ?? '')).toEqual({ name: 'Größe' });
    },
  );

  test('is read where API Gateway hands it on in base64', async () => {
    const encoded = Buffer.from('{"name":"Größe"}').toString('base64');
    const { body } = await answerTo(readBody, { body: encoded, isBase64Encoded: true });
    expect(JSON.parse(body ?? '')).toEqual({ name: 'Größe' });
  });

  test.each([
    ['text/plain'],
    ['application/x-www-form-urlencoded'],
    ['application/json-patch+json'],
    [''],
    [undefined],
  ])('is refused with 415 when it is %s', async (type) => {
    const headers = type === undefined ? {} : { 'content-type': type };
    expect((await answerTo(readBody, { headers, body: '{}' })).statusCode).toBe(415);
  });

  test.each(['{"name":', '', undefined])('is refused with 400 when it is not JSON: %j', async (body) => {
    const { statusCode } = await answerTo(readBody, body === undefined ? {} : { body });
    expect(statusCode).toBe(400);
  });

  test('is taken up to its largest size in bytes, not in characters', async () => {
    const textOf = (bytes: number) => `"${'x'.repeat(bytes - 2)}"`;
    expect((await answerTo(readBody, { body: textOf(maximumBodyBytes) })).statusCode).toBe(200);
    expect((await answerTo(readBody, { body: textOf(maximumBodyBytes + 1) })).statusCode).toBe(413);
    expect((await answerTo(readBody, { body: `"${'é'.repeat(maximumBodyBytes / 2)}"` })).statusCode).toBe(
      413,
    );
  });

  test('is measured as what it decodes to', async () => {
    const encoded = Buffer.from(`"${'x'.repeat(maximumBodyBytes - 2)}"`).toString('base64');
    expect((await answerTo(readBody, { body: encoded, isBase64Encoded: true })).statusCode).toBe(200);
  });
});

describe('a refusal', () => {
  test('is a problem document that says what is wrong with each field', async () => {
    const fields = [{ pointer: '/bucket/name', detail: 'too short' }];
    const problem = await problemOf(new ServiceError('InvalidRequestError', 'One field is bad.', { fields }));
    expect(problem).toMatchObject({
      type: 'urn:dataloop-cross-account:problem:invalid-request',
      title: 'The request is invalid',
      status: 400,
      detail: 'One field is bad.',
      errors: fields,
      requestId: 'request-1',
    });
  });

  test('lists no fields where none is to blame, and is no error of the service', async () => {
    const problem = await problemOf(new ServiceError('IntegrationNotFoundError', 'There is none.'));
    expect(problem.status).toBe(404);
    expect(problem).not.toHaveProperty('errors');
    expect(errorLog).not.toHaveBeenCalled();
    expect(infoLog).toHaveBeenCalledWith('Request refused', { errorName: 'IntegrationNotFoundError' });
  });
});

describe('a fault of ours', () => {
  test.each([
    ['an unknown error', new TypeError('secret-token is not a function')],
    ['a refusal by AWS', new ServiceError('AwsAccessDeniedError', 'role secret-token may not')],
    ['something that is no error', 'secret-token'],
  ])('is 500 without details, which the log has under the request’s id: %s', async (_what, thrown) => {
    const problem = await problemOf(thrown);
    expect(problem.status).toBe(500);
    expect(problem.detail).toContain('request-1');
    expect(JSON.stringify(problem)).not.toContain('secret-token');
    expect(errorLog).toHaveBeenCalledTimes(1);
  });

  test('is told where the caller’s people can put it right', async () => {
    const problem = await problemOf(new ServiceError('RecordDamagedError', 'Put status right.'));
    expect([problem.status, problem.detail]).toEqual([500, 'Put status right.']);
    expect(errorLog).toHaveBeenCalledTimes(1);
  });

  test('is logged with its own words, but never with its cause', async () => {
    const cause = new Error('answer with secret-token');
    await problemOf(new ServiceError('AwsRequestRefusedError', 'what happened', { cause }));
    expect(errorLog.mock.calls).toEqual([
      ['Request failed', { errorName: 'AwsRequestRefusedError', errorMessage: 'what happened' }],
    ]);
  });

  test.each(['AwsUnavailableError', 'DataloopRateLimitError', 'TryAgainError'] as const)(
    'that may pass is 503 and asks to try again: %s',
    async (name) => {
      const problem = await problemOf(new ServiceError(name, 'Try again.'));
      expect([problem.status, problem.detail]).toEqual([503, 'Try again.']);
      expect(Number(problem.headers?.['retry-after'])).toBeGreaterThan(0);
    },
  );

  test('of a caller who has to wait says for how long', async () => {
    const problem = await problemOf(new ServiceError('TooManyOpenError', 'You have 20.'));
    expect([problem.status, problem.detail, problem.headers?.['retry-after']]).toEqual([
      429,
      'You have 20.',
      '30',
    ]);
  });

  test('that does not pass asks nobody to try again', async () => {
    expect((await problemOf(new Error('x'))).headers).not.toHaveProperty('retry-after');
  });
});

describe('an Idempotency-Key', () => {
  const keyOf = async (userArn: string | undefined, routeKey = 'POST /integrations') => {
    const found: unknown[] = [];
    const { requestContext } = eventOf();
    const iam = { userArn };
    await answerTo((request) => void found.push(request.idempotencyKey()), {
      routeKey,
      headers: { 'idempotency-key': 'a-key' },
      requestContext: Object.assign(requestContext, { authorizer: { iam } }),
    });
    return found[0];
  };

  test('belongs to the caller and the route', async () => {
    const user = 'arn:aws:iam::111111111111:user/alice';
    expect(await keyOf(user)).toEqual({ key: 'a-key', owner: `POST /integrations ${user}` });
    expect(await keyOf(user)).not.toEqual(await keyOf('arn:aws:iam::111111111111:user/bob'));
    expect(await keyOf(user)).not.toEqual(await keyOf(user, 'POST /integrations/{integrationId}/drivers'));
  });

  test('is the same for every session of a role: a retry may come from the next one', async () => {
    const session = (name: string) => `arn:aws:sts::111111111111:assumed-role/ci/${name}`;
    expect(await keyOf(session('run-1'))).toEqual(await keyOf(session('run-2')));
    expect(await keyOf(session('run-1'))).not.toEqual(
      await keyOf('arn:aws:sts::111111111111:assumed-role/other/run-1'),
    );
  });

  test('is none where none was sent', async () => {
    const found: unknown[] = [];
    await answerTo((request) => void found.push(request.idempotencyKey()));
    expect(found).toEqual([undefined]);
  });
});

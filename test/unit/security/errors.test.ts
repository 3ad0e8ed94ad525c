/** Errors of the HTTP clients, real ones: no authorisation header is in what anybody gets to see of them. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import { IAMClient, ListRolesCommand } from '@aws-sdk/client-iam';
import { HeadBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SendTaskSuccessCommand, SFNClient } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mapAwsError } from '../../../src/clients/aws/errors.ts';
import { toServiceError } from '../../../src/errors.ts';
import { errorKeys } from '../../../src/runtime/log.ts';
import { searchFor, withHeaders } from '../../afterwards/search.ts';
import { client, token } from '../clients/dataloop/fake-dataloop.ts';

type Respond = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let origin = '';
let respond: Respond = (_request, response) => response.end();

beforeAll(async () => {
  server = createServer((request, response) => respond(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('The server has no port.');
  origin = `http://127.0.0.1:${address.port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const apiKey = token(Date.now() + 3_600_000, { email: 'owner@example.com' });
const password = 'correct-horse-battery';
const secretAccessKey = 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY';
const sessionToken = 'IQoJb3JpZ2luX2VjEXAMPLETOKEN0123456789';
const search = withHeaders(
  searchFor([apiKey, password, secretAccessKey, sessionToken].map((value) => ({ kind: 'secret', value }))),
);

async function thrownBy(call: () => Promise<unknown>): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error('Nothing was thrown.');
}

/** What Lambda makes of an error that a function throws, for its log and for whoever called it. */
function reported(error: Error): string {
  const asShown = (_key: string, value: unknown) =>
    value instanceof Error
      ? { errorType: value.name, errorMessage: value.message, ...value, stack: value.stack }
      : value;
  return JSON.stringify(error, asShown);
}

function expectNoSecret(thrown: unknown): void {
  const error = toServiceError(thrown);
  expect(search(JSON.stringify(errorKeys(error)))).toEqual([]);
  expect(search(reported(error))).toEqual([]);
}

const answers: readonly [string, Respond][] = [
  ['resets the connection', (request) => request.socket.resetAndDestroy()],
  ['sends elsewhere', (_request, response) => response.writeHead(302, { location: '/elsewhere' }).end()],
  ['refuses', (_request, response) => response.writeHead(403).end('{"message":"no"}')],
  ['fails', (_request, response) => response.writeHead(500).end('oops')],
  ['answers in another shape', (_request, response) => response.writeHead(200).end('<html></html>')],
  [
    'breaks off',
    (_request, response) =>
      response.writeHead(200, { 'content-length': '99' }).write('{', () => response.destroy()),
  ],
  [
    'quotes all that it was sent',
    (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const message = `${JSON.stringify(request.headers)} ${Buffer.concat(chunks).toString('utf8')}`;
        response.writeHead(400).end(JSON.stringify({ message }));
      });
    },
  ],
];

describe('a Dataloop that', () => {
  const settings = () => ({
    apiUrl: `${origin}/api/v1`,
    secretId: 'the-secret',
    organizationId: undefined,
    accountId: undefined,
  });
  const call = (secret: object) =>
    client.getProject(client.dataloopClient(settings(), async () => JSON.stringify(secret)))('project-1');

  test.each(answers)('%s is told without the API key', async (_what, answer) => {
    respond = answer;
    const error = await thrownBy(() => call({ apiKey }));
    expectNoSecret(error);
    // Its causes, too, whoever may come to log them.
    expect(search(inspect(error, { depth: null }))).toEqual([]);
  });

  test.each(answers)('%s at the log-in is told without the password', async (_what, answer) => {
    respond = answer;
    const error = await thrownBy(() => call({ username: 'owner@example.com', password }));
    expectNoSecret(error);
    expect(search(inspect(error, { depth: null }))).toEqual([]);
  });
});

/** What AWS answers to a wrong signature, in the forms of its protocols. */
const canonical = (request: IncomingMessage) =>
  [
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key ' +
      'and signing method. Consult the service documentation for details.',
    `The Canonical String for this request should have been 'POST\n/\n\nhost:example\nx-amz-security-token:${request.headers['x-amz-security-token']}\n'`,
    `The String-to-Sign should have been 'AWS4-HMAC-SHA256\n20261124T000000Z\n'`,
  ].join('\n\n');
const incomplete = (request: IncomingMessage) =>
  `Authorization header requires 'Signature' parameter. Authorization=${request.headers.authorization}`;

const xml = (code: string, message: string, more = '') =>
  `<Error><Code>${code}</Code><Message>${message}</Message>${more}</Error>`;

describe('AWS that', () => {
  const clients = () => {
    const shared = {
      endpoint: origin,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey, sessionToken },
      maxAttempts: 1,
    };
    return {
      iam: new IAMClient(shared),
      s3: new S3Client({ ...shared, forcePathStyle: true }),
      secrets: new SecretsManagerClient(shared),
      states: new SFNClient(shared),
    };
  };

  test.each<[string, Respond]>([
    ...answers,
    [
      'does not take the signature',
      (request, response) => {
        const message = canonical(request);
        const isJson = request.headers['x-amz-target'] !== undefined;
        const isS3 = request.method === 'GET';
        const more = `<SignatureProvided>${request.headers.authorization}</SignatureProvided>`;
        const inner = xml('SignatureDoesNotMatch', message, isS3 ? more : '');
        response
          .writeHead(403, { 'content-type': isJson ? 'application/x-amz-json-1.1' : 'text/xml' })
          .end(
            isJson
              ? JSON.stringify({ __type: 'InvalidSignatureException', message })
              : isS3
                ? inner
                : `<ErrorResponse>${inner}</ErrorResponse>`,
          );
      },
    ],
    [
      'finds the signature incomplete',
      (request, response) => {
        const isJson = request.headers['x-amz-target'] !== undefined;
        const message = incomplete(request);
        response
          .writeHead(400)
          .end(
            isJson
              ? JSON.stringify({ __type: 'IncompleteSignatureException', message })
              : xml('IncompleteSignature', message),
          );
      },
    ],
  ])('%s is told without signature, key and session token', async (_what, answer) => {
    respond = answer;
    const { iam, s3, secrets, states } = clients();
    const calls = [
      iam.send(new ListRolesCommand()),
      s3.send(new ListBucketsCommand()),
      s3.send(new HeadBucketCommand({ Bucket: 'dataloop-acme' })),
      secrets.send(new GetSecretValueCommand({ SecretId: 'the-secret' })),
      states.send(new SendTaskSuccessCommand({ taskToken: 'x', output: '{}' })),
    ];
    // Some answers are as good as any to some calls.
    const failed = (await Promise.allSettled(calls)).filter((each) => each.status === 'rejected');
    expect(failed.length).toBeGreaterThan(1);
    for (const { reason } of failed) expectNoSecret(mapAwsError(reason, 'do this'));
  });

  test('does not take a signature is said to do so', async () => {
    respond = (request, response) =>
      response
        .writeHead(400, { 'content-type': 'application/x-amz-json-1.1' })
        .end(JSON.stringify({ __type: 'InvalidSignatureException', message: canonical(request) }));
    const call = () => clients().secrets.send(new GetSecretValueCommand({ SecretId: 'the-secret' }));
    const { message } = mapAwsError(await thrownBy(call), 'read the secret');
    expect(message).toMatch(
      /^AWS did not read the secret \(InvalidSignature: The request signature .* for details\.\)\. /,
    );
  });
});

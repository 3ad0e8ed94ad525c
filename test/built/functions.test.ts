/** Bundles of functions work with just what Lambda gives them, although they lack much of their packages. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { hasS3, shareOf, sizesIn } from '../../scripts/bundle-sizes.ts';
import { type Bundle, functionFiles, projectFile, writeBundles } from '../bundle.ts';
import { body, integrationId } from '../unit/domain/fakes.ts';
import { machineArn, variables } from '../unit/environment.ts';

const services = ['DYNAMODB', 'EVENTBRIDGE', 'IAM', 'KMS', 'S3', 'SECRETS_MANAGER', 'SFN', 'SQS', 'STS'];

const executionArn = machineArn(`provision:${integrationId}`).replace('stateMachine', 'execution');
const stepEvent = {
  recordId: integrationId,
  executionArn,
  enteredAt: new Date().toISOString(),
  attempt: 1,
  run: 1,
};

const apiEvent = (requestBody: object) => ({
  routeKey: 'POST /',
  headers: { 'content-type': 'application/json' },
  pathParameters: { integrationId, driverId: integrationId.replace('int_', 'drv_') },
  body: JSON.stringify(requestBody),
  isBase64Encoded: false,
  requestContext: { requestId: '1', authorizer: { iam: { userArn: 'arn:aws:iam::111111111111:user/a' } } },
});

/** What each function is called with; any other is a state of a state machine. */
const events: Readonly<Record<string, object>> = {
  'functions/api/add-driver.ts': apiEvent({ bucket: { name: 'dataloop-more' }, dataloop: body.dataloop }),
  'functions/api/confirm-iam-user.ts': apiEvent({ userArn: 'arn:aws:iam::222222222222:user/dataloop-1' }),
  'functions/callback/poll-iam-user.ts': { Records: [{ body: JSON.stringify({ integrationId, count: 1 }) }] },
  'functions/callback/resume-provisioning.ts': {
    source: 'dataloop-cross-account',
    'detail-type': 'Dataloop IAM User Issued',
    detail: { version: '1', integrationId, userArn: 'arn:aws:iam::222222222222:user/dataloop-1' },
  },
  'functions/stacks/answer-stack.ts': {
    source: 'dataloop-cross-account',
    'detail-type': 'Dataloop Integration Ready',
    detail: { integrationId },
  },
  'functions/stacks/custom-resource.ts': {
    RequestType: 'Delete',
    RequestId: '1',
    ResponseURL: 'https://s3.invalid/answer',
    ResourceType: 'Custom::DataloopIntegration',
    PhysicalResourceId: integrationId,
    ResourceProperties: body,
    StackId: 'arn:aws:cloudformation:eu-west-1:111111111111:stack/a/b',
    LogicalResourceId: 'Images',
  },
  'functions/watch/execution-ended.ts': {
    detail: {
      executionArn,
      stateMachineArn: machineArn('provision'),
      name: integrationId,
      status: 'FAILED',
      input: JSON.stringify({ recordId: integrationId }),
    },
  },
  'functions/watch/sweep.ts': { source: 'aws.events' },
};
const eventFor = (file: string): object =>
  events[file] ?? (file.startsWith('functions/api/') ? apiEvent(body) : stepEvent);

/** How those end that say it in other words. */
const others: Readonly<Record<string, RegExp>> = {
  // Its one call is a transaction.
  'functions/api/start-provisioning.ts': /aws-request-refused/,
  'functions/stacks/answer-stack.ts': /^TryAgainError: 1 stacks could not be answered/,
  'functions/stacks/custom-resource.ts': /^AwsUnavailableError: CloudFormation's address did not take/,
};

/** In one process, one after the other: says the name of each before, and how it ended. */
const program = `
  import { readFile } from 'node:fs/promises';
  const { calls, endpoint, eachClient } = JSON.parse(await readFile(process.argv[2], 'utf8'));
  const ends = {};
  for (const { file, bundle, event } of calls) {
    await fetch(endpoint, { headers: { 'x-function': file } });
    try {
      const { handler } = await import(bundle);
      const answer = await handler(event, { getRemainingTimeInMillis: () => 20_000 });
      ends[file] = answer?.body ?? 'no answer';
    } catch (error) {
      ends[file] = error.name + ': ' + error.message;
    }
  }
  await fetch(endpoint, { headers: { 'x-function': 'each client' } });
  const { callEach } = await import(eachClient);
  const ofClients = await callEach();
  // Nothing else is written to this stream but lines of the log.
  process.stdout.write('\\n' + JSON.stringify({ ends, ofClients }));`;

const json = (name: string, more = '') =>
  ['application/x-amz-json-1.0', `{"__type":"com.amazonaws#${name}","message":"no"${more}}`] as const;
const [, cancelled] = json(
  'TransactionCanceledException',
  ',"CancellationReasons":[{"Code":"ConditionalCheckFailed","Item":{"pk":{"S":"x"}}}]',
);
const named = '<Code>NoSuchEntity</Code><Message>no</Message>';
/** How the services say no that speak XML. */
const refusals: Readonly<Record<string, readonly [string, string]>> = {
  iam: ['text/xml', `<ErrorResponse><Error><Type>Sender</Type>${named}</Error></ErrorResponse>`],
  sts: ['text/xml', `<ErrorResponse><Error><Type>Sender</Type>${named}</Error></ErrorResponse>`],
  s3: ['application/xml', `<Error>${named}</Error>`],
};

const asked = new Map<string, IncomingHttpHeaders[]>();
let bundles: ReadonlyMap<string, Bundle> = new Map();
let ends: Readonly<Record<string, string>> = {};
let ofClients: Readonly<Record<string, unknown>> = {};

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bundles-'));
  let current: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    const file = request.headers['x-function'];
    if (typeof file === 'string') {
      current = [];
      asked.set(file, current);
      response.end();
      return;
    }
    current.push(request.headers);
    const service = /Credential=[^/]+\/[^/]+\/[^/]+\/(\w+)\//.exec(request.headers.authorization ?? '')?.[1];
    const [type, text] = refusals[service ?? ''] ?? json('AccessDeniedException');
    const isTransaction = request.headers['x-amz-target']?.toString().endsWith('.TransactWriteItems');
    response.writeHead(400, { 'content-type': type });
    response.end(isTransaction ? cancelled : text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`;
  bundles = await writeBundles(folder);
  const entry = 'test/built/each-client.ts';
  const eachClient = (await writeBundles(join(folder, 'clients'), [entry])).get(entry)?.path;
  const calls = [...bundles].map(([file, { path }]) => ({ file, bundle: path, event: eventFor(file) }));
  await writeFile(join(folder, 'program.mjs'), program);
  await writeFile(join(folder, 'calls.json'), JSON.stringify({ calls, endpoint, eachClient }));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['program.mjs', 'calls.json'], {
      cwd: folder,
      maxBuffer: 16 * 1024 * 1024,
      env: {
        ...variables,
        URL_SUFFIX: 'invalid',
        AWS_REGION: 'eu-west-1',
        AWS_ACCESS_KEY_ID: 'ASIAEXAMPLE',
        AWS_SECRET_ACCESS_KEY: 'secret',
        AWS_SESSION_TOKEN: 'session',
        ...Object.fromEntries(services.map((service) => [`AWS_ENDPOINT_URL_${service}`, endpoint])),
      },
    });
    ({ ends, ofClients } = z
      .object({ ends: z.record(z.string(), z.string()), ofClients: z.record(z.string(), z.unknown()) })
      .parse(JSON.parse(stdout.split('\n').at(-1) ?? '')));
  } finally {
    server.close();
    await rm(folder, { recursive: true });
  }
});
afterAll(() => asked.clear());

test.each(functionFiles.filter((file) => file !== 'functions/api/unknown-route.ts'))(
  '%s asks AWS, signed with what the environment holds',
  (file) => {
    expect([ends[file], asked.get(file)?.length]).not.toEqual([ends[file], 0]);
    for (const headers of asked.get(file) ?? []) {
      expect(headers).toMatchObject({
        authorization: expect.stringContaining('Credential=ASIAEXAMPLE/'),
        'x-amz-security-token': 'session',
      });
    }
    // What AWS refused, and nothing that is not in the bundle.
    expect(ends[file]).toMatch(others[file] ?? /AwsAccessDenied|aws-access-denied/);
  },
);

test('the route that the API does not have asks nobody', () => {
  const file = 'functions/api/unknown-route.ts';
  expect(ends[file]).toContain('route-not-found');
  expect(asked.get(file)).toEqual([]);
});

test('every client signs its calls, and knows what AWS answers', () => {
  const no = (code: string) => ({ code, said: 'no', reasons: [] });
  const denied = no('AccessDenied');
  expect(ofClients).toEqual({
    'dynamodb:GetItem': denied,
    'dynamodb:TransactWriteItems': {
      code: 'TransactionCanceled',
      said: 'no',
      reasons: ['ConditionalCheckFailed'],
    },
    'events:PutEvents': denied,
    'iam:GetRole': no('NoSuchEntity'),
    'kms:DescribeKey': denied,
    's3:GetBucketTagging': no('NoSuchEntity'),
    's3:HeadBucket': expect.objectContaining({ code: expect.any(String) }),
    's3:PutBucketTagging': no('NoSuchEntity'),
    'secretsmanager:GetSecretValue': denied,
    'sqs:SendMessage': denied,
    'states:StartExecution': denied,
    'sts:GetCallerIdentity': no('NoSuchEntity'),
  });
  const signed = (asked.get('each client') ?? []).map(({ authorization }) => authorization);
  expect(signed).toHaveLength(Object.keys(ofClients).length);
  expect(signed.filter((text) => !text?.includes('Credential=ASIAEXAMPLE/'))).toEqual([]);
});

describe('the size of each bundle', () => {
  test('is at most a tenth above what docs/performance.md says: `npm run sizes` writes the table', () => {
    const said = sizesIn(projectFile('docs/performance.md'));
    expect([...said.keys()]).toEqual(functionFiles);
    const grown = [...bundles].filter(([file, { bytes }]) => bytes > (said.get(file) ?? 0) * 1_100);
    const shrunk = [...bundles].filter(([file, { bytes }]) => bytes < (said.get(file) ?? 0) * 900);
    expect([grown, shrunk].map((list) => list.map(([file]) => file))).toEqual([[], []]);
  });

  test('is at most 60% of what it was, 65% with the client of S3', () => {
    const tooLarge = [...bundles].filter(
      ([file, bundle]) => (shareOf(file, bundle.bytes) ?? 0) > (hasS3(bundle) ? 0.65 : 0.6),
    );
    // They ask S3 since then, whether the bucket is still the service's own.
    expect(tooLarge.map(([file]) => file)).toEqual([
      'functions/drivers/grant-access.ts',
      'functions/provision/create-role.ts',
    ]);
  });
});

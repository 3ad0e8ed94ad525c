/** The local environment, for other users of the machine and for web pages: it answers to its own keys and tokens. */
import { spawnSync } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Sha256 } from '@aws-crypto/sha256-js';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { IAMClient, ListUsersCommand } from '@aws-sdk/client-iam';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketCorsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SignatureV4 } from '@smithy/signature-v4';
import { client, deployment, environment, faultAddress, s3, uniqueName } from '../integration/deployment.ts';
import { type RawRequest, rawRequest, uninvited } from '../raw-request.ts';
import { physicalId } from './template.ts';

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

const { endpointUrl, region, rootKeys, sandbox } = environment;
const endpoint = new URL(endpointUrl);

/** A signature over everything that is given, `host` included. */
async function signed(service: string, path: string, request: RawRequest, keys: Keys) {
  const signer = new SignatureV4({
    service,
    region,
    credentials: keys,
    sha256: Sha256,
    uriEscapePath: service !== 's3',
  });
  const { method = 'GET', headers = {}, body } = request;
  const url = new URL(path, endpoint);
  const made = await signer.sign({
    method,
    protocol: 'https:',
    hostname: url.hostname,
    port: Number(url.port),
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: { host: url.host, ...headers },
    body,
  });
  return { method, headers: made.headers, ...(body === undefined ? {} : { body }) };
}

const form = { 'content-type': 'application/x-www-form-urlencoded' };
const whoAmI = { method: 'POST', headers: form, body: 'Action=GetCallerIdentity&Version=2011-06-15' };
const listUsers = { method: 'POST', headers: form, body: 'Action=ListUsers&Version=2010-05-08' };
const listTables = {
  method: 'POST',
  headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'DynamoDB_20120810.ListTables' },
  body: '{}',
};
const apiPath = `${new URL(deployment.apiUrl).pathname}/integrations`;

/** What nobody may do without a signature: path and request. */
const calls: readonly [string, string, RawRequest][] = [
  ['IAM', '/', listUsers],
  ['STS', '/', whoAmI],
  ['DynamoDB', '/', listTables],
  ['Lambda', '/2015-03-31/functions/', {}],
  ['S3, all buckets', '/', {}],
  ['S3, a new bucket', `/${uniqueName('anybody')}`, { method: 'PUT' }],
  ['S3 Control', '/v20180820/tags/arn%3Aaws%3As3%3A%3A%3Abucket', {}],
  ['the service’s API', apiPath, {}],
  ['the service’s API, a preflight', apiPath, { method: 'OPTIONS' }],
];

const own: readonly [string, string][] = [
  ['GET', '/_ministack/health'],
  ['GET', '/_ministack/ready'],
  ['GET', '/_localstack/health'],
  ['GET', '/health'],
  ['POST', '/_ministack/reset'],
  ['POST', '/_ministack/config'],
  ['GET', '/_ministack/sqs/messages'],
  ['GET', '/_aws/sqs/messages'],
  ['POST', '/_ministack/rds/iam-auth'],
  ['PUT', '/_ministack/cfn-response/x'],
  ['GET', `/_ministack/lambda-code/111111111111/${region}/x`],
  ['GET', '/%5Fministack/health'],
  ['GET', '/oauth2/authorize'],
];

const denied = expect.objectContaining({ $metadata: expect.objectContaining({ httpStatusCode: 403 }) });

describe('the local AWS refuses', () => {
  test.each(calls)('%s without a signature', async (_what, path, request) => {
    const bearer = { ...request.headers, authorization: 'Bearer x' };
    const empty = { ...request.headers, authorization: 'AWS4-HMAC-SHA256 Credential=' };
    for (const headers of [request.headers ?? {}, bearer, empty]) {
      const { status } = await rawRequest(`${endpointUrl}${path}`, { ...request, headers });
      // 400 says that a signature lacks a part.
      expect([400, 403]).toContain(status);
    }
  });

  test.each(own)('%s %s, one of the emulator’s own endpoints', async (method, path) => {
    expect((await rawRequest(`${endpointUrl}${path}`, { method })).status).toBe(403);
    const request = await signed('s3', path, { method }, rootKeys.customer);
    expect((await rawRequest(`${endpointUrl}${path}`, request)).status).toBeGreaterThanOrEqual(400);
  });

  test('to forget everything', async () => {
    await rawRequest(`${endpointUrl}/_ministack/reset`, { method: 'POST' });
    const table = new DescribeTableCommand({ TableName: deployment.outputs.TableName });
    await expect(new DynamoDBClient(client).send(table)).resolves.toBeDefined();
  });

  test.each(['test', '111111111111', '222222222222', '333333333333', 'AKIAIOSFODNN7EXAMPLE'])(
    'the access key %s, whatever its secret',
    async (accessKeyId) => {
      for (const secretAccessKey of ['test', 'root', accessKeyId]) {
        const settings = { ...client, credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1 };
        await expect(new STSClient(settings).send(new GetCallerIdentityCommand({}))).rejects.toEqual(denied);
        await expect(new IAMClient(settings).send(new ListUsersCommand({}))).rejects.toEqual(denied);
        await expect(new S3Client(settings).send(new ListBucketsCommand({}))).rejects.toEqual(denied);
        const { status } = await rawRequest(
          `${endpointUrl}${apiPath}`,
          await signed('execute-api', apiPath, {}, settings.credentials),
        );
        expect(status).toBe(403);
      }
    },
  );

  test.each(Object.entries(rootKeys))('a forged signature of the %s’s root', async (_whose, keys) => {
    const settings = { ...client, credentials: { ...keys, secretAccessKey: 'forged' }, maxAttempts: 1 };
    await expect(new STSClient(settings).send(new GetCallerIdentityCommand({}))).rejects.toEqual(denied);
    await expect(new IAMClient(settings).send(new ListUsersCommand({}))).rejects.toEqual(denied);
    await expect(new S3Client(settings).send(new ListBucketsCommand({}))).rejects.toEqual(denied);
    const request = await signed('execute-api', apiPath, {}, settings.credentials);
    expect((await rawRequest(`${endpointUrl}${apiPath}`, request)).status).toBe(403);
  });

  test('a request that was changed after it was signed', async () => {
    const request = await signed('iam', '/', listUsers, rootKeys.customer);
    expect((await rawRequest(endpointUrl, request)).status).toBe(200);
    const changed = { ...request, body: listUsers.body.replace('ListUsers', 'ListRoles') };
    expect((await rawRequest(endpointUrl, changed)).status).toBe(403);
  });

  test('a request with a header twice that decides about access', async () => {
    const { headers, ...request } = await signed('iam', '/', listUsers, rootKeys.customer);
    const { authorization = '', 'content-type': contentType = '', 'x-amz-date': date = '' } = headers;
    for (const twice of [
      { authorization: [authorization, authorization] },
      { authorization: [authorization, 'Bearer x'] },
      { authorization: ['Bearer x', authorization] },
      { 'content-type': [contentType, 'text/plain'] },
      { 'x-amz-date': [date, date] },
    ]) {
      const answer = await rawRequest(endpointUrl, { ...request, headers: { ...headers, ...twice } });
      expect([Object.keys(twice), answer.status]).toEqual([Object.keys(twice), 403]);
    }
  });

  test('keys of a function that are worked out from its ARN', async () => {
    const FunctionName = physicalId('StartProvisioningLambdaFunction');
    const { FunctionArn, Role } = await new LambdaClient(client).send(
      new GetFunctionConfigurationCommand({ FunctionName }),
    );
    const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
    const digest = sha256(`${FunctionArn}:${Role}`);
    const credentials = {
      accessKeyId: `ASIA${digest.slice(0, 16).toUpperCase()}`,
      secretAccessKey: sha256(`secret:${digest}`),
      sessionToken: sha256(`token:${digest}`),
    };
    const thief = new STSClient({ ...client, credentials, maxAttempts: 1 });
    await expect(thief.send(new GetCallerIdentityCommand({}))).rejects.toEqual(denied);
  });

  test.each([
    'rebound.example',
    `rebound.example:${endpoint.port}`,
    '127.0.0.1',
    `127.0.0.1.rebound.example:${endpoint.port}`,
  ])('the Host %s, also of a request that is signed for it', async (host) => {
    for (const [service, path, { headers, ...request }] of [
      ['iam', '/', listUsers],
      ['execute-api', apiPath, { headers: {} }],
    ] as const) {
      const foreign = await signed(
        service,
        path,
        { ...request, headers: { ...headers, host } },
        rootKeys.customer,
      );
      expect((await rawRequest(`${endpointUrl}${path}`, foreign)).status).toBe(403);
      const ownHost = await signed(service, path, { ...request, headers }, rootKeys.customer);
      expect((await rawRequest(`${endpointUrl}${path}`, ownHost)).status).toBe(200);
    }
  });

  test.each(['https://page.example', 'null', endpointUrl])(
    'the Origin %s, also of a request that is signed',
    async (origin) => {
      for (const [service, path, request] of [
        ['iam', '/', listUsers],
        ['execute-api', apiPath, {}],
        ['s3', '/', {}],
      ] as const) {
        const { headers, ...rest } = await signed(service, path, request, rootKeys.customer);
        const answer = await rawRequest(`${endpointUrl}${path}`, {
          ...rest,
          headers: { ...headers, origin },
        });
        expect([service, answer.status]).toEqual([service, 403]);
        expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
      }
    },
  );

  test('the preflight of a page that wants to use another service', async () => {
    const headers = { origin: 'https://page.example', 'access-control-request-method': 'POST' };
    for (const path of ['/', apiPath, '/_ministack/reset', `/${uniqueName('no-bucket')}`]) {
      const answer = await rawRequest(`${endpointUrl}${path}`, { method: 'OPTIONS', headers });
      expect([path, answer.status]).toEqual([path, 403]);
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    }
  });
});

describe('the local S3', () => {
  const Bucket = uniqueName('local-s3');
  const Key = 'object';
  const page = 'https://page.example';
  const url = `${endpointUrl}/${Bucket}/${Key}`;

  beforeAll(async () => {
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'content' }));
    const CORSRules = [{ AllowedOrigins: [page], AllowedMethods: ['GET'], AllowedHeaders: ['*'] }];
    await s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }));
  });
  afterAll(async () => {
    await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    await s3.send(new DeleteBucketCommand({ Bucket }));
  });

  test('lets a page read what the bucket’s own CORS rules allow, with a signature', async () => {
    const headers = { origin: page, 'access-control-request-method': 'GET' };
    const preflight = await rawRequest(url, { method: 'OPTIONS', headers });
    expect([preflight.status, preflight.headers['access-control-allow-origin']]).toEqual([200, page]);
    const other = { ...headers, origin: 'https://other.example' };
    expect((await rawRequest(url, { method: 'OPTIONS', headers: other })).status).toBe(403);

    const { headers: signature } = await signed('s3', `/${Bucket}/${Key}`, {}, environment.credentials);
    const read = await rawRequest(url, { headers: { ...signature, origin: page } });
    expect([read.status, read.text, read.headers['access-control-allow-origin']]).toEqual([
      200,
      'content',
      page,
    ]);
    const unseen = await rawRequest(url, { headers: { ...signature, origin: 'https://other.example' } });
    expect(unseen.headers).not.toHaveProperty('access-control-allow-origin');
  });

  test('refuses to read or write an object without a signature, or with a forged one in the query', async () => {
    const forged = new URLSearchParams({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': `${rootKeys.customer.accessKeyId}/20260101/${region}/s3/aws4_request`,
      'X-Amz-Date': new Date().toISOString().replace(/[-:]|\.\d{3}/g, ''),
      'X-Amz-Expires': '60',
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Signature': '0'.repeat(64),
    });
    for (const each of [url, `${url}?${forged}`]) {
      expect((await rawRequest(each)).status).toBe(403);
      expect((await rawRequest(each, { method: 'PUT', body: 'theirs' })).status).toBe(403);
      expect((await rawRequest(each, { headers: { authorization: 'Bearer x' } })).status).toBe(403);
    }
    expect((await rawRequest(`${endpointUrl}/${Bucket}`, { method: 'DELETE' })).status).toBe(403);
    await expect(s3.send(new HeadBucketCommand({ Bucket }))).resolves.toBeDefined();
  });

  test('refuses the form of a page, also one with the signature of a root', async () => {
    const date = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
    const scope = [date.slice(0, 8), region, 's3', 'aws4_request'];
    const fields = {
      key: 'posted',
      'x-amz-algorithm': 'AWS4-HMAC-SHA256',
      'x-amz-credential': [rootKeys.customer.accessKeyId, ...scope].join('/'),
      'x-amz-date': date,
    };
    const conditions = [
      { bucket: Bucket },
      ...Object.entries(fields).map(([field, value]) => ({ [field]: value })),
    ];
    const expiration = new Date(Date.now() + 3_600_000).toISOString();
    const policy = Buffer.from(JSON.stringify({ expiration, conditions })).toString('base64');
    const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
    const signingKey = scope.reduce<string | Buffer>(hmac, `AWS4${rootKeys.customer.secretAccessKey}`);
    const signature = { policy, 'x-amz-signature': hmac(signingKey, policy).toString('hex') };
    const part = (disposition: string, value: string) =>
      `--x\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${value}\r\n`;
    const bodyOf = (all: object) =>
      `${Object.entries(all)
        .map(([field, value]) => part(`name="${field}"`, String(value)))
        .join('')}${part('name="file"; filename="f"', 'theirs')}--x--\r\n`;
    const headers = { 'content-type': 'multipart/form-data; boundary=x' };
    for (const [what, request] of [
      ['unsigned', { headers, body: bodyOf({ key: 'posted' }) }],
      ['signed', { headers, body: bodyOf({ ...fields, ...signature }) }],
      ['of another kind', { headers: form, body: listUsers.body }],
    ] as const) {
      const { status } = await rawRequest(`${endpointUrl}/${Bucket}`, { method: 'POST', ...request });
      expect([what, status]).toEqual([what, 403]);
    }
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
    expect(Contents.map((object) => object.Key)).toEqual([Key]);
  });
});

test('each root is one of its own account', async () => {
  const accounts = await Promise.all(
    Object.values(rootKeys).map(async (credentials) => {
      const { Arn } = await new STSClient({ ...client, credentials }).send(new GetCallerIdentityCommand({}));
      return Arn;
    }),
  );
  expect(accounts).toEqual(
    ['111111111111', '222222222222', '333333333333'].map((id) => `arn:aws:iam::${id}:root`),
  );
});

describe.each([
  ['the sandbox', sandbox, 'state'],
  ['the fault proxy', faultAddress, 'failures'],
] as const)('the control API of %s', (_whose, { controlUrl, controlToken }, path) => {
  test('answers to its token', async () => {
    const headers = { authorization: `Bearer ${controlToken}` };
    expect((await rawRequest(`${controlUrl}/${path}`, { headers })).status).toBe(200);
  });

  test.each(uninvited('TOKEN').map(([how]) => how))('refuses a request %s', async (how) => {
    const [, status, headers] = uninvited(controlToken).find(([each]) => each === how) ?? [];
    expect((await rawRequest(`${controlUrl}/${path}`, { headers })).status).toBe(status);
  });
});

describe('another user of the machine', () => {
  const { folder } = environment;
  const mode = (path: string) => statSync(path).mode & 0o777;

  test('cannot enter the folder of the run, nor read a file with keys', () => {
    expect(mode(folder)).toBe(0o700);
    const files = ['deployed.json', 'key.pem'].map((name) => join(folder, name));
    expect(files.map(mode)).toEqual([0o600, 0o600]);
    // One of several in a run.
    expect(mode(dirname(folder))).toBe(0o700);
    expect(dirname(folder)).toMatch(/dataloop-cross-account-test-\d+-\w{6,}$/);
  });

  // Only root may act as somebody else.
  (process.getuid?.() === 0 ? test : test.skip)('is refused by the system', () => {
    const nobody = { uid: 65_534, gid: 65_534, encoding: 'utf8' } as const;
    for (const [command, path] of [
      ['ls', folder],
      ['cat', join(folder, 'deployed.json')],
    ] as const) {
      const { status, stdout, stderr } = spawnSync(command, [path], nobody);
      expect([status === 0, stdout, stderr]).toEqual([
        false,
        '',
        expect.stringContaining('Permission denied'),
      ]);
    }
  });
});

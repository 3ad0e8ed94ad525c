/** The bundles of functions have credentials where the environment holds just what Lambda sets. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defaultProvider } from '../../../../src/clients/aws/environment-credentials.ts';
import { writeBundles } from '../../../bundle.ts';

describe('the credentials', () => {
  const before = process.env;
  beforeEach(() => {
    process.env = {};
  });
  afterEach(() => {
    process.env = before;
  });

  test('are those of the environment', async () => {
    const keys = { accessKeyId: 'ASIA1', secretAccessKey: 'secret', sessionToken: 'session' };
    process.env = {
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_SESSION_TOKEN: keys.sessionToken,
    };
    await expect(defaultProvider()()).resolves.toEqual(keys);
  });

  test('are missing where the environment lacks one of the two', async () => {
    process.env = { AWS_ACCESS_KEY_ID: 'ASIA1' };
    await expect(defaultProvider()()).rejects.toThrow('holds no credentials of AWS');
  });
});

test('a deployed function signs its calls with what Lambda gives it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bundles-'));
  const asked: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers);
    response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
    response.end('{"__type":"com.amazonaws.dynamodb.v20120810#AccessDeniedException"}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const [bundle] = await writeBundles(['functions/api/get-driver.ts'], folder);
    const event = {
      routeKey: 'GET /integrations/{integrationId}/drivers/{driverId}',
      pathParameters: { integrationId: `int_${'0'.repeat(26)}`, driverId: `drv_${'0'.repeat(26)}` },
      isBase64Encoded: false,
      requestContext: { requestId: '1' },
    };
    const program =
      `const { handler } = await import(${JSON.stringify(`file://${bundle}`)});` +
      `await handler(${JSON.stringify(event)}, { getRemainingTimeInMillis: () => 20_000 });`;
    await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: folder,
      env: {
        AWS_REGION: 'eu-west-1',
        AWS_ACCESS_KEY_ID: 'ASIAEXAMPLE',
        AWS_SECRET_ACCESS_KEY: 'secret',
        AWS_SESSION_TOKEN: 'session',
        AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
        TABLE_NAME: 'journal',
      },
    });
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({
      authorization: expect.stringContaining('Credential=ASIAEXAMPLE/'),
      'x-amz-security-token': 'session',
    });
  } finally {
    server.close();
    await rm(folder, { recursive: true });
  }
});

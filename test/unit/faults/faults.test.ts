/** Each fault as the real clients see it. */
import { setTimeout as delay } from 'node:timers/promises';
import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { CreateRoleCommand, GetRoleCommand } from '@aws-sdk/client-iam';
import { HeadBucketCommand, PutBucketCorsCommand } from '@aws-sdk/client-s3';
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Fault, RuleInput } from '../../faults/proxy/faults.ts';
import { until } from '../../until.ts';
import { errorOf, type Fixture, reset, startFixture, workerOf } from './fixture.ts';

const scope = 'f3k9x2';
/** Short, because one test waits for it; long enough for a call that does not hang on a busy machine. */
const requestTimeoutMs = 3_000;

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture(requestTimeoutMs);
});
beforeEach(async () => {
  reset(fixture);
  await fixture.proxy.open(scope);
});
afterEach(async () => {
  await fixture.proxy.close(scope);
  expect(await fixture.proxy.failures()).toEqual([]);
});
afterAll(() => fixture.stop());

const createRole = () =>
  fixture.clients.iam.send(
    new CreateRoleCommand({ RoleName: `dataloop-${scope}`, AssumeRolePolicyDocument: '{}' }),
  );
const putCors = () =>
  fixture.clients.s3.send(
    new PutBucketCorsCommand({ Bucket: `dataloop-${scope}`, CORSConfiguration: { CORSRules: [] } }),
  );
const headBucket = () => fixture.clients.s3.send(new HeadBucketCommand({ Bucket: `dataloop-${scope}` }));
const updateItem = () =>
  fixture.clients.dynamodb.send(
    new UpdateItemCommand({ TableName: 'journal', Key: { pk: { S: `lock#${scope}` } } }),
  );
const startExecution = () =>
  fixture.clients.states.send(new StartExecutionCommand({ stateMachineArn: 'arn:a:b:c:d:e', name: scope }));
const postDriver = (signal = AbortSignal.timeout(20_000)) =>
  fetch(`${fixture.apiUrl}/drivers`, { method: 'POST', body: JSON.stringify({ name: scope }), signal });

const inject = (operation: string, fault: Fault, more: Partial<RuleInput> = {}) =>
  fixture.proxy.addRule({ scope, operation, fault, ...more });
const outcomes = async () =>
  (await fixture.proxy.calls(scope)).map(({ attempt, outcome }) => ({ attempt, outcome }));

describe('an error that the proxy answers is the service’s own, and nothing happens', () => {
  const refused = { kind: 'refuse' } as const;
  test.each([
    ['iam:CreateRole', { kind: 'throttle' }, createRole, { name: 'Throttling', status: 400 }, 2],
    ['iam:CreateRole', { kind: 'unavailable' }, createRole, { name: 'ServiceUnavailable', status: 503 }, 2],
    ['iam:CreateRole', refused, createRole, { name: 'AccessDenied', status: 403 }, 1],
    ['s3:PutBucketCors', { kind: 'throttle' }, putCors, { name: 'SlowDown', status: 503 }, 2],
    ['s3:PutBucketCors', { kind: 'unavailable' }, putCors, { name: 'ServiceUnavailable', status: 503 }, 2],
    ['s3:PutBucketCors', refused, putCors, { name: 'AccessDenied', status: 403 }, 1],
    ['s3:HeadBucket', refused, headBucket, { status: 403 }, 1],
    [
      'dynamodb:UpdateItem',
      { kind: 'throttle' },
      updateItem,
      { name: 'ProvisionedThroughputExceededException', status: 400 },
      2,
    ],
    [
      'dynamodb:UpdateItem',
      { kind: 'unavailable' },
      updateItem,
      { name: 'InternalServerError', status: 500 },
      2,
    ],
    ['dynamodb:UpdateItem', refused, updateItem, { name: 'AccessDeniedException', status: 400 }, 1],
    [
      'states:StartExecution',
      { kind: 'throttle' },
      startExecution,
      { name: 'ThrottlingException', status: 400 },
      2,
    ],
  ] as const)('%s %o', async (operation, fault, call, error, attempts) => {
    await inject(operation, fault);
    expect(await errorOf(call())).toMatchObject(error);
    expect(fixture.emulator.seen).toEqual([]);
    const met = Array.from({ length: attempts }, (_, index) => ({ attempt: index + 1, outcome: 'faulted' }));
    expect(await outcomes()).toEqual(met);
  });

  test.each([
    [{ kind: 'throttle' }, 429, '0'],
    [{ kind: 'unavailable' }, 503, null],
    [{ kind: 'refuse' }, 403, null],
  ] as const)('Dataloop %o', async (fault, status, retryAfter) => {
    await inject('dataloop:POST /drivers', fault);
    const response = await postDriver();
    expect(response.status).toBe(status);
    expect(response.headers.get('retry-after')).toBe(retryAfter);
    expect(await response.json()).toEqual({ message: expect.stringMatching(/./) });
    expect(fixture.sandbox.seen).toEqual([]);
  });

  test('any error can be named', async () => {
    await inject('iam:CreateRole', {
      kind: 'error',
      status: 400,
      code: 'MalformedPolicyDocument',
      message: 'Invalid principal in policy: "AWS":"<arn> & more"',
    });
    await expect(createRole()).rejects.toMatchObject({
      name: 'MalformedPolicyDocumentException',
      message: 'Invalid principal in policy: "AWS":"<arn> & more"',
    });
    await inject('dynamodb:UpdateItem', {
      kind: 'error',
      status: 400,
      code: 'ConditionalCheckFailedException',
      message: 'The conditional request failed',
    });
    await expect(updateItem()).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
    expect(fixture.emulator.seen).toEqual([]);
  });
});

describe('answer-lost', () => {
  test('the effect happens; the SDK’s own retry meets what it left', async () => {
    await inject('iam:CreateRole', { kind: 'answer-lost' }, { attempts: 'first' });
    fixture.emulator.answer = () =>
      fixture.emulator.seen.length === 1
        ? { body: '<CreateRoleResponse/>', headers: { 'content-type': 'text/xml' } }
        : {
            status: 409,
            headers: { 'content-type': 'text/xml' },
            body: '<ErrorResponse><Error><Type>Sender</Type><Code>EntityAlreadyExists</Code></Error></ErrorResponse>',
          };
    expect(await errorOf(createRole())).toMatchObject({ name: 'EntityAlreadyExistsException' });
    expect(fixture.emulator.seen).toHaveLength(2);
    expect(await outcomes()).toEqual([
      { attempt: 1, outcome: 'lost' },
      { attempt: 2, outcome: 'forwarded' },
    ]);
  });

  test('every answer lost leaves the SDK without a status', async () => {
    await inject('dynamodb:*', { kind: 'answer-lost' });
    expect((await errorOf(updateItem())).status).toBeUndefined();
    expect(fixture.emulator.seen).toHaveLength(2);
  });

  test('fetch fails', async () => {
    await inject('dataloop:POST /drivers', { kind: 'answer-lost' });
    expect(await errorOf(postDriver())).toMatchObject({ name: 'TypeError' });
    expect(fixture.sandbox.seen).toHaveLength(1);
  });
});

describe('hang', () => {
  test('lasts until the client gives up, and nothing happens', async () => {
    await inject('s3:PutBucketCors', { kind: 'hang' }, { attempts: 'first' });
    const began = performance.now();
    await putCors();
    expect(performance.now() - began).toBeGreaterThanOrEqual(requestTimeoutMs - 10);
    expect(fixture.emulator.seen).toHaveLength(1);
    await until('the first attempt is given up', async () => (await outcomes())[0]?.outcome === 'dropped');
  });

  test('ends with its scope', async () => {
    await fixture.proxy.open('another');
    await fixture.proxy.addRule({ scope: 'another', operation: '*', fault: { kind: 'hang' } });
    const call = errorOf(fetch(`${fixture.apiUrl}/drivers/another`));
    await until('it hangs', async () => (await fixture.proxy.calls('another')).length === 1);
    await fixture.proxy.close('another');
    expect(await call).toMatchObject({ name: 'TypeError' });
    expect(fixture.sandbox.seen).toEqual([]);
  });
});

describe('hold', () => {
  test('keeps a request back until it is released', async () => {
    await inject('dataloop:POST /drivers', { kind: 'hold', name: 'driver' });
    const call = postDriver();
    await until('it is held', async () => (await fixture.proxy.held()).includes('driver'));
    expect(fixture.sandbox.seen).toEqual([]);
    expect(await outcomes()).toEqual([{ attempt: 1, outcome: 'held' }]);
    expect(await fixture.proxy.release('something else')).toBe(0);
    expect(await fixture.proxy.release('driver')).toBe(1);
    expect((await call).status).toBe(200);
    expect(await fixture.proxy.held()).toEqual([]);
    expect(await outcomes()).toEqual([{ attempt: 1, outcome: 'forwarded' }]);
  });

  test('lets it take effect even when the client has gone', async () => {
    await inject('dataloop:POST /drivers', { kind: 'hold', name: 'late' });
    const client = new AbortController();
    const call = errorOf(postDriver(client.signal));
    await until('it is held', async () => (await fixture.proxy.held()).includes('late'));
    client.abort();
    expect(await call).toMatchObject({ name: 'AbortError' });
    // Long enough for the proxy to notice.
    await delay(50);
    expect(await fixture.proxy.release('late')).toBe(1);
    await until('it arrives', () => fixture.sandbox.seen.length === 1);
    await until('it is over', async () => (await outcomes())[0]?.outcome === 'lost');
    expect(fixture.sandbox.seen[0]?.body).toContain(scope);
  });
});

test('latency delays what happens', async () => {
  await inject('dataloop:*', { kind: 'latency', ms: 1_000 });
  const call = postDriver();
  await until('it is delayed', async () => (await outcomes()).length === 1);
  expect(fixture.sandbox.seen).toEqual([]);
  expect((await call).status).toBe(200);
  expect(fixture.sandbox.seen).toHaveLength(1);
});

describe('rewrite', () => {
  test('replaces the answer of Dataloop; its headers stay unless given, or about the body', async () => {
    const headers = { 'x-kept': 'kept', 'content-encoding': 'gzip', 'x-amz-crc32': '1' };
    fixture.sandbox.answer = () => ({ status: 201, headers, body: 'not really compressed' });
    await inject('dataloop:*', { kind: 'rewrite', body: '{}', headers: { 'x-added': 'added' } });
    const response = await postDriver();
    expect(response.status).toBe(201);
    expect(Object.fromEntries(response.headers)).toMatchObject({ 'x-kept': 'kept', 'x-added': 'added' });
    expect(response.headers.has('x-amz-crc32')).toBe(false);
    expect(await response.json()).toEqual({});
    expect(fixture.sandbox.seen).toHaveLength(1);
  });

  test('replaces what DynamoDB read', async () => {
    await inject('dynamodb:GetItem', { kind: 'rewrite', body: '{"Item":{"pk":{"S":"rewritten"}}}' });
    const read = new GetItemCommand({ TableName: 'journal', Key: { pk: { S: scope } } });
    expect((await fixture.clients.dynamodb.send(read)).Item).toEqual({ pk: { S: 'rewritten' } });
  });
});

test('rate-limit throttles what exceeds it, and lets others pass a second later', async () => {
  await inject('dataloop:*', { kind: 'rate-limit', perSecond: 2 });
  const began = performance.now();
  const statuses = await Promise.all(Array.from({ length: 30 }, async () => (await postDriver()).status));
  // The more seconds the machine takes for them, the more may pass.
  const seconds = Math.floor((performance.now() - began) / 1000) + 1;
  const passed = statuses.filter((status) => status === 200).length;
  expect(passed).toBeGreaterThanOrEqual(2);
  expect(passed).toBeLessThanOrEqual(2 * seconds);
  expect(new Set(statuses)).toEqual(new Set([200, 429]));
  await until('others pass', async () => (await postDriver()).status === 200);
});

describe('a worker', () => {
  const request = () => [{ url: `${fixture.apiUrl}/drivers`, method: 'POST', body: scope }];
  const deployed = 'dataloop-cross-account-test-createDriver';

  test('dies before the effect', async () => {
    await inject('dataloop:POST /drivers', { kind: 'kill-before' }, { function: 'createDriver' });
    const worker = await workerOf(deployed, fixture, request());
    expect(worker.signal).toBe('SIGKILL');
    expect(fixture.sandbox.seen).toEqual([]);
    expect(await fixture.proxy.calls(scope)).toMatchObject([
      { pid: worker.pid, function: 'createDriver', outcome: 'dropped' },
    ]);
  });

  test('dies after the effect', async () => {
    await inject('dataloop:POST /drivers', { kind: 'kill-after' }, { function: 'createDriver' });
    const worker = await workerOf(deployed, fixture, request());
    expect(worker.signal).toBe('SIGKILL');
    expect(fixture.sandbox.seen).toHaveLength(1);
    expect(await fixture.proxy.calls(scope)).toMatchObject([
      { pid: worker.pid, function: 'createDriver', outcome: 'lost', status: 200 },
    ]);
  });

  test('of another function lives', async () => {
    await inject('dataloop:POST /drivers', { kind: 'kill-before' }, { function: 'createRole' });
    expect(await workerOf(deployed, fixture, request())).toMatchObject({ signal: null, answers: [200] });
  });
});

test('the record says which rule met which call', async () => {
  const id = await inject('iam:CreateRole', { kind: 'refuse' });
  await errorOf(createRole());
  await fixture.clients.iam.send(new GetRoleCommand({ RoleName: `dataloop-${scope}` }));
  const calls = await fixture.proxy.calls(scope);
  expect(calls).toMatchObject([
    { operation: 'iam:CreateRole', fault: id, status: 403, scope, attributedBy: 'scope', pid: process.pid },
    { operation: 'iam:GetRole', status: 200, outcome: 'forwarded' },
  ]);
  expect(calls[1]?.fault).toBeUndefined();
});

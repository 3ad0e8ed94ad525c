/**
 * A record that somebody edited in the table: what is still as the service writes it is taken, anything else is refused
 * with where it is wrong and what to do; and then nothing is done.
 */
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { IAMClient } from '@aws-sdk/client-iam';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import fc from 'fast-check';
import * as z from 'zod';
import type { JournalRecord } from '../../../src/domain/model/record.ts';
import { storedRecordSchema, toStored } from '../../../src/domain/model/stored-record.ts';
import { ServiceError } from '../../../src/errors.ts';
import { hostileText } from '../../security/bad-requests.ts';
import { anyJson, isFitToTell, mutationsOf } from '../arbitraries.ts';
import { undoOf } from '../domain/fake-undo.ts';
import { integrationId, recordOf, requestOf, thrownBy, userArn } from '../domain/fakes.ts';
import { machineArn } from '../environment.ts';
import { runs } from '../runs.ts';
import { lambdaContext } from '../runtime/lambda-context.ts';

const dynamo = mockClient(DynamoDBDocumentClient);
const states = mockClient(SFNClient);
const clients = [
  dynamo,
  states,
  mockClient(SQSClient),
  mockClient(EventBridgeClient),
  mockClient(IAMClient),
  mockClient(SecretsManagerClient),
];

const moduleSchema = z.object({
  handler: z.custom<(event: unknown, context: object) => Promise<unknown>>(
    (value) => typeof value === 'function',
  ),
});
async function load(file: string) {
  const loaded: unknown = await import(`../../../functions/${file}.ts`);
  const { handler } = moduleSchema.parse(loaded);
  return (event: unknown) => handler(event, lambdaContext);
}
const get = await load('api/get-integration');
const remove = await load('api/remove-integration');

/** Leaves the answers as they are; to make them anew for each record takes longer than all that is tested. */
const forgetCalls = () => {
  for (const client of clients) client.resetHistory();
};
const calls = (): string[] =>
  clients.flatMap((client) => client.calls().map(({ args: [command] }) => command.constructor.name));

beforeEach(() => {
  for (const client of clients) client.reset();
  jest.spyOn(globalThis, 'fetch').mockRejectedValue(new Error('Nobody has anything to ask Dataloop.'));
});
afterEach(() => {
  jest.restoreAllMocks();
});

const startedAt = '2026-11-23T00:00:00.000Z';
const pk = `integration#${integrationId}`;
/** A record with all that one may hold. */
const full: JournalRecord = recordOf({
  status: 'residue',
  request: requestOf({
    description: 'Images',
    bucket: { name: 'dataloop-acme', prefix: 'raw/', region: 'eu-west-1' },
    role: { name: 'dataloop-acme' },
    tags: { team: 'a' },
  }),
  steps: {
    Preflight: { status: 'succeeded', startedAt, endedAt: startedAt, attempts: 1 },
    RequestIamUser: { status: 'waiting', startedAt, attempts: 2 },
  },
  resources: {
    bucket: {
      state: 'created',
      arn: 'arn:bucket',
      region: 'eu-west-1',
      residue: { reason: 'x', advice: 'y' },
    },
    role: { state: 'gone', arn: 'arn:role', uniqueId: 'AROA1', leftAlone: 'Not ours.' },
    dataloopIntegration: {
      state: 'created',
      id: 'dataloop-1',
      name: 'acme',
      absentLooks: 1,
      madeAgain: true,
    },
  },
  inFlightCalls: { 'execution/CreateRole/1': { step: 'CreateRole', until: 1 } },
  deprovision: undoOf('remove', 1),
  error: { type: 'urn:x', title: 'Title', detail: 'Detail', step: 'CreateRole' },
});
const edited = mutationsOf({ pk, ...toStored(full) });

const eventOf = (routeKey: string) => ({
  routeKey,
  headers: {},
  pathParameters: { integrationId },
  isBase64Encoded: false,
  requestContext: { requestId: 'request-1' },
});
const answerSchema = z.object({ statusCode: z.number(), body: z.string() });
const answerOf = async (call: Promise<unknown>) => {
  const { statusCode, body } = answerSchema.parse(await call);
  const document: unknown = JSON.parse(body);
  return { statusCode, document };
};
const damaged = z.strictObject({
  type: z.literal('urn:dataloop-cross-account:problem:record-damaged'),
  title: z.string(),
  status: z.literal(500),
  detail: z.string(),
  requestId: z.literal('request-1'),
});

/** The answer names the integration, the item, where it is wrong, and what to do; it quotes nothing of the item. */
const expectDamaged = (document: unknown) => {
  const { detail } = damaged.parse(document);
  expect([detail, isFitToTell(detail, 1_000)]).toEqual([detail, true]);
  expect(detail).toContain(`record of integration ${integrationId}`);
  expect(detail).toContain(`the item "${pk}"`);
  expect(detail).toContain('point-in-time recovery');
};

const viewSchema = z.looseObject({
  integrationId: z.literal(integrationId),
  links: z.object({
    self: z.literal(`/integrations/${integrationId}`),
    console: z.url({ protocol: /^https$/ }),
  }),
});

describe('an edited record', () => {
  test('is shown by GET where it can be read, and otherwise named with where it is wrong', async () => {
    const counts = { shown: 0, damaged: 0 };
    let Item = {};
    dynamo.on(GetCommand).callsFake(() => ({ Item }));
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          { weight: 5, arbitrary: edited },
          anyJson.map((item) => ({ pk, item })),
        ),
        async (item) => {
          forgetCalls();
          Item = z.looseObject({}).catch({}).parse(item);
          const { statusCode, document } = await answerOf(get(eventOf('GET /integrations/{integrationId}')));
          expect(calls()).toEqual(['GetCommand']);
          if (statusCode === 200) {
            counts.shown += 1;
            viewSchema.parse(document);
            return;
          }
          counts.damaged += 1;
          expectDamaged(document);
        },
      ),
      { numRuns: runs(1_000) },
    );
    expect(Math.min(counts.shown, counts.damaged)).toBeGreaterThan(5);
  });

  test.each<[string, object, string | undefined]>([
    ['as it was', {}, undefined],
    ['with something extra', { note: 'mine' }, undefined],
    ['without its status', { status: undefined }, undefined],
    ['with steps of another type', { steps: [] }, undefined],
    ['with the id of another one', { integrationId: `int_${'0'.repeat(26)}` }, 'integrationId'],
    [
      'with a bucket that no request may name',
      { request: { ...full.request, bucket: { name: '*' } } },
      'request.bucket.name',
    ],
    [
      'with an execution of somebody else’s',
      { executionArn: 'arn:aws:states:evil.example/:1:execution:x:y' },
      'executionArn',
    ],
  ])('%s: GET says where', async (_what, more, place) => {
    dynamo.on(GetCommand).resolves({ Item: { pk, ...toStored(full), ...more } });
    const { statusCode, document } = await answerOf(get(eventOf('GET /integrations/{integrationId}')));
    if (place === undefined) {
      expect([statusCode, document]).toMatchObject([200, { integrationId, status: 'residue' }]);
      expect(JSON.stringify(document)).not.toContain('mine');
      return;
    }
    expectDamaged(document);
    expect(document).toMatchObject({ detail: expect.stringContaining(`(${place})`) });
  });

  test('is not removed by DELETE, and not touched: nothing is written, started or stopped', async () => {
    let refused = 0;
    let Item = {};
    dynamo.on(GetCommand).callsFake(() => ({ Item }));
    dynamo.on(UpdateCommand).resolves({ Attributes: { ...toStored(full), status: 'removing' } });
    states.on(StartExecutionCommand).resolves({}).on(StopExecutionCommand).resolves({});
    await fc.assert(
      fc.asyncProperty(edited, async (item) => {
        forgetCalls();
        Item = z.looseObject({}).catch({}).parse(item);
        const { statusCode, document } = await answerOf(
          remove(eventOf('DELETE /integrations/{integrationId}')),
        );
        if (statusCode !== 500) {
          expect(storedRecordSchema.safeParse(item).success).toBe(true);
          return;
        }
        refused += 1;
        expectDamaged(document);
        expect(calls()).toEqual(['GetCommand']);
      }),
      { numRuns: runs(500) },
    );
    expect(refused).toBeGreaterThan(20);
  });

  test('wakes nobody, is not polled for, and is not followed up: each fails by the name of what is wrong', async () => {
    const Item = { pk, ...toStored(full), request: 'edited' };
    dynamo.on(GetCommand).resolves({ Item });
    const issued = {
      source: 'dataloop-cross-account',
      'detail-type': 'Dataloop IAM User Issued',
      detail: { version: '1', integrationId, dataloopIntegrationId: 'dataloop-1', userArn },
    };
    const ended = {
      detail: {
        executionArn: full.executionArn,
        stateMachineArn: machineArn('provision'),
        name: integrationId,
        status: 'FAILED',
        input: JSON.stringify({ recordId: integrationId }),
      },
    };
    const poll = { Records: [{ body: JSON.stringify({ integrationId, count: 0 }) }] };
    for (const [file, event] of [
      ['callback/resume-provisioning', issued],
      ['callback/poll-iam-user', poll],
      ['watch/execution-ended', ended],
    ] as const) {
      const handler = await load(file);
      expect(await thrownBy(handler(event))).toMatchObject({ name: 'RecordDamagedError', retryable: false });
    }
    expect(new Set(calls())).toEqual(new Set(['GetCommand']));
  });

  test('stops a step before its work', async () => {
    const handler = await load('provision/create-role');
    const input = { integrationId, executionArn: full.executionArn, enteredAt: startedAt, attempt: 1 };
    let refused = 0;
    let Attributes = {};
    dynamo.on(UpdateCommand).callsFake(() => ({ Attributes }));
    await fc.assert(
      fc.asyncProperty(mutationsOf({ pk, ...toStored(recordOf()) }), async (item) => {
        if (storedRecordSchema.safeParse(item).success) return;
        forgetCalls();
        Attributes = z.looseObject({}).catch({}).parse(item);
        expect(await thrownBy(handler(input))).toMatchObject({ name: 'RecordDamagedError' });
        refused += 1;
        // That the step has begun is written with the call that reads the record; nothing after it.
        expect(calls()).toEqual(['UpdateCommand']);
      }),
      { numRuns: runs(300) },
    );
    expect(refused).toBeGreaterThan(20);
  });
});

describe('an edited task token', () => {
  test('is used as it is where it is one, and otherwise not, nor shown', async () => {
    const handler = await load('callback/resume-provisioning');
    const waiting = recordOf({
      steps: { RequestIamUser: { status: 'waiting', startedAt, attempts: 1 } },
      resources: { dataloopIntegration: { state: 'created', id: 'dataloop-1' } },
    });
    const event = {
      source: 'dataloop-cross-account',
      'detail-type': 'Dataloop IAM User Issued',
      detail: { version: '1', integrationId, dataloopIntegrationId: 'dataloop-1', userArn },
    };
    let held: unknown;
    dynamo
      .on(GetCommand, { Key: { pk } })
      .resolves({ Item: toStored(waiting) })
      .on(GetCommand, { Key: { pk: `token#${integrationId}` } })
      .callsFake(() => ({ Item: { taskToken: held } }));
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(waiting) });
    states.on(SendTaskSuccessCommand).resolves({});
    await fc.assert(
      fc.asyncProperty(fc.oneof(anyJson, hostileText), async (taskToken) => {
        forgetCalls();
        held = taskToken;
        if (typeof taskToken === 'string') {
          await handler(event);
          const used = states
            .commandCalls(SendTaskSuccessCommand)
            .map(({ args: [{ input }] }) => input.taskToken);
          expect(used).toEqual(taskToken === '' ? [] : [taskToken]);
          return;
        }
        const error = await thrownBy(handler(event));
        expect(error).toBeInstanceOf(ServiceError);
        expect([error.name, error.message.length < 300]).toEqual(['RecordDamagedError', true]);
        expect(states.calls()).toEqual([]);
      }),
      { numRuns: runs(300) },
    );
  });
});

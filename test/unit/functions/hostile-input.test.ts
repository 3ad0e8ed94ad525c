/**
 * What the functions are called with, as deployed, in wrong hands: any JSON, or what AWS sends after a change somewhere in
 * it. Either it is understood, or it is refused by a name of ours, in a few words; and then nothing has been done.
 */
import { readdirSync } from 'node:fs';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { IAMClient } from '@aws-sdk/client-iam';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SendTaskSuccessCommand, SFNClient } from '@aws-sdk/client-sfn';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';
import { DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import fc from 'fast-check';
import * as z from 'zod';
import type { JournalRecord } from '../../../src/domain/model/record.ts';
import { toStored } from '../../../src/domain/model/stored-record.ts';
import { ServiceError } from '../../../src/errors.ts';
import { anyText, badRequest } from '../../security/bad-requests.ts';
import { anyJson, hostile, isFitToTell, mutationsOf } from '../arbitraries.ts';
import { sdkError } from '../clients/aws/sdk-answers.ts';
import { undoOf } from '../domain/fake-undo.ts';
import { integrationId, recordOf, userArn } from '../domain/fakes.ts';
import { machineArn } from '../environment.ts';
import { runs } from '../runs.ts';
import { lambdaContext } from '../runtime/lambda-context.ts';

const dynamo = mockClient(DynamoDBDocumentClient);
const states = mockClient(SFNClient);
const queue = mockClient(SQSClient);
const bus = mockClient(EventBridgeClient);
const clients = [
  dynamo,
  states,
  queue,
  bus,
  mockClient(IAMClient),
  mockClient(S3Client),
  mockClient(STSClient),
  mockClient(SecretsManagerClient),
];

const calls = (): string[] =>
  clients.flatMap((client) => client.calls().map(({ args: [command] }) => command.constructor.name));

const moduleSchema = z.object({
  handler: z.custom<(event: unknown, context: object) => Promise<unknown>>(
    (value) => typeof value === 'function',
  ),
});

/** A function as it is deployed. */
async function load(file: string) {
  const loaded: unknown = await import(`../../../functions/${file}`);
  const { handler } = moduleSchema.parse(loaded);
  return (event: unknown) => handler(event, lambdaContext);
}

const filesOf = (folder: string) =>
  readdirSync(new URL(`../../../functions/${folder}/`, import.meta.url)).map((file) => `${folder}/${file}`);

/** Leaves the answers as they are; to make them anew for each input takes longer than all that is tested. */
const forgetCalls = () => {
  for (const client of clients) client.resetHistory();
};
beforeEach(() => {
  for (const client of clients) client.reset();
  jest.spyOn(globalThis, 'fetch').mockRejectedValue(new Error('Nobody has anything to ask Dataloop.'));
});
afterEach(() => {
  jest.restoreAllMocks();
});

type Outcome = { readonly answer: unknown } | { readonly refusal: ServiceError };

/** What comes of a call. @throws what is no error of ours */
async function outcomeOf(call: Promise<unknown>): Promise<Outcome> {
  try {
    return { answer: await call };
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    if (!isFitToTell(error.message, 1_000))
      throw new Error(`Not fit to tell: ${JSON.stringify(error.message)}`);
    return { refusal: error };
  }
}

/** Counts refused and understood inputs, so that a property which meets only one of them is found out. */
async function tried(
  inputs: fc.Arbitrary<unknown>,
  call: (input: unknown) => Promise<unknown>,
  numRuns: number,
): Promise<{ refused: number; understood: number }> {
  const counts = { refused: 0, understood: 0 };
  await fc.assert(
    fc.asyncProperty(inputs, async (input) => {
      forgetCalls();
      const outcome = await outcomeOf(call(input));
      if ('refusal' in outcome && outcome.refusal.name === 'InvalidInputError') {
        counts.refused += 1;
        expect(calls()).toEqual([]);
        expect(fetch).not.toHaveBeenCalled();
      } else {
        counts.understood += 1;
      }
    }),
    { numRuns: runs(numRuns) },
  );
  return counts;
}

const stateInput = {
  integrationId,
  executionArn: recordOf().executionArn,
  enteredAt: '2026-11-23T00:00:00.000Z',
  attempt: 1,
};

describe.each([...filesOf('provision'), ...filesOf('drivers'), ...filesOf('deprovision')])(
  'the input of %s',
  (file) => {
    test('is understood, or refused before anything happens', async () => {
      const handler = await load(file);
      // Whatever is understood meets an integration that has moved on.
      dynamo.on(UpdateCommand).rejects(sdkError('ConditionalCheckFailedException', 400));
      const { refused, understood } = await tried(hostile(stateInput), handler, 300);
      expect(refused).toBeGreaterThan(20);
      expect(understood).toBeGreaterThan(0);
      expect(await outcomeOf(handler(stateInput))).toMatchObject({
        refusal: { name: 'IntegrationMovedOnError' },
      });
    });
  },
);

describe('what a state passes beside that', () => {
  const undoing = recordOf({ status: 'removing', deprovision: undoOf('remove', 1) });
  test.each<[string, JournalRecord, Record<string, unknown>]>([
    ['provision/request-iam-user.ts', recordOf(), { taskToken: 'token' }],
    ['provision/roll-back.ts', recordOf(), { failedStep: 'CreateRole', error: { Error: 'x', Cause: 'y' } }],
    ['deprovision/delete-role.ts', undoing, { callsEnded: false }],
    ['deprovision/revoke-access.ts', undoing, { callsEnded: true }],
    [
      'deprovision/await-open-calls.ts',
      undoing,
      { since: '2026-11-23T00:00:00.000Z', failures: [{ step: 'DeleteRole', error: { Error: 'x' } }] },
    ],
    ['deprovision/remove-drivers.ts', undoing, { since: '2026-11-23T00:00:00.000Z' }],
    ['deprovision/await-undo-calls.ts', undoing, { since: '2026-11-23T00:00:00.000Z' }],
    [
      'deprovision/conclude.ts',
      undoing,
      { mode: 'remove', run: 1, failures: [{ step: 'DeleteRole', error: { Error: 'x', Cause: 'y' } }] },
    ],
  ])('%s: is understood, or refused and journalled as that', async (file, record, more) => {
    const handler = await load(file);
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    dynamo.on(GetCommand).resolves({ Item: toStored(record) });
    bus.on(PutEventsCommand).resolves({ Entries: [{ EventId: '1' }] });
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(mutationsOf(more), async (changed) => {
        forgetCalls();
        const input = { ...z.looseObject({}).catch({}).parse(changed), ...stateInput };
        const outcome = await outcomeOf(handler(input));
        const writes = dynamo.commandCalls(UpdateCommand).map(({ args: [{ input: write }] }) => write);
        for (const { ExpressionAttributeValues: { ':error': error } = {} } of writes) {
          if (error === undefined) continue;
          // What is journalled of a failure, which the API shows.
          const told = z.object({ detail: z.string().max(2_200), step: z.string().max(30) });
          expect(told.safeParse(error).error).toBeUndefined();
        }
        if (!('refusal' in outcome) || outcome.refusal.name !== 'InvalidInputError') return;
        refused += 1;
        expect(calls()).toEqual(['UpdateCommand', 'UpdateCommand']);
        expect(writes[0]?.UpdateExpression).toContain('SET #steps.#step = :step');
        expect(writes[1]?.ExpressionAttributeValues).toMatchObject({ ':ended': 'failed' });
      }),
      { numRuns: runs(300) },
    );
    expect(refused).toBeGreaterThan(10);
  });
});

describe('an event on the bus', () => {
  const issued = {
    version: '0',
    id: 'x',
    source: 'dataloop-cross-account',
    'detail-type': 'Dataloop IAM User Issued',
    detail: { version: '1', integrationId, dataloopIntegrationId: 'dataloop-1', userArn },
  };
  const waiting = recordOf({
    steps: { RequestIamUser: { status: 'waiting', startedAt: stateInput.enteredAt, attempts: 1 } },
    resources: { dataloopIntegration: { state: 'created', id: 'dataloop-1' } },
  });

  test('is understood, or refused; and wakes only the workflow that waits for what it names', async () => {
    const handler = await load('callback/resume-provisioning.ts');
    dynamo
      .on(GetCommand, { Key: { pk: `integration#${integrationId}` } })
      .resolves({ Item: toStored(waiting) })
      .on(GetCommand, { Key: { pk: `token#${integrationId}` } })
      .resolves({ Item: { taskToken: 'token' } });
    states.on(SendTaskSuccessCommand).resolves({});
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(waiting) });
    let woken = 0;
    await fc.assert(
      fc.asyncProperty(hostile(issued), async (event) => {
        forgetCalls();
        const outcome = await outcomeOf(handler(event));
        if ('refusal' in outcome) {
          expect(outcome.refusal.name).toBe('InvalidInputError');
          expect(calls()).toEqual([]);
        }
        const sent = states.commandCalls(SendTaskSuccessCommand);
        if (sent.length === 0) return;
        woken += 1;
        expect(event).toMatchObject({ detail: { integrationId, dataloopIntegrationId: 'dataloop-1' } });
        // The text of the event's user is all that it can say; CreateRole does not ask it.
        expect(Object.keys(JSON.parse(sent[0]?.args[0].input.output ?? ''))).toEqual(['userArn']);
      }),
      { numRuns: runs(1_000) },
    );
    expect(woken).toBeGreaterThan(0);
  });

  test('of Step Functions is understood, or refused', async () => {
    const handler = await load('watch/execution-ended.ts');
    dynamo.on(GetCommand).resolves({});
    const ended = {
      source: 'aws.states',
      'detail-type': 'Step Functions Execution Status Change',
      detail: {
        executionArn: recordOf().executionArn,
        stateMachineArn: machineArn('provision'),
        name: integrationId,
        status: 'FAILED',
        input: JSON.stringify({ recordId: integrationId }),
      },
    };
    const { refused, understood } = await tried(hostile(ended), handler, 1_000);
    expect(Math.min(refused, understood)).toBeGreaterThan(10);
  });
});

describe('what is longer than AWS sends it', () => {
  test.each<[string, unknown]>([
    [
      'callback/poll-iam-user.ts',
      { Records: [{ body: `${JSON.stringify({ integrationId, count: 1 })}${' '.repeat(1_000)}` }] },
    ],
    [
      'callback/poll-iam-user.ts',
      { Records: Array(11).fill({ body: JSON.stringify({ integrationId, count: 1 }) }) },
    ],
    [
      'watch/execution-ended.ts',
      {
        detail: {
          executionArn: recordOf().executionArn,
          stateMachineArn: machineArn('provision'),
          name: integrationId,
          status: 'FAILED',
          input: JSON.stringify({ recordId: integrationId, more: 'x'.repeat(262_144) }),
        },
      },
    ],
    [
      'callback/resume-provisioning.ts',
      {
        source: 'dataloop-cross-account',
        'detail-type': 'Dataloop IAM User Issued',
        detail: {
          version: '1',
          integrationId,
          dataloopIntegrationId: 'dataloop-1',
          userArn: userArn.padEnd(2_049, 'x'),
        },
      },
    ],
  ])('%s: is refused before anything happens', async (file, event) => {
    const handler = await load(file);
    expect(await outcomeOf(handler(event))).toMatchObject({ refusal: { name: 'InvalidInputError' } });
    expect(calls()).toEqual([]);
  });

  test('is no task token', async () => {
    const handler = await load('provision/request-iam-user.ts');
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(recordOf()) });
    const outcome = await outcomeOf(handler({ ...stateInput, taskToken: 't'.repeat(2_049) }));
    expect(outcome).toMatchObject({ refusal: { name: 'InvalidInputError' } });
    expect(calls()).toEqual(['UpdateCommand', 'UpdateCommand']);
  });
});

describe('a message of the poll queue', () => {
  test('is understood, or refused; what it names is nobody’s, so nothing is sent', async () => {
    const handler = await load('callback/poll-iam-user.ts');
    dynamo.on(GetCommand).resolves({});
    const body = fc.oneof(
      hostile({ integrationId, count: 1 }).map((message) => JSON.stringify(message) ?? ''),
      anyText(),
      fc.constantFrom('', '{', '{"integrationId":"int_', '\ufeff{}'),
    );
    const batch = fc.oneof(
      { weight: 4, arbitrary: body.map((text): unknown => ({ Records: [{ messageId: 'x', body: text }] })) },
      { weight: 1, arbitrary: anyJson },
    );
    const { refused, understood } = await tried(batch, handler, 2_000);
    expect(Math.min(refused, understood)).toBeGreaterThan(2);
    expect(queue.commandCalls(SendMessageCommand)).toEqual([]);
  });
});

describe('a request', () => {
  const eventOf = (more: object) => ({
    version: '2.0',
    routeKey: 'POST /integrations',
    rawPath: '/integrations',
    headers: { 'content-type': 'application/json' },
    requestContext: { requestId: 'request-1' },
    isBase64Encoded: false,
    ...more,
  });
  const answerSchema = z.object({
    statusCode: z.number(),
    headers: z.object({ 'content-type': z.literal('application/problem+json') }),
    body: z.string(),
  });
  const problemSchema = z.strictObject({
    type: z.string().startsWith('urn:dataloop-cross-account:problem:'),
    title: z.string().min(1),
    status: z.number(),
    detail: z.string().min(10),
    errors: z
      .array(z.strictObject({ pointer: z.string(), detail: z.string().min(10) }))
      .min(1)
      .optional(),
    requestId: z.literal('request-1'),
  });

  /** @throws Error for what is no problem document with a status of its caller's */
  const expectRefused = (outcome: unknown) => {
    const { statusCode, body } = answerSchema.parse(outcome);
    const problem = problemSchema.parse(JSON.parse(body));
    expect(problem.status).toBe(statusCode);
    const isAsItShould = statusCode >= 400 && statusCode < 500 && isFitToTell(problem.detail, 500);
    expect([problem, isAsItShould, calls()]).toEqual([problem, true, []]);
  };

  test('that is bad is refused with a problem document, and nothing is asked or written', async () => {
    const [start, get, remove, unknownRoute] = await Promise.all(
      ['start-provisioning', 'get-integration', 'remove-integration', 'unknown-route'].map((name) =>
        load(`api/${name}.ts`),
      ),
    );
    await fc.assert(
      fc.asyncProperty(badRequest, fc.boolean(), async ({ method, path, rawBody, headers }, encoded) => {
        forgetCalls();
        const [, first = '', id] = path.split('/').map(decodeURIComponent);
        const byId = method === 'GET' ? get : remove;
        const handler =
          method === 'POST' && path === '/integrations'
            ? start
            : first === 'integrations'
              ? byId
              : unknownRoute;
        const body = encoded ? Buffer.from(rawBody ?? '').toString('base64') : rawBody;
        const event = eventOf({
          headers: { 'content-type': 'application/json', ...headers },
          pathParameters: id === undefined ? null : { integrationId: id },
          isBase64Encoded: encoded,
          ...(body === undefined ? {} : { body }),
        });
        expectRefused(await handler?.(event));
      }),
      { numRuns: runs(2_000) },
    );
  });

  test('of bytes that are no text is refused', async () => {
    const start = await load('api/start-provisioning.ts');
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        forgetCalls();
        expectRefused(
          await start(eventOf({ body: Buffer.from(bytes).toString('base64'), isBase64Encoded: true })),
        );
      }),
      { numRuns: runs(500) },
    );
  });

  test.each(['get', 'remove'])('to %s by an id that is none is refused, however long it is', async (name) => {
    const handler = await load(`api/${name}-integration.ts`);
    const odd = [
      '',
      '..',
      '\0',
      `${integrationId}\n`,
      integrationId.toLowerCase(),
      'i'.repeat(9_000),
      `lock#name#x`,
    ];
    for (const id of odd) {
      forgetCalls();
      expectRefused(await handler(eventOf({ pathParameters: { integrationId: id } })));
    }
  });

  test('that API Gateway would not send so is understood, or refused', async () => {
    const handler = await load('api/get-integration.ts');
    dynamo.on(GetCommand).resolves({});
    const event = eventOf({ pathParameters: { integrationId }, body: '{}' });
    const { refused, understood } = await tried(hostile(event), handler, 1_000);
    expect(Math.min(refused, understood)).toBeGreaterThan(10);
  });
});

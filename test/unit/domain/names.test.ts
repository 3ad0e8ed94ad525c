/** Names that are taken stay names: they break out of no ARN, key, log line, message or link that is made of them. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import fc from 'fast-check';
import * as z from 'zod';
import { publisher } from '../../../src/clients/aws/events.ts';
import { registrar } from '../../../src/clients/aws/journal/registration.ts';
import { pollScheduler } from '../../../src/clients/aws/queue.ts';
import { executionArnOf } from '../../../src/clients/aws/step-functions.ts';
import { integrationView } from '../../../src/domain/api/view.ts';
import { locksOf } from '../../../src/domain/lifecycle/start.ts';
import { desiredState, ownerTag } from '../../../src/domain/model/desired-state.ts';
import { executionArnSchema } from '../../../src/domain/model/record.ts';
import type { IntegrationRequest } from '../../../src/domain/model/request.ts';
import { printable, ServiceError } from '../../../src/errors.ts';
import { errorKeys, logger } from '../../../src/runtime/log.ts';
import { anyText, hostileText } from '../../security/bad-requests.ts';
import { takenRequest } from '../arbitraries.ts';
import { runs } from '../runs.ts';
import { account, integrationId, recordOf } from './fakes.ts';

const numRuns = runs(1_000);
const texts = fc.oneof(hostileText, anyText({ maxLength: 200 }));

/** The logger leaves out what is empty. */
const someText = texts.filter((text) => text !== '');

describe('ARNs', () => {
  test('have the parts that they are made of, and no more', () => {
    fc.assert(
      fc.property(takenRequest, (request) => {
        const { bucket, policy, role } = desiredState(integrationId, request, account);
        expect(bucket.arn.split(':')).toEqual(['arn', 'aws', 's3', '', '', request.bucket.name]);
        for (const [kind, { name, arn }] of Object.entries({ policy, role })) {
          const [rest, ...path] = arn.split('/');
          expect(rest).toBe(`arn:aws:iam::${account.accountId}:${kind}`);
          expect(path).toEqual(['dataloop-cross-account', 'test', name]);
          expect(name).toMatch(/^dataloop-/);
        }
        expect(bucket.arn).not.toMatch(/[*?$/]/);
        expect(role.arn + policy.arn).not.toMatch(/[*?$]/);
      }),
      { numRuns },
    );
  });
});

describe('tags', () => {
  test('of a request stand beside the owner’s, which nothing takes the place of', () => {
    fc.assert(
      fc.property(takenRequest, (request) => {
        const { tags } = desiredState(integrationId, request, account);
        expect(tags[ownerTag]).toBe(integrationId);
        const keys = Object.keys(tags).map((key) => key.toLowerCase());
        expect(new Set(keys).size).toBe(keys.length);
        expect(keys.filter((key) => /^(aws|dataloop-cross-account):/.test(key))).toEqual([ownerTag]);
        expect(keys.length).toBeLessThanOrEqual(50);
      }),
      { numRuns },
    );
  });
});

describe('keys of the journal', () => {
  const dynamo = mockClient(DynamoDBDocumentClient);
  const table = {
    client: DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' })),
    name: 'journal',
  };

  /** Keys that a request's registration writes. */
  async function keysOf(request: IntegrationRequest, idempotencyKey: string): Promise<string[]> {
    dynamo.reset();
    dynamo.on(TransactWriteCommand).resolves({});
    await registrar(table).register({
      record: recordOf({ name: request.name, request }),
      locks: locksOf({ request }),
      idempotency: { key: idempotencyKey, expiresAt: 0 },
    });
    const [call] = dynamo.commandCalls(TransactWriteCommand);
    return (call?.args[0].input.TransactItems ?? []).map(({ Put }) => z.string().parse(Put?.Item?.['pk']));
  }

  test('of two requests are the same only where name, bucket, or bucket and driver are', async () => {
    // Few and alike, so that they often meet; with what separates the parts of a key in them.
    const alike = fc.record({
      name: fc.constantFrom('acme', 'name', 'bucket'),
      bucket: fc.constantFrom('dataloop-acme', 'dataloop-acme.acme', 'dataloop-name'),
      driver: fc.option(
        fc.constantFrom('acme', '#acme', 'acme#acme', 'bucket#dataloop-acme#acme', 'name#acme', '#'),
      ),
    });
    const requestOf = ({
      name,
      bucket,
      driver,
    }: {
      name: string;
      bucket: string;
      driver: string | null;
    }) => ({
      ...recordOf().request,
      name,
      bucket: { ...recordOf().request.bucket, name: bucket },
      dataloop: { ...recordOf().request.dataloop, ...(driver === null ? {} : { driverName: driver }) },
    });
    await fc.assert(
      fc.asyncProperty(alike, alike, async (one, other) => {
        const [first, second] = [requestOf(one), requestOf(other)];
        const meet = locksOf({ request: first }).filter((lock) =>
          locksOf({ request: second }).includes(lock),
        );
        const driverOf = (request: IntegrationRequest) => request.dataloop.driverName ?? request.name;
        const same =
          Number(first.name === second.name) +
          Number(first.bucket.name === second.bucket.name) +
          Number(first.bucket.name === second.bucket.name && driverOf(first) === driverOf(second));
        expect(meet).toHaveLength(same);
      }),
      { numRuns },
    );
  });

  test('are each of their own kind, different from each other, and as short as DynamoDB wants', async () => {
    await fc.assert(
      fc.asyncProperty(takenRequest, fc.string({ maxLength: 64 }), async (request, key) => {
        const keys = await keysOf(request, key);
        expect(keys.map((pk) => pk.split('#')[0])).toEqual([
          'idempotency',
          'lock',
          'lock',
          'lock',
          'integration',
        ]);
        expect(new Set(keys).size).toBe(5);
        for (const pk of keys) expect(Buffer.byteLength(pk)).toBeLessThan(1_024);
      }),
      { numRuns: runs(300) },
    );
  });
});

describe('lines of the log', () => {
  const written: string[] = [];
  beforeEach(() => {
    written.length = 0;
    for (const stream of [process.stdout, process.stderr]) {
      jest.spyOn(stream, 'write').mockImplementation((chunk) => {
        written.push(String(chunk));
        return true;
      });
    }
  });
  afterEach(() => {
    jest.restoreAllMocks();
    logger.resetKeys();
  });

  test('are one line of JSON each, with the words of the code, whatever stands in their keys', () => {
    fc.assert(
      fc.property(someText, someText, (text, other) => {
        written.length = 0;
        logger.appendKeys({ integrationId: text, executionArn: other });
        logger.info('Step started');
        logger.warn('Step failed', errorKeys(new ServiceError('RoleNameTakenError', text)));
        logger.error('Request failed', errorKeys(Object.assign(new Error(other), { name: text })));
        expect(written).toHaveLength(3);
        const lines = written.map((line): unknown => {
          expect(line.indexOf('\n')).toBe(line.length - 1);
          expect(line).not.toContain('\r');
          return JSON.parse(line);
        });
        const keys = { integrationId: text, executionArn: other };
        expect(lines).toMatchObject([
          { level: 'INFO', message: 'Step started', ...keys },
          {
            level: 'WARN',
            message: 'Step failed',
            ...keys,
            errorName: 'RoleNameTakenError',
            errorMessage: printable(text, 8_000),
          },
          {
            level: 'ERROR',
            message: 'Request failed',
            ...keys,
            errorName: printable(text, 100),
            errorMessage: printable(other, 8_100),
          },
        ]);
      }),
      { numRuns },
    );
  });

  test('are no longer for longer words of somebody else’s', () => {
    const long = '"é\n'.repeat(1_000_000);
    logger.warn('Step failed', errorKeys(new ServiceError('RoleNameTakenError', long)));
    logger.error('Request failed', errorKeys(Object.assign(new Error(long), { name: long })));
    expect(written.map((line) => line.length < 25_000)).toEqual([true, true]);
  });
});

describe('messages and events', () => {
  test('hold what they are given, as one value each', async () => {
    const bus = mockClient(EventBridgeClient);
    const queue = mockClient(SQSClient);
    const publish = publisher(new EventBridgeClient({ region: 'eu-west-1' }), 'bus');
    const schedule = pollScheduler(new SQSClient({ region: 'eu-west-1' }), 'https://queue.example');
    await fc.assert(
      fc.asyncProperty(texts, texts, async (text, other) => {
        bus.reset();
        queue.reset();
        bus.on(PutEventsCommand).resolves({ Entries: [{ EventId: '1' }] });
        queue.on(SendMessageCommand).resolves({});
        const failed = {
          version: '1' as const,
          integrationId,
          name: text,
          status: 'residue' as const,
          error: { type: text, title: other, detail: text, step: other },
          residue: [{ type: text, arn: other, name: text, reason: other, advice: text }],
        };
        await publish('Dataloop Integration Failed', failed);
        await schedule({ integrationId: text, count: 1 }, 2);
        const entries = bus.commandCalls(PutEventsCommand)[0]?.args[0].input.Entries ?? [];
        expect(entries).toHaveLength(1);
        expect(entries[0]).toMatchObject({ Source: 'dataloop-cross-account', EventBusName: 'bus' });
        expect(JSON.parse(entries[0]?.Detail ?? '')).toEqual(failed);
        const message = queue.commandCalls(SendMessageCommand)[0]?.args[0].input.MessageBody ?? '';
        expect(JSON.parse(message)).toEqual({ integrationId: text, count: 1 });
      }),
      { numRuns: runs(300) },
    );
  });
});

describe('links', () => {
  const consoles = ['console.aws.amazon.com', 'console.amazonaws.cn', 'console.amazonaws-us-gov.com'];
  const expectConsole = (executionArn: string) => {
    const { links } = integrationView(recordOf({ executionArn }));
    const link = new URL(links.console);
    const region = executionArn.split(':')[3] ?? '';
    expect(link.protocol).toBe('https:');
    expect(consoles.map((console) => `${region}.${console}`)).toContain(link.host);
    expect([link.username, link.password, link.port, link.pathname]).toEqual(['', '', '', '/states/home']);
    expect([...link.searchParams]).toEqual([['region', region]]);
    expect(link.hash).toBe(`#/v2/executions/details/${executionArn}`);
    expect(links.self).toBe(`/integrations/${integrationId}`);
  };

  test('lead to the console, and nowhere else, for every request', () => {
    fc.assert(
      fc.property(takenRequest, (request) => {
        const machine = `arn:aws:states:${account.region}:${account.accountId}:stateMachine:service-dev-provision`;
        const executionArn = executionArnOf(machine, integrationId);
        const { links } = integrationView(recordOf({ request, name: request.name, executionArn }));
        expect(links).toEqual(integrationView(recordOf({ executionArn })).links);
        expectConsole(executionArn);
      }),
      { numRuns: runs(300) },
    );
  });

  test('lead to the console from every record that is taken, also one that somebody edited', () => {
    const parts = [
      'arn',
      'aws',
      'states',
      'eu-west-1',
      account.accountId,
      'execution',
      'provision',
      integrationId,
    ];
    const odd = fc.oneof(
      hostileText,
      fc.constantFrom(
        ...parts,
        'evil.example/',
        'evil.example#',
        'user@evil.example',
        'aws-cn',
        'us-gov-west-1',
        '-',
      ),
    );
    let taken = 0;
    fc.assert(
      fc.property(
        fc
          .uniqueArray(fc.nat(parts.length - 1), { maxLength: 2 })
          .chain((places) =>
            fc
              .tuple(...places.map(() => odd))
              .map((texts) => parts.map((part, index) => texts[places.indexOf(index)] ?? part).join(':')),
          ),
        (executionArn) => {
          if (!executionArnSchema.safeParse(executionArn).success) return;
          taken += 1;
          expectConsole(executionArn);
        },
      ),
      { numRuns: runs(5_000) },
    );
    expect(taken).toBeGreaterThan(100);
  });
});

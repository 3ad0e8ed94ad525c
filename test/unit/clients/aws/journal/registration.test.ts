import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DynamoDBDocumentClient,
  PutCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { addedBucketRegistrar, registrar } from '../../../../../src/clients/aws/journal/registration.ts';
import { fullReserve } from '../../../../../src/clients/aws/journal/reserve.ts';
import { toStored } from '../../../../../src/domain/model/stored-record.ts';
import { integrationId, recordOf } from '../../../domain/fakes.ts';
import { answering, sdkError } from '../sdk-answers.ts';

const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }));
const dynamo = mockClient(client);
const pauses: number[] = [];
const pause = async (attempt: number) => void pauses.push(attempt);
const table = { client, name: 'journal', pause };
beforeEach(() => {
  dynamo.reset();
  pauses.length = 0;
});

const record = recordOf();
const Key = { pk: `integration#${integrationId}` };
const conflict = Object.assign(sdkError('TransactionCanceledException', 400), {
  CancellationReasons: [{ Code: 'None' }, { Code: 'TransactionConflict' }],
});

describe('registering', () => {
  const registration = {
    record,
    locks: ['name#acme', 'bucket#dataloop-acme#acme'],
    idempotency: { key: 'hashed-key', expiresAt: 2_000_000_000 },
  };
  const register = (change: object = {}) => registrar(table).register({ ...registration, ...change });
  const held = (pk: string, by: string, requestHash = 'their-hash') => ({
    Code: 'ConditionalCheckFailed',
    Message: 'The conditional request failed',
    Item: { pk: { S: pk }, integrationId: { S: by }, requestHash: { S: requestHash } },
  });
  const none = { Code: 'None' };
  /** The cancellation as the SDK itself reads it from DynamoDB's answer. */
  const cancelledWith = (reasons: object[]) => {
    const body = {
      __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
      Message: 'Transaction cancelled, please refer cancellation reasons for specific reasons',
      CancellationReasons: reasons,
    };
    const settings = answering(400, JSON.stringify(body), { 'content-type': 'application/x-amz-json-1.0' });
    const refusing = DynamoDBDocumentClient.from(new DynamoDBClient(settings));
    return registrar({ client: refusing, name: 'journal', pause }).register(registration);
  };

  test('locks of records that are over count as free, and nothing else of theirs', async () => {
    dynamo.on(TransactWriteCommand).resolves({});
    await registrar(table).register({ ...registration, over: ['int_A', 'int_B'] });
    const items = dynamo.commandCalls(TransactWriteCommand)[0]?.args[0].input.TransactItems ?? [];
    const ofLocks = 'attribute_not_exists(pk) OR integrationId IN (:over0, :over1)';
    expect(items.map(({ Put }) => [Put?.ConditionExpression, Put?.ExpressionAttributeValues])).toEqual([
      ['attribute_not_exists(pk) OR expiresAt < :now', { ':now': expect.any(Number) }],
      [ofLocks, { ':over0': 'int_A', ':over1': 'int_B' }],
      [ofLocks, { ':over0': 'int_A', ':over1': 'int_B' }],
      ['attribute_not_exists(pk)', undefined],
    ]);
  });

  describe('a place of the caller', () => {
    const inPlace = (before?: string) => ({
      ...registration,
      place: { key: 'caller#3', ...(before ? { before } : {}) },
    });

    test('is written with the record where nobody has it, or the one before is over', async () => {
      dynamo.on(TransactWriteCommand).resolves({});
      await registrar(table).register(inPlace());
      await registrar(table).register(inPlace('int_A'));
      const puts = dynamo
        .commandCalls(TransactWriteCommand)
        .map(({ args: [{ input }] }) => input.TransactItems?.at(-1)?.Put);
      const Item = {
        pk: 'place#caller#3',
        integrationId,
        requestHash: record.requestHash,
        expiresAt: expect.any(Number),
      };
      expect(puts).toMatchObject([
        { Item, ConditionExpression: 'attribute_not_exists(pk) OR expiresAt < :now' },
        {
          Item,
          ConditionExpression: 'attribute_not_exists(pk) OR expiresAt < :now OR integrationId IN (:over0)',
          ExpressionAttributeValues: { ':over0': 'int_A' },
        },
      ]);
    });

    test('that is taken is said only where nothing else is in the way', async () => {
      const taken = held('place#caller#3', 'int_C');
      await expect(cancelledWith([none, none, none, none, taken])).resolves.toEqual({
        outcome: 'place-taken',
        by: 'int_C',
      });
      await expect(
        cancelledWith([none, held('lock#name#acme', 'int_B'), none, none, taken]),
      ).resolves.toEqual({ outcome: 'locked', by: 'int_B' });
    });

    test('that is ours is of our own transaction, whose answer was lost', async () => {
      await expect(
        cancelledWith([none, none, none, none, held('place#caller#3', integrationId)]),
      ).resolves.toEqual({ outcome: 'registered' });
    });
  });

  test('key, locks and record are one transaction, each item only where there is none', async () => {
    dynamo.on(TransactWriteCommand).resolves({});
    await expect(register()).resolves.toEqual({ outcome: 'registered' });

    expect(dynamo.calls()).toHaveLength(1);
    const items = dynamo.commandCalls(TransactWriteCommand)[0]?.args[0].input.TransactItems ?? [];
    const holder = { integrationId, requestHash: record.requestHash };
    expect(items.map(({ Put }) => Put?.Item)).toEqual([
      { pk: 'idempotency#hashed-key', ...holder, expiresAt: 2_000_000_000 },
      { pk: 'lock#name#acme', ...holder, status: 'held' },
      { pk: 'lock#bucket#dataloop-acme#acme', ...holder },
      { ...Key, ...toStored(record), reserve: fullReserve() },
    ]);
    expect(items.map(({ Put }) => Put?.ConditionExpression)).toEqual([
      // DynamoDB removes expired items when it gets to it.
      'attribute_not_exists(pk) OR expiresAt < :now',
      'attribute_not_exists(pk)',
      'attribute_not_exists(pk)',
      'attribute_not_exists(pk)',
    ]);
    for (const { Put } of items) {
      expect(Put).toMatchObject({
        TableName: 'journal',
        // Without it DynamoDB would not say who holds the item.
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
    }
  });

  test('without a key there is no item for one', async () => {
    dynamo.on(TransactWriteCommand).resolves({});
    await register({ idempotency: undefined });
    const items = dynamo.commandCalls(TransactWriteCommand)[0]?.args[0].input.TransactItems ?? [];
    expect(items.map(({ Put }) => Put?.Item?.['pk'])).toEqual([
      'lock#name#acme',
      'lock#bucket#dataloop-acme#acme',
      Key.pk,
    ]);
  });

  test('a held lock names its holder, beside items that nothing held', async () => {
    await expect(cancelledWith([none, held('lock#name#acme', 'int_B'), none, none])).resolves.toEqual({
      outcome: 'locked',
      by: 'int_B',
    });
  });

  test('a held key is a repeated request, whatever locks its integration holds too', async () => {
    const outcome = cancelledWith([
      held('idempotency#hashed-key', 'int_B'),
      held('lock#name#acme', 'int_B'),
      held('lock#bucket#dataloop-acme#acme', 'int_B'),
      none,
    ]);
    await expect(outcome).resolves.toMatchObject({
      outcome: 'repeated',
      recordId: 'int_B',
      requestHash: 'their-hash',
    });
  });

  test('our own transaction, whose answer was lost, is a registration', async () => {
    const outcome = cancelledWith([
      held('idempotency#hashed-key', integrationId),
      held('lock#name#acme', integrationId),
      held('lock#bucket#dataloop-acme#acme', integrationId),
      held(Key.pk, integrationId),
    ]);
    await expect(outcome).resolves.toEqual({ outcome: 'registered' });
  });

  test('a conflict of transactions passes by itself', async () => {
    await expect(cancelledWith([none, { Code: 'TransactionConflict' }, none, none])).rejects.toMatchObject({
      name: 'AwsConflictError',
      retryable: true,
    });
  });

  test('a cancellation that nobody holds anything of is an error that names the integration', async () => {
    await expect(cancelledWith([none, { Code: 'ValidationError' }, none, none])).rejects.toMatchObject({
      name: 'AwsRequestRefusedError',
      message: expect.stringContaining('register integration acme'),
    });
  });
});

describe('registering a driver', () => {
  const driverId = `drv_${'0'.repeat(26)}`;
  const driver = recordOf({
    id: driverId,
    parent: { integrationId, dataloopIntegrationId: 'dataloop-1' },
  });
  const added = {
    bucket: { name: 'dataloop-b' },
    dataloop: { projectId: 'project-1', driverName: 'b', allowDelete: true },
  };
  const registration = { record: driver, locks: ['driver#x'], idempotency: undefined, added };
  const register = () => addedBucketRegistrar(table).register(registration);
  const refused = { Code: 'ConditionalCheckFailed' };
  const none = { Code: 'None' };
  const cancelled = (...CancellationReasons: object[]) =>
    Object.assign(sdkError('TransactionCanceledException', 400), { CancellationReasons });

  test('tells its integration in the same transaction, where that is ready', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    dynamo.on(TransactWriteCommand).resolves({});
    await expect(register()).resolves.toEqual({ outcome: 'registered' });
    // The map that the transaction writes into: DynamoDB makes none on the way.
    expect(dynamo.calls().map((call) => call.args[0].constructor)).toEqual([
      UpdateCommand,
      TransactWriteCommand,
    ]);
    expect(dynamo.commandCalls(UpdateCommand)[0]?.args[0].input).toMatchObject({
      Key,
      UpdateExpression: 'SET #drivers = if_not_exists(#drivers, :none)',
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeNames: { '#drivers': 'drivers' },
      ExpressionAttributeValues: { ':none': {} },
    });
    const items = dynamo.commandCalls(TransactWriteCommand)[0]?.args[0].input.TransactItems ?? [];
    expect(items.map(({ Put }) => Put?.Item?.['pk'])).toEqual([
      'lock#driver#x',
      `integration#${driverId}`,
      undefined,
    ]);
    expect(items.at(-1)).toEqual({
      Update: {
        TableName: 'journal',
        Key,
        UpdateExpression: 'SET #drivers.#driver = :added, #updatedAt = :now',
        ConditionExpression: '#status = :ready',
        ExpressionAttributeNames: {
          '#drivers': 'drivers',
          '#driver': driverId,
          '#status': 'status',
          '#updatedAt': 'updatedAt',
        },
        ExpressionAttributeValues: { ':added': added, ':ready': 'ready', ':now': expect.any(String) },
      },
    });
  });

  test('is not done where the integration is not ready by now, or not there', async () => {
    dynamo.on(UpdateCommand).resolvesOnce({ Attributes: toStored(record) });
    dynamo.on(UpdateCommand).rejects(sdkError('ConditionalCheckFailedException', 400));
    dynamo.on(TransactWriteCommand).rejects(cancelled(none, none, refused));
    await expect(register()).resolves.toEqual({ outcome: 'not-ready' });
    await expect(register()).resolves.toEqual({ outcome: 'not-ready' });
  });

  test('that another one stands in the way of names that one, also where the integration is not ready', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    const Item = { pk: { S: 'lock#driver#x' }, integrationId: { S: 'drv_B' }, requestHash: { S: 'hash' } };
    dynamo.on(TransactWriteCommand).rejects(cancelled({ ...refused, Item }, none, refused));
    await expect(register()).resolves.toEqual({ outcome: 'locked', by: 'drv_B' });
  });

  test('whose own transaction lost its answer is registered, whatever its integration is by now', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    const held = (pk: string) => ({
      ...refused,
      Item: { pk: { S: pk }, integrationId: { S: driverId }, requestHash: { S: driver.requestHash } },
    });
    dynamo
      .on(TransactWriteCommand)
      .rejects(cancelled(held('lock#driver#x'), held(`integration#${driverId}`), refused));
    await expect(register()).resolves.toEqual({ outcome: 'registered' });
  });

  test('that meets another write of its integration is tried again', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    dynamo
      .on(TransactWriteCommand)
      .rejectsOnce(cancelled(none, none, { Code: 'TransactionConflict' }))
      .resolves({});
    await expect(register()).resolves.toEqual({ outcome: 'registered' });
    expect(pauses).toEqual([1]);
  });

  test('that the integration cannot be told of is an error', async () => {
    dynamo.on(UpdateCommand).rejects(sdkError('AccessDeniedException', 400));
    await expect(register()).rejects.toMatchObject({
      name: 'AwsAccessDeniedError',
      message: expect.stringContaining(`add a driver to ${integrationId}`),
    });
    expect(dynamo.commandCalls(TransactWriteCommand)).toHaveLength(0);
  });
});

describe('callers who meet in DynamoDB', () => {
  const registration = { record, locks: ['name#acme'], idempotency: undefined };

  test('find out by and by who was first', async () => {
    dynamo.on(TransactWriteCommand).rejectsOnce(conflict).rejectsOnce(conflict).resolves({});
    await expect(registrar(table).register(registration)).resolves.toEqual({ outcome: 'registered' });
    expect(pauses).toEqual([1, 2]);
  });

  test('do not wait for ever', async () => {
    dynamo.on(TransactWriteCommand).rejects(conflict);
    await expect(registrar(table).register(registration)).rejects.toMatchObject({
      name: 'AwsConflictError',
    });
    expect(dynamo.calls()).toHaveLength(8);
  });

  test('wait for nothing else', async () => {
    dynamo.on(TransactWriteCommand).rejects(sdkError('AccessDeniedException', 400));
    await expect(registrar(table).register(registration)).rejects.toMatchObject({
      name: 'AwsAccessDeniedError',
    });
    expect(pauses).toEqual([]);
  });
});

describe('a key that comes when its integration stands already', () => {
  const key = { key: 'hashed-key', expiresAt: 2_000_000_000 };
  const holder = { id: 'int_B', requestHash: 'their-hash' };
  const remember = () => registrar(table).remember(key, holder);

  test('is kept for that integration, where nobody has used it or it has expired', async () => {
    dynamo.on(PutCommand).resolves({});
    await expect(remember()).resolves.toBe(true);
    expect(dynamo.commandCalls(PutCommand).map((call) => call.args[0].input)).toEqual([
      {
        TableName: 'journal',
        Item: {
          pk: 'idempotency#hashed-key',
          integrationId: 'int_B',
          requestHash: 'their-hash',
          expiresAt: 2_000_000_000,
        },
        ConditionExpression: 'attribute_not_exists(pk) OR expiresAt < :now',
        ExpressionAttributeValues: { ':now': expect.any(Number) },
      },
    ]);
  });

  test('is not taken from a request that has used it meanwhile', async () => {
    dynamo.on(PutCommand).rejects(sdkError('ConditionalCheckFailedException', 400));
    await expect(remember()).resolves.toBe(false);
  });

  test('is tried again where it meets a transaction', async () => {
    dynamo.on(PutCommand).rejectsOnce(sdkError('TransactionConflictException', 400)).resolves({});
    await expect(remember()).resolves.toBe(true);
    expect(pauses).toEqual([1]);
  });
});

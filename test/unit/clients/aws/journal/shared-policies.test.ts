import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { accessJournal } from '../../../../../src/clients/aws/journal/shared-policies.ts';
import { toStored } from '../../../../../src/domain/model/stored-record.ts';
import { integrationId, recordOf } from '../../../domain/fakes.ts';
import { sdkError } from '../sdk-answers.ts';

const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }));
const dynamo = mockClient(client);
const table = { client, name: 'journal' };
beforeEach(() => {
  dynamo.reset();
});

const driverId = `drv_${'0'.repeat(26)}`;
const record = recordOf({ status: 'ready' });
const Key = { pk: `integration#${integrationId}` };
const lostRace = sdkError('ConditionalCheckFailedException', 400);
const throttled = sdkError('ProvisionedThroughputExceededException', 400);
const turn = { pk: `turn#${integrationId}` };
const updates = () => dynamo.commandCalls(UpdateCommand).map((call) => call.args[0].input);
const journal = accessJournal(table);
const call = {
  recordId: driverId,
  step: 'GrantAccess',
  callId: 'execution/GrantAccess/2',
  attempt: 2,
  startedAt: '2026-11-23T00:00:01.000Z',
  begunAt: 1_795_392_000_000,
  aliveUntil: 1_795_392_030_000,
} as const;

/** DynamoDB refuses names and values that no expression uses, and expressions with others than are given. */
function expectComplete(): void {
  for (const update of updates()) {
    const expressions = `${update.UpdateExpression} ${update.ConditionExpression}`;
    const used = (sign: string) => [...new Set(expressions.match(new RegExp(`${sign}\\w+`, 'g')))].sort();
    expect(Object.keys(update.ExpressionAttributeNames ?? {}).sort()).toEqual(used('#'));
    expect(Object.keys(update.ExpressionAttributeValues ?? {}).sort()).toEqual(used(':'));
  }
}

describe('the lock of an integration’s policies', () => {
  test('is taken where it is free, is ours, or has ended a while ago, and the status is right', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: { ...Key, ...toStored(record) } });
    await expect(journal.lock(integrationId, call, ['ready', 'residue'])).resolves.toEqual(record);
    const times = {
      // What its last holder has sent may still be under way.
      ':free': call.begunAt - 5_000,
      // A function lives for 30 s, and no clock is wrong by more than 10 minutes.
      ':latest': call.begunAt + 630_000,
    };
    expect(updates()).toMatchObject([
      {
        Key: turn,
        UpdateExpression: 'SET #by = :by, #until = :until, expiresAt = :expiresAt',
        ConditionExpression: 'attribute_not_exists(pk) OR #by = :by OR NOT #until BETWEEN :free AND :latest',
        ExpressionAttributeNames: { '#by': 'by', '#until': 'until' },
        ExpressionAttributeValues: {
          ':by': call.callId,
          ':until': call.aliveUntil,
          ':expiresAt': call.aliveUntil / 1000 + 86_400,
          ...times,
        },
      },
      {
        Key,
        UpdateExpression: 'SET #lock = :lock, #updatedAt = :now',
        ConditionExpression:
          '#status IN (:status0, :status1) AND ' +
          '(#lock.#by = :by OR NOT #lock.#until BETWEEN :free AND :latest)',
        ExpressionAttributeNames: {
          '#lock': 'accessLock',
          '#by': 'by',
          '#until': 'until',
          '#status': 'status',
        },
        ExpressionAttributeValues: {
          ':status0': 'ready',
          ':status1': 'residue',
          ':lock': { by: call.callId, until: call.aliveUntil },
          ':by': call.callId,
          ...times,
        },
      },
    ]);
    expect(dynamo.commandCalls(DeleteCommand)).toEqual([]);
    expectComplete();
  });

  const toBeWaitedFor = {
    name: 'AccessLockedError',
    retryable: true,
    message: expect.stringContaining(integrationId),
  };

  test('of another call is waited for without a read or write of the long record', async () => {
    dynamo.on(UpdateCommand).rejects(lostRace);
    await expect(journal.lock(integrationId, call, ['ready'])).rejects.toMatchObject(toBeWaitedFor);
    expect(updates().map((update) => update.Key)).toEqual([turn]);
    expect(dynamo.calls()).toHaveLength(1);
  });

  test('of a call that lost its turn and may still be at work is waited for, and the turn is ended', async () => {
    dynamo.on(UpdateCommand).resolvesOnce({}).rejects(lostRace);
    dynamo.on(GetCommand, { Key }).resolves({ Item: { ...Key, ...toStored(record) } });
    await expect(journal.lock(integrationId, call, ['ready'])).rejects.toMatchObject(toBeWaitedFor);
    expect(dynamo.commandCalls(DeleteCommand)[0]?.args[0].input).toMatchObject({
      Key: turn,
      ConditionExpression: '#by = :by',
      ExpressionAttributeNames: { '#by': 'by' },
      ExpressionAttributeValues: { ':by': call.callId },
    });
  });

  test.each([
    ['is in another state', { Item: { ...Key, ...toStored(recordOf({ status: 'removing' })) } }],
    ['is not there', {}],
  ])('of an integration that %s is not waited for', async (_what, answer) => {
    dynamo.on(UpdateCommand).resolvesOnce({}).rejects(lostRace);
    dynamo.on(GetCommand, { Key }).resolves(answer);
    await expect(journal.lock(integrationId, call, ['ready'])).rejects.toMatchObject({
      name: 'IntegrationMovedOnError',
      retryable: false,
    });
    expect(dynamo.commandCalls(DeleteCommand)).toHaveLength(1);
  });

  test('is not taken where DynamoDB does not answer', async () => {
    dynamo.on(UpdateCommand).resolvesOnce({}).rejects(throttled);
    // Nor does it hide what went wrong that the turn cannot be ended.
    dynamo.on(DeleteCommand).rejects(new Error('no answer either'));
    await expect(journal.lock(integrationId, call, ['ready'])).rejects.toMatchObject({
      name: 'AwsUnavailableError',
      message: expect.stringContaining(`lock the policies of ${integrationId}`),
    });
  });

  test('is given back by its holder alone', async () => {
    dynamo
      .on(UpdateCommand)
      .resolvesOnce({ Attributes: toStored(record) })
      .rejects(lostRace);
    dynamo.on(DeleteCommand).resolvesOnce({}).rejects(lostRace);
    await journal.unlock(integrationId, call);
    expect(dynamo.commandCalls(DeleteCommand)[0]?.args[0].input).toMatchObject({ Key: turn });
    // Another one has taken it meanwhile: it stays theirs.
    await expect(journal.unlock(integrationId, call)).resolves.toBeUndefined();
    expect(updates()[0]).toMatchObject({
      Key,
      UpdateExpression: 'SET #updatedAt = :now REMOVE #lock',
      ConditionExpression: '#lock.#by = :by',
      ExpressionAttributeValues: { ':by': call.callId },
    });
    expectComplete();
  });
});

describe('who holds the lock', () => {
  test('notes which policy a driver is in', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    await expect(journal.place(integrationId, call, driverId, 'policy2')).resolves.toEqual(record);
    expect(updates()).toMatchObject([
      {
        Key,
        UpdateExpression: 'SET #drivers.#driver.#placedIn = :policy, #updatedAt = :now',
        ConditionExpression: '#lock.#by = :by AND attribute_exists(#drivers.#driver)',
        ExpressionAttributeNames: { '#drivers': 'drivers', '#driver': driverId, '#placedIn': 'placedIn' },
        ExpressionAttributeValues: { ':policy': 'policy2', ':by': call.callId },
      },
    ]);
    expectComplete();
  });

  test('notes that a driver is in none any more', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    await journal.place(integrationId, call, driverId, undefined);
    expect(updates()).toMatchObject([
      {
        UpdateExpression: 'SET #updatedAt = :now REMOVE #drivers.#driver.#placedIn',
        ConditionExpression: '#lock.#by = :by AND attribute_exists(#drivers.#driver)',
      },
    ]);
    expectComplete();
  });

  test('notes what may stand in a policy', async () => {
    const policy = { state: 'created' as const, arn: 'arn:policy', written: ['one', 'two'] };
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    await expect(journal.writePolicy(integrationId, call, 'policy3', policy)).resolves.toEqual(record);
    expect(updates()).toMatchObject([
      {
        Key,
        UpdateExpression: 'SET #policy = :policy, #updatedAt = :now',
        // One that DeletePolicy has deleted comes back for an integration that is ready alone.
        ConditionExpression:
          '#lock.#by = :by AND (#status = :ready OR attribute_not_exists(#policy) OR #policy.#state <> :gone)',
        ExpressionAttributeNames: { '#policy': 'resource_policy3', '#state': 'state', '#status': 'status' },
        ExpressionAttributeValues: {
          ':policy': policy,
          ':by': call.callId,
          ':ready': 'ready',
          ':gone': 'gone',
        },
      },
    ]);
    expectComplete();
  });

  test('writes nothing any more once another call has taken it', async () => {
    dynamo.on(UpdateCommand).rejects(lostRace);
    const late = { name: 'AccessLockedError', retryable: true };
    await expect(journal.place(integrationId, call, driverId, 'policy')).rejects.toMatchObject(late);
    await expect(
      journal.writePolicy(integrationId, call, 'policy', { state: 'created' }),
    ).rejects.toMatchObject(late);
  });
});

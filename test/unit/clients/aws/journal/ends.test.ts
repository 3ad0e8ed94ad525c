import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { activate, closingJournal } from '../../../../../src/clients/aws/journal/ends.ts';
import { toStored } from '../../../../../src/domain/model/stored-record.ts';
import { integrationId, recordOf } from '../../../domain/fakes.ts';
import { holds } from '../../../schedules/expressions.ts';
import { sdkError } from '../sdk-answers.ts';

const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }));
const dynamo = mockClient(client);
const table = { client, name: 'journal' };
beforeEach(() => {
  dynamo.reset();
});

const record = recordOf();
const Key = { pk: `integration#${integrationId}` };
const lostRace = sdkError('ConditionalCheckFailedException', 400);
const throttled = sdkError('ProvisionedThroughputExceededException', 400);
const updates = () => dynamo.commandCalls(UpdateCommand).map((call) => call.args[0].input);

describe('activating', () => {
  test('makes ready what is provisioning, and may be repeated', async () => {
    const ready = recordOf({ status: 'ready' });
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(ready) });
    await expect(activate(table, integrationId)).resolves.toEqual(ready);
    expect(updates()).toMatchObject([
      {
        ConditionExpression: '#status IN (:status0, :status1) AND attribute_not_exists(#steps.#rollBack)',
        ExpressionAttributeValues: { ':status0': 'provisioning', ':status1': 'ready', ':to': 'ready' },
      },
    ]);
  });

  test('ends its step in the same write, once: a repeated one keeps the time', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: recordOf({ status: 'ready' }) });
    await activate(table, integrationId);
    expect(updates()).toMatchObject([
      {
        UpdateExpression:
          'SET #status = :to, #updatedAt = :now, #steps.#step0.#status = :end0, ' +
          '#steps.#step0.#endedAt = if_not_exists(#steps.#step0.#endedAt, :now)',
        ExpressionAttributeNames: { '#steps': 'steps', '#step0': 'Activate', '#endedAt': 'endedAt' },
        ExpressionAttributeValues: { ':end0': 'succeeded' },
      },
    ]);
  });

  test.each([
    ['has not begun', {}, true],
    [
      'has begun',
      { RollBack: { status: 'running', startedAt: '2026-11-23T00:00:01.000Z', attempts: 1 } },
      false,
    ],
  ])('where RollBack %s, it is ready or not, however late the write comes', async (_what, more, isReady) => {
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    await activate(table, integrationId);
    const {
      ConditionExpression,
      ExpressionAttributeNames: names = {},
      ExpressionAttributeValues: values = {},
    } = updates()[0] ?? {};
    const item = { status: 'provisioning', steps: { Activate: { status: 'running' }, ...more } };
    expect(holds(ConditionExpression, item, { names, values })).toBe(isReady);
  });

  test('does nothing to an integration that is being undone', async () => {
    dynamo.on(UpdateCommand).rejects(lostRace);
    await expect(activate(table, integrationId)).resolves.toBeUndefined();
  });
});

describe('closing', () => {
  const closing = {
    run: 2,
    status: 'removed',
    leftovers: { bucket: { reason: 'It is not empty.', advice: 'Empty it.' } },
    steps: { DeleteRole: 'failed', Conclude: 'succeeded' },
    locks: ['name#acme', 'bucket#dataloop-acme#acme'],
  } as const;
  const deleted = () => dynamo.commandCalls(DeleteCommand).map((call) => call.args[0].input);

  test('releases the locks that this integration holds, and writes the end last', async () => {
    const closed = recordOf({ status: 'removed' });
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(closed) });
    dynamo.on(DeleteCommand).resolves({});
    await expect(closingJournal(table).close(integrationId, closing)).resolves.toEqual(closed);
    expect(updates()).toMatchObject([
      {
        ExpressionAttributeValues: {
          ':status0': 'rolling-back',
          ':status1': 'removing',
          // Of what was left only drivers may have been, which went later.
          ':status2': 'residue',
          // Repeated, it must get past its own first write to the locks.
          ':status3': 'removed',
          ':to': 'removed',
          ':leftovers': closing.leftovers,
          ':run': 2,
        },
      },
    ]);
    expect(deleted()).toMatchObject(
      closing.locks.map((lock) => ({
        TableName: 'journal',
        Key: { pk: `lock#${lock}` },
        ConditionExpression: 'attribute_not_exists(pk) OR integrationId = :id',
        ExpressionAttributeValues: { ':id': integrationId },
      })),
    );
    // From its end on nobody looks after the integration any more, nor after a lock that it has left.
    expect(dynamo.calls().map((call) => call.args[0].constructor)).toEqual([
      DeleteCommand,
      DeleteCommand,
      UpdateCommand,
    ]);
  });

  test('ends every step that is still open in the write of the status', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    await closingJournal(table).close(integrationId, { ...closing, locks: [] });
    expect(updates()).toMatchObject([
      {
        UpdateExpression:
          'SET #status = :to, #leftovers = :leftovers, #updatedAt = :now, ' +
          '#steps.#step0.#status = :end0, #steps.#step0.#endedAt = if_not_exists(#steps.#step0.#endedAt, :now), ' +
          '#steps.#step1.#status = :end1, #steps.#step1.#endedAt = if_not_exists(#steps.#step1.#endedAt, :now)',
        ExpressionAttributeNames: { '#step0': 'DeleteRole', '#step1': 'Conclude' },
        ExpressionAttributeValues: { ':end0': 'failed', ':end1': 'succeeded' },
      },
    ]);
  });

  test('names no step where none is open: DynamoDB refuses what an expression does not use', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    await closingJournal(table).close(integrationId, { ...closing, steps: {}, locks: [] });
    expect(updates()[0]?.ExpressionAttributeNames).not.toHaveProperty('#steps');
    expect(updates()[0]?.ExpressionAttributeNames).not.toHaveProperty('#endedAt');
  });

  test('of what leaves something releases no lock', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    await closingJournal(table).close(integrationId, { ...closing, status: 'residue', locks: [] });
    expect(deleted()).toEqual([]);
    expect(updates()).toMatchObject([{ ExpressionAttributeValues: { ':to': 'residue' } }]);
  });

  describe('forgetting a driver', () => {
    const driverId = `drv_${'0'.repeat(26)}`;
    const forget = () => closingJournal(table).forgetAddedBucket(integrationId, driverId);

    test('takes it out of its integration, and answers with what that is then', async () => {
      dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
      await expect(forget()).resolves.toEqual(record);
      expect(updates()).toMatchObject([
        {
          Key,
          UpdateExpression: 'SET #updatedAt = :now REMOVE #drivers.#driver',
          // One that was forgotten before is forgotten all the same.
          ConditionExpression: 'attribute_exists(#drivers)',
          ExpressionAttributeNames: { '#drivers': 'drivers', '#driver': driverId },
        },
      ]);
    });

    test('is of no use where the integration has none, or is gone', async () => {
      dynamo.on(UpdateCommand).rejects(lostRace);
      await expect(forget()).resolves.toBeUndefined();
    });

    test('that does not succeed says what failed', async () => {
      dynamo.on(UpdateCommand).rejects(throttled);
      await expect(forget()).rejects.toMatchObject({
        name: 'AwsUnavailableError',
        message: expect.stringContaining(`forget the driver ${driverId}`),
      });
    });
  });

  test('ends only the run that it closes, in the states of an undo and in its own end', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    await closingJournal(table).close(integrationId, { ...closing, run: 7, locks: [] });
    expect(updates()).toMatchObject([
      {
        Key,
        ConditionExpression:
          '#status IN (:status0, :status1, :status2, :status3) AND #deprovision.#run = :run',
        ExpressionAttributeNames: { '#status': 'status', '#deprovision': 'deprovision', '#run': 'run' },
        ExpressionAttributeValues: { ':run': 7 },
      },
    ]);
  });

  test('is undefined where the integration has moved on, or another run has begun', async () => {
    dynamo.on(DeleteCommand).resolves({});
    dynamo.on(UpdateCommand).rejects(lostRace);
    await expect(closingJournal(table).close(integrationId, closing)).resolves.toBeUndefined();
  });

  test("leaves a lock that is another integration's by now, releases the next, and closes", async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    dynamo.on(DeleteCommand).rejectsOnce(lostRace).resolves({});
    await expect(closingJournal(table).close(integrationId, closing)).resolves.toEqual(record);
    expect(deleted()).toHaveLength(2);
  });

  test('does not write the end while a lock could not be released: the next attempt releases it', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    dynamo.on(DeleteCommand).rejects(throttled);
    await expect(closingJournal(table).close(integrationId, closing)).rejects.toMatchObject({
      name: 'AwsUnavailableError',
      message: expect.stringContaining('release name#acme'),
    });
    expect(updates()).toEqual([]);
  });
});

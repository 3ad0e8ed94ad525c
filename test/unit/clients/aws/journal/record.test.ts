import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { writeOrganization } from '../../../../../src/clients/aws/journal/organization.ts';
import {
  deprovisionJournal,
  recordReader,
  settleStep,
  stepJournal,
  writeKeepBucket,
} from '../../../../../src/clients/aws/journal/record.ts';
import { undoExecutionName } from '../../../../../src/domain/model/execution.ts';
import { storedRecordSchema, toStored } from '../../../../../src/domain/model/stored-record.ts';
import { undoOf } from '../../../domain/fake-undo.ts';
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

describe('reading', () => {
  test('the record is read as it was last written', async () => {
    dynamo
      .on(GetCommand, { TableName: 'journal', Key, ConsistentRead: true })
      .resolves({ Item: { ...Key, ...toStored(record) } });
    await expect(recordReader(table).read(integrationId)).resolves.toEqual(record);
  });

  test('an integration that does not exist is undefined', async () => {
    dynamo.on(GetCommand).resolves({});
    await expect(recordReader(table).read(integrationId)).resolves.toBeUndefined();
  });

  test('a record of another shape is refused, not passed on', async () => {
    dynamo.on(GetCommand).resolves({ Item: { ...toStored(record), name: 5 } });
    await expect(recordReader(table).read(integrationId)).rejects.toMatchObject({
      name: 'RecordDamagedError',
      message: expect.stringMatching(/of integration int_\w{26}: .*"integration#int_\w{26}" .*\(name\)/),
    });
  });

  test('a record under the key of another integration is refused', async () => {
    dynamo.on(GetCommand).resolves({ Item: { ...toStored(record), integrationId: `int_${'0'.repeat(26)}` } });
    await expect(recordReader(table).read(integrationId)).rejects.toMatchObject({
      name: 'RecordDamagedError',
      message: expect.stringContaining('(integrationId)'),
    });
  });

  test.each(['', 'int_A', `${integrationId}\n`, `lock#name#acme`, 'x'.repeat(3_000)])(
    'what cannot be an id is not asked for: %j',
    async (id) => {
      await expect(recordReader(table).read(id)).resolves.toBeUndefined();
      expect(dynamo.calls()).toHaveLength(0);
    },
  );

  test('a table that is busy is tried again', async () => {
    dynamo.on(GetCommand).rejects(throttled);
    await expect(recordReader(table).read(integrationId)).rejects.toMatchObject({
      name: 'AwsUnavailableError',
      message: expect.stringContaining(integrationId),
    });
  });
});

describe('a step', () => {
  const call = {
    recordId: integrationId,
    step: 'CreateBucket',
    callId: 'execution/CreateBucket/2',
    attempt: 2,
    startedAt: '2026-11-23T00:00:01.000Z',
    begunAt: 1_795_392_000_000,
    aliveUntil: 1_795_392_030_000,
  } as const;
  const journal = stepJournal(table);

  test('begins with its entry and its call in flight, in one write, and reads the record', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: { ...Key, ...toStored(record) } });
    await expect(journal.beginStep(call, ['rolling-back', 'removing'])).resolves.toEqual(record);
    expect(updates()).toEqual([
      expect.objectContaining({
        TableName: 'journal',
        Key,
        UpdateExpression: expect.stringMatching(/^SET #steps\.#step = :step, #open\.#call = :call,/),
        ExpressionAttributeNames: expect.objectContaining({
          '#steps': 'steps',
          '#step': 'CreateBucket',
          '#open': 'openCalls',
          '#call': 'execution/CreateBucket/2',
        }),
        ExpressionAttributeValues: expect.objectContaining({
          ':step': { status: 'running', startedAt: call.startedAt, attempts: 2 },
          ':call': { step: call.step, until: call.aliveUntil },
        }),
      }),
    ]);
  });

  test('begins only while the integration is in one of the given states', async () => {
    dynamo.on(UpdateCommand).rejects(lostRace);
    await expect(journal.beginStep(call, ['rolling-back', 'removing'])).rejects.toMatchObject({
      name: 'IntegrationMovedOnError',
      message: expect.stringMatching(/no longer rolling-back or removing/),
    });
    expect(updates()).toMatchObject([
      {
        ConditionExpression: expect.stringMatching(/^#status IN \(:status0, :status1\) AND /),
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':status0': 'rolling-back', ':status1': 'removing' },
      },
    ]);
  });

  test('does not begin anew what a later attempt has begun, or what this one has ended', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    await journal.beginStep(call, ['provisioning']);
    expect(updates()).toMatchObject([
      {
        ConditionExpression:
          '#status IN (:status0) AND (NOT #steps.#step.#startedAt BETWEEN :startedAt AND :latest OR ' +
          '(#steps.#step.#startedAt = :startedAt AND (#steps.#step.#attempts < :attempt OR ' +
          '(#steps.#step.#attempts = :attempt AND #steps.#step.#status = :running))))',
        ExpressionAttributeValues: {
          ':startedAt': call.startedAt,
          // No clock is wrong by more.
          ':latest': new Date(call.begunAt + 600_000).toISOString(),
          ':attempt': 2,
          ':running': 'running',
        },
      },
    ]);
  });

  describe('that ends together with the status', () => {
    const begin = () => journal.beginStep({ ...call, step: 'Activate' }, ['provisioning'], ['ready']);

    test('begins like any other', async () => {
      dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
      await begin();
      expect(updates()).toMatchObject([
        { UpdateExpression: expect.stringContaining('#steps.#step = :step') },
      ]);
      expect(updates()[0]?.ExpressionAttributeValues).not.toHaveProperty(':status1');
    });

    test('stays ended where a repeated attempt finds it so: only the call is journalled', async () => {
      const ready = recordOf({ status: 'ready' });
      dynamo
        .on(UpdateCommand)
        .rejectsOnce(lostRace)
        .resolves({ Attributes: toStored(ready) });
      await expect(begin()).resolves.toEqual(ready);
      expect(updates()[1]).toEqual(
        expect.objectContaining({
          UpdateExpression: 'SET #open.#call = :call',
          ConditionExpression: '#status IN (:status0)',
          ExpressionAttributeNames: {
            '#open': 'openCalls',
            '#call': 'execution/CreateBucket/2',
            '#status': 'status',
          },
          ExpressionAttributeValues: {
            ':status0': 'ready',
            ':call': { step: 'Activate', until: call.aliveUntil },
          },
        }),
      );
    });

    test('does not begin in any other state', async () => {
      dynamo.on(UpdateCommand).rejects(lostRace);
      await expect(begin()).rejects.toMatchObject({
        name: 'IntegrationMovedOnError',
        message: expect.stringContaining('no longer provisioning or ready'),
      });
    });

    test('has a call that ends by itself', async () => {
      dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
      await journal.endCall(call);
      expect(updates()).toMatchObject([
        {
          Key,
          UpdateExpression: 'REMOVE #open.#call',
          ConditionExpression: 'attribute_exists(pk)',
        },
      ]);
    });
  });

  test('ends its own attempt: state, time and open call in one write', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    await journal.endStep(call, 'succeeded', '2026-11-23T00:00:02.000Z');
    expect(updates()).toMatchObject([
      {
        Key,
        UpdateExpression: expect.stringMatching(
          /^SET #steps\.#step\.#status = :ended.*#steps\.#step\.#endedAt = :endedAt REMOVE #open\.#call$/,
        ),
        ConditionExpression:
          '#steps.#step.#status = :running AND #steps.#step.#attempts = :attempt AND #steps.#step.#startedAt = :startedAt',
        ExpressionAttributeNames: { '#call': 'execution/CreateBucket/2' },
        ExpressionAttributeValues: {
          ':ended': 'succeeded',
          ':attempt': 2,
          ':startedAt': call.startedAt,
          ':endedAt': '2026-11-23T00:00:02.000Z',
        },
      },
    ]);
  });

  test('that only waits has no end yet', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    await journal.endStep(call, 'waiting');
    expect(updates()[0]?.UpdateExpression).not.toContain('endedAt');
    // DynamoDB refuses names and values that the expression does not use.
    expect(updates()[0]?.ExpressionAttributeNames).not.toHaveProperty('#endedAt');
    expect(updates()[0]?.ExpressionAttributeValues).not.toHaveProperty(':endedAt');
  });

  test('that is tried again says why and when', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    const failure = { reason: 'throttled', nextAttemptBy: '2026-11-23T00:00:04.000Z' };
    await journal.endStep(call, 'retrying', undefined, failure);
    expect(updates()[0]).toMatchObject({
      UpdateExpression: expect.stringContaining(
        ', #steps.#step.#reason = :reason, #steps.#step.#nextAttemptBy = :nextAttemptBy REMOVE',
      ),
      ExpressionAttributeNames: { '#reason': 'reason', '#nextAttemptBy': 'nextAttemptBy' },
      ExpressionAttributeValues: { ':reason': failure.reason, ':nextAttemptBy': failure.nextAttemptBy },
    });
  });

  test('leaves the entry of a later attempt alone, and closes just its own call', async () => {
    dynamo
      .on(UpdateCommand)
      .rejectsOnce(lostRace)
      .resolves({ Attributes: toStored(record) });
    await journal.endStep(call, 'failed', '2026-11-23T00:00:02.000Z');
    expect(updates()).toHaveLength(2);
    expect(updates()[1]).toMatchObject({
      UpdateExpression: 'REMOVE #open.#call',
      ExpressionAttributeNames: { '#open': 'openCalls', '#call': 'execution/CreateBucket/2' },
    });
  });

  test('an end that DynamoDB did not take is an error, not the end of another attempt', async () => {
    dynamo.on(UpdateCommand).rejects(throttled);
    await expect(journal.endStep(call, 'succeeded')).rejects.toMatchObject({ name: 'AwsUnavailableError' });
    expect(updates()).toHaveLength(1);
  });

  test('a resource is written on a path of its own, fenced by state', async () => {
    const resource = { state: 'intended', arn: 'arn:aws:s3:::dataloop-acme' } as const;
    dynamo
      .on(UpdateCommand)
      .resolvesOnce({ Attributes: toStored(record) })
      .rejects(lostRace);
    await journal.writeResource(call, 'bucket', resource, ['provisioning']);
    await expect(journal.writeResource(call, 'bucket', resource, ['provisioning'])).rejects.toMatchObject({
      name: 'IntegrationMovedOnError',
    });
    expect(updates()[0]).toMatchObject({
      Key,
      UpdateExpression: expect.stringContaining('#resource = :resource'),
      ConditionExpression: expect.stringContaining('#status IN (:status0) AND ('),
      ExpressionAttributeNames: { '#resource': 'resource_bucket' },
      ExpressionAttributeValues: { ':resource': resource, ':status0': 'provisioning' },
    });
    // Asked again without the resource's own state: it was the integration's.
    expect(updates()[2]?.ConditionExpression).toBe('#status IN (:status0)');
  });

  test.each([
    ['intended', ['intended']],
    ['created', ['intended', 'created']],
    ['gone', ['intended', 'created', 'gone']],
  ] as const)(
    'a resource becomes %s only where it is unknown or %j: it goes forward',
    async (state, before) => {
      dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
      await journal.writeResource(call, 'role', { state }, ['provisioning']);
      const names = before.map((each) => `:${each}`);
      expect(updates()[0]).toMatchObject({
        ConditionExpression: expect.stringContaining(
          '#status IN (:status0) AND (attribute_not_exists(#resource) OR ' +
            `#resource.#state IN (${names.join(', ')})`,
        ),
        ExpressionAttributeValues: Object.fromEntries(before.map((each) => [`:${each}`, each])),
      });
    },
  );

  test.each([
    ['the same attempt', 'created', { startedAt: call.startedAt, attempts: 2 }, true],
    ['an earlier one', 'created', { startedAt: call.startedAt, attempts: 1 }, true],
    ['a later one', 'created', { startedAt: call.startedAt, attempts: 3 }, false],
    ['one of a later execution', 'created', { startedAt: '2026-11-23T00:00:09.000Z', attempts: 1 }, false],
    ['a forged one', 'created', { startedAt: '2099-01-01T00:00:00.000Z', attempts: 1 }, true],
    ['a later one that has not made it yet', 'intended', { startedAt: call.startedAt, attempts: 3 }, true],
  ] as const)(
    'where %s has begun, the id of what is %s is replaced as it must',
    async (_who, state, entry, isWritten) => {
      dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
      await journal.writeResource(call, 'driver', { state: 'created', id: 'old' }, ['provisioning']);
      const {
        ConditionExpression,
        ExpressionAttributeNames: names = {},
        ExpressionAttributeValues: values = {},
      } = updates()[0] ?? {};
      const item = {
        status: 'provisioning',
        steps: { CreateBucket: { status: 'running', ...entry } },
        resource_driver: { state, id: 'new' },
      };
      expect(holds(ConditionExpression, item, { names, values })).toBe(isWritten);
    },
  );

  test('a write that is out of date changes nothing and is no error: a later attempt has gone further', async () => {
    dynamo
      .on(UpdateCommand)
      .rejectsOnce(lostRace)
      .resolves({ Attributes: toStored(record) });
    await journal.writeResource(call, 'role', { state: 'intended' }, ['provisioning']);
    expect(updates()).toHaveLength(2);
    expect(updates()[1]?.UpdateExpression).toBe('SET #updatedAt = :now');
  });
});

test('the organisation is journalled', async () => {
  dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
  await writeOrganization(table, integrationId, 'org-1');
  expect(updates()).toMatchObject([
    {
      Key,
      UpdateExpression: 'SET #dataloop = :dataloop',
      ExpressionAttributeNames: { '#dataloop': 'dataloop' },
      ExpressionAttributeValues: { ':dataloop': { organizationId: 'org-1' } },
    },
  ]);
});

describe('settling a step that its function does not end', () => {
  test('ends it only while it is open', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    await settleStep(table, integrationId, 'RequestIamUser', 'succeeded');
    expect(updates()).toMatchObject([
      {
        Key,
        ConditionExpression: '#steps.#step.#status IN (:running, :waiting, :retrying)',
        ExpressionAttributeNames: { '#step': 'RequestIamUser' },
        ExpressionAttributeValues: { ':to': 'succeeded', ':waiting': 'waiting' },
      },
    ]);
  });

  test('leaves one that has ended as it ended', async () => {
    dynamo.on(UpdateCommand).rejects(lostRace);
    await expect(settleStep(table, integrationId, 'RequestIamUser', 'succeeded')).resolves.toBeUndefined();
  });
});

describe('beginning an undo', () => {
  const error = { type: 'urn:x', title: 'Title', detail: 'Detail' };
  const change = { from: ['provisioning'], to: 'rolling-back', mode: 'rollback', run: 1, error } as const;
  const journal = deprovisionJournal(table);

  test('writes state, run and error in one, where the state has not moved on', async () => {
    const moved = recordOf({ status: 'rolling-back', deprovision: undoOf('rollback', 1), error });
    dynamo.on(UpdateCommand).resolves({ Attributes: { ...Key, ...toStored(moved) } });
    await expect(journal.beginDeprovision(integrationId, change)).resolves.toEqual(moved);
    expect(updates()).toMatchObject([
      {
        Key,
        UpdateExpression: expect.stringMatching(
          /#status = :to, #deprovision = :deprovision.*#error = :error REMOVE #leftovers$/,
        ),
        // Nothing was undone before, whatever the record says.
        ConditionExpression: '#status IN (:status0)',
        ExpressionAttributeValues: {
          ':status0': 'provisioning',
          ':to': 'rolling-back',
          ':deprovision': {
            mode: 'rollback',
            run: 1,
            restarts: 0,
            token: expect.stringMatching(/^[0-9a-f]{12}$/),
          },
          ':error': error,
        },
      },
    ]);
  });

  test('again by the watchdog writes how often it was begun again, beside its new run', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    await journal.beginDeprovision(integrationId, {
      from: ['removing'],
      to: 'removing',
      mode: 'remove',
      run: 4,
      restarts: 2,
    });
    expect(updates()).toMatchObject([
      {
        ConditionExpression:
          '#status IN (:status0) AND NOT (#deprovision.#run >= :run AND #deprovision.#run < :most)',
        ExpressionAttributeValues: {
          ':status0': 'removing',
          ':to': 'removing',
          ':deprovision': { mode: 'remove', run: 4, restarts: 2 },
          ':run': 4,
          ':most': 1_000_000,
        },
      },
    ]);
  });

  test('has a name of its own each time, that nobody can guess', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    for (const _time of [1, 2]) await journal.beginDeprovision(integrationId, change);
    const names = updates().map(({ ExpressionAttributeValues: values }) =>
      undoExecutionName(
        storedRecordSchema.parse({ ...toStored(record), deprovision: values?.[':deprovision'] }),
      ),
    );
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name).toMatch(new RegExp(`^${integrationId}-rollback-1-[0-9a-f]{12}$`));
  });

  test('without an error keeps the one that is journalled', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    const { error: _error, ...withoutError } = change;
    await journal.beginDeprovision(integrationId, withoutError);
    expect(updates()[0]?.UpdateExpression).not.toContain('error');
    expect(updates()[0]?.ExpressionAttributeNames).not.toHaveProperty('#error');
    expect(updates()[0]?.ExpressionAttributeValues).not.toHaveProperty(':error');
  });

  test('that somebody else began is undefined', async () => {
    dynamo.on(UpdateCommand).rejects(lostRace);
    await expect(journal.beginDeprovision(integrationId, change)).resolves.toBeUndefined();
  });

  test('marks a step that was cut off as failed', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: toStored(record) });
    await journal.failStep(integrationId, 'CreateRole');
    expect(updates()).toMatchObject([
      {
        ExpressionAttributeNames: { '#step': 'CreateRole' },
        ExpressionAttributeValues: { ':to': 'failed' },
      },
    ]);
  });
});

describe('what DELETE says of a bucket', () => {
  test('is written to its record, and changes nothing else', async () => {
    dynamo.on(UpdateCommand).resolves({ Attributes: { ...Key, ...toStored(record) } });
    await writeKeepBucket(table, integrationId, true);
    expect(updates()).toMatchObject([
      {
        Key,
        UpdateExpression: 'SET #keepBucket = :keepBucket, #updatedAt = :now',
        ConditionExpression: 'attribute_exists(pk) AND NOT #status IN (:status0, :status1)',
        ExpressionAttributeValues: { ':keepBucket': true, ':status0': 'failed', ':status1': 'removed' },
      },
    ]);
  });

  test('is said in vain where nothing is left', async () => {
    dynamo.on(UpdateCommand).rejects(lostRace);
    await expect(writeKeepBucket(table, integrationId, true)).resolves.toBeUndefined();
  });

  test.each([['yes'], [1], [null]])('counts for nothing where it is %j', (keepBucket) => {
    expect(storedRecordSchema.parse({ ...toStored(record), keepBucket })).not.toHaveProperty(
      'keepBucket',
      true,
    );
  });
});

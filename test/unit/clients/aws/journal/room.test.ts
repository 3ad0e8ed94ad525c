/** The journal on a table that refuses what DynamoDB refuses: an item of more than 400 KB. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { closingJournal } from '../../../../../src/clients/aws/journal/ends.ts';
import { deprovisionJournal, stepJournal } from '../../../../../src/clients/aws/journal/record.ts';
import { fullReserve } from '../../../../../src/clients/aws/journal/reserve.ts';
import { nextRun } from '../../../../../src/domain/lifecycle/undo.ts';
import { type JournalRecord, type StepCall, statuses } from '../../../../../src/domain/model/record.ts';
import { deprovisionSteps, type StepName } from '../../../../../src/domain/model/steps.ts';
import { storedRecordSchema, toStored } from '../../../../../src/domain/model/stored-record.ts';
import { integrationId, recordOf, thrownBy } from '../../../domain/fakes.ts';
import { asEarlier, filledBut } from '../../../earlier-item.ts';
import { holds, type Item, maximumItemSize, sizeOf, updated } from '../../../schedules/expressions.ts';
import { refusedWrite } from '../../../schedules/journal-rights.ts';
import { sdkError } from '../sdk-answers.ts';

const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }));
const dynamo = mockClient(client);
const table = { client, name: 'journal' };
const steps = stepJournal(table);
const undos = deprovisionJournal(table);
const ends = closingJournal(table);

let item: Item = {};
/** Updates that were made, and those that were refused for their length. */
const writes = { made: 0, refused: 0 };

beforeEach(() => {
  dynamo.reset();
  Object.assign(writes, { made: 0, refused: 0 });
  dynamo.on(UpdateCommand).callsFake((input) => {
    const placeholders = {
      names: input.ExpressionAttributeNames ?? {},
      values: input.ExpressionAttributeValues ?? {},
    };
    if (!holds(input.ConditionExpression, item, placeholders)) {
      throw sdkError('ConditionalCheckFailedException', 400);
    }
    let changed = item;
    try {
      changed = updated(input.UpdateExpression ?? '', item, placeholders);
    } catch {
      throw Object.assign(sdkError('ValidationException', 400), {
        message: 'The document path provided in the update expression is invalid for update',
      });
    }
    if (sizeOf(changed) > maximumItemSize) {
      writes.refused += 1;
      throw Object.assign(sdkError('ValidationException', 400), {
        message: 'Item size to update has exceeded the maximum allowed size',
      });
    }
    writes.made += 1;
    item = changed;
    return { Attributes: item };
  });
});

const ready = recordOf({
  status: 'ready',
  resources: {
    bucket: { state: 'created', arn: 'arn:bucket' },
    role: { state: 'created', arn: 'arn:role', uniqueId: 'AROA1' },
    dataloopIntegration: { state: 'created', id: 'dataloop-1', name: 'theirs', origin: 'adopted' },
  },
});
const read = (): JournalRecord => storedRecordSchema.parse(item);

const stored = (record = ready): Item => ({ pk: `integration#${record.id}`, ...toStored(record) });

const during = ['removing'] as const;

const callOf = (step: StepName, index: number, run = 1): StepCall => ({
  recordId: integrationId,
  step,
  callId: `${integrationId}-remove-${run}/${step}/1`,
  attempt: 1,
  startedAt: new Date(1_795_392_000_000 + run * 1_000).toISOString(),
  begunAt: 1_795_392_000_000 + run * 1_000 + index,
  aliveUntil: Date.now() + 30_000,
});

/** What an undo writes, from DELETE to its end. */
async function undo(): Promise<JournalRecord | undefined> {
  const from = statuses.filter((status) => status !== 'provisioning');
  const run = nextRun(read());
  await undos.beginDeprovision(integrationId, { from, to: 'removing', mode: 'remove', run });
  for (const [index, step] of deprovisionSteps.entries()) {
    const call = callOf(step, index, run);
    const record = await steps.beginStep(call, during);
    for (const key of ['bucket', 'role', 'dataloopIntegration'] as const) {
      const known = record.resources[key];
      if (known) await steps.writeResource(call, key, { ...known, state: 'gone' }, during);
    }
    await steps.endStep(call, 'succeeded', new Date().toISOString());
  }
  return ends.close(integrationId, { run, status: 'removed', leftovers: {}, steps: {}, locks: [] });
}

describe('a record that an earlier version let Dataloop fill', () => {
  test.each([0, 1, 50, 200, 1_000, 5_000, 20_000])('but for %i bytes is undone to its end', async (bytes) => {
    item = filledBut(bytes, stored());
    expect(await undo()).toMatchObject({ status: 'removed' });
    expect(sizeOf(item)).toBeLessThan(5_000);
    expect(read().resources.dataloopIntegration).toEqual({
      state: 'gone',
      id: 'dataloop-1',
      origin: 'adopted',
      name: ` ${'n'.repeat(198)}…`,
    });
  });

  test('is read with its name cut, and written as short at the first write', async () => {
    item = filledBut(10_000, stored());
    expect(read().resources.dataloopIntegration?.name).toHaveLength(200);
    const change = { from: ['ready'], to: 'removing', mode: 'remove', run: 1 } as const;
    await undos.beginDeprovision(integrationId, change);
    expect(writes).toEqual({ made: 2, refused: 0 });
    expect(sizeOf(item)).toBeLessThan(5_000);
  });

  test('keeps everything else, and is not written to where somebody else just did', async () => {
    item = filledBut(0, stored());
    const before = read();
    await undos.beginDeprovision(integrationId, { from: ['ready'], to: 'removing', mode: 'remove', run: 1 });
    const { status: _status, updatedAt: _updatedAt, deprovision: _deprovision, ...after } = read();
    const { status: _was, updatedAt: _at, ...rest } = before;
    expect(after).toEqual(rest);

    item = filledBut(0, stored());
    const stale = structuredClone(item);
    dynamo
      .on(UpdateCommand, {
        UpdateExpression: 'SET #updatedAt = if_not_exists(#updatedAt, :now)',
      })
      .callsFake(() => {
        // Between the look and the cut somebody makes room, and goes on.
        item = { ...asEarlier(stored()), updatedAt: '2026-11-24T00:00:00.000Z' };
        return { Attributes: stale };
      });
    const begun = await undos.beginDeprovision(integrationId, {
      from: ['ready'],
      to: 'removing',
      mode: 'remove',
      run: 1,
    });
    expect(begun?.resources.dataloopIntegration?.name).toBe('theirs');
  });

  test('that cannot be cut is refused by what DynamoDB says', async () => {
    item = filledBut(0, stored());
    item = { ...item, drivers: item['resources'], resources: {} };
    const begin = undos.beginDeprovision(integrationId, {
      from: ['ready'],
      to: 'removing',
      mode: 'remove',
      run: 1,
    });
    expect(await thrownBy(begin)).toMatchObject({
      name: 'AwsRequestRefusedError',
      message: expect.stringContaining('Item size to update has exceeded the maximum allowed size'),
    });
  });
});

describe('a record in which a stolen session of a step', () => {
  const long = 'x'.repeat(maximumItemSize - 2_000);
  const entry = (startedAt: unknown) => ({
    steps: { DeleteRole: { status: 'succeeded', startedAt, attempts: 1 } },
  });

  test.each<[string, Item]>([
    ['filled the calls', { openCalls: { [long]: { until: 1 } } }],
    ['filled the steps', { steps: { long } }],
    ['filled the time of the last change', { updatedAt: `${long}${'x'.repeat(1_000)}` }],
    ['made the calls something else', { openCalls: 'x' }],
    ['made the steps something else', { steps: [] }],
    ['made nothing of the steps, calls and status', { steps: null, openCalls: null, status: 'x' }],
    ['made an undo something else', { deprovision: 'x' }],
    ['counted the runs to their end', { deprovision: { mode: 'remove', run: 2_000_000 } }],
    ['counted half a run', { deprovision: { mode: 'remove', run: 0.5 } }],
    ['began a step of the undo in a later year', entry('9999-01-01T00:00:00.000Z')],
    ['began a step of the undo at no time', entry(9_999)],
    ['made a step of the undo something else', { steps: { DeleteRole: 'x' } }],
  ])('%s is undone to its end', async (_what, more) => {
    item = { ...stored(), ...more };
    expect(sizeOf(item)).toBeLessThanOrEqual(maximumItemSize);
    expect(await undo()).toMatchObject({ status: 'removed' });
    expect(sizeOf(item)).toBeLessThan(5_000);
  });

  test.each(['removeIntegration', 'removeDriver', 'removeDrivers', 'rollBack', 'executionEnded', 'sweep'])(
    'filled it: %s may make room before the undo begins',
    async (functionName) => {
      item = { ...stored(), openCalls: { [long]: { until: 1 } }, steps: 'x' };
      const from = ['ready'] as const;
      await undos.beginDeprovision(integrationId, { from, to: 'removing', mode: 'remove', run: 1 });
      const inputs = dynamo.commandCalls(UpdateCommand).map(({ args: [{ input }] }) => input);
      expect(inputs.length).toBeGreaterThan(1);
      for (const input of inputs) {
        expect(
          refusedWrite(functionName, 'UpdateItem', `integration#${integrationId}`, input),
        ).toBeUndefined();
      }
      expect(read().inFlightCalls).toHaveProperty('forged');
    },
  );

  test('fills the calls during the undo: the next step makes room, and knows that calls may be in flight', async () => {
    item = { ...stored({ ...ready, status: 'removing' }), openCalls: { [long]: { until: 1 } }, steps: 'x' };
    await steps.beginStep(callOf('DeletePolicy', 1), during);
    expect(item).toMatchObject({ steps: { DeletePolicy: { status: 'running' } } });
    expect(read().inFlightCalls['forged']?.until).toBeGreaterThan(Date.now());
  });
});

describe('a record that a stolen session has filled with what nobody else may cut', () => {
  const nearly = (left: number): Item => {
    const registered = { ...stored(), reserve: fullReserve() };
    const named = (arn: string): Item => ({ ...registered, resource_bucket: { state: 'created', arn } });
    return named('x'.repeat(maximumItemSize - left - sizeOf(named(''))));
  };
  const filledAgain = () => {
    const { arn = '', ...rest } = Object(item['resource_bucket']);
    const room = Math.max(0, maximumItemSize - sizeOf(item));
    item = { ...item, resource_bucket: { ...rest, arn: `${arn}${'x'.repeat(room)}` } };
  };

  test.each([0, 1, 100, 500, 1_000, 2_000, 2_999, 4_000])(
    'but for %i bytes is undone to its end',
    async (left) => {
      item = nearly(left);
      expect(await undo()).toMatchObject({ status: 'removed' });
    },
  );

  test('again after each undo, is undone eight times', async () => {
    item = nearly(0);
    for (let undos = 0; undos < 8; undos += 1) {
      expect(await undo()).toMatchObject({ status: 'removed' });
      item = { ...item, status: 'residue' };
      filledAgain();
    }
  });

  test('keeps its reserve where there is room', async () => {
    item = { ...stored(), reserve: fullReserve() };
    await undo();
    expect(item['reserve']).toEqual(fullReserve());
  });
});

describe('calls whose functions died', () => {
  const minute = 60_000;
  const dead = (count: number, ago = 11 * minute) =>
    Object.fromEntries(
      Array.from({ length: count }, (_each, index) => [
        `${integrationId}/DeleteDriver/${index}`,
        { step: 'DeleteDriver' as const, until: Date.now() - ago },
      ]),
    );
  const removing = { ...ready, status: 'removing' } as const;
  /** Begins another call, and so often that the step has not begun later. */
  let attempt = 0;
  const begin = () => {
    attempt += 1;
    const callId = `x/AwaitOpenCalls/${attempt}`;
    return steps.beginStep(
      {
        recordId: integrationId,
        step: 'AwaitOpenCalls',
        callId,
        attempt,
        startedAt: '2026-11-23T00:00:01.000Z',
        begunAt: Date.now(),
        aliveUntil: Date.now() + 30_000,
      },
      during,
    );
  };
  const callsLeft = () => Object.keys(Object(item['openCalls'])).filter((id) => !id.startsWith('x/Await'));

  test('leave no more entries than a few, however many there were', async () => {
    item = stored({ ...removing, inFlightCalls: dead(230) });
    for (const left of [130, 30, 30]) {
      await begin();
      expect(callsLeft()).toHaveLength(left);
    }
  });

  test('are told from those that may live, whatever clock they had, and of an earlier version', async () => {
    const alive = { 'x/CreateRole/1': { step: 'CreateRole' as const, until: Date.now() - 9 * minute } };
    item = stored({ ...removing, inFlightCalls: { ...dead(60), ...alive } });
    item = { ...item, openCalls: { ...Object(item['openCalls']), old: 5 } };
    expect((await begin()).inFlightCalls).toHaveProperty('old');
    expect(callsLeft()).toEqual(['x/CreateRole/1']);
  });

  test('go neither where there are few of them, nor where somebody has written meanwhile', async () => {
    item = stored({ ...removing, inFlightCalls: dead(50) });
    await begin();
    expect([callsLeft().length, writes.made]).toEqual([50, 1]);
  });
});

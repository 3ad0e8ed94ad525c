/** The sweep fills the locks that an earlier version did not write: each once, and none that somebody else holds. */
import { beforeEach, expect, jest, test } from '@jest/globals';
import type { JournalRecord } from '../../../src/domain/model/record.ts';
import { heldStatus, toStored } from '../../../src/domain/model/stored-record.ts';
import { logger } from '../../../src/runtime/log.ts';
import { countedTable } from '../counted-table.ts';
import { recordOf, requestOf } from '../domain/fakes.ts';
import '../environment.ts';
import { lambdaContext } from '../runtime/lambda-context.ts';
import { refusedWrite } from '../schedules/journal-rights.ts';

const { handler: sweep } = await import('../../../functions/watch/sweep.ts');
const journal = countedTable();
const clock = jest.spyOn(Date, 'now');
const errors = jest.spyOn(logger, 'error');
const start = Date.parse('2026-11-28T12:00:00Z');
let now = start;

beforeEach(() => {
  now = start;
  clock.mockImplementation(() => now);
  errors.mockReset().mockReturnValue(undefined);
  journal.items.clear();
});

const idOf = (index: number) => `int_${String(index).padStart(26, '0')}`;
const recordAt = (index: number, more: Partial<JournalRecord> = {}): JournalRecord => {
  const name = `acme-${index}`;
  const request = { ...requestOf(), name, bucket: { ...requestOf().bucket, name: `dataloop-${name}` } };
  return recordOf({ id: idOf(index), name, status: 'ready', request, ...more });
};
/** As the last version registered it: the lock of the bucket alone is missing, and no lock has a status. */
function registerEarlier(record: JournalRecord): void {
  const lock = { integrationId: record.id, requestHash: record.requestHash };
  journal.put(
    { pk: `integration#${record.id}`, ...toStored(record), layout: 2 },
    { pk: `lock#name#${record.name}`, ...lock },
    { pk: `lock#bucket#${record.request.bucket.name}#${record.name}`, ...lock },
  );
}
const lock = (key: string) => journal.items.get(`lock#${key}`);
async function sweepUntilDone(): Promise<number> {
  for (let sweeps = 1; sweeps < 100; sweeps += 1) {
    await sweep({}, lambdaContext);
    if (journal.items.get('fill#locks')?.['passes'] !== 0) return sweeps;
  }
  throw new Error('It never ends.');
}

test('every integration of an earlier version has each lock of today, after a few sweeps', async () => {
  for (let index = 0; index < 60; index += 1) registerEarlier(recordAt(index));
  registerEarlier(recordAt(60, { status: 'residue' }));
  expect(await sweepUntilDone()).toBe(5);
  for (let index = 0; index <= 60; index += 1) {
    const own = { integrationId: idOf(index), requestHash: 'hash' };
    expect(lock(`name#acme-${index}`)).toEqual({ pk: expect.any(String), ...own, status: heldStatus });
    expect(lock(`created-bucket#dataloop-acme-${index}`)).toEqual({ pk: expect.any(String), ...own });
  }
});

test('one that changed its status meanwhile is met by the second pass, a day later; then it is over', async () => {
  await sweepUntilDone();
  registerEarlier(recordAt(1));
  await sweep({}, lambdaContext);
  expect(lock('created-bucket#dataloop-acme-1')).toBeUndefined();
  now += 86_400_000;
  for (let sweeps = 0; sweeps < 3; sweeps += 1) await sweep({}, lambdaContext);
  expect(lock('created-bucket#dataloop-acme-1')).toMatchObject({ integrationId: idOf(1) });
  expect(journal.items.get('fill#locks')).toMatchObject({ passes: 2 });
  registerEarlier(recordAt(2));
  now += 10 * 86_400_000;
  for (let sweeps = 0; sweeps < 4; sweeps += 1) await sweep({}, lambdaContext);
  expect(lock('created-bucket#dataloop-acme-2')).toBeUndefined();
});

test('the role of the sweep may write what it writes', async () => {
  const before = journal.puts().length;
  registerEarlier(recordAt(1));
  await sweepUntilDone();
  const puts = journal.puts().slice(before);
  expect(puts.length).toBeGreaterThan(4);
  const refused = puts.flatMap(
    (put) => refusedWrite('sweep', 'PutItem', String(put.Item?.['pk']), put) ?? [],
  );
  expect(refused).toEqual([]);
});

test('takes no lock from its holder', async () => {
  registerEarlier(recordAt(1));
  const theirs = { pk: 'lock#created-bucket#dataloop-acme-1', integrationId: idOf(2), requestHash: 'other' };
  journal.put(theirs);
  await sweepUntilDone();
  expect(lock('created-bucket#dataloop-acme-1')).toEqual(theirs);
});

test.each(['removed', 'failed'] as const)('writes no lock for one that is %s', async (status) => {
  registerEarlier(recordAt(1));
  await sweep({}, lambdaContext);
  journal.items.clear();
  // The index may still show it as it was.
  registerEarlier(recordAt(1, { status }));
  const index = { pk: 'shown', status: 'ready', integrationId: idOf(1) };
  journal.put(index);
  await sweepUntilDone();
  expect(lock('created-bucket#dataloop-acme-1')).toBeUndefined();
});

test('leaves alone what this version has registered', async () => {
  const record = recordAt(1);
  journal.put({ pk: `integration#${record.id}`, ...toStored(record) });
  await sweepUntilDone();
  expect([...journal.items.keys()].filter((pk) => pk.startsWith('lock#'))).toEqual([]);
});

test('one that cannot be read is reported once, and keeps none of the others waiting', async () => {
  registerEarlier(recordAt(1));
  const damaged = { ...toStored(recordAt(0)), layout: 2, name: 7 };
  journal.put({ pk: `integration#${idOf(0)}`, ...damaged });
  await expect(sweep({}, lambdaContext)).rejects.toThrow(
    'The sweep could not check all integrations (1 failed)',
  );
  expect(errors.mock.calls).toEqual([
    ['Sweep could not check an integration', expect.objectContaining({ recordId: idOf(0) })],
  ]);
  expect(lock('created-bucket#dataloop-acme-1')).toBeDefined();
  await sweepUntilDone();
});

import { describe, expect, test } from '@jest/globals';
import { desiredState } from '../../../../src/domain/model/desired-state.ts';
import type { ResourceRecord, Status, StepCall } from '../../../../src/domain/model/record.ts';
import type { ResourceKey } from '../../../../src/domain/model/resource-keys.ts';
import { notYetShown, stepContext } from '../../../../src/domain/saga/step.ts';
import { account, fencedStepOf, integrationId, knowing, recordOf, stepOf, thrownBy } from '../fakes.ts';

const residue = { reason: 'It is in use.', advice: 'Stop using it.' };

test('writes to its own integration, only while that is in one of the step’s states', async () => {
  const writes: [StepCall, ResourceKey, ResourceRecord, readonly Status[]][] = [];
  const record = recordOf();
  const step = stepContext(
    stepOf(record).call,
    record,
    desiredState(integrationId, record.request, account),
    ['rolling-back', 'removing'],
    { writeResource: async (...write) => void writes.push(write) },
  );
  await step.created('role', { arn: 'arn:role' });
  expect(writes).toEqual([
    [step.call, 'role', { state: 'created', arn: 'arn:role' }, ['rolling-back', 'removing']],
  ]);
});

test('writes no text that others chose longer than a record has room for', async () => {
  const long = `a\n\u0000${'x'.repeat(500_000)}`;
  const step = stepOf(knowing({}));
  await step.created('dataloopIntegration', { id: 'dataloop-1', name: long, origin: 'adopted' });
  await step.residue('dataloopIntegration', { reason: long, advice: long });
  expect(step.resource('dataloopIntegration')).toEqual({
    state: 'created',
    id: 'dataloop-1',
    origin: 'adopted',
    name: `a ${'x'.repeat(196)}…`,
    residue: { reason: `a ${'x'.repeat(996)}…`, advice: `a ${'x'.repeat(996)}…` },
  });
  await step.gone('dataloopIntegration', long);
  expect(step.resource('dataloopIntegration')?.leftAlone).toHaveLength(999);
});

test('sees what it has written itself, beside what was there, and leaves the record as it was', async () => {
  const record = knowing({ bucket: { state: 'created', arn: 'arn:bucket' } });
  const step = stepOf(record);
  await step.intend('role', { arn: 'arn:role' });
  expect(step.resource('role')).toEqual({ state: 'intended', arn: 'arn:role' });
  expect(step.resource('bucket')?.arn).toBe('arn:bucket');
  expect(step.resource('driver')).toBeUndefined();
  expect(record.resources.role).toBeUndefined();
});

test('does not take for written what the journal refused', async () => {
  const step = fencedStepOf(recordOf());
  expect((await thrownBy(step.intend('role', { arn: 'arn:role' }))).name).toBe('IntegrationMovedOnError');
  expect(step.resource('role')).toBeUndefined();
});

describe('an intent', () => {
  test('does not overwrite what is known as created: its id must not be forgotten', async () => {
    const events: string[] = [];
    const step = stepOf(knowing({ driver: { state: 'created', id: 'driver-1' } }), events);
    await step.intend('driver', { name: 'acme' });
    expect(step.resource('driver')).toEqual({ state: 'created', id: 'driver-1' });
    expect(events).toEqual([]);
  });

  test.each(['intended', 'gone'] as const)('is written anew over what is %s', async (state) => {
    const step = stepOf(knowing({ driver: { state, name: 'before' } }));
    await step.intend('driver', { name: 'now' });
    expect(step.resource('driver')).toEqual({ state: 'intended', name: 'now' });
  });
});

describe('what is gone', () => {
  test('keeps its names, so that people can look it up, but not why it once could not be removed', async () => {
    const step = stepOf(knowing({ role: { state: 'created', arn: 'arn:role', residue } }));
    await step.gone('role');
    expect(step.resource('role')).toEqual({ state: 'gone', arn: 'arn:role' });
  });

  test('keeps the id that tells it from a later one, but not how often it was looked for', async () => {
    const step = stepOf(knowing({ role: { state: 'created', uniqueId: 'AROA1', absentLooks: 5 } }));
    await step.gone('role');
    expect(step.resource('role')).toEqual({ state: 'gone', uniqueId: 'AROA1' });
  });

  test('says why what stands under its name is not ours, where something does', async () => {
    const step = stepOf(knowing({ role: { state: 'intended', arn: 'arn:role' } }));
    await step.gone('role', 'It is theirs.');
    expect(step.resource('role')).toEqual({ state: 'gone', arn: 'arn:role', leftAlone: 'It is theirs.' });
  });

  test.each([
    ['was gone before', knowing({ role: { state: 'gone', arn: 'arn:role' } })],
    ['was never intended', recordOf()],
  ])('is not written when it %s', async (_when, record) => {
    const events: string[] = [];
    await stepOf(record, events).gone('role');
    expect(events).toEqual([]);
  });
});

describe('a look in vain', () => {
  test('is counted beside what is known, from one look to the next', async () => {
    const step = stepOf(knowing({ role: { state: 'created', arn: 'arn:role', residue } }));
    expect([await step.notSeen('role'), await step.notSeen('role')]).toEqual([1, 2]);
    expect(step.resource('role')).toEqual({ state: 'created', arn: 'arn:role', residue, absentLooks: 2 });
  });

  test('goes on from what earlier calls have counted', async () => {
    expect(await stepOf(knowing({ role: { state: 'intended', absentLooks: 4 } })).notSeen('role')).toBe(5);
  });

  test('is not written of what the journal does not know', async () => {
    const events: string[] = [];
    expect(await stepOf(recordOf(), events).notSeen('role')).toBe(1);
    expect(events).toEqual([]);
  });

  test('is forgotten once the resource is known as created', async () => {
    const step = stepOf(knowing({ role: { state: 'intended', absentLooks: 2 } }));
    await step.created('role', { arn: 'arn:role' });
    expect(step.resource('role')).toEqual({ state: 'created', arn: 'arn:role' });
  });
});

describe('residue', () => {
  test('is noted beside what is known', async () => {
    const step = stepOf(knowing({ role: { state: 'created', arn: 'arn:role' } }));
    await step.residue('role', residue);
    expect(step.resource('role')).toEqual({ state: 'created', arn: 'arn:role', residue });
  });

  test('is never noted of what the journal does not know', async () => {
    const events: string[] = [];
    await stepOf(recordOf(), events).residue('role', residue);
    expect(events).toEqual([]);
  });
});

test('what AWS has but does not show yet is tried again, by its name', () => {
  expect(notYetShown('the role arn:role')).toMatchObject({
    name: 'AwsNotYetConsistentError',
    retryable: true,
    message: expect.stringContaining('role arn:role'),
  });
});

import { describe, expect, test } from '@jest/globals';
import { activeStatuses, standingResources } from '../../../../src/domain/model/record.ts';
import { policyKeys, resourceKeys, resourceTypes } from '../../../../src/domain/model/resource-keys.ts';
import { storedRecordSchema, toStored } from '../../../../src/domain/model/stored-record.ts';
import { undoOf } from '../fake-undo.ts';
import { knowing, recordOf } from '../fakes.ts';

describe('a stored record', () => {
  const call = { status: 'running', startedAt: '2026-11-23T00:00:00.000Z', attempts: 1 } as const;
  const full = recordOf({
    status: 'residue',
    steps: { CreateBucket: call },
    resources: {
      bucket: { state: 'created', arn: 'arn:bucket', region: 'eu-west-1' },
      policy: { state: 'created', arn: 'arn:policy', uniqueId: 'ANPA1', absentLooks: 5 },
      role: { state: 'gone', arn: 'arn:role', leftAlone: 'It is theirs.' },
      driver: { state: 'created', id: 'driver-1', name: 'acme', madeAgain: true },
    },
    inFlightCalls: { 'execution/CreateBucket/1': { step: 'CreateBucket', until: 1_795_392_000_000 } },
    deprovision: undoOf('remove', 2, 1),
    error: { type: 'x', title: 'x', detail: 'x' },
  });

  test('is read as it was written, without the table’s own keys', () => {
    const stored = structuredClone(toStored(full));
    expect(storedRecordSchema.parse({ ...stored, pk: 'integration#1' })).toEqual(full);
  });

  test('keeps the names of attributes of the first version', () => {
    const { id, inFlightCalls } = full;
    expect(toStored({ ...full, addedBuckets: {} })).toMatchObject({
      integrationId: id,
      drivers: {},
      openCalls: inFlightCalls,
    });
  });

  test.each([
    ['a status that is none', { status: 'done' }],
    ['a time without its zone', { createdAt: '2026-11-23T00:00:00' }],
    ['a step that is none', { steps: { MakeCoffee: call } }],
    ['a step that was never tried', { steps: { CreateBucket: { ...call, attempts: 0 } } }],
    ['a resource in no known state', { resource_bucket: { state: 'perhaps' } }],
    ['residue without advice', { resource_bucket: { state: 'created', residue: { reason: 'x' } } }],
    ['a look that was never made', { resource_bucket: { state: 'created', absentLooks: 0 } }],
    ['a second making that was none', { resource_driver: { state: 'created', madeAgain: false } }],
    ['an undo without a run', { deprovision: { mode: 'remove', run: 0 } }],
    ['an undo that was started less than never', { deprovision: undoOf('remove', 1, -1) }],
    ['a request that could not have been made', { request: { name: 'acme' } }],
  ])('is refused with %s', (_what, more) => {
    expect(storedRecordSchema.safeParse({ ...toStored(full), ...more }).success).toBe(false);
  });
});

test('a call that an earlier version noted is in flight, of a step that is not known', () => {
  const stored = { ...toStored(recordOf()), openCalls: { 'execution/CreateBucket/1': 5_000 } };
  expect(storedRecordSchema.parse(stored).inFlightCalls).toEqual({
    'execution/CreateBucket/1': { until: 5_000 },
  });
});

describe('the resources of a stored record', () => {
  const { resource_bucket, resource_role, layout, ...rest } = toStored(
    recordOf({
      status: 'residue',
      resources: {
        bucket: { state: 'created', arn: 'arn:bucket' },
        role: { state: 'gone', arn: 'arn:role' },
      },
    }),
  );
  const before = { bucket: resource_bucket, role: { state: 'created', arn: 'arn:role' } };

  test('each have an attribute of their own', () => {
    expect(resource_bucket).toEqual({ state: 'created', arn: 'arn:bucket' });
    expect(rest).not.toHaveProperty('resources');
  });

  test('of an earlier version stand in one, behind what was written since', () => {
    const { resources } = storedRecordSchema.parse({ ...rest, resources: before, resource_role });
    expect(resources).toEqual({ bucket: resource_bucket, role: resource_role });
  });

  test('count for nothing in one, where they have attributes of their own: more functions may write that one', () => {
    const item = { ...rest, layout, resources: before, resource_role };
    expect(storedRecordSchema.parse(item).resources).toEqual({ role: resource_role });
    const forged = { ...rest, layout, resources: { ...before, bucket: 'forged' } };
    expect(storedRecordSchema.parse(forged).resources).toEqual({});
  });

  test('that are left say why, and no other ones', () => {
    const leftover = { reason: 'It is not empty.', advice: 'Empty it.' };
    const leftovers = { bucket: leftover, role: leftover, driver: leftover };
    const { resources } = storedRecordSchema.parse({ ...rest, resource_bucket, resource_role, leftovers });
    expect(resources).toEqual({
      bucket: { state: 'created', arn: 'arn:bucket', residue: leftover },
      role: resource_role,
    });
  });
});

test('an undo of which no restart is noted has not been started again', () => {
  const stored = { ...toStored(recordOf()), deprovision: { mode: 'remove', run: 3 } };
  expect(storedRecordSchema.parse(stored).deprovision).toEqual(undoOf('remove', 3, 0));
});

test('something is still to happen until an integration is ready, over, or left to a person', () => {
  expect(new Set(activeStatuses)).toEqual(new Set(['provisioning', 'rolling-back', 'removing']));
});

test('what stands is what was created, and what was intended and may exist, but not what is gone', () => {
  const record = knowing({
    driver: { state: 'created', id: 'driver-1' },
    role: { state: 'gone', arn: 'arn:role' },
    bucket: { state: 'intended', arn: 'arn:bucket' },
  });
  expect(standingResources(record)).toEqual([
    ['bucket', { state: 'intended', arn: 'arn:bucket' }],
    ['driver', { state: 'created', id: 'driver-1' }],
  ]);
});

test('every kind of resource has a type of its own in the API; what is in policies has theirs', () => {
  const types = resourceKeys.map((key) => resourceTypes[key]);
  const ofPolicies = [...policyKeys, 'access'] as const;
  for (const key of ofPolicies) expect(resourceTypes[key]).toBe('AWS::IAM::ManagedPolicy');
  expect(new Set(types).size).toBe(resourceKeys.length - ofPolicies.length + 1);
  for (const type of types) expect(type).toMatch(/^(AWS|Dataloop)::/);
});

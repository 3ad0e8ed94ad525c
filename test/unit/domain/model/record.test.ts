import { describe, expect, test } from '@jest/globals';
import { activeStatuses, standingResources } from '../../../../src/domain/model/record.ts';
import { policyKeys, resourceKeys, resourceTypes } from '../../../../src/domain/model/resource-keys.ts';
import { storedRecordSchema, toStored } from '../../../../src/domain/model/stored-record.ts';
import { driverIdOf } from '../fake-access.ts';
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

  const read = (more: object) => storedRecordSchema.safeParse({ ...toStored(full), ...more });

  test.each([
    ['a time without its zone', { createdAt: '2026-11-23T00:00:00' }],
    ['a request that could not have been made', { request: { name: 'acme' } }],
    ['a parent that is none', { parent: { integrationId: 'int_1' } }],
    ['an execution of somebody else', { executionArn: 'arn:aws:states:evil.example/:1:execution:x:y' }],
  ])('is refused with %s: only the registration writes that', (_what, more) => {
    expect(read(more).success).toBe(false);
  });

  const intended = { state: 'intended' };
  const unknown = { until: Number.MAX_SAFE_INTEGER };
  test.each<[string, object, object]>([
    ['a status that is none', { status: 'done' }, { status: 'residue' }],
    ['no status', { status: undefined }, { status: 'residue' }],
    ['a time that is none', { updatedAt: 'now' }, { updatedAt: '1970-01-01T00:00:00.000Z' }],
    ['steps that are none', { steps: 'x' }, { steps: {} }],
    [
      'a step that is none, and one that is one',
      { steps: { MakeCoffee: call, CreateBucket: call } },
      { steps: { CreateBucket: call } },
    ],
    ['a step that was never tried', { steps: { CreateBucket: { ...call, attempts: 0 } } }, { steps: {} }],
    ['calls that are none', { openCalls: [] }, { inFlightCalls: { unreadable: unknown } }],
    ['a call that is none', { openCalls: { x: 'y' } }, { inFlightCalls: { x: unknown } }],
    ['a lock that is none', { accessLock: 1 }, { accessLock: { by: 'unreadable', ...unknown } }],
    ['an undo that is none', { deprovision: 'x' }, { deprovision: undefined }],
    [
      'an undo of no mode and run',
      { deprovision: { mode: 'x', run: 'y', restarts: -1 } },
      { deprovision: undoOf('remove', 0) },
    ],
    [
      'half a run of an undo',
      { deprovision: undoOf('rollback', 1.5) },
      { deprovision: undoOf('rollback', 1) },
    ],
    ['an undo before the first', { deprovision: undoOf('remove', -3) }, { deprovision: undoOf('remove', 0) }],
    ['an error that is none', { error: 'x' }, { error: undefined }],
    ['an organisation that is none', { dataloop: { organizationId: '..' } }, { dataloop: undefined }],
    ['an operator that is none', { operator: {} }, { operator: undefined }],
    [
      'added buckets that are none',
      { drivers: { [driverIdOf(1)]: 'x', y: 'z' } },
      { addedBuckets: { [driverIdOf(1)]: expect.objectContaining({}) } },
    ],
    [
      'a resource in no known state',
      { resource_bucket: { state: 'perhaps' } },
      { resources: { bucket: intended } },
    ],
    [
      'an id at Dataloop that leads up',
      { resource_driver: { state: 'created', id: '..' } },
      { resources: { driver: intended } },
    ],
    [
      'a look that was never made',
      { resource_bucket: { state: 'created', absentLooks: 0 } },
      { resources: { bucket: intended } },
    ],
  ])('with %s is read so that it can be undone: a stolen session may write that', (_what, more, expected) => {
    expect(read(more).data).toMatchObject(expected);
  });

  test.each(['failed', 'removed'] as const)('is not %s while something of it stands', (status) => {
    expect(read({ status }).data?.status).toBe('residue');
    const gone = Object.fromEntries(
      Object.entries(full.resources).map(([key, resource]) => [
        `resource_${key}`,
        { ...resource, state: 'gone' },
      ]),
    );
    expect(read({ status, ...gone }).data?.status).toBe(status);
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

import { describe, expect, test } from '@jest/globals';
import { recordSchema, resourceKeys, resourceTypes, standingResources } from '../../../src/domain/journal.ts';
import { knowing, recordOf } from './fakes.ts';

describe('a stored record', () => {
  const call = { status: 'running', startedAt: '2026-11-23T00:00:00.000Z', attempts: 1 } as const;
  const full = recordOf({
    status: 'residue',
    steps: { CreateBucket: call },
    resources: { bucket: { state: 'created', arn: 'arn:bucket', region: 'eu-west-1' } },
    openCalls: { 'execution/CreateBucket/1': 1_795_392_000_000 },
    deprovision: { mode: 'remove', run: 2 },
    error: { type: 'x', title: 'x', detail: 'x' },
  });

  test('is read as it was written, without the table’s own keys', () => {
    expect(recordSchema.parse({ ...structuredClone(full), pk: 'integration#1' })).toEqual(full);
  });

  test.each([
    ['a status that is none', { status: 'done' }],
    ['a time without its zone', { createdAt: '2026-11-23T00:00:00' }],
    ['a step that is none', { steps: { MakeCoffee: call } }],
    ['a step that was never tried', { steps: { CreateBucket: { ...call, attempts: 0 } } }],
    ['a resource of no known kind', { resources: { queue: { state: 'created' } } }],
    ['a resource in no known state', { resources: { bucket: { state: 'perhaps' } } }],
    ['residue without advice', { resources: { bucket: { state: 'created', residue: { reason: 'x' } } } }],
    ['an undo without a run', { deprovision: { mode: 'remove', run: 0 } }],
    ['a request that could not have been made', { request: { name: 'acme' } }],
  ])('is refused with %s', (_what, more) => {
    expect(recordSchema.safeParse({ ...full, ...more }).success).toBe(false);
  });
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

test('every kind of resource has a type of its own in the API', () => {
  const types = resourceKeys.map((key) => resourceTypes[key]);
  expect(new Set(types).size).toBe(resourceKeys.length);
  for (const type of types) expect(type).toMatch(/^(AWS|Dataloop)::/);
});

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { newRegistration } from '../../../../src/domain/lifecycle/start.ts';
import { canonicalJson } from '../../../../src/domain/model/canonical-json.ts';
import { recordSchema } from '../../../../src/domain/model/record.ts';
import { anyText } from '../../../security/bad-requests.ts';
import { runs } from '../../runs.ts';
import { integrationId, requestOf } from '../fakes.ts';

const executionArn = `arn:aws:states:eu-west-1:111111111111:execution:provision:${integrationId}`;
const register = (request = requestOf(), key?: string, owner = 'POST /integrations arn:caller') =>
  newRegistration(request, key === undefined ? undefined : { key, owner }, {
    recordId: integrationId,
    executionArn,
    now: new Date('2026-11-23T12:00:00.500Z'),
  });

describe('canonical JSON', () => {
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, member]) => [key, shuffled(member)]),
    );
  };

  test('says the same whatever the order of the keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalJson(shuffled(value))).toBe(canonicalJson(value));
      }),
      { numRuns: runs(500) },
    );
  });

  test('loses nothing: it reads back as what was written', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.dictionary(anyText(), anyText())), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: runs(500) },
    );
  });

  test('takes a member that is undefined for one that is not there, and keeps the order of a list', () => {
    expect(canonicalJson({ a: 1, b: undefined })).toBe(canonicalJson({ a: 1 }));
    expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]));
  });
});

describe('a new registration', () => {
  test('is a record as the journal takes it, provisioning, with nothing done yet', () => {
    const { record } = register();
    expect(recordSchema.parse(record)).toEqual({
      id: integrationId,
      kind: 'integration',
      executionArn,
      name: 'acme',
      status: 'provisioning',
      createdAt: '2026-11-23T12:00:00.500Z',
      updatedAt: '2026-11-23T12:00:00.500Z',
      request: requestOf(),
      requestHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      steps: {},
      resources: {},
      inFlightCalls: {},
    });
  });

  test('has the same hash for bodies that mean the same, and another for any that does not', () => {
    const hash = (more?: object) => register(requestOf(more)).record.requestHash;
    expect(hash({ bucket: { cors: true, name: 'dataloop-acme' } })).toBe(hash());
    expect(hash({ tags: { a: '1', b: '2' } })).toBe(hash({ tags: { b: '2', a: '1' } }));
    const others = [
      hash({ bucket: { name: 'dataloop-acme', cors: false } }),
      hash({ bucket: { name: 'dataloop-acme', prefix: 'raw/' } }),
      hash({ description: 'x' }),
      hash({ tags: { a: '1' } }),
    ];
    expect(new Set([hash(), ...others]).size).toBe(others.length + 1);
  });

  test('remembers an Idempotency-Key for a day, and not in plain text', () => {
    const { idempotency } = register(requestOf(), 'a-key-of-the-caller');
    expect(idempotency?.expiresAt).toBe(Date.parse('2026-11-24T12:00:00.000Z') / 1000);
    expect(idempotency?.key).not.toContain('a-key-of-the-caller');
    expect(idempotency?.key).not.toBe(register(requestOf(), 'another-key').idempotency?.key);
    const others = register(requestOf(), 'a-key-of-the-caller', 'POST /integrations arn:other');
    expect(idempotency?.key).not.toBe(others.idempotency?.key);
  });

  test('remembers no key where none was given', () => {
    expect(register().idempotency).toBeUndefined();
  });

  test.each(['', 'with space', 'x'.repeat(256), 'ü', 'a\nb', 'a\n'])('takes no key such as %j', (key) => {
    expect(() => register(requestOf(), key)).toThrow(
      expect.objectContaining({
        name: 'InvalidRequestError',
        message: expect.stringContaining('Idempotency-Key'),
      }),
    );
  });

  test('takes a key of 255 characters', () => {
    expect(register(requestOf(), '~'.repeat(255)).idempotency).toBeDefined();
  });
});

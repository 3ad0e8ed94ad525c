import { describe, expect, test } from '@jest/globals';
import {
  type AwaitedAnswer,
  answerStack,
  type StackParts,
  takeStackRequest,
} from '../../../../src/domain/lifecycle/stack-resource.ts';
import { canonicalJson } from '../../../../src/domain/model/canonical-json.ts';
import type { JournalRecord } from '../../../../src/domain/model/record.ts';
import { ServiceError } from '../../../../src/errors.ts';
import { recordOf } from '../fakes.ts';
import { address, stack, stackRequest } from '../stacks.ts';

const idOf = (number: number) => `int_0000000000000000000000000${number}`;

/** A journal of several records, and workflows that do nothing by themselves. */
function world() {
  const records = new Map<string, JournalRecord>();
  const begun = new Map<string, Awaited<ReturnType<StackParts['readBegun']>>>();
  const withdrawn = new Set<string>();
  const byRequest = new Map<string, string>();
  const kept = new Map<string, string>();
  const events: string[] = [];
  let made = 0;
  const put = (id: string, more: Partial<JournalRecord>) => {
    records.set(id, { ...(records.get(id) ?? recordOf({ id, stack })), ...more });
  };
  const refuse: { error?: ServiceError } = {};
  const parts: StackParts = {
    read: async (id) => records.get(id),
    readBegun: async (asked) => begun.get(canonicalJson(asked)),
    writeBegun: async (asked, what) => void begun.set(canonicalJson(asked), what),
    isWithdrawn: async (asked) => withdrawn.has(canonicalJson(asked)),
    withdraw: async (asked) => void withdrawn.add(canonicalJson(asked)),
    make: {
      integration: async (request, note) => {
        const known = records.get(byRequest.get(request.id) ?? '');
        if (refuse.error) throw refuse.error;
        made += 1;
        await note(idOf(made));
        if (known) return known;
        put(idOf(made), { status: 'provisioning', stack: request.stack });
        byRequest.set(request.id, idOf(made));
        events.push(`make ${idOf(made)}`);
        return records.get(idOf(made)) ?? recordOf();
      },
      addedBucket: async () => Promise.reject(new Error('No bucket is added here.')),
    },
    remove: async (record) => {
      events.push(`remove ${record.id}`);
      put(record.id, { status: 'removing' });
      return records.get(record.id) ?? record;
    },
    keepAddress: async (request, id) => {
      kept.set(id, request.address);
      events.push(`wait for ${id}`);
    },
  };
  return { parts, records, begun, kept, events, put, refuse };
}

/** The same parts, with something that may happen before and after each call. */
const between = (parts: StackParts, pass: () => Promise<void>): StackParts =>
  new Proxy(parts, {
    get: (target, key) => {
      const part: unknown = Reflect.get(target, key);
      if (typeof part !== 'function') return part;
      return async (...given: unknown[]) => {
        await pass();
        const result: unknown = await Reflect.apply(part, target, given);
        await pass();
        return result;
      };
    },
  });

const update = (physicalId: string, id = 'request-2') =>
  stackRequest({ RequestType: 'Update', RequestId: id, PhysicalResourceId: physicalId });
const remove = (physicalId: string, more: object = {}) =>
  stackRequest({ RequestType: 'Delete', RequestId: 'request-9', PhysicalResourceId: physicalId, ...more });

describe('a request to create', () => {
  test('begins a workflow, and its end brings the answer', async () => {
    const { parts, events, kept } = world();
    await expect(takeStackRequest(stackRequest(), parts)).resolves.toBeUndefined();
    expect(events).toEqual([`make ${idOf(1)}`, `wait for ${idOf(1)}`]);
    expect(kept.get(idOf(1))).toBe(address);
  });

  test('that comes again begins nothing, and its first record is what a removal finds', async () => {
    const { parts, events, begun } = world();
    await takeStackRequest(stackRequest(), parts);
    await takeStackRequest(stackRequest(), parts);
    expect(events.filter((line) => line.startsWith('make'))).toEqual([`make ${idOf(1)}`]);
    expect([...begun.values()]).toEqual([{ requestId: 'request-1', recordId: idOf(1) }]);
  });

  test('is answered at once where the workflow ended before the address was kept', async () => {
    const { parts, put } = world();
    const keepAddress: StackParts['keepAddress'] = async (_request, id) => put(id, { status: 'ready' });
    await expect(takeStackRequest(stackRequest(), { ...parts, keepAddress })).resolves.toMatchObject({
      status: 'SUCCESS',
      physicalId: idOf(1),
    });
  });

  test('that is refused is answered with the reason', async () => {
    const { parts, refuse, events } = world();
    refuse.error = new ServiceError(
      'NameOrBucketTakenError',
      'The name "acme" is used by int_1, which is ready.',
    );
    await expect(takeStackRequest(stackRequest(), parts)).resolves.toEqual({
      status: 'FAILED',
      physicalId: 'not-created',
      reason: 'The name "acme" is used by int_1, which is ready.',
    });
    expect(events).toEqual([]);
  });

  test('of an unknown type is answered with those that there are', async () => {
    const request = stackRequest({ ResourceType: 'Custom::DataloopRole' });
    await expect(takeStackRequest(request, world().parts)).resolves.toMatchObject({
      status: 'FAILED',
      reason: expect.stringContaining('Custom::DataloopIntegration and Custom::DataloopBucket'),
    });
  });

  test('that meets what nobody expected is left to Lambda, which calls again', async () => {
    const { parts } = world();
    const broken = { ...parts, readBegun: async () => Promise.reject(new TypeError('x')) };
    await expect(takeStackRequest(stackRequest(), broken)).rejects.toThrow(TypeError);
  });
});

describe('a request to delete', () => {
  test('removes the record of the resource, and its end brings the answer', async () => {
    const { parts, put, events } = world();
    put(idOf(1), { status: 'ready' });
    await expect(takeStackRequest(remove(idOf(1)), parts)).resolves.toBeUndefined();
    expect(events).toEqual([`remove ${idOf(1)}`, `wait for ${idOf(1)}`]);
  });

  test.each(['failed', 'removed'] as const)('of what is %s is a success', async (status) => {
    const { parts, put, events } = world();
    put(idOf(1), { status });
    await expect(takeStackRequest(remove(idOf(1)), parts)).resolves.toEqual({
      status: 'SUCCESS',
      physicalId: idOf(1),
    });
    expect(events).toEqual([]);
  });

  test.each([
    ['of another stack', { stack: { ...stack, stackId: `${stack.stackId}x` } }],
    ['of another resource of the stack', { stack: { ...stack, logicalResourceId: 'Videos' } }],
    ['that was made through the API', { stack: undefined }],
  ])('of a record %s changes nothing, and is a success', async (_whose, more) => {
    const { parts, records, events } = world();
    records.set(idOf(1), { ...recordOf({ id: idOf(1), status: 'ready' }), ...more });
    await expect(takeStackRequest(remove(idOf(1)), parts)).resolves.toMatchObject({ status: 'SUCCESS' });
    expect(events).toEqual([]);
    expect(records.get(idOf(1))?.status).toBe('ready');
  });

  // CloudFormation gave up after an hour, or deletes a stack that is being created.
  test('by an id that CloudFormation made up is of what was begun and never answered', async () => {
    const { parts, events } = world();
    await takeStackRequest(stackRequest(), parts);
    await expect(takeStackRequest(remove('images-Images-1ABC'), parts)).resolves.toBeUndefined();
    expect(events.at(-2)).toBe(`remove ${idOf(1)}`);
  });

  test('after a creation that was refused leaves alone what an earlier one made', async () => {
    const { parts, put, refuse, events } = world();
    await takeStackRequest(stackRequest(), parts);
    put(idOf(1), { status: 'ready' });
    refuse.error = new ServiceError('InvalidRequestError', 'One field is invalid.');
    await takeStackRequest(stackRequest({ RequestId: 'request-2' }), parts);
    await expect(takeStackRequest(remove('not-created'), parts)).resolves.toMatchObject({
      status: 'SUCCESS',
    });
    expect(events.filter((line) => line.startsWith('remove'))).toEqual([]);
  });

  test('of what never began is a success', async () => {
    await expect(takeStackRequest(remove('images-Images-1ABC'), world().parts)).resolves.toEqual({
      status: 'SUCCESS',
      physicalId: 'images-Images-1ABC',
    });
  });

  test('that comes before the request to create lets that one make nothing', async () => {
    const { parts, events } = world();
    await takeStackRequest(remove('images-Images-1ABC'), parts);
    await expect(takeStackRequest(stackRequest(), parts)).resolves.toEqual({
      status: 'FAILED',
      physicalId: 'not-created',
      reason: expect.stringContaining('CloudFormation deleted this resource before'),
    });
    expect(events).toEqual([]);
    // Another resource of the stack is another matter.
    await takeStackRequest(stackRequest({ LogicalResourceId: 'Videos' }), parts);
    expect(events).toContain(`make ${idOf(1)}`);
  });

  test.each(['creation', 'deletion'] as const)(
    'leaves nothing, whenever during the %s the other one comes',
    async (first) => {
      const requests = { creation: stackRequest(), deletion: remove('images-Images-1ABC') };
      const second = first === 'creation' ? 'deletion' : 'creation';
      for (let moment = 0; ; moment += 1) {
        const { parts, records } = world();
        let passed = 0;
        const pass = async () => {
          if (passed === moment) await takeStackRequest(requests[second], parts);
          passed += 1;
        };
        await takeStackRequest(requests[first], between(parts, pass));
        if (moment >= passed) break;
        const left = [...records.values()].filter(({ status }) => status !== 'removing');
        expect({ moment, left }).toEqual({ moment, left: [] });
      }
      expect.hasAssertions();
    },
  );

  test('that did not see the record leaves it to the creation, which comes again until it is removed', async () => {
    const { parts, records } = world();
    let isRefused = true;
    const creating: StackParts = {
      ...parts,
      keepAddress: async () => Promise.reject(new Error('Not reached before the removal has begun.')),
      make: {
        ...parts.make,
        integration: async (...given) => {
          const record = await parts.make.integration(...given);
          await parts.withdraw(stack);
          return record;
        },
      },
      remove: async (...given) => {
        if (isRefused) throw new ServiceError('AwsUnavailableError', 'No.');
        return parts.remove(...given);
      },
    };
    await expect(takeStackRequest(stackRequest(), creating)).rejects.toThrow(
      `Nobody wants ${idOf(1)} any more`,
    );
    isRefused = false;
    await takeStackRequest(stackRequest(), { ...creating, keepAddress: parts.keepAddress });
    expect([...records.values()].map(({ status }) => status)).toEqual(['removing']);
  });

  test('by the id of an answer that made nothing does not stop the next creation', async () => {
    const { parts, refuse, events } = world();
    refuse.error = new ServiceError('InvalidRequestError', 'One field is invalid.');
    await takeStackRequest(stackRequest(), parts);
    await takeStackRequest(remove('not-created'), parts);
    delete refuse.error;
    await takeStackRequest(stackRequest({ RequestId: 'request-2' }), parts);
    expect(events).toContain(`make ${idOf(1)}`);
  });

  test('that is refused is answered with the reason', async () => {
    const { parts, put } = world();
    put(idOf(1), { status: 'ready' });
    const refusing = {
      ...parts,
      remove: async () => Promise.reject(new ServiceError('ForeignDriversError', 'Other drivers use it.')),
    };
    await expect(takeStackRequest(remove(idOf(1)), refusing)).resolves.toEqual({
      status: 'FAILED',
      physicalId: idOf(1),
      reason: 'Other drivers use it.',
    });
  });
});

describe('a request to update', () => {
  test('makes a new one, while the old one stays until CloudFormation deletes it', async () => {
    const { parts, put, records, events } = world();
    await takeStackRequest(stackRequest(), parts);
    put(idOf(1), { status: 'ready' });
    await expect(takeStackRequest(update(idOf(1)), parts)).resolves.toBeUndefined();
    expect(events.at(-2)).toBe(`make ${idOf(2)}`);
    expect(records.get(idOf(1))?.status).toBe('ready');
    // Sent again, it does not take its own record for a forgotten one.
    await takeStackRequest(update(idOf(1)), parts);
    expect(events.filter((line) => line.startsWith('remove'))).toEqual([]);
  });

  test('that needs the name of the old one says so', async () => {
    const { parts, put, refuse } = world();
    put(idOf(1), { status: 'ready' });
    refuse.error = new ServiceError(
      'NameOrBucketTakenError',
      'The name "acme" is used by int_1, which is ready.',
    );
    await expect(takeStackRequest(update(idOf(1)), parts)).resolves.toEqual({
      status: 'FAILED',
      physicalId: idOf(1),
      reason:
        'A changed property makes a new one before the old one is removed: give it a name, a bucket and a driver name of ' +
        'its own. The name "acme" is used by int_1, which is ready.',
    });
  });

  test('takes away what an earlier one began and CloudFormation never heard of', async () => {
    const { parts, put, events } = world();
    await takeStackRequest(stackRequest(), parts);
    put(idOf(1), { status: 'ready' });
    await takeStackRequest(update(idOf(1), 'request-2'), parts);
    // After an hour CloudFormation goes back to the resource that it knows.
    await takeStackRequest(update(idOf(1), 'request-3'), parts);
    expect(events.filter((line) => line.startsWith('remove'))).toEqual([`remove ${idOf(2)}`]);
  });
});

describe('the end of a workflow', () => {
  const awaited: AwaitedAnswer = { request: stackRequest(), address };

  function answering(record: JournalRecord | undefined, waiting: readonly AwaitedAnswer[] = [awaited]) {
    const events: string[] = [];
    const parts = {
      read: async () => record,
      readAwaited: async () => waiting,
      forget: async () => void events.push('forget'),
      send: async (_to: AwaitedAnswer, { status }: { status: string }) => void events.push(status),
    };
    return { parts, events };
  }

  test('answers, then forgets the address', async () => {
    const { parts, events } = answering(recordOf({ status: 'ready', stack }));
    await expect(answerStack(idOf(1), parts)).resolves.toBe(1);
    expect(events).toEqual(['SUCCESS', 'forget']);
  });

  test('that is not there yet answers nothing, whatever an event says', async () => {
    for (const record of [recordOf({ status: 'provisioning' }), undefined]) {
      const { parts, events } = answering(record);
      await expect(answerStack(idOf(1), parts)).resolves.toBe(0);
      expect(events).toEqual([]);
    }
  });

  test('keeps the address where nobody took the answer', async () => {
    const { parts, events } = answering(recordOf({ status: 'ready' }));
    const lost = {
      ...parts,
      send: async () => Promise.reject(new ServiceError('AwsUnavailableError', 'No.')),
    };
    await expect(answerStack(idOf(1), lost)).rejects.toMatchObject({ name: 'AwsUnavailableError' });
    expect(events).toEqual([]);
  });

  test('answers both who made it and who deletes it, where a stack is deleted while it is created', async () => {
    const { parts, events } = answering(recordOf({ status: 'failed' }), [
      awaited,
      { request: remove(idOf(1)), address },
    ]);
    await expect(answerStack(idOf(1), parts)).resolves.toBe(2);
    expect(events).toEqual(['FAILED', 'forget', 'SUCCESS', 'forget']);
  });
});

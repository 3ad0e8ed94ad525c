/** What `npm run costs` counts, as AWS counts it. */
import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { expect, test } from '@jest/globals';
import { CountingWorld, executionOf, sizeOfItem, usageOf } from '../../bench/usage.ts';

const at = new Date(0);
const event = (type: HistoryEvent['type'], resource?: string): HistoryEvent => ({
  timestamp: at,
  type,
  id: 1,
  ...(resource
    ? { taskScheduledEventDetails: { resourceType: 'lambda', resource, region: '', parameters: '' } }
    : {}),
});

test('an item is as large as DynamoDB says: names, texts in UTF-8, and three bytes for a map or list', () => {
  expect(sizeOfItem({ pk: { S: 'ä' } })).toBe(2 + 2);
  expect(sizeOfItem({ n: { N: '1234' } })).toBe(1 + 3);
  expect(sizeOfItem({ m: { M: { a: { S: 'bc' } } } })).toBe(1 + 3 + 1 + 2 + 1);
  expect(sizeOfItem({ l: { L: [{ BOOL: true }, { NULL: true }] } })).toBe(1 + 3 + 2 * (1 + 1));
});

test('what the emulator leaves out of a history is added, and what it has is not added twice', () => {
  const emulator = [
    event('ExecutionStarted'),
    event('ParallelStateEntered'),
    event('TaskScheduled', 'invoke.waitForTaskToken'),
    event('TaskSucceeded'),
    event('ParallelStateExited'),
    event('ExecutionSucceeded'),
  ];
  const aws = [
    ...emulator,
    event('ParallelStateStarted'),
    event('TaskStateEntered'),
    event('TaskStarted'),
    event('TaskSubmitted'),
    event('TaskStateExited'),
    event('ParallelStateSucceeded'),
  ];
  expect(executionOf(emulator)).toEqual({ states: 2, events: 12, tasks: 1 });
  expect(executionOf(aws)).toEqual({ states: 2, events: 12, tasks: 1 });
});

test('an execution in which a step was tried again is not counted', () => {
  expect(() => executionOf([event('TaskScheduled', 'invoke'), event('TaskFailed')])).toThrow(
    'Count once more',
  );
});

test('writes count by the size of the item, in a transaction twice, and reads by what was answered', () => {
  const large = { pk: { S: 'x'.repeat(1_500) } };
  const world = new CountingWorld();
  const call = (name: string, operation: string, request: object, answer: object) => {
    const [service] = operation.split(':') as ['dynamodb'];
    const recorded = {
      sequence: 0,
      time: '',
      function: name,
      service,
      operation,
      logicalCall: '',
      call: 1,
      attempt: 1,
      outcome: 'forwarded' as const,
    };
    const sent = { method: 'POST', url: '/', headers: {}, body: Buffer.from(JSON.stringify(request)) };
    world.meet(recorded, sent).answered(Buffer.from(JSON.stringify(answer)));
  };
  call('activate', 'dynamodb:UpdateItem', {}, { Attributes: large });
  call('startProvisioning', 'dynamodb:TransactWriteItems', { TransactItems: [{ Put: { Item: large } }] }, {});
  call('startProvisioning', 'dynamodb:GetItem', {}, { Item: { pk: { S: 'x'.repeat(5_000) } } });
  call('getIntegration', 'dynamodb:GetItem', {}, {});
  call('activate', 'secretsmanager:GetSecretValue', {}, {});
  call('activate', 'events:PutEvents', {}, {});
  const usage = usageOf(world.calls, [[event('TaskScheduled', 'invoke'), event('TaskSucceeded')]], {
    apiRequests: 1,
    indexWrites: 3,
  });
  expect(usage).toMatchObject({
    writes: 2 + 2 * 2 + 3,
    reads: 2,
    secretReads: 1,
    events: 1,
    keyUses: 3,
    milliseconds: 3 * 10 + 2 * 100 + usage.invocations * 30,
    initMilliseconds: 2 * 400,
  });
});

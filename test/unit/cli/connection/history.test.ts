import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { expect, test } from '@jest/globals';
import { historyOf } from '../../../../cli/connection/history.ts';

const timestamp = new Date('2026-11-28T10:00:00.000Z');
const event = (
  id: number,
  previousEventId: number | undefined,
  type: HistoryEvent['type'],
  more: Partial<HistoryEvent> = {},
): HistoryEvent => ({
  id,
  type,
  timestamp,
  ...(previousEventId === undefined ? {} : { previousEventId }),
  ...more,
});
const entered = (name: string, input = '{}') => ({ stateEnteredEventDetails: { name, input } });
const left = (name: string, output = '{}') => ({ stateExitedEventDetails: { name, output } });
const failure = (error: string) => ({
  taskFailedEventDetails: { error, cause: `${error}!`, resource: 'invoke', resourceType: 'lambda' },
});

test('each failure belongs to the state that it follows, in branches, too', () => {
  const history = historyOf([
    event(1, 0, 'ExecutionStarted'),
    event(2, 0, 'ParallelStateEntered', entered('Both')),
    event(3, 2, 'TaskStateEntered', entered('One', '{"a":1}')),
    event(4, 2, 'TaskStateEntered', entered('Other')),
    event(5, 3, 'TaskScheduled'),
    event(6, 4, 'TaskScheduled'),
    event(7, 5, 'TaskFailed', failure('First')),
    event(8, 6, 'TaskFailed', failure('Second')),
    event(9, 7, 'TaskScheduled'),
    event(10, 9, 'TaskSucceeded'),
    event(11, 10, 'TaskStateExited', left('One', '{"b":2}')),
  ]);
  expect(history['One']).toEqual({
    input: '{"a":1}',
    output: '{"b":2}',
    failures: [{ at: timestamp.toISOString(), error: 'First', cause: 'First!' }],
  });
  expect(history['Other']?.failures.map(({ error }) => error)).toEqual(['Second']);
  expect(history['Both']).toEqual({ input: '{}', failures: [] });
});

test('without predecessors a failure belongs to the only open state, else to none', () => {
  const history = historyOf([
    event(1, undefined, 'TaskStateEntered', entered('One')),
    event(2, undefined, 'TaskFailed', failure('Known')),
    event(3, undefined, 'TaskStateEntered', entered('Other')),
    event(4, undefined, 'TaskFailed', failure('Unknown')),
  ]);
  expect(history['One']?.failures.map(({ error }) => error)).toEqual(['Known']);
  expect(history['Other']?.failures).toEqual([]);
});

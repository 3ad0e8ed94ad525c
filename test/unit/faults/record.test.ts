/** Which of the recorded runs the matrix is made of. */
import { expect, test } from '@jest/globals';
import type { GraphCall } from '../../faults/graph.ts';
import { dependable, type Recording, undisturbed } from '../../faults/record.ts';

const graphOf = (length: number): GraphCall[] =>
  Array.from({ length }, (_, index) => ({
    phase: 'at-once',
    function: 'createRole',
    operation: 'iam:CreateRole',
    call: index + 1,
  }));

const run = (calls: number, isRepeated: boolean): Recording => ({ graph: graphOf(calls), isRepeated });

test.each([
  ['the first, where no step was tried again', [run(3, false), run(1, false)], 3, 1],
  ['the next in which no step was', [run(5, true), run(4, true), run(3, false)], 3, 3],
  [
    'the one with the fewest calls, where each was disturbed',
    [run(5, true), run(3, true), run(4, true)],
    3,
    3,
  ],
])('it is %s', async (_which, runs, calls, recorded) => {
  const waiting = [...runs];
  const graph = await undisturbed(async () => {
    const next = waiting.shift();
    if (!next) throw new Error('Enough is recorded.');
    return next;
  });
  expect([graph.length, runs.length - waiting.length]).toEqual([calls, recorded]);
});

test('of two runs, the calls that both make', async () => {
  const runs = [run(3, false), run(2, false)];
  const graph = await dependable(async () => runs.shift() ?? run(0, false));
  expect(graph).toEqual(graphOf(2));
});

import { describe, expect, test } from '@jest/globals';
import { machines } from '../../../../cli/page/machines.ts';
import { hasBegun, statesOf } from '../../../../cli/page/states.ts';
import { failed, ready, residue, running, video } from './recorded.ts';

const flowOf = (wanted: string) => {
  const found = machines.find(({ key }) => key === wanted);
  if (!found) throw new Error(`There is no machine ${wanted}.`);
  return found.flow;
};
interface Shown {
  readonly steps: readonly { readonly name: string; readonly status: string }[];
}
const states = (machine: string, shown: Shown) => Object.fromEntries(statesOf(flowOf(machine), shown.steps));

describe('the states of a machine', () => {
  test('are all idle before anything has run', () => {
    expect(new Set(Object.values(states('provision', { steps: [] })))).toEqual(new Set(['idle']));
  });

  test('have the status of their steps, and those between follow from these', () => {
    const now = states('provision', running);
    expect(now).toMatchObject({ Preflight: 'succeeded', CreateRole: 'running', CompleteIntegration: 'idle' });
    expect(now).toMatchObject({ PrepareBothSides: 'succeeded', MergeBranches: 'passed', Ready: 'idle' });
  });

  test('show the end that was reached, and not the other one', () => {
    expect(states('provision', ready)).toMatchObject({
      Ready: 'succeeded',
      RollBack: 'idle',
      Failed: 'idle',
    });
    expect(states('addDriver', video)).toMatchObject({ GrantAccess: 'succeeded', Ready: 'succeeded' });
    const broken = states('provision', failed);
    expect(broken).toMatchObject({
      TestDriver: 'failed',
      RollBack: 'succeeded',
      Failed: 'failed',
      Ready: 'idle',
    });
  });

  test('show the way that an undo took, and nothing that it may not have taken', () => {
    const undo = states('deprovision', failed);
    expect(undo).toMatchObject({
      Begin: 'passed',
      WhoseAccess: 'passed',
      AccessTried: 'passed',
      Done: 'succeeded',
    });
    expect(undo).toMatchObject({
      RevokeAccess: 'idle',
      BeginWithDrivers: 'idle',
      WaitForOpenCalls: 'idle',
      Stuck: 'idle',
    });
    expect(states('deprovision', residue)).toMatchObject({ DeleteBucket: 'failed', UndoTried: 'passed' });
  });

  test('of a branch that failed: its end, and the state around it', () => {
    const steps = [
      { name: 'Preflight', status: 'succeeded' },
      { name: 'CreateBucket', status: 'failed' },
      { name: 'CreatePolicy', status: 'succeeded' },
    ];
    const now = states('provision', { steps });
    expect(now).toMatchObject({
      BucketNotCreated: 'failed',
      PolicyNotCreated: 'idle',
      PrepareBothSides: 'failed',
    });
  });

  test('of a status that is not known yet go on', () => {
    expect(states('provision', { steps: [{ name: 'Preflight', status: 'dreaming' }] })).toMatchObject({
      Preflight: 'running',
    });
  });
});

test('the undo has begun with its first step', () => {
  const { nodes } = flowOf('deprovision');
  expect(hasBegun(nodes, ready.steps)).toBe(false);
  expect(hasBegun(nodes, failed.steps)).toBe(true);
});

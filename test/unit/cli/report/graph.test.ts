import { describe, expect, test } from '@jest/globals';
import { graphOf, graphPicture, rowsOf } from '../../../../cli/report/graph.ts';
import { addDriverSteps, deprovisionSteps, provisionSteps } from '../../../../src/domain/model/steps.ts';
import { stateMachines } from '../../../../statemachines/machines.ts';
import { step } from '../world.ts';

const { provision, addDriver, deprovision } = stateMachines({ iamUserTimeoutSeconds: 3_600 });
const graph = graphOf(provision.Definition, () => true);

describe('the graph of a state machine', () => {
  test('has every step on the way, and the end', () => {
    const way = (steps: readonly string[]) =>
      [...steps.filter((name) => name !== 'RollBack'), 'Ready'].sort();
    expect(graph.nodes.toSorted()).toEqual(way(provisionSteps));
    const added = graphOf(addDriver.Definition, () => true);
    expect(added.nodes.toSorted()).toEqual(way(addDriverSteps));
  });

  test('leads through branches that run at the same time', () => {
    const leading = (name: string) => graph.edges.flatMap(([from, to]) => (from === name ? [to] : []));
    const branches = ['CreateBucket', 'CreatePolicy', 'RequestIamUser'];
    expect(leading('Preflight')).toEqual(branches);
    for (const branch of branches) expect(leading(branch)).toEqual(['CreateRole']);
    expect(rowsOf(graph).filter((row) => row.length > 1)).toEqual([branches]);
  });

  test('leaves out steps that another kind of record passes through', () => {
    const undo = graphOf(deprovision.Definition, (name) => name !== 'RevokeAccess');
    expect(undo.nodes).not.toContain('RevokeAccess');
    for (const name of deprovisionSteps.filter((each) => each !== 'RevokeAccess')) {
      expect(undo.nodes).toContain(name);
    }
    const [first] = rowsOf(undo);
    expect(first).toContain('DeleteRole');
    // The access may be taken away once more after the wait: the only way back.
    expect(undo.edges).toContainEqual(['AwaitOpenCalls', 'DeleteRole']);
  });
});

test('the picture shows each step in its state, and says more of it', () => {
  const steps = [step('Preflight', 'succeeded', { attempts: 2 }), step('CreateRole', 'failed')];
  const { html } = graphPicture(graph, steps, 'Steps');
  expect(html).toContain('<g class="node succeeded"><title>Preflight: succeeded, 2 attempts</title>');
  expect(html).toContain('<g class="node failed"><title>CreateRole: failed, 1 attempt</title>');
  expect(html).toContain('<g class="node unknown"><title>Activate: not run</title>');
  expect(html.match(/<path/g)).toHaveLength(graph.edges.length);
  expect(html).not.toContain('NaN');
  // The end is reached with the last step.
  expect(html).toContain('<title>Ready: not run</title>');
  const done = graphPicture(graph, [step('Activate', 'succeeded')], 'Steps').html;
  expect(done).toContain('<g class="node succeeded"><title>Ready: succeeded');
});

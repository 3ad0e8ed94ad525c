/** The layout does not depend on the names of the states: machines of every form are drawn without boxes that overlap. */
import { describe, expect, test } from '@jest/globals';
import { type Flow, flowOf } from '../../../../cli/page/flow.ts';
import { type Box, drawn, laidOut } from '../../../../cli/page/layout.ts';
import { pictureOf } from '../../../../cli/page/picture.ts';
import type { StateMachine } from '../../../../statemachines/asl.ts';
import { stateMachines } from '../../../../statemachines/machines.ts';

const machines = Object.entries(stateMachines({ iamUserTimeoutSeconds: 60 })).map(
  ([name, { Definition }]): [string, StateMachine] => [name, Definition],
);

const overlap = (one: Box, other: Box): boolean =>
  one.x < other.x + other.width &&
  other.x < one.x + one.width &&
  one.y < other.y + other.height &&
  other.y < one.y + one.height;

describe.each(machines)('%s', (_name, definition) => {
  const flow = drawn(flowOf(definition));
  const { boxes, lines, width, height } = laidOut(flow);

  test('has room for every state, beside the others and within the picture', () => {
    const parents = new Set(flow.nodes.map(({ parent }) => parent));
    const placed = [...boxes].filter(([name]) => !parents.has(name));
    expect(placed.length).toBeGreaterThan(5);
    const meeting = placed.flatMap(([name, box], index) =>
      placed.slice(index + 1).flatMap(([other, place]) => (overlap(box, place) ? [[name, other]] : [])),
    );
    expect(meeting).toEqual([]);
    for (const { x, y, width: wide, height: high } of boxes.values()) {
      expect(Math.min(x, y)).toBeGreaterThanOrEqual(0);
      expect(x + wide).toBeLessThanOrEqual(width);
      expect(y + high).toBeLessThanOrEqual(height);
    }
  });

  test('has a line for each way from state to state', () => {
    const known = new Set(lines.map(({ edge }) => `${edge.from} ${edge.to}`));
    for (const { from, to } of flow.edges) expect(known).toContain(`${from} ${to}`);
    for (const { points } of lines) expect(points.length).toBeGreaterThanOrEqual(2);
  });
});

test('what is inside of a Parallel state is drawn inside, and what follows below', () => {
  const [, provision] = machines.find(([name]) => name === 'provision') ?? [];
  if (!provision) throw new Error('There is no such machine.');
  const flow = drawn(flowOf(provision));
  const { boxes } = laidOut(flow);
  const around = flow.nodes.find(({ type }) => type === 'Parallel')?.name ?? '';
  const outer = boxes.get(around);
  if (!outer) throw new Error('It is not drawn.');
  const inside = flow.nodes.filter(({ parent }) => parent === around);
  expect(inside.length).toBeGreaterThan(2);
  for (const { name } of inside) {
    const box = boxes.get(name);
    expect(box?.y).toBeGreaterThan(outer.y);
    expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThan(outer.y + outer.height);
  }
  const [after] = flow.edges.filter(({ from, isFailure }) => from === around && !isFailure);
  expect(boxes.get(after?.to ?? '')?.y).toBeGreaterThan(outer.y + outer.height);
});

test('names cannot become markup', () => {
  const evil = '"><script>alert(1)</script>';
  const flow: Flow = {
    start: evil,
    nodes: [
      { name: evil, type: 'Pass', comment: evil },
      { name: 'End', type: 'Succeed', comment: '' },
    ],
    edges: [{ from: evil, to: 'End', isFailure: false }],
  };
  const picture = pictureOf(flow, evil).html;
  expect(picture).not.toContain('<script');
  expect(picture).toContain('&lt;script&gt;');
});

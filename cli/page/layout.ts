/** A state machine as a graph, laid out from its definition: the page and docs/workflow.md draw the same one. */
import { Graph, layout } from '@dagrejs/dagre';
import type { Edge, Flow, Node } from './flow.ts';

export interface Box {
  /** Of the upper left corner. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly boxes: ReadonlyMap<string, Box>;
  readonly lines: readonly {
    readonly edge: Edge;
    readonly points: readonly { readonly x: number; readonly y: number }[];
  }[];
}

/** More failures than this lead from one place, which says so, instead of a line from each state. */
const mostFailures = 2;
const anyError = (to: string): string => `error ${to}`;

/** What is drawn of a flow: a picture with a line from every state to the same end would show nothing. */
export function drawn({ start, nodes, edges }: Flow): Flow {
  const failures = Map.groupBy(
    edges.filter(({ isFailure }) => isFailure),
    ({ to }) => to,
  );
  const crowded = [...failures].filter(([, list]) => list.length > mostFailures).map(([to]) => to);
  return {
    start,
    nodes: [
      ...nodes,
      ...crowded.map((to): Node => {
        const from = (failures.get(to) ?? []).map((edge) => edge.from);
        return { name: anyError(to), type: 'Error', comment: `A permanent failure of ${from.join(', ')}.` };
      }),
    ],
    edges: [
      ...edges.filter(({ to, isFailure }) => !isFailure || !crowded.includes(to)),
      ...crowded.map((to): Edge => ({ from: anyError(to), to, isFailure: true })),
    ],
  };
}

/** @returns what is written into the box of a state */
export const labelOf = ({ name, type }: Pick<Node, 'name' | 'type'>): string =>
  type === 'Error' ? 'any error' : name;

/** Room for the sign of the state, the name and the number of attempts. */
function sizeOf(node: Node): { width: number; height: number } {
  const isStep = node.type === 'Task';
  return {
    width: labelOf(node).length * (isStep ? 7.4 : 6.6) + (isStep ? 62 : 44),
    height: isStep ? 36 : 26,
  };
}

/** @param flow as `drawn` answers it */
export function laidOut(flow: Flow): Picture {
  const graph = new Graph({ compound: true });
  graph.setGraph({ rankdir: 'TB', nodesep: 22, ranksep: 30, edgesep: 14, marginx: 10, marginy: 10 });
  graph.setDefaultEdgeLabel(() => ({}));
  const parents = new Set(flow.nodes.flatMap(({ parent }) => parent ?? []));
  for (const node of flow.nodes) graph.setNode(node.name, parents.has(node.name) ? {} : sizeOf(node));
  for (const { name, parent } of flow.nodes) if (parent) graph.setParent(name, parent);
  // A line to or from a Parallel state is one to its first states, or from its last ones.
  const inner = (name: string, at: 'begin' | 'end'): string[] => {
    if (!parents.has(name)) return [name];
    const children = flow.nodes.filter(({ parent, type }) => parent === name && type !== 'Fail');
    const isInside = (edge: Edge, end: 'from' | 'to') =>
      !edge.isFailure && children.some((child) => child.name === edge[end]);
    return children
      .filter((child) =>
        at === 'begin'
          ? !flow.edges.some((edge) => edge.to === child.name && isInside(edge, 'from'))
          : !flow.edges.some((edge) => edge.from === child.name && isInside(edge, 'to')),
      )
      .map((child) => child.name);
  };
  const wanted = flow.edges.flatMap((edge) =>
    inner(edge.from, 'end').flatMap((from) => inner(edge.to, 'begin').map((to) => ({ edge, from, to }))),
  );
  for (const { edge, from, to } of wanted) {
    // What comes after a Parallel state is below all that is in it.
    const minlen = parents.has(edge.from) ? 2 : 1;
    graph.setEdge(from, to, { minlen, weight: edge.isFailure ? 1 : 3 });
  }
  layout(graph);
  const boxes = new Map(
    flow.nodes.map(({ name }): [string, Box] => {
      const { x = 0, y = 0, width = 0, height = 0 } = graph.node(name);
      return [name, { x: x - width / 2, y: y - height / 2, width, height }];
    }),
  );
  const { width = 0, height = 0 } = graph.graph();
  return {
    width,
    height,
    boxes,
    lines: wanted.map(({ edge, from, to }) => ({ edge, points: graph.edge(from, to).points ?? [] })),
  };
}

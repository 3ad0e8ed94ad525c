/** The steps of a state machine as a graph, from its definition; what lies between steps (waits, choices) is left out. */
import type { State, StateMachine, States } from '../../statemachines/asl.ts';
import type { Step } from '../connection/answers.ts';
import { type Html, html } from '../page/html.ts';
import { signOf, stateOf } from './timeline.ts';

export interface Graph {
  /** In the order of the definition. */
  readonly nodes: readonly string[];
  readonly edges: readonly (readonly [from: string, to: string])[];
}

interface Scope {
  readonly states: States;
  /** Where a branch leads at its end. */
  readonly after: () => readonly string[];
}

/** @param isShown whether a step belongs to the graph: another kind of record may pass through it, too */
export function graphOf(machine: StateMachine, isShown: (step: string) => boolean): Graph {
  const edges: [string, string][] = [];
  const order: string[] = [];

  const onward = (state: State, scope: Scope, seen: ReadonlySet<string>): readonly string[] => {
    if (state.Type === 'Choice') {
      return [...state.Choices.map(({ Next }) => Next), state.Default].flatMap((name) =>
        reached(name, scope, seen),
      );
    }
    if (state.Type === 'Succeed' || state.Type === 'Fail') return [];
    return 'Next' in state ? reached(state.Next, scope, seen) : scope.after();
  };
  const branchesOf = (state: State, scope: Scope): Scope[] =>
    state.Type === 'Parallel'
      ? state.Branches.map((branch) => ({
          states: branch.States,
          after: () => onward(state, scope, new Set()),
        }))
      : [];
  /** The steps, or ends, that come next on the way to a state. */
  const reached = (name: string, scope: Scope, seen: ReadonlySet<string>): readonly string[] => {
    const state = scope.states[name];
    if (!state || seen.has(name)) return [];
    if (isEnd(state) || (state.Type === 'Task' && isShown(name))) return [name];
    const passed = new Set([...seen, name]);
    if (state.Type !== 'Parallel') return onward(state, scope, passed);
    return branchesOf(state, scope).flatMap((inner, index) =>
      reached(state.Branches[index]?.StartAt ?? '', inner, passed),
    );
  };
  const walk = (scope: Scope): void => {
    for (const [name, state] of Object.entries(scope.states)) {
      if (state.Type === 'Parallel') {
        for (const inner of branchesOf(state, scope)) walk(inner);
      } else if (isEnd(state) || (state.Type === 'Task' && isShown(name))) {
        order.push(name);
        // A step that is repeated until it has nothing to wait for leads to itself.
        for (const next of new Set(onward(state, scope, new Set()))) {
          if (next !== name) edges.push([name, next]);
        }
      }
    }
  };
  const whole: Scope = { states: machine.States, after: () => [] };
  walk(whole);
  // What only a failure leads to is not part of the way.
  const found = new Set(reached(machine.StartAt, whole, new Set()));
  for (const name of found) for (const [from, to] of edges) if (from === name) found.add(to);
  return {
    nodes: order.filter((name) => found.has(name)),
    edges: edges.filter(([from]) => found.has(from)),
  };
}

const isEnd = (state: State): boolean => state.Type === 'Succeed' || state.Type === 'Fail';

const box = { width: 190, height: 34, across: 24, down: 26 } as const;

/** A row for each step of the longest way to a node: whatever may run at the same time stands side by side. */
export function rowsOf({ nodes, edges }: Graph): string[][] {
  const rank = new Map(nodes.map((name, index) => [name, index]));
  const row = new Map<string, number>();
  for (const name of nodes) {
    const before = edges.filter(([from, to]) => to === name && (rank.get(from) ?? 0) < (rank.get(name) ?? 0));
    row.set(name, Math.max(-1, ...before.map(([from]) => row.get(from) ?? 0)) + 1);
  }
  const count = Math.max(-1, ...row.values()) + 1;
  return Array.from({ length: count }, (_, index) => nodes.filter((name) => row.get(name) === index));
}

/** The graph as a picture; each step has the colour of its state, and says more where one points at it. */
export function graphPicture(graph: Graph, steps: readonly Step[], label: string): Html {
  const rows = rowsOf(graph);
  const width = Math.max(...rows.map((row) => row.length)) * (box.width + box.across) + 2 * box.across;
  const height = rows.length * (box.height + box.down);
  const places = new Map(
    rows.flatMap((row, index) =>
      row.map((name, column) => {
        const left = (width - row.length * (box.width + box.across) + box.across) / 2;
        return [
          name,
          { x: left + column * (box.width + box.across), y: index * (box.height + box.down) + 4 },
        ] as const;
      }),
    ),
  );
  const line = ([from, to]: readonly [string, string]): Html => {
    const [one, other] = [places.get(from), places.get(to)];
    if (!one || !other) return html``;
    if (other.y <= one.y) {
      // Back to an earlier step: beside the boxes.
      const [x, side] = [one.x + box.width, Math.max(one.x, other.x) + box.width + box.across];
      const [begin, end] = [one.y + box.height / 2, other.y + box.height / 2];
      return html`<path class="back" d="M${x},${begin} C${side},${begin} ${side},${end} ${other.x + box.width},${end}"/>`;
    }
    const [x, y] = [one.x + box.width / 2, one.y + box.height];
    const [toX, toY] = [other.x + box.width / 2, other.y];
    return html`<path d="M${x},${y} C${x},${y + box.down} ${toX},${toY - box.down} ${toX},${toY}"/>`;
  };
  return html`<svg viewBox="0 0 ${width} ${height}" style="width:${width}px" role="img" aria-label="${label}">
${graph.edges.map(line)}
${[...places].map(([name, place]) => node(name, place, stepOf(name, graph, steps)))}</svg>`;
}

/** An end is no step of the record: it is reached once all that lead to it have succeeded. */
function stepOf(
  name: string,
  { edges }: Graph,
  steps: readonly Step[],
): Pick<Step, 'status' | 'attempts'> | undefined {
  const found = steps.find((step) => step.name === name);
  if (found || edges.some(([from]) => from === name)) return found;
  const before = edges.filter(([, to]) => to === name);
  const isReached = before.every(([from]) =>
    steps.some((step) => step.name === from && step.status === 'succeeded'),
  );
  return isReached ? { status: 'succeeded', attempts: 1 } : undefined;
}

function node(
  name: string,
  { x, y }: { x: number; y: number },
  step: Pick<Step, 'status' | 'attempts'> | undefined,
): Html {
  const said = step
    ? `${step.status}, ${step.attempts} ${step.attempts === 1 ? 'attempt' : 'attempts'}`
    : 'not run';
  return html`<g class="node ${step ? stateOf(step) : 'unknown'}"><title>${name}: ${said}</title>
<rect x="${x}" y="${y}" width="${box.width}" height="${box.height}" rx="6"/>
<text x="${x + box.width / 2}" y="${y + 22}" text-anchor="middle">${step ? `${signOf(step)} ` : ''}${name}</text></g>`;
}

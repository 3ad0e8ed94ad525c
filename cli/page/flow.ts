/** A state machine as what it may do: its states, and which leads to which. Pictures and colours are made of it. */
import type { State, StateMachine, States } from '../../statemachines/asl.ts';

export interface Node {
  readonly name: string;
  readonly type: State['Type'] | 'Error';
  readonly comment: string;
  /** The Parallel state that it is in. */
  readonly parent?: string;
}

export interface Edge {
  readonly from: string;
  readonly to: string;
  /** Whether only a failure leads there. */
  readonly isFailure: boolean;
}

export interface Flow {
  readonly start: string;
  /** In the order of the definition. */
  readonly nodes: readonly Node[];
  readonly edges: readonly Edge[];
}

/** Where a state leads, in the order of its definition. */
function leads(name: string, state: State): Edge[] {
  const next = (to: string): Edge => ({ from: name, to, isFailure: false });
  if (state.Type === 'Choice') return [...state.Choices.map(({ Next }) => Next), state.Default].map(next);
  const onward = 'Next' in state ? [next(state.Next)] : [];
  const caught =
    'Catch' in state ? state.Catch.map(({ Next }) => ({ from: name, to: Next, isFailure: true })) : [];
  return [...onward, ...caught];
}

function collect(states: States, parent: string | undefined, into: { nodes: Node[]; edges: Edge[] }): void {
  for (const [name, state] of Object.entries(states)) {
    into.nodes.push({ name, type: state.Type, comment: state.Comment, ...(parent ? { parent } : {}) });
    for (const edge of leads(name, state)) {
      const isThere = into.edges.some(({ from, to }) => from === edge.from && to === edge.to);
      if (!isThere) into.edges.push(edge);
    }
    if (state.Type === 'Parallel') {
      for (const branch of state.Branches) collect(branch.States, name, into);
    }
  }
}

export function flowOf(machine: StateMachine): Flow {
  const all: { nodes: Node[]; edges: Edge[] } = { nodes: [], edges: [] };
  collect(machine.States, undefined, all);
  return { start: machine.StartAt, ...all };
}

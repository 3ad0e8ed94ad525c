/** How far each state of a machine has come. The record knows the steps; the rest follows from where these lead. */
import type { Step } from '../connection/answers.ts';
import type { Flow, Node } from './flow.ts';

/** `passed`: a state that only leads on, or an end that was reached. */
export type Progress = 'idle' | 'running' | 'waiting' | 'retrying' | 'succeeded' | 'failed' | 'passed';

type Seen = Pick<Step, 'name' | 'status'>;

const known: readonly Progress[] = ['running', 'waiting', 'retrying', 'succeeded', 'failed'];

/** A status that a later version of the service may have is shown as one that goes on. */
const progressOf = ({ status }: Seen): Progress => known.find((each) => each === status) ?? 'running';

const hasEnded = (progress: Progress | undefined): boolean =>
  progress === 'succeeded' || progress === 'failed';

/** @returns the progress of each state, those of the steps first */
export function statesOf(
  { start, nodes, edges }: Flow,
  steps: readonly Seen[],
): ReadonlyMap<string, Progress> {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const states = new Map<string, Progress>(nodes.map(({ name }) => [name, 'idle']));
  for (const step of steps)
    if (byName.get(step.name)?.type === 'Task') states.set(step.name, progressOf(step));

  const begun = (name: string): boolean => states.get(name) !== 'idle';
  const isWay = (name: string): boolean => ['Choice', 'Pass', 'Wait'].includes(byName.get(name)?.type ?? '');
  /** Steps and ends that one comes to from a state, over states that only lead on. */
  const reached = (from: string, way: 'on' | 'back', seen = new Set<string>()): string[] => {
    if (seen.has(from)) return [];
    seen.add(from);
    return edges.flatMap((edge) => {
      const [here, there] = way === 'on' ? [edge.from, edge.to] : [edge.to, edge.from];
      if (here !== from || (edge.isFailure && way === 'on')) return [];
      return isWay(there) ? reached(there, way, seen) : [there];
    });
  };

  for (const { name, type } of nodes) {
    if (type === 'Parallel') {
      const inner = nodes
        .filter((node) => node.parent === name && node.type === 'Task')
        .map((node) => node.name);
      states.set(name, together(inner.map((each) => states.get(each) ?? 'idle')));
    }
  }
  for (const { name, type } of nodes) {
    if (type === 'Fail' && edges.some((edge) => edge.to === name && hasFailed(edge.from, edge.isFailure))) {
      states.set(name, 'failed');
    }
    if (type === 'Succeed' && reached(name, 'back').some((each) => states.get(each) === 'succeeded')) {
      states.set(name, 'succeeded');
    }
  }
  for (const { name } of nodes) {
    if (!isWay(name)) continue;
    const [before, after] = [reached(name, 'back'), reached(name, 'on')];
    // Of a way that leads back to the same steps nobody can say whether it was taken.
    if (after.every((each) => before.includes(each))) continue;
    const isLeft = name === start || before.length === 0 || before.some((each) => hasEnded(states.get(each)));
    const isEntered = after.some((each) => !before.includes(each) && begun(each));
    if (isLeft && isEntered) states.set(name, 'passed');
  }
  return states;

  function hasFailed(from: string, isFailure: boolean): boolean {
    return states.get(from) === (isFailure ? 'failed' : 'succeeded');
  }
}

function together(inner: readonly Progress[]): Progress {
  if (inner.every((each) => each === 'idle')) return 'idle';
  if (inner.some((each) => each === 'failed')) return 'failed';
  return inner.every((each) => each === 'succeeded') ? 'succeeded' : 'running';
}

/** Whether a step belongs to a machine: the undo is shown only once it has begun. */
export const hasBegun = (nodes: readonly Node[], steps: readonly Seen[]): boolean =>
  nodes.some(({ name, type }) => type === 'Task' && steps.some((step) => step.name === name));

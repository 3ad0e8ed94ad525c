/** The call graph, as the proxy records it on runs in which nothing fails: the matrix is made of it. */
import type { RecordedCall } from './proxy/call-log.ts';

/**
 * `at-once`, `late`: a provisioning whose IAM user comes so; `remove`: a removal; `undo`: the rollback of a
 * provisioning that failed at its end; `add`, `take`: a driver that is added to an integration and taken away, as far as
 * its functions are its own; `adopt`, `release`: what was there is adopted and given back, as far as that makes other calls;
 * `keep`: a removal whose bucket stays, as far as that makes other calls.
 */
export const phases = [
  'at-once',
  'late',
  'remove',
  'undo',
  'add',
  'take',
  'adopt',
  'release',
  'keep',
] as const;
export type Phase = (typeof phases)[number];

export interface GraphCall {
  readonly phase: Phase;
  readonly function: string;
  readonly operation: string;
  /** Which one of its kind in the phase, from 1 on. */
  readonly call: number;
}

export const idOf = ({ phase, function: name, operation, call }: GraphCall): string =>
  `${phase}/${name}/${operation}#${call}`;

/** Asks for itself as often as time passes; its first round is what counts. */
const repeating = new Set(['pollIamUser', 'awaitOpenCalls', 'awaitUndoCalls']);
/** What the tests themselves ask, and what comes by the clock: the sweep reads the records of all cases. */
const besides = new Set(['getIntegration', 'getDriver', 'sweep']);

/** How many places of the caller it has to look at, and whose they are, depends on who came before. */
const dependsOnOthers = ({ function: name, operation, call }: GraphCall): boolean =>
  name === 'startProvisioning' &&
  (operation === 'dynamodb:GetItem' || (operation === 'dynamodb:TransactWriteItems' && call > 1));

/** Whether the IAM user is announced a second time, to a workflow that waits no longer, depends on the moment. */
const dependsOnMoment = ({ function: name, operation, call }: GraphCall): boolean =>
  name === 'resumeProvisioning' && call > (operation === 'dynamodb:GetItem' ? 2 : 1);

/** Calls of one phase in the order in which they were made, each once. */
export function graphOf(phase: Phase, calls: readonly RecordedCall[]): GraphCall[] {
  const seen = new Map<string, GraphCall>();
  const counts = new Map<string, number>();
  const known = new Set<string>();
  for (const { function: name, operation, logicalCall } of calls) {
    if (name === undefined || besides.has(name) || known.has(logicalCall)) continue;
    // Whose IAM user comes at once may be ready before the first poll.
    if (name === 'pollIamUser' && phase !== 'late') continue;
    known.add(logicalCall);
    const kind = `${name} ${operation}`;
    const call = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, call);
    const found = { phase, function: name, operation, call };
    if (dependsOnOthers(found) || dependsOnMoment(found)) continue;
    if (repeating.has(name) && call > (operation === 'dynamodb:UpdateItem' ? 2 : 1)) continue;
    seen.set(idOf(found), found);
  }
  return [...seen.values()];
}

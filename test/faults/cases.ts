/** The matrix: every call of the recorded graph with every fault, alone and on top of a failure. */
import { type GraphCall, idOf, type Phase } from './graph.ts';
import type { RuleInput } from './proxy/faults.ts';

/** Where a fault strikes: every attempt of the SDK, some, or only the first, so that the SDK's own retry comes through. */
interface Injection {
  readonly fault: RuleInput['fault'];
  readonly attempts: 'first' | 'all' | number[];
  /** Lasting faults strike this call and all that follow of its kind. */
  readonly lasts: boolean;
}

export const faults = {
  // As often as the SDK sends a call; IAM's client sends it for as long as its function lives.
  throttle: { fault: { kind: 'throttle' }, attempts: [1, 2, 3], lasts: false },
  '5xx before': { fault: { kind: 'unavailable' }, attempts: 'all', lasts: false },
  'answer lost once': { fault: { kind: 'answer-lost' }, attempts: 'first', lasts: false },
  'answer lost': { fault: { kind: 'answer-lost' }, attempts: 'all', lasts: false },
  refused: { fault: { kind: 'refuse' }, attempts: 'all', lasts: true },
  hang: { fault: { kind: 'hang' }, attempts: 'first', lasts: false },
  'killed before': { fault: { kind: 'kill-before' }, attempts: 'all', lasts: false },
  'killed after': { fault: { kind: 'kill-after' }, attempts: 'all', lasts: false },
} as const satisfies Record<string, Injection>;

export type FaultName = keyof typeof faults;
export const faultNames = Object.keys(faults).filter((name): name is FaultName =>
  Object.hasOwn(faults, name),
);

export const parts = [
  'provision',
  'remove',
  'undo',
  'journal',
  'late',
  'drivers',
  'adopted',
  'kept',
  'views',
  'random',
] as const;
export type Part = (typeof parts)[number];

export const releases = ['before', 'during', 'after'] as const;
export type Release = (typeof releases)[number];

/** A rule of a case, whose scope is known only when it runs. */
export type CaseRule = Omit<RuleInput, 'scope'>;

export interface Case {
  readonly id: string;
  readonly part: Part;
  /** The call that the fault strikes, and the fault, for the report. */
  readonly row: string;
  readonly column: string;
  /** When Dataloop issues the IAM user. */
  readonly userArn: 'at-once' | 'late';
  /** During which request the rules hold. */
  readonly during: 'connect' | 'disconnect' | 'add' | 'take';
  readonly rules: readonly CaseRule[];
  /** How many of the rules must have struck something; left out: one. */
  readonly strikes?: number;
  /** The cases that this run joins; where one of their faults did not strike, each is run by itself. */
  readonly members?: readonly Case[];
  /** The execution is stopped while the rules hold a call back, which is let go at this point of the undo. */
  readonly release?: Release;
  /** What is held back is a write that the journal refuses once the undo has begun. */
  readonly isFenced?: boolean;
  /** How it must end: what only lasts for a moment changes nothing. `any`: in one of the three endings. */
  readonly end: 'ready' | 'clean' | 'any';
}

function rule(call: GraphCall, name: FaultName): CaseRule {
  const { fault, attempts, lasts } = faults[name];
  const { function: caller, operation } = call;
  return { function: caller, operation, call: call.call, onwards: lasts, attempts, fault };
}

const row = ({ function: caller, operation, call }: GraphCall) => `${caller} ${operation} #${call}`;

/** Where a call of a phase is met by a single fault, and how its request ends where the fault passes. */
const requests = {
  'at-once': { part: 'provision', during: 'connect', passes: 'ready' },
  late: { part: 'provision', during: 'connect', passes: 'ready' },
  remove: { part: 'remove', during: 'disconnect', passes: 'clean' },
  add: { part: 'drivers', during: 'add', passes: 'ready' },
  take: { part: 'drivers', during: 'take', passes: 'clean' },
  adopt: { part: 'adopted', during: 'connect', passes: 'ready' },
  release: { part: 'adopted', during: 'disconnect', passes: 'clean' },
  keep: { part: 'kept', during: 'disconnect', passes: 'clean' },
} as const satisfies Partial<Record<Phase, Pick<Case, 'part' | 'during'> & { passes: Case['end'] }>>;
type RequestPhase = keyof typeof requests;

/** A single fault. */
function single(phase: RequestPhase, call: GraphCall, name: FaultName): Case {
  const { part, during, passes } = requests[phase];
  return {
    id: `${idOf(call)}/${name}`,
    part,
    row: row(call),
    column: name,
    userArn: phase === 'late' ? 'late' : 'at-once',
    during,
    rules: [rule(call, name)],
    end: name === 'refused' ? 'any' : passes,
  };
}

/** A forward call fails for good, then a call of the undo fails as well. */
function double(forward: GraphCall, undo: GraphCall, name: FaultName): Case {
  return {
    id: `${idOf(undo)}/${name}`,
    part: 'undo',
    row: row(undo),
    column: name,
    userArn: 'at-once',
    during: 'connect',
    rules: [rule(forward, 'refused'), rule(undo, name)],
    end: name === 'refused' ? 'any' : 'clean',
  };
}

const outageSeconds = 2;

/** DynamoDB is down for everybody, from the nth of the phase's calls on. */
function outage(phase: 'connect' | 'disconnect', call: number): Case {
  return {
    id: `journal/${phase}/dynamodb down from #${call}`,
    part: 'journal',
    row: `${phase}: DynamoDB call #${call} and all after it`,
    column: `down for ${outageSeconds} s`,
    userArn: 'at-once',
    during: phase,
    rules: [
      {
        operation: 'dynamodb:*',
        // The tests' own looks would be counted as well; and the sweep, which looks at the records of all cases, would end
        // as a dead letter of its own.
        exceptFunctions: ['getIntegration', 'sweep'],
        call,
        onwards: true,
        forSeconds: outageSeconds,
        fault: { kind: 'unavailable' },
      },
    ],
    end: phase === 'connect' ? 'ready' : 'clean',
  };
}

/**
 * A call is held back, the execution is stopped, and the call takes effect before, during or after the undo. After
 * it, the function that made the call must be dead, so that nothing can take effect any more; or the call was a
 * write of the journal, which is then let go all the same, and must be refused.
 */
function lateEffect(call: GraphCall, release: Release): Case {
  const { function: caller, operation, call: nth } = call;
  return {
    id: `late/${caller}/${operation}#${nth}/${release}`,
    part: 'late',
    row: row(call),
    column: `takes effect ${release} the undo`,
    userArn: 'at-once',
    during: 'connect',
    // The run gives what it holds the name of its scope.
    rules: [
      { function: caller, operation, call: nth, attempts: 'all', fault: { kind: 'hold', name: 'held' } },
    ],
    release,
    isFenced: operation === 'dynamodb:UpdateItem',
    end: 'any',
  };
}

/**
 * Calls that a role allows only on a resource with our path, our tag or our boundary: AWS refuses them as long as it does
 * not show the resource, and once it shows it no longer.
 */
const hangsOnView = ({ operation }: GraphCall): boolean =>
  /^iam:(Attach|Detach|ListAttached|ListRole|Delete|CreatePolicyVersion|PutRolePermissions)/.test(operation);

/** How long a view is late; a role that is used by the call after the one that made it is sure to be that young. */
const lateSeconds = 2;

/**
 * A call is refused as long as AWS does not show what it is about. Where that was made in another step, a machine may be
 * so slow that the refusal is lasting by then: it must only keep the promise.
 */
function lateView(call: GraphCall): Case {
  const { phase, function: caller, operation, call: nth } = call;
  const isAdding = phase === 'at-once' || phase === 'add';
  const refused = {
    function: caller,
    operation,
    call: nth,
    onwards: true,
    forSeconds: lateSeconds,
    fault: { kind: 'refuse' as const },
  };
  return {
    id: `views/${idOf(call)}`,
    part: 'views',
    row: row(call),
    column: `not seen for ${lateSeconds} s`,
    userArn: 'at-once',
    during: phase === 'add' || phase === 'take' ? phase : isAdding ? 'connect' : 'disconnect',
    rules: [refused],
    end: phase === 'at-once' ? 'ready' : 'any',
  };
}

/** What changes something. */
const isWrite = ({ operation }: GraphCall): boolean => !/:(Get|Head|List|GET |POST \/token)/.test(operation);

/** Functions of the provisioning's states, which stopping the execution leaves running. */
const isStep = ({ function: caller }: GraphCall): boolean =>
  !['startProvisioning', 'resumeProvisioning', 'pollIamUser'].includes(caller);

/** Calls of a late provisioning that one at once does not make. */
function onlyLate(graph: readonly GraphCall[]): GraphCall[] {
  const known = new Set(graph.filter(({ phase }) => phase === 'at-once').map(row));
  return graph.filter((call) => call.phase === 'late' && !known.has(row(call)));
}

/**
 * The last calls before the integration is ready: everything exists by then, so that a failure gives the undo all
 * there is to undo. The second write of Activate is the one that makes it ready.
 */
const isLast = ({ function: caller, operation, call }: GraphCall): boolean =>
  caller === 'verifyDriver' || (caller === 'activate' && operation === 'dynamodb:UpdateItem' && call <= 2);

export function matrix(graph: readonly GraphCall[]): Case[] {
  const of = (...phases: GraphCall['phase'][]) => graph.filter(({ phase }) => phases.includes(phase));
  const singles = (phase: RequestPhase, calls = of(phase)) =>
    calls.flatMap((call) => faultNames.map((name) => single(phase, call, name)));
  const last = of('at-once').filter(isLast);
  const journalCalls = (phase: GraphCall['phase']) =>
    of(phase)
      .filter(({ operation }) => operation.startsWith('dynamodb:'))
      .map((_call, index) => index + 1);
  return [
    ...singles('at-once'),
    ...singles('late', onlyLate(graph)),
    ...singles('remove'),
    ...of('undo').flatMap((call, index) =>
      faultNames.flatMap((name, column) => {
        const forward = last[(index + column) % last.length];
        return forward ? [double(forward, call, name)] : [];
      }),
    ),
    ...journalCalls('at-once').map((call) => outage('connect', call)),
    ...journalCalls('remove').map((call) => outage('disconnect', call)),
    ...of('at-once')
      .filter((call) => isWrite(call) && isStep(call))
      .flatMap((call) => releases.map((release) => lateEffect(call, release))),
    ...singles('add'),
    ...singles('take'),
    ...singles('adopt'),
    ...singles('release'),
    ...singles('keep'),
    ...of('at-once', 'remove', 'add', 'take').filter(hangsOnView).map(lateView),
  ];
}

/** Parts whose calls are, but for a few, those of another part as well. */
const thinned: readonly Part[] = ['undo', 'journal', 'late', 'adopted'];
/** Of late views, the run that is the same on every machine. */
const isSampled = ({ part, end }: Case): boolean => part !== 'views' || end === 'ready';

/**
 * A part of the matrix that meets every call and every fault at least once: the faults take turns along the calls.
 * Of what the other parts meet already, every eighth row.
 */
export function sample(cases: readonly Case[]): Case[] {
  const isOwn = ({ part }: Case) => part !== 'views' && !thinned.includes(part);
  const met = new Set(cases.filter(isOwn).map(({ row: name }) => name));
  const rows = Map.groupBy(cases.filter(isSampled), ({ part, row: name }) => `${part} ${name}`);
  return [...rows.values()].flatMap((each, index) => {
    const chosen = each[index % each.length];
    if (!chosen) return [];
    const isExtra = chosen.part === 'journal' || (thinned.includes(chosen.part) && met.has(chosen.row));
    return isExtra && index % 8 !== 0 ? [] : [chosen];
  });
}

/** How many faults one run takes: what each of them waits for is waited for once. */
const atOnce = 10;

/**
 * Faults that pass, several in one run: each of another function or another operation, so that each has a count of calls
 * of its own. Of those on top of a failure, the failure of the first is that of all. What is refused, and what takes all of
 * a run, stays by itself.
 */
export function together(cases: readonly Case[]): Case[] {
  // An outage is everybody's.
  const isAlone = ({ end, release, part }: Case) =>
    end === 'any' || release !== undefined || part === 'journal';
  const passing = cases.filter((each) => !isAlone(each));
  const kinds = Map.groupBy(passing, ({ part, userArn, during }) => `${part} ${userArn} ${during}`);
  // Those that take longest come first: at the end nobody waits long for the last one.
  return [...[...kinds.values()].flatMap(inRuns), ...cases.filter(isAlone)];
}

/** Each case with the next ones that are about other calls, as many as one run takes. */
function inRuns(cases: readonly Case[]): Case[] {
  const waiting = [...cases];
  const runs: Case[] = [];
  for (let first = waiting.shift(); first; first = waiting.shift()) {
    const members = [first];
    for (const other of [...waiting]) {
      if (members.length === atOnce) break;
      if (members.some((each) => struckBy(each) === struckBy(other))) continue;
      members.push(other);
      waiting.splice(waiting.indexOf(other), 1);
    }
    if (members.length === 1) {
      runs.push(first);
      continue;
    }
    const joined = (part: (each: Case) => string) => members.map(part).join(' + ');
    runs.push({
      ...first,
      id: joined(({ id }) => id),
      row: joined(({ row: name }) => name),
      column: joined(({ column }) => column),
      rules: [...first.rules.slice(0, -1), ...members.flatMap(({ rules }) => rules.slice(-1))],
      strikes: first.rules.length - 1 + members.length,
      members,
    });
  }
  return runs;
}

/** A message that its function failed on comes again after a while: two such whiles are as long as the workflow waits. */
const comesAgain: readonly unknown[] = ['pollIamUser'];

function struckBy({ rules }: Case): string {
  const rule = rules.at(-1);
  return comesAgain.includes(rule?.function) ? `${rule?.function}` : `${rule?.function} ${rule?.operation}`;
}

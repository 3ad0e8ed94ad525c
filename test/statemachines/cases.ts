/** What the state machines are tried with: every state with success, each error that it retries, and one that lasts. */
import type { Definition, MachineName, State } from '../unit/schedules/asl.ts';
import type { Definitions } from '../unit/schedules/machine.ts';

/** What one attempt of a Task answers. */
export type Answer = { readonly value: unknown } | { readonly error: string; readonly cause: string };

export interface Case {
  readonly id: string;
  readonly machine: MachineName;
  readonly input: Readonly<Record<string, unknown>>;
  /** By state: one for each attempt; the last one repeats. */
  readonly answers: Readonly<Record<string, readonly Answer[]>>;
}

interface Path {
  readonly name: string;
  readonly machine: MachineName;
  readonly input: Case['input'];
  /** What the functions of these states answer; every other one answers with an outcome. */
  readonly payloads: Readonly<Record<string, readonly object[]>>;
  /** The states at which everything is tried; left out: all. What another way has in common with one, it need not try. */
  readonly only?: readonly string[];
}

const settled = { settled: true, waitSeconds: 1 };
const unsettled = { settled: false, waitSeconds: 5 };
const ofIntegration = { kind: 'integration', drivers: 0 };
const ofBucket = { kind: 'added bucket', drivers: 0 };
const undoing = { recordId: 'int_1', mode: 'remove', run: 1 };

/** Ways through the machines on which together every state is entered. */
const paths: readonly Path[] = [
  { name: 'connects', machine: 'provision', input: { recordId: 'int_1' }, payloads: {} },
  {
    name: 'connects and fills a dataset',
    machine: 'provision',
    input: { recordId: 'int_1' },
    payloads: { VerifyDriver: [{ driverTest: 'passed', dataset: 'Images' }] },
    only: ['CreateDataset', 'SyncDataset'],
  },
  { name: 'adds', machine: 'addDriver', input: { recordId: 'drv_1' }, payloads: {} },
  {
    name: 'undoes an integration with added buckets',
    machine: 'deprovision',
    input: { ...undoing, kind: 'integration' },
    payloads: {
      AwaitOpenCalls: [
        { ...unsettled, ...ofIntegration },
        { ...settled, ...ofIntegration, drivers: 2, again: 'DeleteRole', dataset: true },
        { ...settled, ...ofIntegration, drivers: 2 },
      ],
      RemoveDrivers: [unsettled, settled],
      AwaitUndoCalls: [unsettled, settled],
    },
  },
  {
    name: 'undoes an integration',
    machine: 'deprovision',
    input: { ...undoing, kind: 'integration' },
    payloads: { AwaitOpenCalls: [{ ...settled, ...ofIntegration }], AwaitUndoCalls: [settled] },
    only: [],
  },
  {
    name: 'undoes an added bucket',
    machine: 'deprovision',
    input: { ...undoing, recordId: 'drv_1', kind: 'added bucket' },
    payloads: {
      AwaitOpenCalls: [
        { ...settled, ...ofBucket, again: 'RevokeAccess' },
        { ...settled, ...ofBucket },
      ],
      AwaitUndoCalls: [settled],
    },
    only: ['RevokeAccess'],
  },
  {
    name: 'undoes what an earlier version started',
    machine: 'deprovision',
    input: { integrationId: 'int_1', mode: 'rollback', run: 1 },
    payloads: {
      AwaitOpenCalls: [
        { ...settled, ...ofIntegration, again: 'DeleteRole' },
        { ...settled, ...ofIntegration },
      ],
      AwaitUndoCalls: [settled],
    },
    only: [],
  },
];

/** Task states by name, those of branches, too. */
export function tasksOf({ States }: Definition): [string, State][] {
  return Object.entries(States).flatMap(([name, state]): [string, State][] => {
    if (state.Type === 'Parallel') return (state.Branches ?? []).flatMap(tasksOf);
    return state.Type === 'Task' ? [[name, state]] : [];
  });
}

export const isCallback = ({ Resource }: State): boolean => Resource?.endsWith('.waitForTaskToken') ?? false;

const failing = (error: string): Answer => ({
  error,
  cause: JSON.stringify({ errorMessage: `${error} here` }),
});
const lasting = failing('AwsAccessDeniedError');

export function casesOf(definitions: Definitions): Case[] {
  return paths.flatMap((path) => {
    const tasks = tasksOf(definitions[path.machine]);
    const tried = tasks.filter(([name]) => path.only?.includes(name) ?? true);
    const succeeding = Object.fromEntries(
      tasks.map(([name, state]): [string, Answer[]] => {
        if (isCallback(state)) return [name, [{ value: { userArn: 'arn:user' } }]];
        const payloads = path.payloads[name] ?? [
          { outcome: `${name} done`, status: 'removed', organizationId: 'org-1' },
        ];
        return [name, payloads.map((Payload) => ({ value: { StatusCode: 200, Payload } }))];
      }),
    );
    const { machine, input } = path;
    const withFailures = (what: string, failures: Readonly<Record<string, readonly Answer[]>>): Case => ({
      id: `${path.name}: ${what}`,
      machine,
      input,
      answers: {
        ...succeeding,
        ...Object.fromEntries(
          Object.entries(failures).map(([name, before]) => [name, [...before, ...(succeeding[name] ?? [])]]),
        ),
      },
    });
    const errorsOf = ({ Retry = [] }: State) => Retry.flatMap(({ ErrorEquals }) => ErrorEquals);
    const most = Math.max(0, ...tried.map(([, state]) => errorsOf(state).length));
    // Each state fails once with its next error, and then succeeds.
    const passing = Array.from({ length: most }, (_, index) =>
      withFailures(
        `error ${index + 1} of each state passes`,
        Object.fromEntries(
          tried.flatMap(([name, state]) => {
            const error = errorsOf(state)[index];
            return error === undefined ? [] : [[name, [failing(error)]]];
          }),
        ),
      ),
    );
    const lastingAt = tried.flatMap(([name, { Retry = [] }]) => [
      withFailures(`${name} fails`, { [name]: [lasting] }),
      withFailures(`${name} times out for ever`, { [name]: Array(40).fill(failing('States.Timeout')) }),
      ...Retry.map(({ ErrorEquals: [error = ''], MaxAttempts }) =>
        withFailures(`${name} has no attempt left for ${error}`, {
          [name]: Array(MaxAttempts + 1).fill(failing(error)),
        }),
      ),
      ...Retry.slice(0, 1).map(({ ErrorEquals: [error = ''] }) =>
        withFailures(`${name} fails after an error that passes`, { [name]: [failing(error), lasting] }),
      ),
    ]);
    const everyUndo = tasks.map(([name]) => name).filter((name) => /^(Delete|Revoke|Remove)/.test(name));
    return [
      withFailures('all goes well', {}),
      ...passing,
      ...lastingAt,
      ...(machine === 'deprovision'
        ? [withFailures('every undo fails', Object.fromEntries(everyUndo.map((name) => [name, [lasting]])))]
        : [withFailures('the roll-back fails, too', { Preflight: [lasting], RollBack: [lasting] })]),
      ...inBranches(definitions[machine], withFailures),
    ];
  });
}

/** One branch fails while another tries again, or fails as well. */
function inBranches(
  { States }: Definition,
  withFailures: (what: string, failures: Readonly<Record<string, readonly Answer[]>>) => Case,
): Case[] {
  const names = Object.values(States)
    .flatMap(({ Branches = [] }) => Branches)
    .map(({ StartAt }) => StartAt);
  return names.flatMap((name) =>
    names
      .filter((other) => other !== name)
      .map((other) =>
        withFailures(`${name} fails while ${other} tries again`, {
          [name]: [lasting],
          [other]: [failing('AwsUnavailableError'), failing('AwsUnavailableError')],
        }),
      ),
  );
}

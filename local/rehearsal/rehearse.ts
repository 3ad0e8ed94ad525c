/** Fails one step, follows what becomes of it, and proves what is left. */
import { setTimeout as delay } from 'node:timers/promises';
import { resourceKeys, resourceTypes } from '../../src/domain/journal.ts';
import type { IntegrationAnswer } from '../api-client.ts';
import type { Interventions } from './interventions.ts';
import {
  denialActed,
  isRehearsed,
  judgeConnection,
  judgeRemoval,
  judgeStanding,
  nameOf,
  removedBy,
  shortNames,
} from './judge.ts';
import type { Names, RehearsalService, UndoRun } from './service.ts';
import type { DeployedStack } from './stack.ts';
import { changes, type Standing } from './standing.ts';
import type { ConnectionRehearsal, Denial, Rehearsal, RemovalRehearsal } from './steps.ts';

/** How often a step is rehearsed again where its denial had not acted yet. */
const maximumTries = 3;

export interface Result {
  readonly step: string;
  readonly shows: string;
  /** `iam:AttachRolePolicy`, with the step whose role was denied it where that is another. */
  readonly denied: readonly string[];
  /** How it ended, in a few words. */
  readonly ended: string;
  /** What the service said about it. */
  readonly said: readonly string[];
  /** What had been made and was removed again. */
  readonly removed: readonly string[];
  readonly residue: IntegrationAnswer['residue'];
  readonly runsOfTheUndo: number;
  readonly tries: number;
  readonly seconds: number;
  /** What is wrong; empty where the rehearsal proves what it is to prove. */
  readonly problems: readonly string[];
  /** Where to look. */
  readonly integrationId: string | undefined;
  readonly console: string | undefined;
}

export interface Bench {
  readonly stack: DeployedStack;
  readonly service: RehearsalService;
  readonly interventions: Interventions;
  takeStanding(): Promise<Standing>;
  /** How long IAM may take to act on a change, and to show one. */
  readonly iamDelayMs: number;
}

type Draft = Omit<Result, 'step' | 'shows' | 'denied' | 'tries' | 'seconds'>;

/** Rehearses a step, again where its denial had not acted yet, and takes everything back whatever happens. */
export async function rehearse(rehearsal: Rehearsal, bench: Bench, before: Standing): Promise<Result> {
  const started = Date.now();
  for (let tries = 1; ; tries += 1) {
    const { acted, draft } = await once(rehearsal, bench, before);
    if (!acted && tries < maximumTries && draft.problems.length === 0) continue;
    const notActed = acted ? [] : [`nothing failed, ${tries} times: the denial does not act`];
    return {
      step: rehearsal.step,
      shows: rehearsal.shows,
      denied: rehearsal.denials.flatMap(({ role, actions }) =>
        actions.map((action) => (role === rehearsal.step ? action : `${action} (${role})`)),
      ),
      ...draft,
      problems: [...new Set([...draft.problems, ...notActed])],
      tries,
      seconds: (Date.now() - started) / 1000,
    };
  }
}

async function once(rehearsal: Rehearsal, bench: Bench, before: Standing) {
  const names = bench.service.nextNames();
  try {
    return rehearsal.of === 'connection'
      ? await connection(rehearsal, names, bench, before)
      : await removal(rehearsal, names, bench, before);
  } finally {
    await bench.interventions.takeAllBack();
  }
}

async function connection(rehearsal: ConnectionRehearsal, names: Names, bench: Bench, before: Standing) {
  const { service } = bench;
  await intervene(rehearsal, names, bench);
  const integration = await service.connect(names);
  await takeBack(bench);
  const runs = await service.undoRuns(integration.integrationId, 'rollback');
  if (integration.status === 'ready') await service.remove(integration.integrationId);
  const left = await unexplained(bench, before, []);
  const acted = denialActed(rehearsal, integration, runs);
  const { error } = integration;
  return {
    acted,
    draft: {
      ended: error?.step ? `${integration.status} at ${error.step}` : integration.status,
      said: error ? [`${error.title}: ${error.detail}`] : [],
      removed: removedBy(runs).map((key) => shortNames[key]),
      residue: integration.residue,
      runsOfTheUndo: runs.length,
      problems: [...(acted ? judgeConnection(rehearsal, integration, runs) : []), ...left],
      ...whereabouts(integration),
    } satisfies Draft,
  };
}

async function removal(rehearsal: RemovalRehearsal, names: Names, bench: Bench, before: Standing) {
  const { service } = bench;
  const ready = await service.connect(names);
  if (ready.status !== 'ready') return notConnected(ready);
  await intervene(rehearsal, names, bench);
  const stuck = await service.remove(ready.integrationId);
  // Before the proof: the denial itself is a change of a role.
  await takeBack(bench);
  const standing = await unexplained(bench, before, stuck.residue);
  const runs = await service.undoRuns(ready.integrationId, 'remove');
  const acted = denialActed(rehearsal, stuck, runs);
  const problems = [...(acted ? judgeRemoval(rehearsal, stuck, runs) : []), ...standing];

  let last = stuck;
  if (stuck.status === 'residue') {
    last = await service.remove(ready.integrationId);
    if (last.status !== 'removed') problems.push(`DELETE again ended as "${last.status}", not as "removed"`);
    problems.push(...(await unexplained(bench, before, [])));
  }
  return {
    acted,
    draft: {
      ended: last === stuck ? stuck.status : `${stuck.status}, then ${last.status}`,
      said: [],
      // An execution that fails says nothing of what it removed.
      removed: last.status === 'removed' ? namesOf(ready.resources) : [],
      residue: stuck.residue,
      runsOfTheUndo: runs.length,
      problems,
      ...whereabouts(ready),
    } satisfies Draft,
  };
}

const namesOf = (resources: IntegrationAnswer['resources']): string[] =>
  resourceKeys
    .filter((key) => resources.some(({ type }) => type === resourceTypes[key]))
    .flatMap((key) => (isRehearsed(key) ? [shortNames[key]] : []));

function notConnected(integration: IntegrationAnswer): { acted: true; draft: Draft } {
  const { error, residue, status } = integration;
  const why = error ? `: ${error.step ?? ''}: ${error.title}: ${error.detail}` : '';
  return {
    acted: true,
    draft: {
      ended: status,
      said: [],
      removed: [],
      residue,
      runsOfTheUndo: 0,
      problems: [
        `without any denial, the connection ended as "${status}"${why}`,
        ...residue.map((left) => `left: ${left.type} ${nameOf(left)}: ${left.reason} ${left.advice}`),
      ],
      ...whereabouts(integration),
    },
  };
}

/** The control: nothing is denied, and nothing fails. */
export async function rehearseNothing(bench: Bench, before: Standing): Promise<Result> {
  const started = Date.now();
  const ready = await bench.service.connect(bench.service.nextNames());
  let draft: Draft = notConnected(ready).draft;
  if (ready.status === 'ready') {
    const removed = await bench.service.remove(ready.integrationId);
    const problems = removed.status === 'removed' ? [] : [`DELETE ended as "${removed.status}"`];
    const runs: UndoRun[] = await bench.service.undoRuns(ready.integrationId, 'remove');
    draft = {
      ended: `ready, then ${removed.status}`,
      said: [],
      removed: removedBy(runs).map((key) => shortNames[key]),
      residue: removed.residue,
      runsOfTheUndo: runs.length,
      problems: [...problems, ...(await unexplained(bench, before, removed.residue))],
      ...whereabouts(ready),
    };
  }
  return {
    step: 'nothing',
    shows: 'the control: with nothing denied, it connects and removes',
    denied: [],
    ...draft,
    tries: 1,
    seconds: (Date.now() - started) / 1000,
  };
}

const whereabouts = ({ integrationId, links }: IntegrationAnswer) => ({
  integrationId,
  console: links.console,
});

async function intervene(
  { denials, startsAnew, step }: Rehearsal,
  names: Names,
  bench: Bench,
): Promise<void> {
  const { stack, interventions } = bench;
  for (const { role, actions, on } of denials) {
    const resource = resourceOf(on, names, stack);
    await interventions.deny(stack.physicalId(`${role}Role`), { actions, resource });
  }
  await delay(bench.iamDelayMs);
  // After the denial, so that the function cannot get a new token before it.
  if (startsAnew) await interventions.startAnew(stack.physicalId(`${step}LambdaFunction`));
}

async function takeBack(bench: Bench): Promise<void> {
  await bench.interventions.takeAllBack();
  await delay(bench.iamDelayMs);
}

export function resourceOf(
  on: Denial['on'],
  { bucketName, roleName }: Names,
  { partition, accountId, settings }: Pick<DeployedStack, 'partition' | 'accountId' | 'settings'>,
): string {
  if (on === 'everything') return '*';
  if (on === 'bucket') return `arn:${partition}:s3:::${bucketName}`;
  return `arn:${partition}:iam::${accountId}:${on}${settings.IAM_PATH}${roleName}`;
}

/** What differs from before and is not named; looked at for a while, as AWS may still show what is gone. */
async function unexplained(
  bench: Bench,
  before: Standing,
  residue: IntegrationAnswer['residue'],
): Promise<string[]> {
  const deadline = Date.now() + 4 * bench.iamDelayMs;
  for (;;) {
    const found = changes(before, await bench.takeStanding());
    const wrong = judgeStanding(found, residue, Object.keys(before.listing));
    if (wrong.length === 0 || Date.now() >= deadline) return wrong;
    await delay(5_000);
  }
}

/** Breaks one step, follows the outcome, and proves what is left. */
import { setTimeout as delay } from 'node:timers/promises';
import { resourceTypes } from '../../src/domain/model/resource-keys.ts';
import type { IntegrationAnswer } from '../observe/api-client.ts';
import type { BucketData } from './bucket-data.ts';
import { type Host, hostProblems } from './host.ts';
import type { Interventions } from './interventions.ts';
import { denialActed, judgeConnection, judgeRemoval, judgeStanding, nameOf, removedBy } from './judge.ts';
import {
  type ConnectionRehearsal,
  type Denial,
  everythingOf,
  type Rehearsal,
  type RemovalRehearsal,
  type Subject,
  shortNames,
} from './rehearsal.ts';
import type { Names, RehearsalService, UndoRun } from './service.ts';
import { changes, type Standing, withVersionsOf } from './snapshot.ts';
import type { DeployedStack } from './stack.ts';

/** How often a step is tried if its denial is not in effect yet. */
const maximumTries = 3;

export interface Result {
  readonly step: string;
  readonly subject: Subject;
  readonly shows: string;
  /** `iam:AttachRolePolicy`, followed by the step whose role was denied it, if that is another step. */
  readonly denied: readonly string[];
  /** How it ended, in a few words. */
  readonly ended: string;
  /** What the service said about it. */
  readonly said: readonly string[];
  /** What had been created and was removed. */
  readonly removed: readonly string[];
  readonly residue: IntegrationAnswer['residue'];
  /** What its owner kept. */
  readonly released?: IntegrationAnswer['released'];
  readonly runsOfTheUndo: number;
  /** How long after DELETE Dataloop's access had ended, where a removal ended it. */
  readonly accessSeconds?: number | undefined;
  readonly tries: number;
  readonly seconds: number;
  /** What is wrong; empty for a rehearsal that passed. */
  readonly problems: readonly string[];
  /** Where to look. */
  readonly id: string | undefined;
  readonly console: string | undefined;
}

/** What a rehearsal begins with. */
export interface Scene {
  /** What stands. */
  readonly before: Standing;
  /** The integration that drivers are added to; undefined where integrations are rehearsed. */
  readonly host?: Host | undefined;
}

export interface Bench {
  readonly stack: DeployedStack;
  readonly service: RehearsalService;
  readonly interventions: Interventions;
  readonly data: BucketData;
  takeStanding(): Promise<Standing>;
  /** How long IAM may take to act on a change, and to show one. */
  readonly iamDelayMs: number;
}

export type Draft = Omit<Result, 'step' | 'subject' | 'shows' | 'denied' | 'tries' | 'seconds'>;

/** Rehearses a step, again if its denial was not in effect yet, and undoes all changes whatever happens. */
export async function rehearse(rehearsal: Rehearsal, bench: Bench, scene: Scene): Promise<Result> {
  const started = Date.now();
  for (let tries = 1; ; tries += 1) {
    const { acted, draft } = await once(rehearsal, bench, scene);
    if (!acted && tries < maximumTries && draft.problems.length === 0) continue;
    const notActed = acted ? [] : [`nothing failed in ${tries} tries: the denial has no effect`];
    return {
      step: rehearsal.step,
      subject: rehearsal.subject,
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

async function once(rehearsal: Rehearsal, bench: Bench, scene: Scene) {
  const names = namesFor(bench, scene);
  try {
    return rehearsal.of === 'connection'
      ? await connection(rehearsal, names, bench, scene)
      : await removal(rehearsal, names, bench, scene);
  } finally {
    await bench.interventions.takeAllBack();
  }
}

/** A driver uses the existing role of its integration. */
const namesFor = ({ service }: Bench, { host }: Scene): Names => ({
  ...service.nextNames(),
  ...(host ? { roleName: host.names.roleName } : {}),
});

const connect = (
  { service }: Bench,
  { host }: Scene,
  names: Names,
  { withDataset }: Pick<Rehearsal, 'withDataset'> = {},
): Promise<IntegrationAnswer> =>
  host ? service.addDriver(host.integration, names) : service.connect(names, withDataset);

async function connection(rehearsal: ConnectionRehearsal, names: Names, bench: Bench, scene: Scene) {
  const { service } = bench;
  const mayWrite = rehearsal.makes.includes('access');
  const begun = mayWrite ? scene : await asLastWritten(bench, scene);
  await intervene(rehearsal, names, bench);
  const integration = await connect(bench, scene, names, rehearsal);
  await takeBack(bench);
  const runs = await service.undoRuns(integration, 'rollback');
  if (integration.status === 'ready') await service.remove(integration.links.self);
  const left = await unexplained(bench, begun, [], mayWrite || integration.status === 'ready');
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
      problems: [
        ...(acted ? judgeConnection(rehearsal, integration, runs) : []),
        ...left,
        ...(await problemsOfHost(bench, scene)),
      ],
      ...whereabouts(integration),
    } satisfies Draft,
  };
}

async function removal(rehearsal: RemovalRehearsal, names: Names, bench: Bench, scene: Scene) {
  const { service } = bench;
  const ready = await connect(bench, scene, names, rehearsal);
  if (ready.status !== 'ready') return notConnected(ready);
  if (rehearsal.withDriver) {
    const added = await service.addDriver(ready, service.nextNames());
    if (added.status !== 'ready') return notConnected(added);
  }
  await intervene(rehearsal, names, bench);
  const stuck = await service.remove(ready.links.self);
  // Before the proof, because the denial itself changes a role.
  await takeBack(bench);
  const standing = await unexplained(bench, scene, await leftOf(stuck, bench));
  const runs = await service.undoRuns(ready, 'remove');
  const acted = denialActed(rehearsal, stuck, runs);
  const problems = [...(acted ? judgeRemoval(rehearsal, stuck, runs) : []), ...standing];

  let last = stuck;
  if (stuck.status === 'residue') {
    last = await service.remove(ready.links.self);
    if (last.status !== 'removed')
      problems.push(`the second DELETE ended as "${last.status}"; expected "removed"`);
    problems.push(...(await unexplained(bench, scene, [])));
  }
  problems.push(...(await problemsOfHost(bench, scene)));
  return {
    acted,
    draft: {
      ended: last === stuck ? stuck.status : `${stuck.status}, then ${last.status}`,
      said: [],
      // A failed execution does not say what it removed.
      removed: last.status === 'removed' ? namesOf(rehearsal.subject, ready.resources) : [],
      residue: stuck.residue,
      runsOfTheUndo: runs.length,
      accessSeconds: stuck.accessSeconds,
      problems,
      ...whereabouts(ready),
    } satisfies Draft,
  };
}

/** With the shared policies as the driver before has left them: from here on they must not change. */
async function asLastWritten({ takeStanding: look }: Bench, scene: Scene): Promise<Scene> {
  if (!scene.host) return scene;
  return { ...scene, before: withVersionsOf(scene.before, await look(), scene.host.policyArns) };
}

/** What the service says is left over; for a listed driver, what the driver itself says. */
async function leftOf(
  { residue, drivers = [] }: IntegrationAnswer,
  { service }: Bench,
): Promise<IntegrationAnswer['residue']> {
  const added = await Promise.all(drivers.map(({ links }) => service.read(links.self)));
  const made = added.flatMap(({ resources }) => resources.filter(({ origin }) => origin === 'created'));
  return [
    ...residue.filter(({ arn, id }) => arn !== undefined || id !== undefined),
    ...made.map(({ origin: _created, ...resource }) => ({ ...resource, reason: '', advice: '' })),
  ];
}

const problemsOfHost = async ({ service }: Bench, { host }: Scene): Promise<string[]> =>
  host ? hostProblems(host, service) : [];

const namesOf = (subject: Subject, resources: IntegrationAnswer['resources']): string[] =>
  everythingOf[subject]
    .filter((key) => resources.some(({ type }) => type === resourceTypes[key]))
    .map((key) => shortNames[key]);

export function notConnected(integration: IntegrationAnswer): { acted: true; draft: Draft } {
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
        `with nothing denied, the connection ended as "${status}"${why}`,
        ...residue.map((left) => `left over: ${left.type} ${nameOf(left)}: ${left.reason} ${left.advice}`),
      ],
      ...whereabouts(integration),
    },
  };
}

/** What the control run shows. */
export const controlShows = 'control run: with nothing denied, connecting and removing succeed';

/** The control run: nothing is denied, and nothing fails. */
export async function rehearseNothing(bench: Bench, scene: Scene): Promise<Result> {
  const started = Date.now();
  const ready = await connect(bench, scene, namesFor(bench, scene));
  let draft: Draft = notConnected(ready).draft;
  if (ready.status === 'ready') {
    const removed = await bench.service.remove(ready.links.self);
    const problems = removed.status === 'removed' ? [] : [`DELETE ended as "${removed.status}"`];
    const runs: UndoRun[] = await bench.service.undoRuns(ready, 'remove');
    draft = {
      ended: `ready, then ${removed.status}`,
      said: [],
      removed: removedBy(runs).map((key) => shortNames[key]),
      residue: removed.residue,
      runsOfTheUndo: runs.length,
      accessSeconds: removed.accessSeconds,
      problems: [
        ...problems,
        ...(await unexplained(bench, scene, removed.residue)),
        ...(await problemsOfHost(bench, scene)),
      ],
      ...whereabouts(ready),
    };
  }
  return {
    step: 'nothing',
    subject: scene.host ? 'driver' : 'integration',
    shows: controlShows,
    denied: [],
    ...draft,
    tries: 1,
    seconds: (Date.now() - started) / 1000,
  };
}

export const whereabouts = ({ integrationId, driverId, links }: IntegrationAnswer) => ({
  id: driverId ?? integrationId,
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
  // After the denial, or the function could get a new token before it.
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

/**
 * Unexplained differences from before. It looks repeatedly, because AWS may show deleted resources for some seconds.
 * @param isWritten whether the shared policies may have changed for a driver
 */
export async function unexplained(
  bench: Bench,
  { before, host }: Scene,
  residue: IntegrationAnswer['residue'],
  isWritten = true,
): Promise<string[]> {
  const deadline = Date.now() + 4 * bench.iamDelayMs;
  const shared = { arns: host?.policyArns ?? [], rewritten: isWritten };
  for (;;) {
    const found = changes(before, await bench.takeStanding());
    const wrong = judgeStanding(found, residue, Object.keys(before.listing), shared);
    if (wrong.length === 0 || Date.now() >= deadline) return wrong;
    await delay(5_000);
  }
}

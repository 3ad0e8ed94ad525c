/** A whole rehearsal of one deployment: leftovers, controls, each step, report. */
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { StepName } from '../../src/domain/model/steps.ts';
import { projectRoot } from '../environment/paths.ts';
import type { ApiClient } from '../observe/api-client.ts';
import type { Screen } from '../observe/progress.ts';
import { type Host, makeHost } from './host.ts';
import { interventions, takeLeftoversBack } from './interventions.ts';
import { changeInWords } from './judge.ts';
import type { DeployedOptions } from './options.ts';
import { type Bench, type Result, rehearse, rehearseNothing, type Scene } from './rehearse.ts';
import { blockOf, isGood, markdownOf, type Run, tableOf, titleOf, verdictOf } from './report.ts';
import { patient, rehearsalService } from './service.ts';
import { changes, countsOf, takeStanding } from './snapshot.ts';
import type { AwsClients, DeployedStack } from './stack.ts';
import { type Rehearsal, rehearsals } from './steps.ts';

/** A deployment, and how to reach it. */
export interface Place {
  readonly stack: DeployedStack;
  readonly clients: AwsClients;
  readonly api: ApiClient;
  readonly dataloop: DeployedOptions['dataloop'];
  readonly projectId: string;
  /** How long a connection or removal may take. */
  readonly timeoutSeconds: number;
  readonly iamDelayMs: number;
  readonly pollPauseMs: number;
}

export interface Hooks {
  readonly screen: Screen;
  readonly isStopping: () => boolean;
  /** Registers what is to be done when a signal stops the program. */
  readonly beforeStopping: (work: () => Promise<void>) => void;
}

const reportFile = join(projectRoot, 'reports', 'rehearsal.md');

/** @returns whether everything was as it should be */
export async function rehearseAt(place: Place, only: readonly StepName[], hooks: Hooks): Promise<boolean> {
  const { stack, clients, dataloop, projectId, iamDelayMs } = place;
  const say = (line: string) => hooks.screen.write(`${line}\n`);
  const startedAt = new Date();
  const runId = randomBytes(4).toString('hex');
  const service = rehearsalService(paced(patient(place.api), place.pollPauseMs), stack, clients, {
    ...hooks,
    runId,
    projectId,
    timeoutSeconds: place.timeoutSeconds,
  });
  const done = interventions(clients);
  const bench: Bench = {
    stack,
    service,
    interventions: done,
    takeStanding: () => takeStanding({ clients, dataloop, projectId }),
    iamDelayMs,
  };
  const facts = factsOf(place);
  say(`\nRehearsing stage "${stack.stage}"`);
  for (const [label, value] of facts) say(`  ${label.padEnd(12)} ${value}`);

  // One of an earlier run must not pass for this one's.
  await rm(reportFile, { force: true });
  hooks.beforeStopping(() => stopGently(bench));
  await clearLeftovers(bench, clients, say);
  const before = await bench.takeStanding();
  say(`  ${'stands now'.padEnd(12)} ${countsOf(before)}`);

  const chosen = rehearsals.filter(({ step }) => only.length === 0 || only.includes(step));
  const results: Result[] = [];
  const problems: string[] = [];
  try {
    const tell = (result: Result) => {
      results.push(result);
      say(blockOf(result));
    };
    const ofKind = (kind: Rehearsal['subject']) => chosen.filter(({ subject }) => subject === kind);
    await rehearseEach(ofKind('integration'), bench, { before }, { tell, say });
    problems.push(...(await rehearseDrivers(ofKind('driver'), bench, { tell, say })));
  } catch (error) {
    problems.push(`It broke off: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await done.takeAllBack();
  }
  problems.push(...(await service.tidy()));
  const after = await bench.takeStanding();
  problems.push(...changes(before, after).map((change) => `at the end ${changeInWords(change)}`));

  const run: Run = {
    facts,
    seesDataloop: dataloop !== undefined,
    startedAt,
    endedAt: new Date(),
    before,
    after,
    results,
    rehearsed: chosen,
    problems,
  };
  await mkdir(join(projectRoot, 'reports'), { recursive: true });
  await writeFile(reportFile, markdownOf(run));
  say(`\nAll together\n${tableOf(results)}\n`);
  for (const problem of problems) say(`  ✗ ${problem}`);
  say(`  before  ${countsOf(before)}\n  after   ${countsOf(after)}`);
  say(`  ${verdictOf(run)}`);
  const seconds = ((run.endedAt.getTime() - startedAt.getTime()) / 1000).toFixed(0);
  const file = relative(process.cwd(), reportFile);
  say(`\nDone in ${seconds} s. ${isGood(run) ? 'The proof to attach' : 'The report'}: ${file}`);
  return isGood(run);
}

function factsOf({ stack, dataloop, projectId }: Place): [string, string][] {
  const { id, accountId, region, updatedAt, apiUrl } = stack;
  return [
    ['account', `${accountId}, ${region}`],
    ['stack', id],
    ['deployed', updatedAt?.toISOString() ?? 'unknown'],
    ['API', apiUrl],
    [
      'Dataloop',
      dataloop
        ? `${dataloop.apiUrl}, organisation ${dataloop.orgId}, project ${projectId}`
        : `project ${projectId}; not looked at: without DATALOOP_TOKEN only AWS's side is proven`,
    ],
  ];
}

interface Telling {
  readonly tell: (result: Result) => void;
  readonly say: (line: string) => void;
}

/** The control, then each step. */
async function rehearseEach(
  chosen: readonly Rehearsal[],
  bench: Bench,
  scene: Scene,
  { tell, say }: Telling,
): Promise<void> {
  const control = { step: 'nothing', subject: scene.host ? 'driver' : 'integration' } as const;
  say(`\n${titleOf(control)}: with nothing denied, it connects and removes`);
  const nothingDenied = await rehearseNothing(bench, scene);
  tell(nothingDenied);
  if (nothingDenied.problems.length > 0) {
    throw new Error('The service does not work here even with nothing denied: put that right first.');
  }
  let now = scene;
  for (const rehearsal of chosen) {
    say(`\n${titleOf(rehearsal)}: ${rehearsal.shows}`);
    const result = await attempt(rehearsal, bench, now);
    tell(result);
    await bench.service.tidy(scene.host?.paths);
    // What is wrong now is told once; at the end everything is compared with the very beginning.
    if (result.problems.length > 0) now = await sceneNow(bench, scene.host);
  }
}

async function sceneNow({ takeStanding: look, service }: Bench, host: Host | undefined): Promise<Scene> {
  if (!host) return { before: await look() };
  const integration = await service.read(host.integration.links.self);
  return { before: await look(), host: { ...host, integration } };
}

/** The steps of drivers, on one integration that stands meanwhile. @returns what is wrong with its removal */
async function rehearseDrivers(
  chosen: readonly Rehearsal[],
  bench: Bench,
  telling: Telling,
): Promise<string[]> {
  if (chosen.length === 0) return [];
  telling.say('\nConnecting the integration that drivers are added to, with one driver that stays');
  const host = await makeHost(bench.service);
  const [path = ''] = host.paths;
  telling.say(`  ✓ ${path} is ready`);
  // A policy that has just been written may be shown as it was.
  await delay(bench.iamDelayMs);
  await rehearseEach(chosen, bench, await sceneNow(bench, host), telling);
  telling.say('\nRemoving that integration, and the driver with it');
  const { status } = await bench.service.remove(path);
  telling.say(`  ${status === 'removed' ? '✓' : '✗'} ${path} is ${status}`);
  return status === 'removed' ? [] : [`${path}, to which drivers had been added, ended as "${status}"`];
}

/** One that breaks off does not keep the others from being rehearsed, unless they would break off too. */
async function attempt(rehearsal: Rehearsal, bench: Bench, scene: Scene): Promise<Result> {
  const started = Date.now();
  try {
    return await rehearse(rehearsal, bench, scene);
  } catch (error) {
    if (!(error instanceof Error) || isForAll(error)) throw error;
    return {
      step: rehearsal.step,
      subject: rehearsal.subject,
      shows: rehearsal.shows,
      denied: rehearsal.denials.flatMap(({ actions }) => actions),
      ended: 'broke off',
      said: [],
      removed: [],
      residue: [],
      runsOfTheUndo: 0,
      tries: 1,
      seconds: (Date.now() - started) / 1000,
      problems: [error.message],
      id: undefined,
      console: undefined,
    };
  }
}

/** What the person who rehearses may not do, or a denial that stands: every other step would meet it too. */
const isForAll = ({ name, message }: Error): boolean =>
  /^(AccessDenied|UnauthorizedOperation|ExpiredToken|CredentialsProvider)/.test(name) ||
  message.startsWith('Not taken back');

async function clearLeftovers(bench: Bench, clients: AwsClients, say: (line: string) => void): Promise<void> {
  const found = await takeLeftoversBack(clients, bench.stack);
  for (const what of found) say(`  taken back, left by a run that was killed: ${what}`);
  if (found.length > 0) await delay(bench.iamDelayMs);

  const { ours, busy, others } = await bench.service.standingIntegrations();
  if (busy.length > 0) {
    throw new Error(
      `In this stage something is going on, which a denial would fail:\n${busy.map((each) => `  ${each}`).join('\n')}\n` +
        'Wait until it has ended, or rehearse a stage that nobody else uses.',
    );
  }
  for (const path of ours) {
    const rest = await bench.service.removeForGood(path);
    if (rest) {
      throw new Error(
        `What a run that was killed has left cannot be removed: ${rest}. Do what its residue says.`,
      );
    }
    say(`  removed, left by a run that was killed: ${path}`);
  }
  if (others > 0) {
    say(`  ${others} integrations and added drivers of somebody else's in this stage; they are left alone`);
  }
}

/** A signal: the denials first, then what stands of the connection. */
async function stopGently({ interventions: done, service, iamDelayMs }: Bench): Promise<void> {
  await done.end();
  process.stderr.write('✓ Every denial is taken back. Removing what stands of the integration…\n');
  await delay(iamDelayMs);
  const left = await Promise.race([service.tidy(), delay(180_000, ['it takes more than three minutes'])]);
  process.stderr.write(
    left.length === 0
      ? '✓ Nothing is left of the integration that was being rehearsed.\n'
      : `✗ Not removed: ${left.join(', ')}. The next run finds and removes it.\n`,
  );
}

/** Asks for a status no more often than need be. */
function paced(api: ApiClient, pauseMs: number): ApiClient {
  return {
    request: async (method, ...rest) => {
      if (method === 'GET') await delay(pauseMs);
      return api.request(method, ...rest);
    },
  };
}

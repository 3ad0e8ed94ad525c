/** A whole rehearsal of one deployment: cleaning up, control runs, each step, report. */
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { StepName } from '../../src/domain/model/steps.ts';
import { projectRoot } from '../environment/paths.ts';
import type { ApiClient } from '../observe/api-client.ts';
import type { Screen } from '../observe/progress.ts';
import { terminalWidth, wrapped } from '../observe/wrapped.ts';
import { bucketData } from './bucket-data.ts';
import { type Host, makeHost } from './host.ts';
import { interventions, ServiceLeftBroken, takeLeftoversBack } from './interventions.ts';
import { changeInWords } from './judge.ts';
import { keptShows, rehearseKeeping } from './kept-bucket.ts';
import type { DeployedOptions } from './options.ts';
import type { Rehearsal } from './rehearsal.ts';
import { type Bench, controlShows, type Result, rehearse, rehearseNothing, type Scene } from './rehearse.ts';
import {
  blockOf,
  isGood,
  longestAccessOf,
  markdownOf,
  type Run,
  tableOf,
  titleOf,
  verdictOf,
} from './report.ts';
import { patient, rehearsalService } from './service.ts';
import { changes, countsOf, takeStanding } from './snapshot.ts';
import type { AwsClients, DeployedStack } from './stack.ts';
import { rehearsals } from './steps.ts';

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
  /** Registers work to do when a signal stops the program. */
  readonly beforeStopping: (work: () => Promise<void>) => void;
}

/** `  label        value` */
const fact = (label: string, value: string): string =>
  wrapped(value, terminalWidth, `  ${label.padEnd(12)} `, ' '.repeat(15));
const heading = (title: string, shows: string): string =>
  wrapped(`${title}: ${shows}`, terminalWidth, '\n', '  ');

const reportFile = join(projectRoot, 'reports', 'rehearsal.md');

/** @returns whether everything passed */
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
    data: bucketData(clients.s3, stack.settings.BUCKET_NAME_PATTERN),
    takeStanding: () => takeStanding({ clients, dataloop, projectId }),
    iamDelayMs,
  };
  const facts = factsOf(place);
  say(`\nRehearsing stage "${stack.stage}"`);
  for (const [label, value] of facts) say(fact(label, value));

  // A report of an earlier run must not look like this run's.
  await rm(reportFile, { force: true });
  hooks.beforeStopping(() => stopGently(bench));
  await clearLeftovers(bench, clients, say);
  const before = await bench.takeStanding();
  say(fact('exists now', countsOf(before)));

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
    problems.push(`The rehearsal was aborted: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await done.takeAllBack();
  }
  problems.push(...(await tidyUp(bench)));
  const after = await bench.takeStanding();
  problems.push(...changes(before, after).map((change) => `at the end, ${changeInWords(change)}`));

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
  say(`\nResults\n${tableOf(results)}\n`);
  for (const problem of problems) say(wrapped(problem, terminalWidth, '  ✗ ', '    '));
  say(fact('before', countsOf(before)));
  say(fact('after', countsOf(after)));
  say(fact('access', longestAccessOf(results)));
  say(wrapped(verdictOf(run), terminalWidth, '  ', '    '));
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
        : `project ${projectId}, not checked (set DATALOOP_TOKEN to check it as well)`,
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
  say(heading(titleOf(control), controlShows));
  const nothingDenied = await rehearseNothing(bench, scene);
  tell(nothingDenied);
  if (nothingDenied.problems.length > 0) {
    throw new Error('The service fails here even with nothing denied. Fix that first.');
  }
  let now = scene;
  if (!scene.host) {
    say(heading(titleOf({ step: 'keepBucket', subject: 'integration' }), keptShows));
    const kept = await rehearseKeeping(bench, scene);
    tell(kept);
    if (kept.problems.length > 0) {
      await tidyUp(bench);
      now = await sceneNow(bench, scene.host);
    }
  }
  for (const rehearsal of chosen) {
    say(heading(titleOf(rehearsal), rehearsal.shows));
    const result = await attempt(rehearsal, bench, now);
    tell(result);
    await bench.service.tidy(scene.host?.paths);
    // Each problem is reported once; at the end everything is compared with the very beginning.
    if (result.problems.length > 0) now = await sceneNow(bench, scene.host);
  }
}

async function sceneNow({ takeStanding: look, service }: Bench, host: Host | undefined): Promise<Scene> {
  if (!host) return { before: await look() };
  const integration = await service.read(host.integration.links.self);
  return { before: await look(), host: { ...host, integration } };
}

/** The steps of drivers, on one integration that lasts throughout. @returns problems of its removal */
async function rehearseDrivers(
  chosen: readonly Rehearsal[],
  bench: Bench,
  telling: Telling,
): Promise<string[]> {
  if (chosen.length === 0) return [];
  telling.say('\nConnecting an integration to add drivers to, and one driver that stays');
  const host = await makeHost(bench.service);
  const [path = ''] = host.paths;
  telling.say(`  ✓ ${path} is ready`);
  // IAM may still show the policy as it was before.
  await delay(bench.iamDelayMs);
  await rehearseEach(chosen, bench, await sceneNow(bench, host), telling);
  telling.say('\nRemoving that integration with its driver');
  const { status } = await bench.service.remove(path);
  telling.say(`  ${status === 'removed' ? '✓' : '✗'} ${path} is ${status}`);
  return status === 'removed' ? [] : [`${path}, the integration with added drivers, ended as "${status}"`];
}

/** An aborted rehearsal does not stop the others, unless all of them would be aborted. */
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
      ended: 'aborted',
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

/** Missing permissions of the person who rehearses, or a denial that remains: every other step would fail, too. */
const isForAll = (error: Error): boolean =>
  error instanceof ServiceLeftBroken ||
  /^(AccessDenied|UnauthorizedOperation|ExpiredToken|CredentialsProvider)/.test(error.name);

async function clearLeftovers(bench: Bench, clients: AwsClients, say: (line: string) => void): Promise<void> {
  const found = await takeLeftoversBack(clients, bench.stack);
  for (const what of found) say(`  undone, left by a run that was killed: ${what}`);
  if (found.length > 0) await delay(bench.iamDelayMs);

  const { ours, busy, others } = await bench.service.standingIntegrations();
  if (busy.length > 0) {
    throw new Error(
      `These integrations are under way, and a denial would make them fail:\n${busy.map((each) => `  ${each}`).join('\n')}\n` +
        'Wait until they have ended, or rehearse a stage that nobody else uses.',
    );
  }
  // A bucket with data would not be removed.
  await bench.data.clear();
  for (const path of ours) {
    const rest = await bench.service.removeForGood(path);
    if (rest) {
      throw new Error(
        `A run that was killed left an integration that cannot be removed: ${rest}. Do what "advice" in its residue says.`,
      );
    }
    say(`  removed, left by a run that was killed: ${path}`);
  }
  if (others > 0) {
    say(`  ${others} other integrations and drivers in this stage are left alone`);
  }
}

/** Removes what the run has connected, whether its buckets hold data or are kept. @returns what could not be removed */
async function tidyUp({ service, data }: Bench): Promise<string[]> {
  await data.clear();
  const left = await service.tidy();
  await data.clear();
  return left;
}

/** After a signal: undoes the denials first, then the connection. */
async function stopGently(bench: Bench): Promise<void> {
  const { interventions: done, iamDelayMs } = bench;
  await done.end();
  process.stderr.write('✓ All denials are undone. Removing the integration…\n');
  await delay(iamDelayMs);
  const left = await Promise.race([tidyUp(bench), delay(180_000, ['removal takes more than three minutes'])]);
  process.stderr.write(
    left.length === 0
      ? '✓ Nothing is left of the integration.\n'
      : `✗ Not removed: ${left.join(', ')}. The next run finds and removes it.\n`,
  );
}

/** Pauses before each request for a status. */
function paced(api: ApiClient, pauseMs: number): ApiClient {
  return {
    request: async (method, ...rest) => {
      if (method === 'GET') await delay(pauseMs);
      return api.request(method, ...rest);
    },
  };
}

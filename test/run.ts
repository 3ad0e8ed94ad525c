/**
 * `npm test`: lint, type check, unit tests, and the whole paths on two deployments to local AWS accounts.
 * With `integration` as its first argument only the latter, on one deployment; what follows goes to jest, but for
 * `--governed`, which deploys with all parameters of an organisation, as the second of the two is.
 */
import { appendFileSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { packageService, runServerless } from '../local/environment/deploy.ts';
import { saveFunctionLogs } from '../local/environment/logs.ts';
import { projectRoot } from '../local/environment/paths.ts';
import { runProgram, start } from '../local/environment/processes.ts';
import { inRunFolder } from '../local/environment/run-folder.ts';
import type { LocalEnvironment } from '../local/environment/start.ts';
import { everyEvent, keepEvents } from './afterwards/events.ts';
import { prepareBed, stage, startTestBed, type TestBed } from './faults/bed.ts';
import { type Case, matrix, sample, together } from './faults/cases.ts';
import { runCases } from './faults/pool.ts';
import { recordGraph } from './faults/record.ts';
import { countsOf, line } from './faults/report.ts';
import { type Count, describeBed, type Project, pythonTools, runJest } from './jest.ts';
import { takeLeftoversAway } from './leftovers.ts';

/** Where what people read is kept, once there are folders for it. */
const consoleFiles: string[] = [];
const say = (line: string) => {
  process.stdout.write(`${line}\n`);
  for (const file of consoleFiles) appendFileSync(file, `${line}\n`);
};
const bin = (name: string) => join(projectRoot, 'node_modules', '.bin', name);

/** Runs a check to its end. @returns whether it passed */
async function check(what: string, command: string, args: readonly string[]): Promise<boolean> {
  const code = await start(command, args, { cwd: projectRoot, env: process.env }).ended;
  say(`${code === 0 ? '✓' : '✗'} ${what}`);
  return code === 0;
}

/** @returns whether both are clean */
async function lintAndTypes(): Promise<boolean> {
  const lint = await check('lint and format', bin('biome'), ['check', '--error-on-warnings']);
  const types = await check('types', bin('tsc'), []);
  // Of what runs in a browser.
  return (await check('types of the page', bin('tsc'), ['--project', 'cli/page/browser'])) && types && lint;
}

/** Runs a part of the tests, says how long it took, and takes away what tests that failed have left. */
async function part(what: string, bed: TestBed, run: () => Promise<Count>): Promise<Count> {
  const started = performance.now();
  const { passed, failed } = await run();
  const left = await takeLeftoversAway(bed);
  for (const line of left) say(`✗ ${line}`);
  say(`${what}: ${Math.round((performance.now() - started) / 1000)} s`);
  return { passed, failed: failed + left.length };
}

/** One deployment with the tests that run on it: most of them wait, so two such lanes go side by side. */
interface Lane {
  readonly name: string;
  readonly bed: TestBed;
  readonly folder: string;
  readonly jest: (project: Project, options: readonly string[]) => Promise<Count>;
}

/** The folder in which the functions are bundled, once for all lanes. */
let bundled: Promise<string> | undefined;

/** @param isGoverned whether it is deployed with all parameters of an organisation */
async function startLane(
  parent: string,
  number: number,
  python: Promise<string>,
  isGoverned: boolean,
): Promise<Lane> {
  const folder = join(parent, `lane-${number}`);
  const bundle = (environment: LocalEnvironment) => {
    bundled ??= packageService(environment, stage, {}).then(dirname);
    return bundled;
  };
  const bed = await startTestBed(folder, say, number, bundle, isGoverned);
  const env = await describeBed(bed, folder, await python);
  const consoleFile = join(folder, 'console.log');
  consoleFiles.push(consoleFile);
  await keepEvents(bed.environment, everyEvent(bed.deployment.outputs.EventBusName));
  const jest: Lane['jest'] = (project, options) => runJest(folder, [project], options, env, consoleFile);
  return { name: `lane ${number + 1}`, bed, folder, jest };
}

/** The folder of the run goes with it; what the functions said stays, for those who look for a cause. */
async function keepLogs({ environment }: TestBed): Promise<void> {
  try {
    const reports = join(projectRoot, 'reports');
    await mkdir(reports, { recursive: true });
    const kept = join(reports, `functions-${basename(environment.folder)}.log`);
    await copyFile(await saveFunctionLogs(environment), kept);
    say(`What the functions logged: ${kept}`);
  } catch (error) {
    say(`The logs of the functions could not be kept: ${String(error)}`);
  }
}

/** The sample of the fault matrix, which the lanes share: each takes the next run when it has time for it. */
let shared: Promise<IterableIterator<Case>> | undefined;

/** @returns what meets every call and every fault; `npm run faults` runs all of the matrix */
async function sampleOf(bed: TestBed): Promise<IterableIterator<Case>> {
  const chosen = sample(matrix(await recordGraph(bed)));
  const runs = together(chosen);
  say(`${runs.length} runs for ${chosen.length} cases of the fault matrix`);
  return runs.values();
}

async function runFaults(bed: TestBed): Promise<Count> {
  await prepareBed(bed);
  shared ??= sampleOf(bed);
  const cases = await shared;
  const { results, violations } = await runCases(bed, cases, (result) => {
    if (result.violations.length > 0) say(line(result));
  });
  for (const violation of violations) say(`✗ ${violation}`);
  const { ready, clean, residue, violations: broken } = countsOf(results);
  const failed = broken + violations.length;
  if (failed > 0) await keepLogs(bed);
  say(`${failed === 0 ? '✓' : '✗'} fault matrix: ${ready} ready, ${clean} clean, ${residue} residue`);
  return { passed: results.length - broken, failed };
}

/** The last of all: nothing stands any more, so the service can be taken away. */
async function removeService({ environment, deployerEnv, params }: TestBed): Promise<Count> {
  try {
    await runServerless({ ...environment, env: deployerEnv }, 'remove', stage, params);
    say('✓ serverless remove');
    return { passed: 1, failed: 0 };
  } catch (error) {
    say(`✗ serverless remove: ${error instanceof Error ? error.message : String(error)}`);
    return { passed: 0, failed: 1 };
  }
}

/** They mostly wait. */
const sideBySide = ({ jest }: Lane, args: readonly string[] = []) =>
  jest('side-by-side', ['--maxWorkers=7', ...args]);
const alone = ({ jest }: Lane, args: readonly string[] = []) => jest('alone', ['--runInBand', ...args]);
const afterwards = ({ jest }: Lane) => jest('afterwards', ['--runInBand']);

async function whole(lane: Lane, number: number): Promise<Count[]> {
  const { bed, name } = lane;
  const [what, tests] = number === 0 ? (['side by side', sideBySide] as const) : (['alone', alone] as const);
  return [
    await part(`${name}, ${what}`, bed, () => tests(lane)),
    await part(`${name}, faults`, bed, () => runFaults(bed)),
    await afterwards(lane),
    await removeService(bed),
  ];
}

async function everything(folder: string, python: Promise<string>): Promise<Count[]> {
  const [isClean, ...lanes] = await Promise.all([
    lintAndTypes(),
    // One as it is by default, one as an organisation asks for it.
    ...[0, 1].map((number) => startLane(folder, number, python, number === 1)),
  ]);
  const counts = await Promise.all([
    // More random schedules than people wait for who run the unit tests alone.
    runJest(folder, ['unit', 'built'], [], { SCHEDULES: '1000', ...process.env }).then((count) => [count]),
    ...lanes.map(whole),
  ]);
  if (!isClean) say('Lint or type check failed: see above.');
  return [...counts.flat(), { passed: 0, failed: isClean ? 0 : 1 }];
}

/** Deploys with all parameters of an organisation. */
const governedOption = '--governed';

/** What is meant by arguments for jest, on one deployment. */
async function some(folder: string, python: Promise<string>, args: readonly string[]): Promise<Count[]> {
  const isGoverned = args.includes(governedOption);
  const lane = await startLane(folder, 0, python, isGoverned);
  const paths = ['--passWithNoTests', ...args.filter((each) => each !== governedOption)];
  return [
    await part('side by side', lane.bed, () => sideBySide(lane, paths)),
    await part('alone', lane.bed, () => alone(lane, paths)),
    await afterwards(lane),
    // By somebody who has the deployer's policy alone.
    ...(isGoverned ? [await removeService(lane.bed)] : []),
  ];
}

await runProgram(() =>
  inRunFolder('test', async (folder) => {
    const [only, ...args] = process.argv.slice(2);
    if (only !== undefined && only !== 'integration') {
      throw new Error(`"${only}" is not known. Either nothing, or "integration" and arguments for jest.`);
    }
    const python = pythonTools();
    const counts = await (only ? some(folder, python, args) : everything(folder, python));
    const passed = counts.reduce((sum, count) => sum + count.passed, 0);
    const failed = counts.reduce((sum, count) => sum + count.failed, 0);
    say(`${passed} passed, ${failed} failed`);
    return failed === 0 && passed > 0 ? 0 : 1;
  }),
);

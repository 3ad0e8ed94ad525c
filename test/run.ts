/**
 * `npm test`: lint, type check, unit tests, and the whole paths on one deployment to the local AWS.
 * With `integration` as its first argument only the latter; what follows goes to jest.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { runServerless } from '../local/environment/deploy.ts';
import { projectRoot } from '../local/environment/paths.ts';
import { runProgram, start } from '../local/environment/processes.ts';
import { virtualEnvironment } from '../local/environment/python.ts';
import { inRunFolder } from '../local/environment/run-folder.ts';
import { everyEvent, keepEvents } from './afterwards/events.ts';
import { prepareBed, stage, startTestBed, type TestBed } from './faults/bed.ts';
import { matrix, sample, together } from './faults/cases.ts';
import { runCases } from './faults/pool.ts';
import { recordGraph } from './faults/record.ts';
import { countsOf, line } from './faults/report.ts';
import { type Count, describeBed, type Project, runJest } from './jest.ts';
import { takeLeftoversAway } from './leftovers.ts';

/** Where what people read is kept, once there is a folder for it. */
let consoleFile: string | undefined;
const say = (line: string) => {
  process.stdout.write(`${line}\n`);
  if (consoleFile) appendFileSync(consoleFile, `${line}\n`);
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
  return (await check('types', bin('tsc'), [])) && lint;
}

const nothing: Count = { passed: 0, failed: 0 };

/** Runs a part of the tests, says how long it took, and takes away what tests that failed have left. */
async function part(what: string, bed: TestBed, run: () => Promise<Count>): Promise<Count> {
  const started = performance.now();
  const { passed, failed } = await run();
  const left = await takeLeftoversAway(bed);
  for (const line of left) say(`✗ ${line}`);
  say(`${what}: ${Math.round((performance.now() - started) / 1000)} s`);
  return { passed, failed: failed + left.length };
}

/** A part of the fault matrix that meets every call and every fault; `npm run faults` runs all of it. */
async function runFaults(bed: TestBed): Promise<Count> {
  await prepareBed(bed);
  const chosen = sample(matrix(await recordGraph(bed)));
  const cases = together(chosen);
  say(`${chosen.length} cases of the fault matrix, in ${cases.length} runs`);
  const { results, violations } = await runCases(bed, cases, (result) => {
    if (result.violations.length > 0) say(line(result));
  });
  for (const violation of violations) say(`✗ ${violation}`);
  const { ready, clean, residue, violations: broken } = countsOf(results);
  const failed = broken + violations.length;
  say(`${failed === 0 ? '✓' : '✗'} fault matrix: ${ready} ready, ${clean} clean, ${residue} residue`);
  return { passed: results.length - broken, failed };
}

/** The last of all: nothing stands any more, so the service can be taken away. */
async function removeService({ environment, params }: TestBed): Promise<Count> {
  try {
    await runServerless(environment, 'remove', stage, params);
    say('✓ serverless remove');
    return { passed: 1, failed: 0 };
  } catch (error) {
    say(`✗ serverless remove: ${error instanceof Error ? error.message : String(error)}`);
    return { passed: 0, failed: 1 };
  }
}

await runProgram(() =>
  inRunFolder('test', async (folder) => {
    const [only, ...args] = process.argv.slice(2);
    if (only !== undefined && only !== 'integration') {
      throw new Error(`"${only}" is not known. Either nothing, or "integration" and arguments for jest.`);
    }
    const [isClean, bed, python] = await Promise.all([
      only ? true : lintAndTypes(),
      startTestBed(folder, say),
      virtualEnvironment('test', 'test/requirements.txt'),
    ]);
    const env = await describeBed(bed, folder, python);
    consoleFile = join(bed.environment.folder, 'console.log');
    await keepEvents(bed.environment, everyEvent(bed.deployment.outputs.EventBusName));
    const paths = ['--passWithNoTests', ...args];
    const jest = (project: Project, options: readonly string[]) =>
      runJest(folder, project, options, project === 'unit' ? process.env : env, consoleFile);
    const counts = [
      // They mostly wait.
      await part('side by side', bed, () => jest('side-by-side', ['--maxWorkers=4', ...paths])),
    ];
    // Those who wait alone leave the machine to those who need nothing but the machine.
    const unit = only ? nothing : jest('unit', []);
    counts.push(await part('alone', bed, () => jest('alone', ['--runInBand', ...paths])));
    counts.push(await unit);
    if (!only) counts.push(await part('faults', bed, () => runFaults(bed)));
    counts.push(await jest('afterwards', ['--runInBand']));
    if (!only) counts.push(await removeService(bed));
    const passed = counts.reduce((sum, count) => sum + count.passed, 0);
    const failed = counts.reduce((sum, count) => sum + count.failed, 0);
    if (!isClean) say('Lint or type check failed: see above.');
    say(`${passed} passed, ${failed} failed`);
    return failed === 0 && passed > 0 && isClean ? 0 : 1;
  }),
);

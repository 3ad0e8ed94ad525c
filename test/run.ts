/**
 * `npm test`: lint, type check, unit tests, and the whole paths on one deployment to the local AWS.
 * With `integration` as its first argument only the latter; what follows goes to jest.
 */
import { appendFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
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

/** Where what people read is kept, once there is a folder for it. */
let consoleFile: string | undefined;
const say = (line: string) => {
  process.stdout.write(`${line}\n`);
  if (consoleFile) appendFileSync(consoleFile, `${line}\n`);
};
const bin = (name: string) => join(projectRoot, 'node_modules', '.bin', name);
const jest = [
  '--experimental-vm-modules',
  '--no-warnings',
  bin('jest').replace('.bin/jest', 'jest/bin/jest.js'),
];

const reportSchema = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  /** Files that failed before their tests could run. */
  numRuntimeErrorTestSuites: z.number(),
});

interface Count {
  readonly passed: number;
  readonly failed: number;
}

/** Runs a check to its end. @returns whether it passed */
async function check(what: string, command: string, args: readonly string[]): Promise<boolean> {
  const code = await start(command, args, { cwd: projectRoot, env: process.env }).ended;
  say(`${code === 0 ? '✓' : '✗'} ${what}`);
  return code === 0;
}

async function runJest(
  folder: string,
  project: 'unit' | 'integration' | 'side-by-side' | 'security' | 'afterwards',
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<Count> {
  const report = join(folder, `${project}.json`);
  // No measure of speed: a machine may be busy with other things.
  const options = [
    '--testTimeout=60000',
    '--selectProjects',
    project,
    '--json',
    `--outputFile=${report}`,
    ...args,
  ];
  // Standard output holds the JSON again; what people read goes to standard error.
  await start(process.execPath, [...jest, ...options], {
    cwd: projectRoot,
    env,
    discardOutput: true,
    ...(consoleFile ? { errorsAlsoTo: consoleFile } : {}),
  }).ended;
  const found = reportSchema.parse(JSON.parse(await readFile(report, 'utf8')));
  return {
    passed: found.numPassedTests,
    failed: found.numFailedTests + found.numRuntimeErrorTestSuites,
  };
}

/** Lint, types and unit tests: on a machine with two cores they run while the service is deployed. */
async function quickChecks(folder: string): Promise<{ clean: boolean; unit: Count }> {
  const lint = await check('lint and format', bin('biome'), ['check', '--error-on-warnings']);
  const types = await check('types', bin('tsc'), []);
  // Jest by itself leaves one core free, for people who go on working.
  const unit = await runJest(folder, 'unit', ['--maxWorkers=2'], process.env);
  return { clean: lint && types, unit };
}

/** Writes down where the deployment is, for the tests in jest's process. */
async function describeBed(
  bed: TestBed,
  folder: string,
  python: string,
): Promise<Record<string, string | undefined>> {
  const file = join(folder, 'deployed.json');
  const { env, ...environment } = bed.environment;
  const { deployment, params } = bed;
  const faultControlUrl = bed.proxy.controlUrl;
  await writeFile(
    file,
    JSON.stringify({ environment, deployment, params, faultControlUrl, python: join(python, 'bin') }),
  );
  return { ...env, TEST_DEPLOYMENT: file };
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
    const quick = only ? { clean: true, unit: { passed: 0, failed: 0 } } : undefined;
    const [checks, bed, python] = await Promise.all([
      quick ?? quickChecks(folder),
      startTestBed(folder, say),
      virtualEnvironment('test', 'test/requirements.txt'),
    ]);
    const env = await describeBed(bed, folder, python);
    consoleFile = join(bed.environment.folder, 'console.log');
    await keepEvents(bed.environment, everyEvent(bed.deployment.outputs.EventBusName));
    const paths = ['--passWithNoTests', ...args];
    const counts = [
      checks.unit,
      await runJest(folder, 'integration', ['--runInBand', ...paths], env),
      // They mostly wait.
      await runJest(folder, 'side-by-side', ['--maxWorkers=4', ...paths], env),
      await runJest(folder, 'security', ['--runInBand', ...paths], env),
    ];
    if (!only) counts.push(await runFaults(bed));
    counts.push(await runJest(folder, 'afterwards', ['--runInBand'], env));
    if (!only) counts.push(await removeService(bed));
    const passed = counts.reduce((sum, count) => sum + count.passed, 0);
    const failed = counts.reduce((sum, count) => sum + count.failed, 0);
    if (!checks.clean) say('Lint or type check failed: see above.');
    say(`${passed} passed, ${failed} failed`);
    return failed === 0 && passed > 0 && checks.clean ? 0 : 1;
  }),
);

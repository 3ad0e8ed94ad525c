/**
 * `npm test`: lint, type check, unit tests, and the whole paths on one deployment to the local AWS.
 * With `integration` as its first argument only the latter; what follows goes to jest.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { deployService } from '../local/deploy.ts';
import { startEnvironment } from '../local/environment.ts';
import { projectRoot } from '../local/paths.ts';
import { runProgram, start } from '../local/processes.ts';
import { virtualEnvironment } from '../local/python.ts';
import { inRunFolder } from '../local/workspace.ts';

const say = (line: string) => process.stdout.write(`${line}\n`);
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
  project: 'unit' | 'integration',
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<Count> {
  const report = join(folder, `${project}.json`);
  const options = ['--selectProjects', project, '--json', `--outputFile=${report}`, ...args];
  // Standard output holds the JSON again; what people read goes to standard error.
  await start(process.execPath, [...jest, ...options], {
    cwd: projectRoot,
    env,
    discardOutput: true,
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
  return { clean: lint && types, unit: await runJest(folder, 'unit', [], process.env) };
}

/** Short waits: retry intervals and waits of the state machines at a fiftieth. */
const waitScale = 0.02;
const iamUserTimeoutSeconds = 12;

async function deployed(folder: string): Promise<Record<string, string | undefined>> {
  const [environment, python] = await Promise.all([
    startEnvironment({ folder, portBase: process.env['PORT_BASE'], waitScale, say }),
    virtualEnvironment('test', 'test/requirements.txt'),
  ]);
  say('Deploying with serverless deploy');
  const deployment = await deployService(environment, 'test', { iamUserTimeoutSeconds });
  const file = join(folder, 'deployed.json');
  const { env, ...plain } = environment;
  await writeFile(file, JSON.stringify({ environment: plain, deployment, python: join(python, 'bin') }));
  return { ...env, TEST_DEPLOYMENT: file };
}

await runProgram(() =>
  inRunFolder('test', async (folder) => {
    const [only, ...args] = process.argv.slice(2);
    if (only !== undefined && only !== 'integration') {
      throw new Error(`"${only}" is not known. Either nothing, or "integration" and arguments for jest.`);
    }
    const quick = only ? { clean: true, unit: { passed: 0, failed: 0 } } : undefined;
    const [checks, env] = await Promise.all([quick ?? quickChecks(folder), deployed(folder)]);
    const integration = await runJest(folder, 'integration', ['--runInBand', ...args], env);
    const passed = checks.unit.passed + integration.passed;
    const failed = checks.unit.failed + integration.failed;
    if (!checks.clean) say('Lint or type check failed: see above.');
    say(`${passed} passed, ${failed} failed`);
    return failed === 0 && passed > 0 && checks.clean ? 0 : 1;
  }),
);

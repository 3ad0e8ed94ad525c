/** Runs jest on a part of the tests, and tells those that need a deployment where it is. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { projectRoot } from '../local/environment/paths.ts';
import { writePrivately } from '../local/environment/private-file.ts';
import { start } from '../local/environment/processes.ts';
import { virtualEnvironment } from '../local/environment/python.ts';
import type { TestBed } from './faults/bed.ts';
import { hangSeconds } from './until.ts';

export type Project = 'unit' | 'built' | 'side-by-side' | 'alone' | 'afterwards';

export interface Count {
  readonly passed: number;
  readonly failed: number;
}

const reportSchema = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  /** Files that failed before their tests could run. */
  numRuntimeErrorTestSuites: z.number(),
});

/**
 * @param folder where jest's report goes
 * @param consoleFile takes what people read as well
 */
export async function runJest(
  folder: string,
  projects: readonly Project[],
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  consoleFile?: string,
): Promise<Count> {
  const report = join(folder, `${projects.join('-')}.json`);
  const options = [
    '--experimental-vm-modules',
    '--no-warnings',
    join(projectRoot, 'node_modules', 'jest', 'bin', 'jest.js'),
    `--testTimeout=${hangSeconds * 1000}`,
    '--selectProjects',
    ...projects,
    '--json',
    `--outputFile=${report}`,
    ...args,
  ];
  // Standard output holds the JSON again; what people read goes to standard error.
  await start(process.execPath, options, {
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

/** The virtual environment of what the tests use. */
export const pythonTools = (): Promise<string> =>
  virtualEnvironment('test', 'test/build-requirements.txt', 'test/requirements.txt');

/** Writes down where the deployment is. @returns the environment of tests that use it */
export async function describeBed(
  bed: TestBed,
  folder: string,
  python: string,
): Promise<Record<string, string | undefined>> {
  const file = join(folder, 'deployed.json');
  const { env, ...environment } = bed.environment;
  const { deployment, params, deployerEnv } = bed;
  const deployer = {
    accessKeyId: deployerEnv['AWS_ACCESS_KEY_ID'],
    secretAccessKey: deployerEnv['AWS_SECRET_ACCESS_KEY'],
  };
  const { controlUrl, controlToken } = bed.proxy;
  const faultAddress = { controlUrl, controlToken };
  await writePrivately(
    file,
    JSON.stringify({ environment, deployment, params, deployer, faultAddress, python: join(python, 'bin') }),
  );
  return { ...env, TEST_DEPLOYMENT: file };
}

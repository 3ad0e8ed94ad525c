/** Dataloop's own Python SDK, against the sandbox. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../local/environment/paths.ts';
import { environment, python } from './deployment.ts';

const execute = promisify(execFile);

/**
 * Runs a script with a home of its own.
 * @returns what it prints last, from JSON
 */
export async function dtlpy(script: string, variables: Readonly<Record<string, string>>): Promise<unknown> {
  const home = await mkdtemp(join(tmpdir(), 'dtlpy-'));
  const SANDBOX = JSON.stringify(environment.sandbox);
  const { stdout } = await execute(
    join(python, 'python'),
    [join(projectRoot, 'test', 'integration', script)],
    { env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', HOME: home, SANDBOX, ...variables } },
  );
  await rm(home, { recursive: true });
  const found: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  return found;
}

/** Python tools in the project's own virtual environments: created once, and again when their list changes. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from './paths.ts';
import { run } from './processes.ts';

const execute = promisify(execFile);

/** Oldest Python that the emulator runs on. */
const minimum = [3, 10] as const;

/** @throws Error that says what to install when there is no Python ≥ 3.10 */
async function findPython(): Promise<string> {
  const candidates = [process.env['PYTHON'], 'python3', 'python'].filter((name) => name !== undefined);
  for (const candidate of candidates) {
    try {
      const { stdout } = await execute(candidate, [
        '-c',
        'import sys, venv, ensurepip; print(*sys.version_info[:2])',
      ]);
      const [major = 0, minor = 0] = stdout.trim().split(' ').map(Number);
      if (major === minimum[0] && minor >= minimum[1]) return candidate;
    } catch (error) {
      // Not there, or without venv: the next one may do.
      if (!(error instanceof Error)) throw error;
    }
  }
  throw new Error(
    `The local AWS needs Python ${minimum.join('.')} or newer with its venv module. None of these is: ` +
      `${candidates.join(', ')}. Install it, or set the environment variable PYTHON to its path.`,
  );
}

/** Nothing is installed that a list does not name by its hash, dependencies and what builds them included. */
const onlyKnown = [
  '--require-hashes',
  // Wheels run nothing when they are installed. A list names what has none.
  '--only-binary',
  ':all:',
  // Otherwise pip fetches what builds a package, unchecked.
  '--no-build-isolation',
  // Python compiles what is imported, which is a small part.
  '--no-compile',
];

/**
 * The folder of a virtual environment with what requirements files list.
 * @param name folder below `.venv/`
 * @param requirements paths of the files, from the project's root, in the order in which they are installed
 */
export async function virtualEnvironment(name: string, ...requirements: string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of requirements) hash.update(await readFile(join(projectRoot, path), 'utf8'));
  const version = hash.digest('hex').slice(0, 12);
  const parent = join(projectRoot, '.venv');
  const folder = join(parent, `${name}-${version}`);
  const marker = join(folder, 'complete');
  if (existsSync(marker)) return folder;

  await mkdir(parent, { recursive: true });
  // Made in place, because scripts in it name its path; a lock folder keeps a second run from doing it too.
  const lock = join(parent, `${name}-${version}.lock`);
  return withLock(lock, async () => {
    if (existsSync(marker)) return folder;
    await rm(folder, { recursive: true, force: true });
    const python = await findPython();
    const logs = await mkdtemp(join(parent, 'log-'));
    const options = { env: process.env, logFile: join(logs, 'pip.log') };
    await run(`Creating a virtual environment with ${python}`, python, ['-m', 'venv', folder], options);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...onlyKnown];
    for (const path of requirements) {
      const list = ['-r', join(projectRoot, path)];
      await run(`Installing ${path}`, join(folder, 'bin', 'python'), [...pip, ...list], options);
    }
    await writeFile(marker, '');
    await rm(logs, { recursive: true, force: true });
    return folder;
  });
}

/** Runs one at a time across processes; the lock of a process that is gone is taken over. */
async function withLock<T>(lock: string, work: () => Promise<T>): Promise<T> {
  const owner = join(lock, 'pid');
  for (;;) {
    try {
      await mkdir(lock);
      await writeFile(owner, String(process.pid));
      break;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      if (!(await isHeld(owner))) await rm(lock, { recursive: true, force: true });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  try {
    return await work();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

async function isHeld(owner: string): Promise<boolean> {
  try {
    const pid = Number(await readFile(owner, 'utf8'));
    // Between mkdir and the write the file is empty: held.
    if (pid > 0) process.kill(pid, 0);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return existsSync(owner);
    return code === 'EPERM';
  }
}

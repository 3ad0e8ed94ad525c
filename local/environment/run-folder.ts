/**
 * Private folders of runs in the system's folder for temporary files: one each, with the process that owns it in its
 * name. Not in the checkout: Node.js would look for a function's modules in ours.
 */
import { existsSync, rmSync } from 'node:fs';
import { lstat, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isStopping } from './processes.ts';

/** Whether a process lives; one of another user counts. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Whether this user made a folder: everybody may give one the name of a run. */
async function isOwnFolder(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isDirectory() === true && found.uid === process.getuid?.();
}

/** A new folder for this process, which nobody else can read; what runs that were killed have left is removed first. */
async function runFolder(kind: string, temporary: string): Promise<string> {
  // Its real path: a link in it would make one file two for some tools.
  const parent = await realpath(temporary);
  for (const name of await readdir(parent)) {
    const [, pid] = /^dataloop-cross-account-[a-z]+-(\d+)-\w+$/.exec(name) ?? [];
    const path = join(parent, name);
    if (pid && !isAlive(Number(pid)) && (await isOwnFolder(path)))
      await rm(path, { recursive: true, force: true });
  }
  // The end of its name is random, its mode 0700, and it is made only where nothing is.
  return mkdtemp(join(parent, `dataloop-cross-account-${kind}-${process.pid}-`));
}

/**
 * Does work in a folder that is removed when the process ends, unless the work failed: then the logs in it are
 * kept and the error says where.
 */
export async function inRunFolder<T>(
  kind: string,
  work: (folder: string) => Promise<T>,
  temporary = tmpdir(),
): Promise<T> {
  const folder = await runFolder(kind, temporary);
  let keep = false;
  // Synchronous and last of all: nothing can write into it any more.
  process.once('exit', () => {
    if (!keep) rmSync(folder, { recursive: true, force: true });
  });
  try {
    return await work(folder);
  } catch (error) {
    keep = existsSync(folder) && !isStopping();
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(keep ? `${message}\nLogs: ${folder}` : message, { cause: error });
  }
}

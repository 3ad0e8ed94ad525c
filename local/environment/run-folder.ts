/**
 * Folders of runs in the system's folder for temporary files, one each, named by the process that owns them. Not
 * in the checkout: Node.js would look for a function's modules in ours.
 */
import { existsSync, rmSync } from 'node:fs';
import { readdir, realpath, rm } from 'node:fs/promises';
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

/** The folder for this process; what runs that were killed have left is removed first. */
async function runFolder(kind: string): Promise<string> {
  // Its real path: a link in it would make one file two for some tools.
  const parent = await realpath(tmpdir());
  for (const name of await readdir(parent)) {
    const [, pid] = /^dataloop-cross-account-[a-z]+-(\d+)$/.exec(name) ?? [];
    if (pid && !isAlive(Number(pid))) await rm(join(parent, name), { recursive: true, force: true });
  }
  return join(parent, `dataloop-cross-account-${kind}-${process.pid}`);
}

/**
 * Does work in a folder that is removed when the process ends, unless the work failed: then the logs in it are
 * kept and the error says where.
 */
export async function inRunFolder<T>(kind: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await runFolder(kind);
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

import { rename, rm, writeFile } from 'node:fs/promises';

/**
 * Writes a file that only this user can read, in place of what had its name. In one step, so that nobody reads half of
 * it, and through a file that is made for it, so that nobody has opened that before.
 */
export async function writePrivately(path: string, text: string): Promise<void> {
  const made = `${path}.new`;
  await rm(made, { force: true });
  await writeFile(made, text, { mode: 0o600, flag: 'wx' });
  await rename(made, path);
}

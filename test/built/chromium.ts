/** A browser for tests, from the registry. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser } from 'puppeteer-core';
import { projectRoot } from '../../local/environment/paths.ts';

const cache = join(projectRoot, 'node_modules', '.cache');

/**
 * Unpacks it, once for each version: into a folder of this project, because others may write to the one for temporary
 * files. The package takes that folder from its process.
 * @returns where the program is
 */
async function unpacked(): Promise<string> {
  const manifest = join(projectRoot, 'node_modules', '@sparticuz', 'chromium', 'package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
  const folder = join(cache, `chromium-${version}`);
  if (!existsSync(folder)) {
    mkdirSync(cache, { recursive: true });
    const TMPDIR = mkdtempSync(`${folder}-`);
    const unpack = "import('@sparticuz/chromium').then(({ default: chromium }) => chromium.executablePath())";
    await promisify(execFile)(process.execPath, ['--eval', unpack], {
      cwd: projectRoot,
      env: { ...process.env, TMPDIR },
    });
    try {
      renameSync(TMPDIR, folder);
    } catch {
      // Another run was faster.
      rmSync(TMPDIR, { recursive: true });
    }
  }
  return join(folder, 'chromium');
}

/** @returns the browser, or why there is none on this machine */
export async function startBrowser(): Promise<Browser | string> {
  try {
    const executablePath = await unpacked();
    const { default: chromium } = await import('@sparticuz/chromium');
    const { launch } = await import('puppeteer-core');
    return await launch({ executablePath, args: chromium.args, headless: 'shell' });
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  }
}

/** A browser for tests, from the registry. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'puppeteer-core';
import { projectRoot } from '../../../../../local/environment/paths.ts';

/** It is unpacked once: into a folder of this project, because others may write to the one for temporary files. */
const unpacked = join(projectRoot, 'node_modules', '.cache', 'chromium');

/** @returns the browser, or why there is none on this machine */
export async function startBrowser(): Promise<Browser | string> {
  const earlier = process.env['TMPDIR'];
  try {
    mkdirSync(unpacked, { recursive: true });
    process.env['TMPDIR'] = unpacked;
    const { default: chromium } = await import('@sparticuz/chromium');
    const { launch } = await import('puppeteer-core');
    return await launch({
      executablePath: await chromium.executablePath(),
      args: chromium.args,
      headless: 'shell',
      env: { ...process.env, TMPDIR: unpacked },
    });
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  } finally {
    if (earlier === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = earlier;
  }
}
